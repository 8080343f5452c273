// RestoreObject: from an archive that cannot be read to a copy that can, and back.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RestoreRequest, S3 } from "@aws-sdk/client-s3";
import { assertRefused, bytesOf, patternBytes, smallestPartBytes } from "./test-server.ts";
import { startTieredServer } from "./tiered-server.ts";

const second = 1000;
const day = 86_400 * second;

const server = await startTieredServer({
  GLACIER: { Expedited: 60, Standard: 3600, Bulk: 36_000 },
  DEEP_ARCHIVE: { Standard: 7200, Bulk: 72_000 },
});
const { clock, now, newBucket, pass, blobs } = server;

async function restore(
  s3: S3,
  Bucket: string,
  RestoreRequest: RestoreRequest,
  VersionId?: string,
): Promise<number | undefined> {
  const version = VersionId === undefined ? {} : { VersionId };
  const answer = await s3.restoreObject({ Bucket, Key: "key", RestoreRequest, ...version });
  return answer.$metadata.httpStatusCode;
}

async function archived(StorageClass: "GLACIER" | "DEEP_ARCHIVE", Body: Uint8Array = bytes) {
  const Bucket = await newBucket();
  await now().putObject({ Bucket, Key: "key", Body, StorageClass });
  return Bucket;
}

const bytes = patternBytes(300_000);
const inProgress = { code: "RestoreAlreadyInProgress", status: 409 };
const unreadable = { code: "InvalidObjectState", status: 403 };

