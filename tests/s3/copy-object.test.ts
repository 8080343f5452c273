// CopyObject: sources, directives, conditions, versions, and what a copy keeps.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/app.ts";
import {
  assertErrorAnswer,
  assertRefused,
  bytesOf,
  elementOf,
  patternBytes,
  smallestPartBytes,
  startTestServer,
  textOf,
  unquoted,
} from "./test-server.ts";

const second = Math.floor(Date.now() / 1000) * 1000 - 60_000;
const clock = new ManualClock(second + 321);
const { s3, plainS3, newBucket, put, upload, send } = await startTestServer({ clock });
const Bucket = await newBucket();

test("a copy has the bytes, the ETag and the metadata of its source", async () => {
  const Body = patternBytes(100_001);
  await s3.putObject({
    Bucket,
    Key: "full",
    Body,
    ContentType: "text/x-test",
    CacheControl: "no-store",
    ContentDisposition: "inline",
    ContentLanguage: "de",
    Expires: new Date(0),
    Metadata: { a: "1" },
    Tagging: "t=1&u=2",
  });
  clock.advance(5000);
  const copied = await s3.copyObject({ Bucket, Key: "copy", CopySource: `${Bucket}/full` });
  const source = await s3.headObject({ Bucket, Key: "full", ChecksumMode: "ENABLED" });
  const copy = await s3.getObject({ Bucket, Key: "copy" });
  assert.ok((await bytesOf(copy)).equals(Body));
  assert.equal(copied.CopyObjectResult?.ETag, source.ETag);
  assert.equal(copied.CopyObjectResult?.ChecksumCRC32, source.ChecksumCRC32);
  assert.equal(copied.CopyObjectResult?.ChecksumType, "FULL_OBJECT");
  for (const name of [
    "ContentType",
    "CacheControl",
    "ContentDisposition",
    "ContentLanguage",
    "ExpiresString",
    "TagCount",
  ] as const) {
    assert.equal(copy[name], source[name], name);
  }
  assert.deepEqual(copy.Metadata, { a: "1" });
  // The copy is as old as the copying.
  assert.deepEqual(copy.LastModified, copied.CopyObjectResult?.LastModified);
  assert.equal(Number(copy.LastModified) - Number(source.LastModified), 5000);
  assert.equal(copied.CopySourceVersionId, undefined);
});

test("the answer is a document with its time in ISO 8601 and its ETag in quotes", async () => {
  await put(Bucket, "simple", "x");
  const headers = { "x-amz-copy-source": `/${Bucket}/simple` };
  const answer = await send({ method: "PUT", path: `/${Bucket}/simple-copy`, headers });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "application/xml");
  assert.match(answer.text, /^<\?xml version="1.0" encoding="UTF-8"\?>\n<CopyObjectResult/);
  assert.match(
    elementOf(answer.text, "LastModified") ?? "",
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/,
  );
  assert.match(elementOf(answer.text, "ETag") ?? "", /^"[0-9a-f]{32}"$/);
});

test("REPLACE takes metadata and tags from the request alone", async () => {
  await s3.putObject({
    Bucket,
    Key: "replaced",
    Body: "x",
    ContentType: "text/old",
    CacheControl: "old",
    Metadata: { a: "1", b: "2" },
    Tagging: "old=1",
  });
  const CopySource = `${Bucket}/replaced`;
  await s3.copyObject({
    Bucket,
    Key: "new-metadata",
    CopySource,
    MetadataDirective: "REPLACE",
    ContentType: "text/new",
    Metadata: { c: "3" },
  });
  const metadata = await s3.headObject({ Bucket, Key: "new-metadata" });
  assert.deepEqual(metadata.Metadata, { c: "3" });
  assert.deepEqual([metadata.ContentType, metadata.CacheControl], ["text/new", undefined]);
  assert.equal(metadata.TagCount, 1, "tags have a directive of their own");
  await s3.copyObject({
    Bucket,
    Key: "new-tags",
    CopySource,
    TaggingDirective: "REPLACE",
    Tagging: "x=1&y=2&z=3",
  });
  const tagged = await s3.headObject({ Bucket, Key: "new-tags" });
  assert.deepEqual([tagged.TagCount, tagged.ContentType], [3, "text/old"]);
  await s3.copyObject({ Bucket, Key: "no-tags", CopySource, TaggingDirective: "REPLACE" });
  assert.equal((await s3.headObject({ Bucket, Key: "no-tags" })).TagCount, undefined);
});

