// Intelligent-Tiering: objects that nobody reads move down, to where their bytes cost less, and come back
// when they are read, or restored from the archives that a bucket's configuration allows.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { IntelligentTieringConfiguration, Tiering } from "@aws-sdk/client-s3";
import { assertRefused, bytesOf, patternBytes } from "./test-server.ts";
import { startTieredServer } from "./tiered-server.ts";

const second = 1000;
const day = 86_400 * second;
const worker = "intelligent-tiering";

const server = await startTieredServer({ GLACIER: { Standard: 100 }, DEEP_ARCHIVE: { Bulk: 500 } });
const { now, newBucket, pass, blobs } = server;

const bytes = patternBytes(200_000);
const unreadable = { code: "InvalidObjectState", status: 403 };
const StorageClass = "INTELLIGENT_TIERING";

async function newTiered(Key = "key", Body: Uint8Array = bytes): Promise<string> {
  const Bucket = await newBucket();
  await now().putObject({ Bucket, Key, Body, StorageClass });
  return Bucket;
}

async function configure(
  Bucket: string,
  Tierings: Tiering[],
  more: Partial<IntelligentTieringConfiguration> = {},
): Promise<void> {
  const Id = more.Id ?? "archive";
  const configuration = { Id, Status: "Enabled" as const, Tierings, ...more };
  await now().putBucketIntelligentTieringConfiguration({
    Bucket,
    Id,
    IntelligentTieringConfiguration: configuration,
  });
}

async function read(Bucket: string, Key = "key"): Promise<void> {
  assert.ok((await bytesOf(await now().getObject({ Bucket, Key }))).equals(bytes));
  await server.server.runWorker("access-writer");
}

async function archiveStatus(Bucket: string, Key = "key"): Promise<string | undefined> {
  return (await now().headObject({ Bucket, Key })).ArchiveStatus;
}

async function sweep(): Promise<void> {
  await pass(60 * second, "sweeper");
}

describe("an object of INTELLIGENT_TIERING", () => {
  it("moves to infrequent access after 30 days, unseen, and back when it is read", async () => {
    const Bucket = await newTiered();
    await sweep();
    const before = await blobs();
    const { LastModified, ETag } = await now().headObject({ Bucket, Key: "key" });
    await pass(30 * day - 61 * second, worker);
    assert.deepEqual(await blobs(), before);
    await pass(second, worker);
    await sweep();
    assert.deepEqual(await blobs(), { ...before, main: before.main - 1, warm: before.warm + 1 });
    const head = await now().headObject({ Bucket, Key: "key" });
    assert.equal(head.StorageClass, StorageClass);
    assert.deepEqual(head.LastModified, LastModified);
    assert.equal(head.ETag, ETag);
    assert.equal(head.ArchiveStatus, undefined);
    await read(Bucket);
    await pass(0, worker);
    await sweep();
    assert.deepEqual(await blobs(), before);
    await now().deleteObject({ Bucket, Key: "key" });
  });

  it("stays where it is read now and then", async () => {
    const Bucket = await newTiered();
    await sweep();
    const before = await blobs();
    for (let month = 0; month < 4; month += 1) {
      await pass(29 * day, worker);
      await read(Bucket);
    }
    await pass(0, worker);
    assert.deepEqual(await blobs(), before);
    await now().deleteObject({ Bucket, Key: "key" });
  });

  it("is never moved when it has less than 128 KiB", async () => {
    const Bucket = await newTiered("key", patternBytes(128 * 1024 - 1));
    await configure(Bucket, [{ AccessTier: "ARCHIVE_ACCESS", Days: 90 }]);
    await sweep();
    const before = await blobs();
    for (let month = 0; month < 4; month += 1) await pass(60 * day, worker);
    assert.deepEqual(await blobs(), before);
    assert.equal(await archiveStatus(Bucket), undefined);
  });

  it("is archived as its bucket says, deeper in time, and cannot be read until it is restored", async () => {
    const Bucket = await newTiered();
    await configure(Bucket, [
      { AccessTier: "ARCHIVE_ACCESS", Days: 100 },
      { AccessTier: "DEEP_ARCHIVE_ACCESS", Days: 200 },
    ]);
    for (const days of [30, 60, 9]) await pass(days * day, worker);
    assert.equal(await archiveStatus(Bucket), undefined);
    await read(Bucket);
    for (const days of [30, 60, 10]) await pass(days * day, worker);
    assert.equal(await archiveStatus(Bucket), "ARCHIVE_ACCESS");
    await assertRefused(now().getObject({ Bucket, Key: "key" }), {
      ...unreadable,
      fields: { StorageClass, AccessTier: "ARCHIVE_ACCESS" },
    });
    const CopySource = `${Bucket}/key`;
    await assertRefused(now().copyObject({ Bucket, Key: "copy", CopySource }), unreadable);
    await pass(100 * day, worker);
    assert.equal(await archiveStatus(Bucket), "DEEP_ARCHIVE_ACCESS");
    await assertRefused(now().restoreObject({ Bucket, Key: "key", RestoreRequest: { Days: 1 } }), {
      code: "InvalidArgument",
      status: 400,
      message: /^INTELLIGENT_TIERING objects are not subject to restore expiry/,
    });
    const GlacierJobParameters = { Tier: "Bulk" as const };
    const RestoreRequest = { GlacierJobParameters };
    const asked = await now().restoreObject({ Bucket, Key: "key", RestoreRequest });
    assert.equal(asked.$metadata.httpStatusCode, 202);
    const pending = await now().headObject({ Bucket, Key: "key" });
    assert.equal(pending.Restore, 'ongoing-request="true"');
    assert.equal(pending.ArchiveStatus, "DEEP_ARCHIVE_ACCESS");
    await pass(500 * second, "restore");
    const back = await now().headObject({ Bucket, Key: "key" });
    assert.equal(back.Restore, undefined);
    assert.equal(back.ArchiveStatus, undefined);
    await read(Bucket);
    // The days count from the restoration.
    await pass(30 * day, worker);
    await read(Bucket);
  });

  it("is archived by the configurations that are enabled and whose filter it meets", async () => {
    const Bucket = await newBucket();
    const put = { Bucket, Body: bytes, StorageClass } as const;
    await now().putObject({ ...put, Key: "logs/1" });
    await now().putObject({ ...put, Key: "logs/2", Tagging: "kind=log" });
    await now().putObject({ ...put, Key: "data" });
    const deep: Tiering[] = [{ AccessTier: "DEEP_ARCHIVE_ACCESS", Days: 180 }];
    await configure(Bucket, [{ AccessTier: "ARCHIVE_ACCESS", Days: 90 }], {
      Id: "tagged",
      Filter: { And: { Prefix: "logs/", Tags: [{ Key: "kind", Value: "log" }] } },
    });
    await configure(Bucket, deep, { Id: "logs", Filter: { Prefix: "logs/" } });
    await configure(Bucket, deep, { Id: "off", Status: "Disabled" });
    for (const days of [30, 60]) await pass(days * day, worker);
    assert.equal(await archiveStatus(Bucket, "logs/1"), undefined);
    assert.equal(await archiveStatus(Bucket, "logs/2"), "ARCHIVE_ACCESS");
    await pass(90 * day, worker);
    assert.equal(await archiveStatus(Bucket, "logs/1"), "DEEP_ARCHIVE_ACCESS");
    assert.equal(await archiveStatus(Bucket, "logs/2"), "DEEP_ARCHIVE_ACCESS");
    assert.equal(await archiveStatus(Bucket, "data"), undefined);
    // A configuration that comes later finds objects that are cold already.
    await configure(Bucket, deep, { Id: "all" });
    await pass(day, worker);
    assert.equal(await archiveStatus(Bucket, "data"), "DEEP_ARCHIVE_ACCESS");
  });
});

