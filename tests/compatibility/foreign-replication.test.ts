// Replication to an S3 server of somebody else: foreign.sh starts one and says by its variables where.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import type { ChecksumAlgorithm, S3 } from "@aws-sdk/client-s3";
import { ManualClock } from "../../src/app.ts";
import { ManagementClient } from "../admin/management-client.ts";
import { replicationRole, ruleTo, startReplicationServer } from "../s3/replication-server.ts";
import { bytesOf, patternBytes, setVersioning, smallestPartBytes } from "../s3/test-server.ts";
import {
  foreign,
  foreignBucketName,
  foreignClient,
  startGate,
  unlessLacking,
} from "./foreign-target.ts";

const there = foreignClient();
const clock = new ManualClock(Date.now());
const gate = await startGate();
const wrongSecret = "not-the-secret-of-anybody";
const { accessKeyId, secretAccessKey } = foreign;
const kind = "s3";
const here = await startReplicationServer({
  clock,
  customerKeys: "anywhere",
  defaultObjectOwnership: "ObjectWriter",
  defaultPublicAccessBlock: "off",
  provisioning: {
    roles: [replicationRole],
    replication: {
      targets: [
        { bucketArn: "arn:aws:s3:::foreign-*", kind, ...foreign },
        { bucketArn: "arn:aws:s3:::wrong-secret", kind, ...foreign, secretAccessKey: wrongSecret },
        {
          bucketArn: "arn:aws:s3:::gated-*",
          kind,
          endpoint: gate.endpoint,
          accessKeyId,
          secretAccessKey,
        },
      ],
    },
  },
});
const { s3, newBucket, replicate, put, upload, statusOf } = here;
const own = here.server.credentials;
const root = new ManagementClient(here.server.endpoint, {
  accessKeyId: own.accessKeyId,
  secretAccessKey: own.secretAccessKey,
});

type Rule = Parameters<typeof ruleTo>[1];

async function newPair(rule: Rule = {}): Promise<readonly [string, string]> {
  const [source, target] = [await newBucket("Enabled"), await newForeignBucket()];
  await replicate(source, [ruleTo(target, rule)]);
  return [source, target];
}

async function newForeignBucket(): Promise<string> {
  const Bucket = foreignBucketName();
  await there.createBucket({ Bucket });
  await setVersioning(there, Bucket, "Enabled");
  return Bucket;
}

/** A pass, a while after the one before: what was refused or away is tried again. */
async function work(): Promise<Readonly<Record<string, number>>> {
  // Signatures hold for a quarter of an hour before and after the time that it is.
  clock.set(Date.now() + 1000 * (passes += 1));
  return here.work();
}
let passes = 0;

/** A server that closes the connection on a body which it does not want may not be understood at once. */
async function workUntilFailed(Bucket: string, keys: readonly string[]): Promise<void> {
  for (let pass = 0; ; pass += 1) {
    await work();
    const statuses = await Promise.all(keys.map((key) => statusOf(Bucket, key)));
    if (statuses.every((status) => status === "FAILED")) return;
    assert.ok(pass < 10, `${statuses.join(" ")} ${JSON.stringify(await backlogOf(Bucket))}`);
  }
}

async function versionsOf(client: S3, Bucket: string): Promise<readonly string[]> {
  const { Versions = [], DeleteMarkers = [] } = await client.listObjectVersions({ Bucket });
  return [
    ...Versions.map(({ Key, ETag, IsLatest }) => `${Key} ${ETag}${IsLatest ? " latest" : ""}`),
    ...DeleteMarkers.map(({ Key, IsLatest }) => `${Key} marker${IsLatest ? " latest" : ""}`),
  ].toSorted();
}

async function backlogOf(Bucket: string): Promise<Readonly<Record<string, unknown>>> {
  const { Destinations } = await root.call("GetReplicationBacklog", { Bucket });
  return Destinations[0];
}