test("COPY ignores the metadata of the request", async () => {
  await s3.putObject({ Bucket, Key: "own", Body: "x", Metadata: { a: "1" } });
  await s3.copyObject({
    Bucket,
    Key: "own-copy",
    CopySource: `${Bucket}/own`,
    MetadataDirective: "COPY",
    Metadata: { b: "2" },
  });
  assert.deepEqual((await s3.headObject({ Bucket, Key: "own-copy" })).Metadata, { a: "1" });
});

test("storage class and redirect are not copied", async () => {
  // s3-api.md 1.3 [N].
  await s3.putObject({
    Bucket,
    Key: "placed",
    Body: "x",
    StorageClass: "STANDARD_IA",
    WebsiteRedirectLocation: "/elsewhere",
  });
  const CopySource = `${Bucket}/placed`;
  await s3.copyObject({ Bucket, Key: "placed-copy", CopySource });
  const copy = await s3.headObject({ Bucket, Key: "placed-copy" });
  assert.deepEqual([copy.StorageClass, copy.WebsiteRedirectLocation], [undefined, undefined]);
  await s3.copyObject({ Bucket, Key: "placed-again", CopySource, StorageClass: "ONEZONE_IA" });
  const again = await s3.headObject({ Bucket, Key: "placed-again" });
  assert.equal(again.StorageClass, "ONEZONE_IA");
});

test("unknown directives are refused", async () => {
  await put(Bucket, "source", "x");
  for (const [header, message] of [
    ["x-amz-metadata-directive", "Unknown metadata directive."],
    ["x-amz-tagging-directive", "Unknown tagging directive."],
  ] as const) {
    const headers = { "x-amz-copy-source": `${Bucket}/source`, [header]: "MERGE" };
    const answer = await send({ method: "PUT", path: `/${Bucket}/refused`, headers });
    assertErrorAnswer(answer, {
      code: "InvalidArgument",
      status: 400,
      message,
      fields: { ArgumentName: header, ArgumentValue: "MERGE" },
    });
  }
});

test("an object can be copied onto itself only when something changes", async () => {
  await s3.putObject({ Bucket, Key: "self", Body: "x", Metadata: { a: "1" } });
  const itself = { Bucket, Key: "self", CopySource: `${Bucket}/self` };
  await assertRefused(s3.copyObject(itself), {
    code: "InvalidRequest",
    status: 400,
    message:
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  });
  await s3.copyObject({ ...itself, MetadataDirective: "REPLACE", Metadata: { b: "2" } });
  const changed = await s3.getObject({ Bucket, Key: "self" });
  assert.equal(await textOf(changed), "x");
  assert.deepEqual(changed.Metadata, { b: "2" });
  await s3.copyObject({ ...itself, StorageClass: "STANDARD_IA" });
  assert.equal((await s3.headObject({ Bucket, Key: "self" })).StorageClass, "STANDARD_IA");
  assert.equal(await textOf(await s3.getObject({ Bucket, Key: "self" })), "x");
});

test("copying an older version onto its key restores it as a new version", async () => {
  const versioned = await newBucket("Enabled");
  const first = await put(versioned, "key", "old");
  const newer = await put(versioned, "key", "new");
  const restored = await s3.copyObject({
    Bucket: versioned,
    Key: "key",
    CopySource: `${versioned}/key?versionId=${first.versionId}`,
  });
  assert.equal(restored.CopySourceVersionId, first.versionId);
  assert.ok(![first.versionId, newer.versionId].includes(restored.VersionId ?? ""));
  assert.equal(await textOf(await s3.getObject({ Bucket: versioned, Key: "key" })), "old");
  assert.equal((await s3.listObjectVersions({ Bucket: versioned })).Versions?.length, 3);
});

test("sources are URL-encoded, with or without a leading slash", async () => {
  // s3-api.md 4.6, example 3: a leading slash.
  for (const key of ["ü/日本 🚀", "a+b c", "100%", "/slash", "q?versionId", "&<>"]) {
    await put(Bucket, key, `of ${key}`);
    const encoded = key.split("/").map(encodeURIComponent).join("/");
    for (const source of [
      `${Bucket}/${encoded}`,
      `/${Bucket}/${encoded}`,
      `${Bucket}%2F${encodeURIComponent(key)}`,
    ]) {
      const headers = { "x-amz-copy-source": source };
      const answer = await send({ method: "PUT", path: `/${Bucket}/target`, headers });
      assert.equal(answer.status, 200, `${source}: ${answer.text}`);
      assert.equal((await send({ path: `/${Bucket}/target` })).text, `of ${key}`);
    }
  }
});