const archive = (Days: number): Tiering => ({ AccessTier: "ARCHIVE_ACCESS", Days });
const deepest = (Days: number): Tiering => ({ AccessTier: "DEEP_ARCHIVE_ACCESS", Days });

describe("PutBucketIntelligentTieringConfiguration", () => {
  const malformed = { code: "MalformedXML", status: 400 };
  const invalid = { code: "InvalidArgument", status: 400 };

  it("refuses days out of their range, tiers in a wrong order, and tiers named twice", async () => {
    const Bucket = await newBucket();
    await assertRefused(configure(Bucket, [archive(89)]), {
      ...invalid,
      message: "Days specified in ARCHIVE_ACCESS tier should not be less than 90",
    });
    await assertRefused(configure(Bucket, [deepest(179)]), invalid);
    await assertRefused(configure(Bucket, [archive(731)]), invalid);
    await assertRefused(configure(Bucket, [archive(200), deepest(200)]), invalid);
    await assertRefused(configure(Bucket, [archive(90), archive(100)]), malformed);
    await assertRefused(configure(Bucket, []), malformed);
    const { IntelligentTieringConfigurationList: list } =
      await now().listBucketIntelligentTieringConfigurations({ Bucket });
    assert.equal(list, undefined);
  });

  it("refuses another id than the address has, and filters that are none", async () => {
    const Bucket = await newBucket();
    const IntelligentTieringConfiguration = {
      Id: "other",
      Status: "Enabled" as const,
      Tierings: [archive(90)],
    };
    const input = { Bucket, Id: "one", IntelligentTieringConfiguration };
    await assertRefused(now().putBucketIntelligentTieringConfiguration(input), malformed);
    const tag = { Key: "a", Value: "b" };
    for (const Filter of [
      { Prefix: "a", Tag: tag },
      { And: { Prefix: "a" } },
      { And: { Tags: [tag] } },
    ]) {
      await assertRefused(configure(Bucket, [archive(90)], { Filter }), malformed);
    }
    const Status = "Maybe" as "Enabled";
    await assertRefused(configure(Bucket, [archive(90)], { Status }), malformed);
  });
});
