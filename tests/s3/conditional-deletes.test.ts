// Conditional deletions. Where the documents disagree (reference: If-Match on a missing key is 204,
// service: 404) Holdfast answers 404 NoSuchKey, and 412 when a delete marker hides the key.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assertRefused, startTestServer, textOf } from "./test-server.ts";

const { s3, newBucket, put, send } = await startTestServer();

const failed = {
  code: "PreconditionFailed",
  status: 412,
  message: "At least one of the pre-conditions you specified did not hold",
};

test("If-Match deletes the object that it names and no other", async () => {
  const Bucket = await newBucket();
  const { etag } = await put(Bucket, "key", "text");
  await assertRefused(s3.deleteObject({ Bucket, Key: "key", IfMatch: '"0123"' }), {
    ...failed,
    fields: { Condition: "If-Match" },
  });
  assert.equal(await textOf(await s3.getObject({ Bucket, Key: "key" })), "text");
  await s3.deleteObject({ Bucket, Key: "key", IfMatch: `"${etag}"` });
  assert.equal((await send({ method: "HEAD", path: `/${Bucket}/key` })).status, 404);
});

test("If-Match: * deletes whatever is there", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "key");
  await s3.deleteObject({ Bucket, Key: "key", IfMatch: "*" });
  await assertRefused(s3.deleteObject({ Bucket, Key: "key", IfMatch: "*" }), {
    code: "NoSuchKey",
    status: 404,
    fields: { Key: "key" },
  });
});

test("If-Match on a hidden key fails and adds no marker", async () => {
  const Bucket = await newBucket("Enabled");
  const { etag } = await put(Bucket, "key");
  await s3.deleteObject({ Bucket, Key: "key" });
  await assertRefused(s3.deleteObject({ Bucket, Key: "key", IfMatch: `"${etag}"` }), failed);
  const { DeleteMarkers = [] } = await s3.listObjectVersions({ Bucket });
  assert.equal(DeleteMarkers.length, 1);
});

test("If-Match together with a version id is not implemented, as in S3", async () => {
  // Measured for the service: github.com/localstack/localstack/pull/13894.
  const Bucket = await newBucket("Enabled");
  const first = await put(Bucket, "key", "1");
  const place = { Bucket, Key: "key", VersionId: first.versionId };
  await assertRefused(s3.deleteObject({ ...place, IfMatch: `"${first.etag}"` }), {
    code: "NotImplemented",
    status: 501,
  });
  await s3.headObject(place);
});

test("a deletion by size or time holds for what is not there", async () => {
  const Bucket = await newBucket();
  await s3.deleteObject({ Bucket, Key: "none", IfMatchSize: 5 });
  await s3.deleteObject({ Bucket, Key: "none", IfMatchLastModifiedTime: new Date(0) });
  await put(Bucket, "key", "12345");
  const { LastModified } = await s3.headObject({ Bucket, Key: "key" });
  await assertRefused(s3.deleteObject({ Bucket, Key: "key", IfMatchSize: 4 }), failed);
  const other = { Bucket, Key: "key", IfMatchLastModifiedTime: new Date(0) };
  await assertRefused(s3.deleteObject(other), failed);
  const exact = { IfMatchSize: 5, IfMatchLastModifiedTime: LastModified };
  await s3.deleteObject({ Bucket, Key: "key", ...exact });
  assert.equal((await send({ method: "HEAD", path: `/${Bucket}/key` })).status, 404);
});

test("DeleteObjects judges each key by itself", async () => {
  const Bucket = await newBucket();
  const kept = await put(Bucket, "kept", "1");
  const gone = await put(Bucket, "gone", "2");
  const answer = await s3.deleteObjects({
    Bucket,
    Delete: {
      Objects: [
        { Key: "kept", ETag: `"${gone.etag}"` },
        { Key: "gone", ETag: `"${gone.etag}"` },
        { Key: "none", ETag: "*" },
        { Key: "kept", Size: 17 },
      ],
    },
  });
  assert.deepEqual(
    answer.Deleted?.map(({ Key }) => Key),
    ["gone"],
  );
  assert.deepEqual(
    answer.Errors?.map(({ Key, Code }) => `${Key} ${Code}`),
    ["kept PreconditionFailed", "none NoSuchKey", "kept PreconditionFailed"],
  );
  const head = await s3.headObject({ Bucket, Key: "kept" });
  assert.equal(head.ETag, `"${kept.etag}"`);
});

test("of racing conditional deletions of one version exactly one finds it", async () => {
  const Bucket = await newBucket();
  const { etag } = await put(Bucket, "key");
  const codes = await Promise.all(
    Array.from({ length: 6 }, () =>
      s3.deleteObject({ Bucket, Key: "key", IfMatch: `"${etag}"` }).then(
        () => "done",
        (error: Error) => error.name,
      ),
    ),
  );
  assert.deepEqual(
    codes.toSorted((left, right) => left.localeCompare(right)),
    ["done", ...Array.from({ length: 5 }, () => "NoSuchKey")],
  );
});
