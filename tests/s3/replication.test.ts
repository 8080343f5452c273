// Replication between buckets of one server: what a replica is, what goes where, and what the status
// says.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { GetObjectRetentionCommand } from "@aws-sdk/client-s3";
import { eventually, ruleTo, startReplicationServer } from "./replication-server.ts";
import { assertRefused, bytesOf, patternBytes, smallestPartBytes, textOf } from "./test-server.ts";

const { s3, server, newBucket, newPair, replicate, statusOf, work, put, upload, role } =
  await startReplicationServer({
    defaultObjectOwnership: "ObjectWriter",
    defaultPublicAccessBlock: "off",
  });

const classOf = (bucket: string, StorageClass: "STANDARD_IA" | "GLACIER_IR") => ({
  Bucket: `arn:aws:s3:::${bucket}`,
  StorageClass,
});

describe("a new object", () => {
  test("is in the destination with bytes, metadata, tags, list, version id and time", async () => {
    const [source, target] = await newPair();
    const written = await s3.putObject({
      Bucket: source,
      Key: "docs/a b+ü",
      Body: "text",
      ContentType: "text/plain",
      CacheControl: "no-cache",
      Metadata: { colour: "blue", name: "Zoë" },
      Tagging: "a=1&b=2",
      WebsiteRedirectLocation: "/elsewhere",
      ACL: "public-read",
    });
    assert.match((await statusOf(source, "docs/a b+ü")) ?? "", /^(?:PENDING|COMPLETED)$/);
    await work();
    const from = await s3.headObject({ Bucket: source, Key: "docs/a b+ü" });
    const found = await s3.getObject({ Bucket: target, Key: "docs/a b+ü" });
    assert.equal(await textOf(found), "text");
    assert.equal(found.VersionId, written.VersionId);
    assert.equal(found.ETag, written.ETag);
    assert.equal(found.ContentType, "text/plain");
    assert.equal(found.CacheControl, "no-cache");
    assert.equal(found.WebsiteRedirectLocation, "/elsewhere");
    assert.deepEqual(found.Metadata, from.Metadata);
    assert.deepEqual(found.LastModified, from.LastModified);
    assert.equal(found.TagCount, 2);
    assert.equal(found.ReplicationStatus, "REPLICA");
    assert.equal(from.ReplicationStatus, "COMPLETED");
    const { Grants = [] } = await s3.getObjectAcl({ Bucket: target, Key: "docs/a b+ü" });
    assert.equal(Grants.length, 2);
    assert.equal(Grants[1]?.Grantee?.URI, "http://acs.amazonaws.com/groups/global/AllUsers");
  });

  test("is replicated without a pass that somebody asks for", async () => {
    const [source, target] = await newPair();
    await put(source, "key");
    await eventually(async () => {
      const { KeyCount } = await s3.listObjectsV2({ Bucket: target });
      return KeyCount === 1;
    }, "the replica");
  });

  test("keeps parts and checksum of a multipart upload", async () => {
    const [source, target] = await newPair();
    const parts = [patternBytes(smallestPartBytes), patternBytes(1000, 2)];
    const { parts: Parts, ...begun } = await upload(source, "large", parts);
    const done = await s3.completeMultipartUpload({ ...begun, MultipartUpload: { Parts } });
    await work();
    const found = await s3.getObject({ Bucket: target, Key: "large" });
    assert.equal(found.ETag, done.ETag);
    assert.equal(found.VersionId, done.VersionId);
    assert.deepEqual(await bytesOf(found), Buffer.concat(parts));
    const second = await s3.getObject({ Bucket: target, Key: "large", PartNumber: 2 });
    assert.deepEqual(await bytesOf(second), parts[1]);
  });

  test("that no rule is about stays, and has no status", async () => {
    const [source, target] = await newPair({ Filter: { Prefix: "in/" } });
    await put(source, "in/a");
    await put(source, "out");
    await work();
    const { Contents = [] } = await s3.listObjectsV2({ Bucket: target });
    assert.deepEqual(
      Contents.map(({ Key }) => Key),
      ["in/a"],
    );
    assert.equal(await statusOf(source, "out"), undefined);
    assert.equal(await statusOf(source, "in/a"), "COMPLETED");
  });

  test("goes by its tags", async () => {
    const Filter = { And: { Prefix: "p", Tags: [{ Key: "go", Value: "yes" }] } };
    const [source, target] = await newPair({ Filter });
    await s3.putObject({ Bucket: source, Key: "p1", Tagging: "go=yes&more=1" });
    await s3.putObject({ Bucket: source, Key: "p2", Tagging: "go=no" });
    await work();
    const { Contents = [] } = await s3.listObjectsV2({ Bucket: target });
    assert.deepEqual(
      Contents.map(({ Key }) => Key),
      ["p1"],
    );
  });

  test("goes to several destinations, by the rule of the highest priority in each", async () => {
    const [source, first, second] = [
      await newBucket("Enabled"),
      await newBucket("Enabled"),
      await newBucket("Enabled"),
    ];
    await replicate(source, [
      ruleTo(first, { ID: "low", Priority: 1, Destination: classOf(first, "STANDARD_IA") }),
      ruleTo(first, { ID: "high", Priority: 9, Destination: classOf(first, "GLACIER_IR") }),
      ruleTo(second, { ID: "other", Priority: 2 }),
    ]);
    await put(source, "key");
    await work();
    assert.equal((await s3.headObject({ Bucket: first, Key: "key" })).StorageClass, "GLACIER_IR");
    assert.equal((await s3.headObject({ Bucket: second, Key: "key" })).StorageClass, undefined);
    assert.equal(await statusOf(source, "key"), "COMPLETED");
  });

  test("brings its retention and legal hold", async () => {
    const [source, target] = [`locked-${Date.now()}-a`, `locked-${Date.now()}-b`];
    for (const Bucket of [source, target]) {
      await s3.createBucket({ Bucket, ObjectLockEnabledForBucket: true });
    }
    await replicate(source, [ruleTo(target)]);
    const ObjectLockRetainUntilDate = new Date(Math.ceil(Date.now() / 1000) * 1000 + 86_400_000);
    await s3.putObject({
      Bucket: source,
      Key: "key",
      Body: "text",
      ObjectLockMode: "GOVERNANCE",
      ObjectLockRetainUntilDate,
      ObjectLockLegalHoldStatus: "ON",
    });
    await work();
    const { Retention } = await s3.send(
      new GetObjectRetentionCommand({ Bucket: target, Key: "key" }),
    );
    assert.deepEqual(Retention, { Mode: "GOVERNANCE", RetainUntilDate: ObjectLockRetainUntilDate });
    const hold = await s3.getObjectLegalHold({ Bucket: target, Key: "key" });
    assert.equal(hold.LegalHold?.Status, "ON");
    // A lock that changes goes along.
    const LegalHold = { Status: "OFF" } as const;
    await s3.putObjectLegalHold({ Bucket: source, Key: "key", LegalHold });
    await work();
    const changed = await s3.getObjectLegalHold({ Bucket: target, Key: "key" });
    assert.equal(changed.LegalHold?.Status, "OFF");
  });
});

