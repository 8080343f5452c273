// What answers announce of a bucket's lifecycle: x-amz-expiration of objects, x-amz-abort-date and
// x-amz-abort-rule-id of uploads, by a clock that stands still.

import assert from "node:assert/strict";
import { test } from "node:test";
import { S3, type LifecycleRule } from "@aws-sdk/client-s3";
import { ManualClock } from "../../src/app.ts";
import { smallestPartBytes, startTestServer } from "./test-server.ts";

const clock = new ManualClock(Date.parse("2026-03-04T10:30:00Z"));
const started = await startTestServer({ clock });
const s3: S3 = started.client({ systemClockOffset: clock.now() - Date.now() });

async function newBucket(Rules: LifecycleRule[], isVersioned = false): Promise<string> {
  const Bucket = started.newBucketName();
  await s3.createBucket({ Bucket });
  if (isVersioned) {
    await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Enabled" } });
  }
  await s3.putBucketLifecycleConfiguration({ Bucket, LifecycleConfiguration: { Rules } });
  return Bucket;
}

const expiring: LifecycleRule[] = [
  {
    ID: "Delete logs after 3 days",
    Filter: { Prefix: "logs/" },
    Status: "Enabled",
    Expiration: { Days: 3 },
  },
  { ID: "late", Filter: { Prefix: "" }, Status: "Enabled", Expiration: { Days: 30 } },
  { ID: "off", Filter: { Prefix: "" }, Status: "Disabled", Expiration: { Days: 1 } },
];
const announced = 'expiry-date="Sun, 08 Mar 2026 00:00:00 GMT", rule-id="Delete logs after 3 days"';

test("a write, a copy, a completion and every read say when the object ends", async () => {
  const Bucket = await newBucket(expiring);
  const Key = "logs/one";
  const put = await s3.putObject({ Bucket, Key, Body: "text" });
  assert.equal(put.Expiration, announced);
  assert.equal((await s3.headObject({ Bucket, Key })).Expiration, announced);
  assert.equal((await s3.getObject({ Bucket, Key })).Expiration, announced);
  assert.equal((await s3.getObject({ Bucket, Key, Range: "bytes=0-1" })).Expiration, announced);
  const copy = await s3.copyObject({ Bucket, Key: "logs/two", CopySource: `${Bucket}/${Key}` });
  assert.equal(copy.Expiration, announced);
  const upload = { Bucket, Key: "logs/three" };
  const { UploadId } = await s3.createMultipartUpload(upload);
  const { ETag } = await s3.uploadPart({ ...upload, UploadId, PartNumber: 1, Body: "part" });
  const completed = await s3.completeMultipartUpload({
    ...upload,
    UploadId,
    MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
  });
  assert.equal(completed.Expiration, announced);
});

test("the rule that ends it first is named, of those that apply", async () => {
  const Bucket = await newBucket(expiring);
  const { Expiration } = await s3.putObject({ Bucket, Key: "other", Body: "text" });
  assert.equal(Expiration, 'expiry-date="Sat, 04 Apr 2026 00:00:00 GMT", rule-id="late"');
});

test("tags count as they are now", async () => {
  const Tag = { Key: "a", Value: "b" };
  const Bucket = await newBucket([
    { ID: "tagged", Filter: { Tag }, Status: "Enabled", Expiration: { Days: 1 } },
  ]);
  const Key = "key";
  assert.equal((await s3.putObject({ Bucket, Key, Body: "text" })).Expiration, undefined);
  await s3.putObjectTagging({ Bucket, Key, Tagging: { TagSet: [Tag] } });
  assert.match((await s3.headObject({ Bucket, Key })).Expiration ?? "", /rule-id="tagged"/);
  await s3.deleteObjectTagging({ Bucket, Key });
  assert.equal((await s3.headObject({ Bucket, Key })).Expiration, undefined);
});

test("a date is announced as it stands", async () => {
  const Bucket = await newBucket([
    {
      ID: "day",
      Filter: {},
      Status: "Enabled",
      Expiration: { Date: new Date("2030-01-01T00:00:00Z") },
    },
  ]);
  const { Expiration } = await s3.putObject({ Bucket, Key: "key", Body: "text" });
  assert.equal(Expiration, 'expiry-date="Tue, 01 Jan 2030 00:00:00 GMT", rule-id="day"');
});

test("nothing is announced of a named version, of other actions, or without a lifecycle", async () => {
  const Bucket = await newBucket(expiring, true);
  const Key = "logs/one";
  const { VersionId } = await s3.putObject({ Bucket, Key, Body: "text" });
  assert.equal((await s3.headObject({ Bucket, Key, VersionId })).Expiration, undefined);
  const others = await newBucket([
    { ID: "m", Filter: {}, Status: "Enabled", Expiration: { ExpiredObjectDeleteMarker: true } },
    { ID: "n", Filter: {}, Status: "Enabled", NoncurrentVersionExpiration: { NoncurrentDays: 1 } },
    { ID: "t", Filter: {}, Status: "Enabled", Transitions: [{ Days: 0, StorageClass: "GLACIER" }] },
  ]);
  const put = await s3.putObject({ Bucket: others, Key, Body: "text" });
  assert.equal(put.Expiration, undefined);
  await s3.deleteBucketLifecycle({ Bucket });
  assert.equal((await s3.headObject({ Bucket, Key })).Expiration, undefined);
});

test("an upload says when it is aborted, and by which rule", async () => {
  const Bucket = await newBucket([
    {
      ID: "abort soon",
      Filter: { Prefix: "up" },
      Status: "Enabled",
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
    },
  ]);
  const upload = { Bucket, Key: "upload" };
  const created = await s3.createMultipartUpload(upload);
  assert.equal(created.AbortDate?.toISOString(), "2026-03-06T00:00:00.000Z");
  assert.equal(created.AbortRuleId, "abort soon");
  const { UploadId } = created;
  await s3.uploadPart({
    ...upload,
    UploadId,
    PartNumber: 1,
    Body: Buffer.alloc(smallestPartBytes),
  });
  const parts = await s3.listParts({ ...upload, UploadId });
  assert.equal(parts.AbortDate?.toISOString(), "2026-03-06T00:00:00.000Z");
  assert.equal(parts.AbortRuleId, "abort soon");
  const other = await s3.createMultipartUpload({ Bucket, Key: "down" });
  assert.deepEqual([other.AbortDate, other.AbortRuleId], [undefined, undefined]);
});