describe("RestoreObject", () => {
  it("makes a copy for some days, which lies in the main store and ends at midnight", async () => {
    const Bucket = await archived("GLACIER");
    const before = await blobs();
    assert.equal((await now().headObject({ Bucket, Key: "key" })).Restore, undefined);
    assert.equal(await restore(now(), Bucket, { Days: 3 }), 202);
    const pending = await now().headObject({ Bucket, Key: "key" });
    assert.equal(pending.Restore, 'ongoing-request="true"');
    assert.deepEqual(await pass(3599 * second, "restore"), { completed: 0, expired: 0 });
    await assertRefused(now().getObject({ Bucket, Key: "key" }), unreadable);
    assert.deepEqual(await pass(second, "restore"), { completed: 1, expired: 0 });
    // 2026-03-10, 11:30, and three days.
    const restored = await now().getObject({ Bucket, Key: "key" });
    assert.equal(
      restored.Restore,
      'ongoing-request="false", expiry-date="Sat, 14 Mar 2026 00:00:00 GMT"',
    );
    assert.equal(restored.StorageClass, "GLACIER");
    assert.ok((await bytesOf(restored)).equals(bytes));
    const range = await now().getObject({ Bucket, Key: "key", Range: "bytes=299990-" });
    assert.ok((await bytesOf(range)).equals(bytes.subarray(299_990)));
    assert.deepEqual(await blobs(), { ...before, main: before.main + 1 });

    clock.advance(Date.parse("2026-03-14T00:00:00Z") - clock.now() - second);
    assert.ok((await bytesOf(await now().getObject({ Bucket, Key: "key" }))).equals(bytes));
    clock.advance(second);
    await assertRefused(now().getObject({ Bucket, Key: "key" }), unreadable);
    assert.deepEqual(await pass(0, "restore"), { completed: 0, expired: 1 });
    assert.equal((await now().headObject({ Bucket, Key: "key" })).Restore, undefined);
    await pass(60 * second, "sweeper");
    assert.deepEqual(await blobs(), before);
    // And again.
    assert.equal(await restore(now(), Bucket, { Days: 1 }), 202);
    await pass(3600 * second, "restore");
    assert.ok((await bytesOf(await now().getObject({ Bucket, Key: "key" }))).equals(bytes));
  });

  it("answers 200 to who gives a restored copy another period, counted from then", async () => {
    const Bucket = await archived("DEEP_ARCHIVE");
    await restore(now(), Bucket, { Days: 1, GlacierJobParameters: { Tier: "Standard" } });
    await pass(7200 * second, "restore");
    clock.advance(3600 * second);
    assert.equal(await restore(now(), Bucket, { Days: 10 }), 200);
    const expiry = Math.ceil((clock.now() + 10 * day) / day) * day;
    const { Restore } = await now().headObject({ Bucket, Key: "key" });
    const text = new Date(expiry).toUTCString();
    assert.equal(Restore, `ongoing-request="false", expiry-date="${text}"`);
    await pass(5 * day, "restore");
    assert.ok((await bytesOf(await now().getObject({ Bucket, Key: "key" }))).equals(bytes));
    await pass(expiry - clock.now(), "restore");
    await assertRefused(now().getObject({ Bucket, Key: "key" }), unreadable);
  });

  it("refuses a second one while the first is under way, but for a faster tier", async () => {
    const Bucket = await archived("GLACIER");
    assert.equal(await restore(now(), Bucket, { Days: 2, Tier: "Bulk" }), 202);
    await assertRefused(restore(now(), Bucket, { Days: 2, Tier: "Bulk" }), inProgress);
    await assertRefused(restore(now(), Bucket, { Days: 3, Tier: "Expedited" }), inProgress);
    assert.equal(await restore(now(), Bucket, { Days: 2, Tier: "Expedited" }), 202);
    await assertRefused(restore(now(), Bucket, { Days: 2, Tier: "Standard" }), inProgress);
    assert.deepEqual(await pass(60 * second, "restore"), { completed: 1, expired: 0 });
    assert.ok((await bytesOf(await now().getObject({ Bucket, Key: "key" }))).equals(bytes));
    // What the slower tier had written down does nothing when its time comes.
    assert.deepEqual(await pass(36_000 * second, "restore"), { completed: 0, expired: 0 });
  });

  it("is for archives only, knows their tiers, and wants days", async () => {
    const Bucket = await newBucket();
    await now().putObject({ Bucket, Key: "key", Body: "x" });
    await assertRefused(restore(now(), Bucket, { Days: 1 }), {
      ...unreadable,
      message: "Restore is not allowed for the object's current storage class",
      fields: { StorageClass: "STANDARD" },
    });
    const tiered = await newBucket();
    const StorageClass = "INTELLIGENT_TIERING";
    await now().putObject({ Bucket: tiered, Key: "key", Body: "x", StorageClass });
    await assertRefused(restore(now(), tiered, {}), {
      code: "ObjectAlreadyInActiveTierError",
      status: 403,
    });
    const deep = await archived("DEEP_ARCHIVE");
    await assertRefused(restore(now(), deep, { Days: 1, Tier: "Expedited" }), {
      code: "InvalidArgument",
      status: 400,
      message: "Retrieval option is not supported by this storage class",
    });
    await assertRefused(restore(now(), deep, { Days: 0 }), {
      code: "InvalidArgument",
      status: 400,
    });
    await assertRefused(restore(now(), deep, { Tier: "Bulk" }), {
      code: "MalformedXML",
      status: 400,
    });
    await assertRefused(restore(now(), deep, { Type: "SELECT", Tier: "Bulk" }), {
      code: "MethodNotAllowed",
      status: 405,
    });
    await assertRefused(
      now().restoreObject({ Bucket: deep, Key: "none", RestoreRequest: { Days: 1 } }),
      { code: "NoSuchKey", status: 404 },
    );
  });

  it("restores the version that is named, and shows it in listings that ask", async () => {
    const Bucket = await newBucket("Enabled");
    const put = { Bucket, Key: "key", StorageClass: "GLACIER" } as const;
    const { VersionId: first = "" } = await now().putObject({ ...put, Body: bytes });
    const { VersionId: last } = await now().putObject({ ...put, Body: patternBytes(70_000, 2) });
    assert.equal(await restore(now(), Bucket, { Days: 1 }, first), 202);
    const OptionalObjectAttributes = ["RestoreStatus" as const];
    const listed = () => now().listObjectVersions({ Bucket, OptionalObjectAttributes });
    const statusOf = async (id: string | undefined) =>
      (await listed()).Versions?.find(({ VersionId }) => VersionId === id)?.RestoreStatus;
    assert.deepEqual(await statusOf(first), { IsRestoreInProgress: true });
    assert.equal(await statusOf(last), undefined);
    await pass(3600 * second, "restore");
    const RestoreExpiryDate = new Date(Math.ceil((clock.now() + day) / day) * day);
    const done = { IsRestoreInProgress: false, RestoreExpiryDate };
    assert.deepEqual(await statusOf(first), done);
    const read = await now().getObject({ Bucket, Key: "key", VersionId: first });
    assert.ok((await bytesOf(read)).equals(bytes));
    await assertRefused(now().getObject({ Bucket, Key: "key" }), unreadable);
    assert.equal(await restore(now(), Bucket, { Days: 1, Tier: "Expedited" }), 202);
    await pass(60 * second, "restore");
    const shown = await now().listObjectsV2({ Bucket, OptionalObjectAttributes });
    assert.deepEqual(shown.Contents?.[0]?.RestoreStatus, done);
    assert.equal((await now().listObjectsV2({ Bucket })).Contents?.[0]?.RestoreStatus, undefined);
  });

  it("gives copies and part copies of a restored object, with its parts", async () => {
    const Bucket = await newBucket();
    const bodies = [patternBytes(smallestPartBytes, 1), patternBytes(90_000, 2)];
    const s3 = now();
    const { UploadId = "" } = await s3.createMultipartUpload({
      Bucket,
      Key: "key",
      StorageClass: "GLACIER",
    });
    const Parts: { PartNumber: number; ETag: string }[] = [];
    for (const [index, Body] of bodies.entries()) {
      const PartNumber = index + 1;
      const { ETag = "" } = await s3.uploadPart({ Bucket, Key: "key", UploadId, PartNumber, Body });
      Parts.push({ PartNumber, ETag });
    }
    const MultipartUpload = { Parts };
    await s3.completeMultipartUpload({ Bucket, Key: "key", UploadId, MultipartUpload });
    await restore(s3, Bucket, { Days: 1 });
    await pass(3600 * second, "restore");
    const whole = Buffer.concat(bodies);
    const CopySource = `${Bucket}/key`;
    await now().copyObject({ Bucket, Key: "copy", CopySource });
    const copied = await now().getObject({ Bucket, Key: "copy" });
    assert.ok((await bytesOf(copied)).equals(whole));
    assert.equal(copied.StorageClass, undefined);
    const part = await now().getObject({ Bucket, Key: "key", PartNumber: 2 });
    assert.ok((await bytesOf(part)).equals(bodies[1] as Buffer));
    // A restored copy does not outlive its object.
    await pass(60 * second, "sweeper");
    const before = await blobs();
    await now().deleteObject({ Bucket, Key: "key" });
    await pass(60 * second, "sweeper");
    const after = await blobs();
    assert.deepEqual(after, { ...before, main: before.main - 2, cold: before.cold - 2 });
    assert.ok((await bytesOf(await now().getObject({ Bucket, Key: "copy" }))).equals(whole));
  });

  it("is forgotten with a version that is replaced while it is under way", async () => {
    const Bucket = await archived("GLACIER");
    await restore(now(), Bucket, { Days: 1 });
    await now().putObject({ Bucket, Key: "key", Body: bytes, StorageClass: "GLACIER" });
    assert.deepEqual(await pass(3600 * second, "restore"), { completed: 0, expired: 0 });
    await assertRefused(now().getObject({ Bucket, Key: "key" }), unreadable);
  });

  it("restores what is encrypted with a customer's key, which only that opens", async () => {
    const Bucket = await newBucket();
    const key = { SSECustomerAlgorithm: "AES256", SSECustomerKey: "k".repeat(32) };
    const put = { Bucket, Key: "key", Body: bytes, StorageClass: "GLACIER" } as const;
    await now().putObject({ ...put, ...key });
    await restore(now(), Bucket, { Days: 1 });
    await pass(3600 * second, "restore");
    const read = await now().getObject({ Bucket, Key: "key", ...key });
    assert.ok((await bytesOf(read)).equals(bytes));
  });
});

