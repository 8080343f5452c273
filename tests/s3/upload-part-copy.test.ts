// UploadPartCopy: parts out of objects that are there already.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import {
  assertErrorAnswer,
  assertRefused,
  bytesOf,
  elementOf,
  md5Hex,
  patternBytes,
  smallestPartBytes,
  startTestServer,
  type RawAnswer,
} from "./test-server.ts";

const { s3, plainS3, newBucket, put, upload, send } = await startTestServer();
const Bucket = await newBucket();
const source = patternBytes(smallestPartBytes + 12_345);
await plainS3.putObject({ Bucket, Key: "source", Body: source });

async function begin(Key: string): Promise<{ Bucket: string; Key: string; UploadId: string }> {
  const { UploadId = "" } = await plainS3.createMultipartUpload({ Bucket, Key });
  return { Bucket, Key, UploadId };
}

test("whole objects and ranges become parts, with the MD5 of their bytes", async () => {
  const place = await begin("copied");
  const CopySource = `/${Bucket}/source`;
  const whole = await s3.uploadPartCopy({ ...place, PartNumber: 1, CopySource });
  assert.equal(whole.CopyPartResult?.ETag, `"${md5Hex(source)}"`);
  assert.ok(whole.CopyPartResult?.LastModified instanceof Date);
  const CopySourceRange = "bytes=1-100000";
  const range = await s3.uploadPartCopy({ ...place, PartNumber: 2, CopySource, CopySourceRange });
  // s3-api.md 4.6, example 41: 100,000 bytes.
  assert.equal(range.CopyPartResult?.ETag, `"${md5Hex(source.subarray(1, 100_001))}"`);
  const listed = await s3.listParts(place);
  assert.deepEqual(
    listed.Parts?.map(({ Size }) => Size),
    [source.length, 100_000],
  );
  const Parts = [whole, range].map(({ CopyPartResult }, index) => ({
    PartNumber: index + 1,
    ETag: CopyPartResult?.ETag,
  }));
  await s3.completeMultipartUpload({ ...place, MultipartUpload: { Parts } });
  const read = await s3.getObject({ Bucket, Key: "copied" });
  const expected = Buffer.concat([source, source.subarray(1, 100_001)]);
  assert.ok((await bytesOf(read)).equals(expected));
  await bytesOf(await s3.getObject({ Bucket, Key: "source" }));
});

test("copied and uploaded parts make one object, which outlives its sources", async () => {
  await plainS3.putObject({ Bucket, Key: "gone", Body: source });
  const place = await begin("mixed");
  const copied = await s3.uploadPartCopy({ ...place, PartNumber: 1, CopySource: `${Bucket}/gone` });
  const sent = await plainS3.uploadPart({ ...place, PartNumber: 2, Body: "tail" });
  await s3.deleteObject({ Bucket, Key: "gone" });
  const Parts = [
    { PartNumber: 1, ETag: copied.CopyPartResult?.ETag },
    { PartNumber: 2, ETag: sent.ETag },
  ];
  await s3.completeMultipartUpload({ ...place, MultipartUpload: { Parts } });
  const read = await bytesOf(await s3.getObject({ Bucket, Key: "mixed" }));
  assert.ok(read.equals(Buffer.concat([source, Buffer.from("tail")])));
});

test("a source may itself have parts, and be small or empty", async () => {
  const bodies = [patternBytes(smallestPartBytes, 3), Buffer.from("small tail")];
  const { parts, ...place } = await upload(Bucket, "parted", bodies);
  await s3.completeMultipartUpload({ ...place, MultipartUpload: { Parts: parts } });
  await put(Bucket, "empty", "");
  const all = Buffer.concat(bodies);
  const target = await begin("from-parts");
  const start = smallestPartBytes - 4;
  const CopySource = `${Bucket}/parted`;
  const CopySourceRange = `bytes=${start}-${all.length - 1}`;
  const copied = await s3.uploadPartCopy({ ...target, PartNumber: 1, CopySource, CopySourceRange });
  assert.equal(copied.CopyPartResult?.ETag, `"${md5Hex(all.subarray(start))}"`);
  const none = await s3.uploadPartCopy({
    ...target,
    PartNumber: 2,
    CopySource: `${Bucket}/empty`,
  });
  assert.equal(none.CopyPartResult?.ETag, `"${md5Hex("")}"`);
});

const copyRange = (range: string, uploadId: string): Promise<RawAnswer> =>
  send({
    method: "PUT",
    path: `/${Bucket}/ranged`,
    query: `partNumber=1&uploadId=${uploadId}`,
    headers: { "x-amz-copy-source": `${Bucket}/source`, "x-amz-copy-source-range": range },
  });