test("a source must name a bucket and a key", async () => {
  for (const source of ["", "/", Bucket, `/${Bucket}`, `${Bucket}/`, "%zz/key"]) {
    const headers = { "x-amz-copy-source": source };
    const answer = await send({ method: "PUT", path: `/${Bucket}/none`, headers });
    assertErrorAnswer(answer, {
      code: "InvalidArgument",
      status: 400,
      fields: { ArgumentName: "x-amz-copy-source" },
    });
    assert.equal((await send({ method: "HEAD", path: `/${Bucket}/none` })).status, 404);
  }
});

test("a plus sign in the name of a source stands for a blank", async () => {
  await put(Bucket, "a b+c", "blank");
  await put(Bucket, "plus+plus", "plus");
  for (const CopySource of [`${Bucket}/a+b%2Bc`, `${Bucket}/a%20b%2Bc`, `/${Bucket}%2Fa+b%2Bc`]) {
    await s3.copyObject({ Bucket, Key: "target", CopySource });
    assert.equal(await textOf(await s3.getObject({ Bucket, Key: "target" })), "blank");
  }
  const raw = s3.copyObject({ Bucket, Key: "target", CopySource: `${Bucket}/plus+plus` });
  await assertRefused(raw, { code: "NoSuchKey", status: 404, fields: { Key: "plus plus" } });
});

test("a missing source is named by its own error", async () => {
  const copy = (CopySource: string) => s3.copyObject({ Bucket, Key: "target", CopySource });
  await assertRefused(copy(`${Bucket}/missing`), {
    code: "NoSuchKey",
    status: 404,
    message: "The specified key does not exist.",
    fields: { Key: "missing" },
  });
  await assertRefused(copy("missing-bucket/key"), {
    code: "NoSuchBucket",
    status: 404,
    fields: { BucketName: "missing-bucket" },
  });
  const versioned = await newBucket("Enabled");
  const { versionId } = await put(versioned, "a", "1");
  await put(versioned, "b", "2");
  await assertRefused(copy(`${versioned}/b?versionId=${versionId}`), {
    code: "NoSuchVersion",
    status: 404,
  });
  await assertRefused(copy(`${versioned}/b?versionId=`), {
    code: "InvalidArgument",
    status: 400,
    message: "Version id cannot be the empty string",
  });
});

test("a delete marker is no source", async () => {
  const versioned = await newBucket("Enabled");
  await put(versioned, "key");
  const { VersionId } = await s3.deleteObject({ Bucket: versioned, Key: "key" });
  const copy = (CopySource: string) => s3.copyObject({ Bucket, Key: "target", CopySource });
  const error = await assertRefused(copy(`${versioned}/key`), { code: "NoSuchKey", status: 404 });
  assert.equal(error.$response?.headers["x-amz-delete-marker"], undefined);
  await assertRefused(copy(`${versioned}/key?versionId=${VersionId}`), {
    code: "InvalidRequest",
    status: 400,
    message:
      "The source of a copy request may not specifically refer to a delete marker by version id.",
  });
});

test("the conditions on a source", async () => {
  const { etag } = await put(Bucket, "judged", "x");
  const { LastModified = new Date(0) } = await s3.headObject({ Bucket, Key: "judged" });
  const before = new Date(LastModified.getTime() - 1000);
  const after = new Date(LastModified.getTime() + 1000);
  const copy = (conditions: object) =>
    s3.copyObject({ Bucket, Key: "judged-copy", CopySource: `${Bucket}/judged`, ...conditions });
  // s3-api.md 1.7: match outranks unmodified-since, none-match outranks modified-since; never 304.
  const allowed = [
    { CopySourceIfMatch: `"${etag}"` },
    { CopySourceIfMatch: etag, CopySourceIfUnmodifiedSince: before },
    { CopySourceIfNoneMatch: '"other"' },
    { CopySourceIfModifiedSince: before },
    { CopySourceIfUnmodifiedSince: LastModified },
    { CopySourceIfNoneMatch: '"other"', CopySourceIfModifiedSince: after },
  ];
  for (const conditions of allowed) await copy(conditions);
  const refused = [
    [{ CopySourceIfMatch: '"other"' }, "x-amz-copy-source-If-Match"],
    [{ CopySourceIfNoneMatch: `"${etag}"` }, "x-amz-copy-source-If-None-Match"],
    [{ CopySourceIfModifiedSince: LastModified }, "x-amz-copy-source-If-Modified-Since"],
    [{ CopySourceIfUnmodifiedSince: before }, "x-amz-copy-source-If-Unmodified-Since"],
    [
      { CopySourceIfNoneMatch: etag, CopySourceIfModifiedSince: before },
      "x-amz-copy-source-If-None-Match",
    ],
  ] as const;
  for (const [conditions, condition] of refused) {
    await assertRefused(copy(conditions), {
      code: "PreconditionFailed",
      status: 412,
      fields: { Condition: condition },
    });
  }
});