describe("a lifecycle rule", () => {
  it("archives bytes to the store of its class, from where they are restored", async () => {
    const Bucket = await newBucket("Enabled");
    const { VersionId, ETag } = await now().putObject({ Bucket, Key: "key", Body: bytes });
    const { LastModified } = await now().headObject({ Bucket, Key: "key" });
    await now().putBucketLifecycleConfiguration({
      Bucket,
      LifecycleConfiguration: {
        Rules: [
          {
            ID: "archive",
            Status: "Enabled",
            Filter: { Prefix: "" },
            Transitions: [{ Days: 1, StorageClass: "GLACIER" }],
          },
        ],
      },
    });
    await pass(60 * second, "sweeper");
    const before = await blobs();
    await pass(2 * day, "lifecycle");
    await pass(60 * second, "sweeper");
    assert.deepEqual(await blobs(), { ...before, main: before.main - 1, cold: before.cold + 1 });
    const head = await now().headObject({ Bucket, Key: "key" });
    assert.equal(head.StorageClass, "GLACIER");
    assert.equal(head.VersionId, VersionId);
    assert.equal(head.ETag, ETag);
    assert.deepEqual(head.LastModified, LastModified);
    await assertRefused(now().getObject({ Bucket, Key: "key" }), unreadable);
    await restore(now(), Bucket, { Days: 1, Tier: "Expedited" });
    await pass(60 * second, "restore");
    assert.ok((await bytesOf(await now().getObject({ Bucket, Key: "key" }))).equals(bytes));
  });
});
