// GetObjectAttributes: what is asked for and nothing else, and the pages of an object's parts.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertErrorAnswer,
  assertRefused,
  elementOf,
  md5Hex,
  patternBytes,
  smallestPartBytes,
  startTestServer,
} from "./test-server.ts";

const { s3, plainS3, newBucket, put, upload, send } = await startTestServer();
const Bucket = await newBucket();
const single = await s3.putObject({ Bucket, Key: "single", Body: "text", StorageClass: "GLACIER" });

const bodies = [1, 2, 3].map((seed) => patternBytes(smallestPartBytes, seed));
const parted = { Bucket, Key: "parted" };
const begun = await plainS3.createMultipartUpload({ ...parted, ChecksumAlgorithm: "SHA256" });
const parts: {
  PartNumber: number;
  ETag: string | undefined;
  ChecksumSHA256: string | undefined;
}[] = [];
for (const [index, Body] of bodies.entries()) {
  const PartNumber = index + 1;
  const { ETag, ChecksumSHA256 } = await s3.uploadPart({
    ...parted,
    UploadId: begun.UploadId,
    PartNumber,
    Body,
    ChecksumAlgorithm: "SHA256",
  });
  parts.push({ PartNumber, ETag, ChecksumSHA256 });
}
const done = await s3.completeMultipartUpload({
  ...parted,
  UploadId: begun.UploadId,
  MultipartUpload: { Parts: parts },
});

test("every attribute of a single upload", async () => {
  const answer = await s3.getObjectAttributes({
    Bucket,
    Key: "single",
    ObjectAttributes: ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"],
  });
  // github.com/floci-io/floci/pull/3093: here the ETag has no quotes.
  assert.equal(answer.ETag, md5Hex("text"));
  assert.deepEqual(answer.Checksum, {
    ChecksumCRC32: single.ChecksumCRC32,
    ChecksumType: "FULL_OBJECT",
  });
  assert.deepEqual([answer.StorageClass, answer.ObjectSize], ["GLACIER", 4]);
  assert.equal(answer.ObjectParts, undefined);
  const { LastModified } = await s3.headObject({ Bucket, Key: "single" });
  assert.deepEqual(answer.LastModified, LastModified);
  assert.equal(answer.VersionId, undefined);
});

test("only what is asked for is told", async () => {
  const headers = { "x-amz-object-attributes": "ObjectSize" };
  const answer = await send({ path: `/${Bucket}/single`, query: "attributes", headers });
  assert.equal(answer.status, 200);
  assert.match(
    answer.text,
    /<GetObjectAttributesResponse xmlns="[^"]+"><ObjectSize>4<\/ObjectSize><\/GetObjectAttributesResponse>$/,
  );
  const several = { "x-amz-object-attributes": "ETag, StorageClass" };
  const two = await send({ path: `/${Bucket}/single`, query: "attributes", headers: several });
  assert.equal(elementOf(two.text, "ETag"), md5Hex("text"));
  assert.equal(elementOf(two.text, "StorageClass"), "GLACIER");
  assert.equal(elementOf(two.text, "ObjectSize"), undefined);
});

test("STANDARD is named here", async () => {
  await put(Bucket, "standard");
  const answer = await s3.getObjectAttributes({
    Bucket,
    Key: "standard",
    ObjectAttributes: ["StorageClass"],
  });
  assert.equal(answer.StorageClass, "STANDARD");
});

test("the parts of an object with their checksums", async () => {
  const answer = await s3.getObjectAttributes({
    ...parted,
    ObjectAttributes: ["ObjectParts", "Checksum", "ETag", "ObjectSize"],
  });
  assert.equal(answer.ObjectParts?.TotalPartsCount, 3);
  assert.deepEqual(
    answer.ObjectParts?.Parts,
    parts.map(({ PartNumber, ChecksumSHA256 }) => ({
      PartNumber,
      Size: smallestPartBytes,
      ChecksumSHA256,
    })),
  );
  assert.equal(answer.ObjectParts?.IsTruncated, false);
  assert.equal(`"${answer.ETag}"`, done.ETag);
  assert.equal(answer.ObjectSize, 3 * smallestPartBytes);
  // github.com/floci-io/floci/issues/3083: here the composite value has no number of parts.
  assert.deepEqual(answer.Checksum, {
    ChecksumSHA256: done.ChecksumSHA256?.replace(/-3$/, ""),
    ChecksumType: "COMPOSITE",
  });
});