describe("what happens to an object later", () => {
  test("its tags and list are those of the source", async () => {
    const [source, target] = await newPair();
    const { versionId: VersionId } = await put(source, "key");
    await work();
    const TagSet = [{ Key: "x", Value: "y" }];
    await s3.putObjectTagging({ Bucket: source, Key: "key", Tagging: { TagSet } });
    await s3.putObjectAcl({ Bucket: source, Key: "key", ACL: "public-read" });
    await work();
    const tags = await s3.getObjectTagging({ Bucket: target, Key: "key", VersionId });
    assert.deepEqual(tags.TagSet, TagSet);
    const { Grants = [] } = await s3.getObjectAcl({ Bucket: target, Key: "key" });
    assert.equal(Grants.length, 2);
    await s3.deleteObjectTagging({ Bucket: source, Key: "key" });
    await work();
    const none = await s3.getObjectTagging({ Bucket: target, Key: "key" });
    assert.deepEqual(none.TagSet, []);
    const { Versions = [] } = await s3.listObjectVersions({ Bucket: target });
    assert.equal(Versions.length, 1);
  });

  test("versions follow each other as in the source, and a version that is deleted stays", async () => {
    const [source, target] = await newPair();
    const ids: string[] = [];
    for (const body of ["1", "2", "3"]) ids.push((await put(source, "key", body)).versionId);
    await work();
    const list = async (Bucket: string) =>
      (await s3.listObjectVersions({ Bucket })).Versions?.map((each) => each.VersionId);
    assert.deepEqual(await list(target), ids.toReversed());
    await s3.deleteObject({ Bucket: source, Key: "key", VersionId: ids[2] });
    await work();
    assert.deepEqual(await list(target), ids.toReversed());
  });

  test("a delete marker goes by opt-in alone", async () => {
    const [plain, target] = await newPair();
    const DeleteMarkerReplication = { Status: "Enabled" } as const;
    const [marking, marked] = await newPair({ DeleteMarkerReplication });
    for (const Bucket of [plain, marking]) await put(Bucket, "key");
    const made = await s3.deleteObject({ Bucket: marking, Key: "key" });
    await s3.deleteObject({ Bucket: plain, Key: "key" });
    await work();
    assert.equal(await textOf(await s3.getObject({ Bucket: target, Key: "key" })), "key");
    await assertRefused(s3.getObject({ Bucket: marked, Key: "key" }), {
      code: "NoSuchKey",
      status: 404,
    });
    const { DeleteMarkers = [] } = await s3.listObjectVersions({ Bucket: marked });
    assert.deepEqual(
      DeleteMarkers.map(({ VersionId }) => VersionId),
      [made.VersionId],
    );
  });

  test("what is written before the source's version arrives is older only if it is", async () => {
    const [source, target] = await newPair();
    const { versionId: first } = await put(source, "key", "replicated");
    const { versionId: own } = await put(target, "key", "written here later");
    await work();
    const { Versions = [] } = await s3.listObjectVersions({ Bucket: target });
    // The replica may have come before, on the worker's own account: the order is that of the ids.
    assert.deepEqual(
      Versions.map(({ VersionId }) => VersionId),
      [own, first],
    );
    assert.equal(
      await textOf(await s3.getObject({ Bucket: target, Key: "key" })),
      "written here later",
    );
  });
});