test("another checksum algorithm is computed from the bytes", async () => {
  for (const size of [10, 200_000]) {
    const Body = patternBytes(size);
    await s3.putObject({ Bucket, Key: "summed", Body });
    const copied = await s3.copyObject({
      Bucket,
      Key: "summed-copy",
      CopySource: `${Bucket}/summed`,
      ChecksumAlgorithm: "SHA256",
    });
    const direct = await s3.putObject({ Bucket, Key: "d", Body, ChecksumAlgorithm: "SHA256" });
    assert.equal(copied.CopyObjectResult?.ChecksumSHA256, direct.ChecksumSHA256);
    assert.equal(copied.CopyObjectResult?.ChecksumCRC32, undefined);
    const head = await s3.headObject({ Bucket, Key: "summed-copy", ChecksumMode: "ENABLED" });
    assert.equal(head.ChecksumSHA256, direct.ChecksumSHA256);
  }
  await assertRefused(
    s3.copyObject({
      Bucket,
      Key: "x",
      CopySource: `${Bucket}/summed`,
      ChecksumAlgorithm: "CRC31" as "CRC32",
    }),
    { code: "InvalidRequest", status: 400, message: /^Checksum algorithm provided is unsupported/ },
  );
});

test("a copy outlives its source, and a source its copy", async () => {
  for (const size of [20, 100_000]) {
    const Body = patternBytes(size);
    for (const [kept, removed] of [
      ["from", "to"],
      ["to", "from"],
    ] as const) {
      await plainS3.putObject({ Bucket, Key: "from", Body });
      await s3.copyObject({ Bucket, Key: "to", CopySource: `${Bucket}/from` });
      await s3.deleteObject({ Bucket, Key: removed });
      assert.ok((await bytesOf(await s3.getObject({ Bucket, Key: kept }))).equals(Body));
    }
  }
});

test("a copy goes into another bucket, whatever the versioning of the two", async () => {
  const source = await newBucket("Enabled");
  const target = await newBucket("Suspended");
  const { versionId } = await put(source, "key", "text");
  const copied = await s3.copyObject({ Bucket: target, Key: "key", CopySource: `${source}/key` });
  assert.deepEqual([copied.CopySourceVersionId, copied.VersionId], [versionId, undefined]);
  const back = await s3.copyObject({ Bucket: source, Key: "key", CopySource: `${target}/key` });
  assert.equal(back.CopySourceVersionId, "null");
  assert.notEqual(back.VersionId, versionId);
});

test("the copy of an object of several parts has all its bytes", async () => {
  const bodies = [patternBytes(smallestPartBytes, 1), patternBytes(1000, 2)];
  const { parts, ...place } = await upload(Bucket, "parted", bodies);
  await s3.completeMultipartUpload({ ...place, MultipartUpload: { Parts: parts } });
  await s3.copyObject({ Bucket, Key: "parted-copy", CopySource: `${Bucket}/parted` });
  await s3.deleteObject({ Bucket, Key: "parted" });
  const read = await s3.getObject({ Bucket, Key: "parted-copy" });
  assert.ok((await bytesOf(read)).equals(Buffer.concat(bodies)));
  // By design (docs/decisions/0004): S3 would give it the ETag of a single upload.
  assert.match(unquoted(read.ETag), /-2$/);
});

test("grants and encryption of a copy are refused as those of an upload", async () => {
  await put(Bucket, "source", "x");
  const copy = { Bucket, Key: "target", CopySource: `${Bucket}/source` };
  await assertRefused(s3.copyObject({ ...copy, ACL: "public-read" }), {
    code: "AccessControlListNotSupported",
    status: 400,
  });
  await assertRefused(s3.copyObject({ ...copy, ServerSideEncryption: "aws:fsx" }), {
    code: "InvalidArgument",
    status: 400,
  });
  await assertRefused(s3.copyObject({ ...copy, StorageClass: "COLD" as "GLACIER" }), {
    code: "InvalidStorageClass",
    status: 400,
  });
});