test("only a range with both ends is one", async () => {
  const { UploadId } = await begin("ranged");
  for (const range of [
    "",
    "bytes=",
    "bytes=5-",
    "bytes=-5",
    "bytes=9-2",
    "bytes=0-1,3-4",
    "0-5",
    "bytes=a-b",
  ]) {
    assertErrorAnswer(await copyRange(range, UploadId), {
      code: "InvalidArgument",
      status: 400,
      message:
        "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
      fields: { ArgumentName: "x-amz-copy-source-range", ArgumentValue: range },
    });
  }
  assertErrorAnswer(await copyRange(`bytes=0-${source.length}`, UploadId), {
    code: "InvalidArgument",
    status: 400,
    message: `Range specified is not valid for source object of size: ${source.length}`,
  });
  const last = await copyRange(`bytes=0-${source.length - 1}`, UploadId);
  assert.equal(last.status, 200);
  assert.equal(elementOf(last.text, "ETag"), `"${md5Hex(source)}"`);
  assert.match(last.text, /<CopyPartResult xmlns=/);
});

test("the conditions on a source hold for parts too", async () => {
  const place = await begin("judged");
  const part = { ...place, PartNumber: 1, CopySource: `${Bucket}/source` };
  // s3-api.md 4.4 #3: managed copies send If-Match with each part.
  await s3.uploadPartCopy({ ...part, CopySourceIfMatch: `"${md5Hex(source)}"` });
  for (const conditions of [
    { CopySourceIfMatch: '"other"' },
    { CopySourceIfNoneMatch: `"${md5Hex(source)}"` },
    { CopySourceIfModifiedSince: new Date(Date.now() + 60_000) },
    { CopySourceIfUnmodifiedSince: new Date(0) },
  ]) {
    await assertRefused(s3.uploadPartCopy({ ...part, ...conditions }), {
      code: "PreconditionFailed",
      status: 412,
    });
  }
});

test("versions are sources, delete markers are none", async () => {
  const versioned = await newBucket("Enabled");
  const { versionId } = await put(versioned, "key", "old");
  await put(versioned, "key", "new");
  const place = await begin("versions");
  const copied = await s3.uploadPartCopy({
    ...place,
    PartNumber: 1,
    CopySource: `${versioned}/key?versionId=${versionId}`,
  });
  assert.equal(copied.CopySourceVersionId, versionId);
  assert.equal(copied.CopyPartResult?.ETag, `"${md5Hex("old")}"`);
  const marker = await s3.deleteObject({ Bucket: versioned, Key: "key" });
  const part = { ...place, PartNumber: 2 };
  await assertRefused(s3.uploadPartCopy({ ...part, CopySource: `${versioned}/key` }), {
    code: "NoSuchKey",
    status: 404,
  });
  // s3-api.md 1.4: a version id that names a delete marker is 400.
  const CopySource = `${versioned}/key?versionId=${marker.VersionId}`;
  await assertRefused(s3.uploadPartCopy({ ...part, CopySource }), {
    code: "InvalidRequest",
    status: 400,
  });
});

test("missing sources and uploads are named by their own errors", async () => {
  const place = await begin("missing");
  const part = { ...place, PartNumber: 1 };
  await assertRefused(s3.uploadPartCopy({ ...part, CopySource: `${Bucket}/none` }), {
    code: "NoSuchKey",
    status: 404,
    fields: { Key: "none" },
  });
  await assertRefused(s3.uploadPartCopy({ ...part, CopySource: "nowhere/none" }), {
    code: "NoSuchBucket",
    status: 404,
    fields: { BucketName: "nowhere" },
  });
  const CopySource = `${Bucket}/source`;
  await assertRefused(s3.uploadPartCopy({ ...part, UploadId: "nonsense", CopySource }), {
    code: "NoSuchUpload",
    status: 404,
  });
});

test("the server computes the checksum of a copied part", async () => {
  const Key = "summed";
  const begun = await s3.createMultipartUpload({ Bucket, Key, ChecksumAlgorithm: "SHA256" });
  const place = { Bucket, Key, UploadId: begun.UploadId };
  const copied = await s3.uploadPartCopy({
    ...place,
    PartNumber: 1,
    CopySource: `${Bucket}/source`,
  });
  const ChecksumSHA256 = createHash("sha256").update(source).digest("base64");
  assert.equal(copied.CopyPartResult?.ChecksumSHA256, ChecksumSHA256);
  const done = await s3.completeMultipartUpload({
    ...place,
    MultipartUpload: {
      Parts: [{ PartNumber: 1, ETag: copied.CopyPartResult?.ETag, ChecksumSHA256 }],
    },
  });
  assert.match(done.ChecksumSHA256 ?? "", /-1$/);
});