describe("a bucket of somebody else's server gets", () => {
  test("bytes, metadata and tags, whatever the key", async () => {
    const [Bucket, target] = await newPair();
    const keys = ["a", "deep/er/key", "a b+c", "ü/日本", "(1)*'!~", "a%20b&c=d?e#f", "a..b/.c"];
    const sizes = [0, 1, 100_000, 3_000_000];
    const all = keys.map((Key, index) => ({
      Key,
      Body: patternBytes(sizes[index % 4] ?? 0, index),
    }));
    for (const { Key, Body } of all) {
      await s3.putObject({
        Bucket,
        Key,
        Body,
        ContentType: "text/x-something; charset=utf-8",
        ContentDisposition: 'attachment; filename="a b.txt"',
        ContentLanguage: "de",
        CacheControl: "max-age=60",
        ContentEncoding: "identity-ish",
        Metadata: { colour: "blue", "two-words": "a  b", name: "plain" },
        Tagging: "a=1&b=x%20y&c=p%2Bq%2F%3D%40",
      });
    }
    await work();
    for (const { Key, Body } of all) {
      assert.equal(await statusOf(Bucket, Key), "COMPLETED", Key);
      const found = await there.getObject({ Bucket: target, Key });
      assert.ok((await bytesOf(found)).equals(Body), Key);
      const source = await s3.headObject({ Bucket, Key });
      assert.equal(found.ETag, source.ETag);
      assert.equal(found.ContentType, source.ContentType);
      assert.equal(found.ContentDisposition, source.ContentDisposition);
      assert.equal(found.ContentLanguage, "de");
      assert.equal(found.CacheControl, "max-age=60");
      assert.equal(found.ContentEncoding, source.ContentEncoding);
      assert.deepEqual(found.Metadata, source.Metadata);
      const { TagSet = [] } = await there.getObjectTagging({ Bucket: target, Key });
      assert.deepEqual(TagSet.map((tag) => `${tag.Key}=${tag.Value}`).toSorted(), [
        "a=1",
        "b=x y",
        "c=p+q/=@",
      ]);
    }
  });

  test("metadata beyond ASCII in the form that S3 answers", async () => {
    const [Bucket, target] = await newPair();
    await s3.putObject({ Bucket, Key: "key", Body: "x", Metadata: { name: "Zoë" } });
    await work();
    assert.equal(await statusOf(Bucket, "key"), "COMPLETED");
    const { Metadata } = await there.headObject({ Bucket: target, Key: "key" });
    assert.match(Metadata?.["name"] ?? "", /^(?:=\?UTF-8\?B\?Wm\/Dqw==\?=|Zoë)$/);
  });

  for (const algorithm of ["CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"] as const) {
    test(`objects with ${algorithm}`, async () => {
      const [Bucket, target] = await newPair();
      const Body = patternBytes(100_000);
      const ChecksumAlgorithm: ChecksumAlgorithm = algorithm;
      const sent = await s3.putObject({ Bucket, Key: "key", Body, ChecksumAlgorithm });
      await work();
      assert.equal(
        await statusOf(Bucket, "key"),
        "COMPLETED",
        JSON.stringify(await backlogOf(Bucket)),
      );
      const found = await there.getObject({ Bucket: target, Key: "key", ChecksumMode: "ENABLED" });
      assert.ok((await bytesOf(found)).equals(Body));
      if (unlessLacking("checksums") !== false) return;
      assert.equal(found[`Checksum${algorithm}`], sent[`Checksum${algorithm}`]);
    });
  }

  test("objects in parts, with the ETag of the source", async () => {
    const [Bucket, target] = await newPair();
    const parts = [
      patternBytes(smallestPartBytes),
      patternBytes(smallestPartBytes, 2),
      patternBytes(1, 3),
    ];
    const { parts: Parts, ...begun } = await upload(Bucket, "parts", parts);
    const done = await s3.completeMultipartUpload({ ...begun, MultipartUpload: { Parts } });
    await work();
    assert.equal(await statusOf(Bucket, "parts"), "COMPLETED");
    const found = await there.getObject({ Bucket: target, Key: "parts" });
    assert.equal(found.ETag, done.ETag);
    assert.ok((await bytesOf(found)).equals(Buffer.concat(parts)));
    const { Uploads = [] } = await there.listMultipartUploads({ Bucket: target });
    assert.deepEqual(Uploads, []);
  });

  for (const [algorithm, type] of [
    ["CRC32", "COMPOSITE"],
    ["SHA256", "COMPOSITE"],
    ["CRC64NVME", "FULL_OBJECT"],
    ["CRC32C", "FULL_OBJECT"],
  ] as const) {
    test(`objects in parts with ${algorithm}, ${type}`, async () => {
      const [Bucket, target] = await newPair();
      const parts = [patternBytes(smallestPartBytes), patternBytes(100_000, 2)];
      const Key = "parts";
      const of = { Bucket, Key, ChecksumAlgorithm: algorithm };
      const { UploadId } = await s3.createMultipartUpload({ ...of, ChecksumType: type });
      const Parts = [];
      for (const [index, Body] of parts.entries()) {
        const PartNumber = index + 1;
        const { ETag, ...sums } = await s3.uploadPart({ ...of, UploadId, PartNumber, Body });
        const name = `Checksum${algorithm}` as const;
        Parts.push({ PartNumber, ETag, [name]: sums[name] });
      }
      const completed = { Bucket, Key, UploadId, MultipartUpload: { Parts } };
      const done = await s3.completeMultipartUpload(completed);
      await work();
      assert.equal(
        await statusOf(Bucket, Key),
        "COMPLETED",
        JSON.stringify(await backlogOf(Bucket)),
      );
      const found = await there.getObject({ Bucket: target, Key, ChecksumMode: "ENABLED" });
      assert.ok((await bytesOf(found)).equals(Buffer.concat(parts)));
      assert.equal(found.ETag, done.ETag);
      if (unlessLacking("checksums") !== false) return;
      assert.equal(found[`Checksum${algorithm}`], done[`Checksum${algorithm}`]);
    });
  }

  test("versions in their order, and delete markers where the rule wants them", async () => {
    const [source, target] = await newPair({ DeleteMarkerReplication: { Status: "Enabled" } });
    // The second has the bytes of the first: each is a version all the same.
    for (const body of ["1", "1", "2"]) await put(source, "key", body);
    await put(source, "other");
    await s3.deleteObject({ Bucket: source, Key: "key" });
    await work();
    assert.deepEqual(await versionsOf(there, target), await versionsOf(s3, source));
    await put(source, "key", "3");
    await work();
    assert.deepEqual(await versionsOf(there, target), await versionsOf(s3, source));
    assert.equal((await versionsOf(there, target)).length, 6);
  });

  test("no deletion where the rule does not want them, nor that of a version", async () => {
    const [source, target] = await newPair();
    const { versionId } = await put(source, "key");
    await work();
    await s3.deleteObject({ Bucket: source, Key: "key" });
    await s3.deleteObject({ Bucket: source, Key: "key", VersionId: versionId });
    await work();
    assert.equal((await versionsOf(there, target)).length, 1);
  });

  test("changes of tags", async () => {
    const [source, target] = await newPair();
    await put(source, "key");
    await work();
    const TagSet = [{ Key: "x", Value: "y = z / @:_" }];
    await s3.putObjectTagging({ Bucket: source, Key: "key", Tagging: { TagSet } });
    await work();
    const { TagSet: found } = await there.getObjectTagging({ Bucket: target, Key: "key" });
    assert.deepEqual(found, TagSet);
    await s3.deleteObjectTagging({ Bucket: source, Key: "key" });
    await work();
    assert.deepEqual((await there.getObjectTagging({ Bucket: target, Key: "key" })).TagSet, []);
    assert.equal((await versionsOf(there, target)).length, 1);
    assert.equal(await statusOf(source, "key"), "COMPLETED");
  });

  test("lists that mean the same everywhere", { skip: unlessLacking("acl") }, async () => {
    const [source, target] = await newPair();
    await s3.putObject({ Bucket: source, Key: "key", Body: "x", ACL: "public-read" });
    await work();
    const { Grants = [] } = await there.getObjectAcl({ Bucket: target, Key: "key" });
    assert.ok(Grants.some(({ Grantee }) => Grantee?.URI?.endsWith("/AllUsers") === true));
  });

  test("locks, and what becomes of them", { skip: unlessLacking("object-lock") }, async () => {
    const target = foreignBucketName();
    const source = `locked-${target}`;
    await there.createBucket({ Bucket: target, ObjectLockEnabledForBucket: true });
    await s3.createBucket({ Bucket: source, ObjectLockEnabledForBucket: true });
    await replicate(source, [ruleTo(target)]);
    const until = new Date(Math.ceil(Date.now() / 1000) * 1000 + 86_400_000);
    const place = { Bucket: source, Key: "key" };
    await s3.putObject({
      ...place,
      Body: "text",
      ObjectLockMode: "GOVERNANCE",
      ObjectLockRetainUntilDate: until,
      ObjectLockLegalHoldStatus: "ON",
    });
    await work();
    assert.equal(await statusOf(source, "key"), "COMPLETED");
    const copy = { Bucket: target, Key: "key" };
    const lock = async () => {
      const head = await there.headObject(copy);
      const { ObjectLockMode, ObjectLockRetainUntilDate, ObjectLockLegalHoldStatus } = head;
      return [ObjectLockMode, ObjectLockRetainUntilDate, ObjectLockLegalHoldStatus];
    };
    assert.deepEqual(await lock(), ["GOVERNANCE", until, "ON"]);
    const later = new Date(until.getTime() + 86_400_000);
    const longer = { Mode: "GOVERNANCE", RetainUntilDate: later } as const;
    await s3.putObjectRetention({ ...place, Retention: longer });
    await s3.putObjectLegalHold({ ...place, LegalHold: { Status: "OFF" } });
    await work();
    assert.deepEqual(await lock(), ["GOVERNANCE", later, "OFF"]);
    assert.equal(await statusOf(source, "key"), "COMPLETED");
    // So that what keeps the other server may be removed.
    const [found] = (await there.listObjectVersions({ Bucket: target })).Versions ?? [];
    const VersionId = found?.VersionId;
    await there.deleteObject({ ...copy, VersionId, BypassGovernanceRetention: true });
  });

  test("what existed before the rule, by a resync, and nothing twice", async () => {
    const [source, target] = [await newBucket("Enabled"), await newForeignBucket()];
    for (const body of ["1", "2"]) await put(source, "key", body);
    for (const key of ["a", "b"]) await put(source, key);
    await replicate(source, [ruleTo(target)]);
    await work();
    assert.deepEqual(await versionsOf(there, target), []);
    for (let pass = 0; pass < 2; pass += 1) {
      await root.call("StartReplicationResync", { Bucket: source, Scope: "All" });
      await work();
      await work();
      assert.deepEqual(await versionsOf(there, target), await versionsOf(s3, source));
    }
  });
});