test("parts come in pages", async () => {
  for (const MaxParts of [1, 2, 3, 1000]) {
    const found: (number | undefined)[] = [];
    let PartNumberMarker: string | undefined;
    for (;;) {
      const { ObjectParts } = await s3.getObjectAttributes({
        ...parted,
        ObjectAttributes: ["ObjectParts"],
        MaxParts,
        PartNumberMarker,
      });
      assert.equal(ObjectParts?.TotalPartsCount, 3);
      assert.equal(ObjectParts?.MaxParts, MaxParts);
      assert.ok((ObjectParts?.Parts?.length ?? 0) <= MaxParts);
      found.push(...(ObjectParts?.Parts ?? []).map(({ PartNumber }) => PartNumber));
      if (ObjectParts?.IsTruncated !== true) break;
      PartNumberMarker = ObjectParts.NextPartNumberMarker;
    }
    assert.deepEqual(found, [1, 2, 3]);
  }
});

test("an object whose upload named no algorithm tells how many parts it has", async () => {
  const { parts: listed, ...place } = await upload(Bucket, "unsummed", bodies.slice(0, 2));
  await s3.completeMultipartUpload({ ...place, MultipartUpload: { Parts: listed } });
  const { ObjectParts } = await s3.getObjectAttributes({
    Bucket,
    Key: "unsummed",
    ObjectAttributes: ["ObjectParts"],
  });
  assert.equal(ObjectParts?.TotalPartsCount, 2);
});

test("versions have attributes of their own", async () => {
  const versioned = await newBucket("Enabled");
  const { versionId } = await put(versioned, "key", "12345");
  await put(versioned, "key", "1");
  const old = await s3.getObjectAttributes({
    Bucket: versioned,
    Key: "key",
    VersionId: versionId,
    ObjectAttributes: ["ObjectSize"],
  });
  assert.deepEqual([old.ObjectSize, old.VersionId], [5, versionId]);
  const marker = await s3.deleteObject({ Bucket: versioned, Key: "key" });
  const ask = (VersionId?: string) =>
    s3.getObjectAttributes({
      Bucket: versioned,
      Key: "key",
      VersionId,
      ObjectAttributes: ["ETag"],
    });
  await assertRefused(ask(), { code: "NoSuchKey", status: 404 });
  await assertRefused(ask(marker.VersionId), { code: "MethodNotAllowed", status: 405 });
});

test("unknown, wrong and missing attributes are refused", async () => {
  const ask = (headers: Record<string, string>) =>
    send({ path: `/${Bucket}/single`, query: "attributes", headers });
  for (const value of ["Color", "ETag,Color", "etag"]) {
    assertErrorAnswer(await ask({ "x-amz-object-attributes": value }), {
      code: "InvalidArgument",
      status: 400,
      message: "Invalid attribute name specified.",
      fields: { ArgumentName: "x-amz-object-attributes" },
    });
  }
  const missing = {
    code: "InvalidArgument",
    status: 400,
    message:
      "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
  };
  assertErrorAnswer(await ask({}), missing);
  assertErrorAnswer(await ask({ "x-amz-object-attributes": "" }), missing);
  const marker = { "x-amz-object-attributes": "ObjectParts", "x-amz-part-number-marker": "x" };
  const answer = await send({ path: `/${Bucket}/parted`, query: "attributes", headers: marker });
  assertErrorAnswer(answer, { code: "InvalidArgument", status: 400 });
});