describe("two buckets that replicate to each other", () => {
  test("come to hold the same, once", async () => {
    const DeleteMarkerReplication = { Status: "Enabled" } as const;
    const [left, right] = await newPair({ DeleteMarkerReplication });
    await replicate(right, [ruleTo(left, { DeleteMarkerReplication })]);
    await put(left, "a");
    await put(right, "b");
    await s3.deleteObject({ Bucket: left, Key: "a" });
    for (let pass = 0; pass < 4; pass += 1) await work();
    const list = async (Bucket: string) => {
      const { Versions = [], DeleteMarkers = [] } = await s3.listObjectVersions({ Bucket });
      return [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => [Key, VersionId]);
    };
    assert.deepEqual(await list(left), await list(right));
    assert.equal((await list(left)).length, 3);
    assert.deepEqual(await work(), { replicated: 0, dropped: 0, refused: 0, queued: 0, away: 0 });
  });

  test("sync modifications of replicas by opt-in, and stop there", async () => {
    const SourceSelectionCriteria = { ReplicaModifications: { Status: "Enabled" } } as const;
    const [left, right] = await newPair({ SourceSelectionCriteria });
    await replicate(right, [ruleTo(left, { SourceSelectionCriteria })]);
    await put(left, "key");
    await work();
    const TagSet = [{ Key: "from", Value: "right" }];
    await s3.putObjectTagging({ Bucket: right, Key: "key", Tagging: { TagSet } });
    await work();
    const found = await s3.getObjectTagging({ Bucket: left, Key: "key" });
    assert.deepEqual(found.TagSet, TagSet);
    assert.equal(await statusOf(right, "key"), "REPLICA");
    assert.deepEqual(await work(), { replicated: 0, dropped: 0, refused: 0, queued: 0, away: 0 });
  });

  test("leave modifications of replicas where they are without it", async () => {
    const [left, right] = await newPair();
    await replicate(right, [ruleTo(left)]);
    await put(left, "key");
    await work();
    const TagSet = [{ Key: "from", Value: "right" }];
    await s3.putObjectTagging({ Bucket: right, Key: "key", Tagging: { TagSet } });
    await work();
    const found = await s3.getObjectTagging({ Bucket: left, Key: "key" });
    assert.deepEqual(found.TagSet, []);
  });
});

describe("a destination that refuses", () => {
  test("leaves FAILED, and what holds it up is tried again until it goes", async () => {
    const [source, target] = await newPair();
    await s3.deleteBucket({ Bucket: target });
    await put(source, "key");
    await put(source, "other");
    await work();
    assert.equal(await statusOf(source, "key"), "FAILED");
    assert.equal(await statusOf(source, "other"), "FAILED");
    // A later version waits behind it.
    const { versionId } = await put(source, "key", "second");
    await work();
    assert.equal(await statusOf(source, "key", versionId), "FAILED");
  });

  test("is the role's too: one that may nothing, and one that is not there", async () => {
    const [source, target] = [await newBucket("Enabled"), await newBucket("Enabled")];
    for (const name of ["nobody", "toothless"]) {
      const Role = role.replace(/[^/]+$/, name);
      const ReplicationConfiguration = { Role, Rules: [ruleTo(target)] };
      await s3.putBucketReplication({ Bucket: source, ReplicationConfiguration });
      await put(source, name);
      await work();
      assert.equal(await statusOf(source, name), "FAILED");
    }
    const { KeyCount } = await s3.listObjectsV2({ Bucket: target });
    assert.equal(KeyCount, 0);
  });
});

test("the source's configuration is asked when a change is worked on", async () => {
  const [source, target] = await newPair();
  await s3.deleteBucketReplication({ Bucket: source });
  await put(source, "key");
  await work();
  assert.equal(await statusOf(source, "key"), undefined);
  const { KeyCount } = await s3.listObjectsV2({ Bucket: target });
  assert.equal(KeyCount, 0);
  assert.ok(server.accountId);
});