test("an endpoint that is down leaves PENDING and says so, and gets everything when it is up", async () => {
  const target = `gated-${foreignBucketName()}`;
  await there.createBucket({ Bucket: target });
  await setVersioning(there, target, "Enabled");
  const source = await newBucket("Enabled");
  await replicate(source, [ruleTo(target, { DeleteMarkerReplication: { Status: "Enabled" } })]);
  await put(source, "before");
  await work();
  await gate.close();
  const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`);
  for (const key of keys) await put(source, key);
  await put(source, "key-0", "second");
  await s3.deleteObject({ Bucket: source, Key: "before" });
  assert.equal((await work())["away"], 1, JSON.stringify(await root.call("ListWorkers")));
  assert.equal(await statusOf(source, "key-1"), "PENDING");
  const waiting = await backlogOf(source);
  assert.equal(waiting["Waiting"], 22);
  assert.match(String(waiting["LastFailure"]), /cannot be reached \(ECONNREFUSED\)/);
  await gate.open();
  for (let pass = 0; pass < 20 && Number((await backlogOf(source))["Waiting"]) > 0; pass += 1) {
    await work();
  }
  assert.deepEqual(await versionsOf(there, target), await versionsOf(s3, source));
  assert.equal(await statusOf(source, "key-1"), "COMPLETED");
});

describe("what cannot be replicated is FAILED, with its reason:", () => {
  test("objects under a customer's key", async () => {
    const [Bucket, target] = await newPair();
    const key = patternBytes(32);
    await s3.putObject({
      Bucket,
      Key: "key",
      Body: "secret",
      SSECustomerAlgorithm: "AES256",
      SSECustomerKey: key.toString("base64"),
      SSECustomerKeyMD5: createHash("md5").update(key).digest("base64"),
    });
    await put(Bucket, "other");
    await work();
    assert.match(String((await backlogOf(Bucket))["LastRefusal"]), /^SrcObjectNotEligible: /);
    assert.equal((await versionsOf(there, target)).length, 1);
    assert.equal(await statusOf(Bucket, "other"), "COMPLETED");
  });

  test("a missing bucket, until it is there", async () => {
    const target = foreignBucketName();
    const source = await newBucket("Enabled");
    await replicate(source, [ruleTo(target)]);
    await put(source, "small");
    await s3.putObject({ Bucket: source, Key: "large", Body: patternBytes(4_000_000) });
    await workUntilFailed(source, ["small", "large"]);
    assert.match(
      String((await backlogOf(source))["LastRefusal"]),
      /^DstBucketNotFound: 404 NoSuchBucket/,
    );
    await there.createBucket({ Bucket: target });
    await setVersioning(there, target, "Enabled");
    clock.set(Date.now() + 60_000);
    await here.work();
    assert.equal(await statusOf(source, "small"), "COMPLETED");
    assert.equal(await statusOf(source, "large"), "COMPLETED");
  });

  test(
    "a wrong secret, which is shown to nobody",
    { skip: unlessLacking("signatures") },
    async () => {
      const source = await newBucket("Enabled");
      await replicate(source, [ruleTo("wrong-secret")]);
      await put(source, "small");
      // Refused before its bytes have been read.
      await s3.putObject({ Bucket: source, Key: "large", Body: patternBytes(8_000_000) });
      await workUntilFailed(source, ["small", "large"]);
      const backlog = await backlogOf(source);
      assert.match(String(backlog["LastRefusal"]), /^DstPutObjectNotPermitted: 403/);
      const { Workers } = await root.call("ListWorkers");
      const shown = JSON.stringify([backlog, Workers]);
      assert.ok(!shown.includes(wrongSecret) && !shown.includes(secretAccessKey));
    },
  );
});
