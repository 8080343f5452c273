// Replication to other servers: a Holdfast, which keeps version ids, and an endpoint of which nothing is
// known but that it speaks S3 (here a Holdfast too, told apart by configuration alone).

import assert from "node:assert/strict";
import { connect, createServer as createTcpServer, type AddressInfo } from "node:net";
import { after, describe, test } from "node:test";
import { createServer, ManualClock } from "../../src/app.ts";
import { KMS } from "@aws-sdk/client-kms";
import { S3 } from "@aws-sdk/client-s3";
import { ManagementClient } from "../admin/management-client.ts";
import { eventually, ruleTo, startReplicationServer, userOfTarget } from "./replication-server.ts";
import {
  assertRefused,
  bytesOf,
  patternBytes,
  setVersioning,
  smallestPartBytes,
  startTestServer,
  textOf,
} from "./test-server.ts";

const replicator = { accessKeyId: "AKIAREPLICATOR000000", secretAccessKey: "replicator's secret" };
const writer = { accessKeyId: "AKIAWRITER0000000000", secretAccessKey: "writer's secret" };

const other = await startTestServer({
  defaultObjectOwnership: "ObjectWriter",
  defaultPublicAccessBlock: "off",
  provisioning: {
    users: [
      userOfTarget("replicator", replicator, [
        "s3:ReplicateObject",
        "s3:ReplicateDelete",
        "s3:ReplicateTags",
        "s3:GetObjectVersion",
        "s3:PutObject",
        "s3:BypassGovernanceRetention",
      ]),
      userOfTarget("writer", writer, ["s3:PutObject"]),
    ],
  },
});

// A copy: the SDK's clients write marks of their own into what they are given.
const { accessKeyId, secretAccessKey } = other.server.credentials;
const root = { accessKeyId, secretAccessKey };

const here = await startReplicationServer({
  defaultObjectOwnership: "ObjectWriter",
  defaultPublicAccessBlock: "off",
  provisioning: {
    replication: {
      targets: [
        {
          bucketArn: "arn:aws:s3:::remote-*",
          endpoint: other.server.endpoint,
          kind: "holdfast",
          ...replicator,
        },
        {
          bucketArn: "arn:aws:s3:::foreign-*",
          endpoint: other.server.endpoint,
          kind: "s3",
          ...root,
        },
        {
          bucketArn: "arn:aws:s3:::foreign-alias",
          endpoint: other.server.endpoint,
          bucketName: "called-otherwise",
          ...root,
        },
        {
          bucketArn: "arn:aws:s3:::elsewhere-*",
          endpoint: other.server.endpoint,
          region: "eu-west-1",
          ...root,
        },
        {
          bucketArn: "arn:aws:s3:::remote-denied",
          endpoint: other.server.endpoint,
          kind: "holdfast",
          ...writer,
        },
      ],
    },
  },
});
const { s3, newBucket, replicate, put, upload, statusOf, work } = here;
const hereRoot = {
  accessKeyId: here.server.credentials.accessKeyId,
  secretAccessKey: here.server.credentials.secretAccessKey,
};

let count = 0;
/** A bucket here and one there. */
async function newPair(
  kind: "remote" | "foreign",
  rule: Parameters<typeof ruleTo>[1] = {},
  lock = false,
): Promise<readonly [string, string]> {
  count += 1;
  const target = `${kind}-${count}`;
  const source = lock ? `locked-${count}` : await newBucket("Enabled");
  await other.s3.createBucket({ Bucket: target, ObjectLockEnabledForBucket: lock });
  if (!lock) await setVersioning(other.s3, target, "Enabled");
  else await s3.createBucket({ Bucket: source, ObjectLockEnabledForBucket: true });
  await replicate(source, [ruleTo(target, rule)]);
  return [source, target];
}

async function idsOf(client: S3, Bucket: string): Promise<readonly (string | undefined)[]> {
  const { Versions = [], DeleteMarkers = [] } = await client.listObjectVersions({ Bucket });
  return [...DeleteMarkers, ...Versions].map(({ VersionId }) => VersionId);
}

for (const kind of ["remote", "foreign"] as const) {
  const keepsIds = kind === "remote";
  describe(`a bucket of another ${keepsIds ? "Holdfast" : "server"}`, () => {
    test("gets bytes, metadata and tags", async () => {
      const [source, target] = await newPair(kind);
      const written = await s3.putObject({
        Bucket: source,
        Key: "docs/a b+ü'(1)*",
        Body: "text",
        ContentType: "text/plain",
        ContentDisposition: "inline",
        Metadata: { colour: "blue", name: "Zoë" },
        Tagging: "a=1&b=x%20y",
        ACL: "public-read",
      });
      await work();
      const Key = "docs/a b+ü'(1)*";
      const from = await s3.headObject({ Bucket: source, Key });
      assert.equal(from.ReplicationStatus, "COMPLETED");
      const found = await other.s3.getObject({ Bucket: target, Key, ChecksumMode: "ENABLED" });
      assert.equal(await textOf(found), "text");
      assert.equal(found.ETag, written.ETag);
      assert.equal(found.ChecksumCRC32, written.ChecksumCRC32);
      assert.equal(found.ContentType, "text/plain");
      assert.equal(found.ContentDisposition, "inline");
      assert.deepEqual(found.Metadata, from.Metadata);
      assert.equal(found.ReplicationStatus, keepsIds ? "REPLICA" : undefined);
      if (keepsIds) {
        assert.equal(found.VersionId, written.VersionId);
        assert.deepEqual(found.LastModified, from.LastModified);
      } else assert.notEqual(found.VersionId, written.VersionId);
      const { TagSet } = await other.s3.getObjectTagging({ Bucket: target, Key });
      assert.deepEqual(TagSet, [
        { Key: "a", Value: "1" },
        { Key: "b", Value: "x y" },
      ]);
      const { Grants = [] } = await other.s3.getObjectAcl({ Bucket: target, Key });
      assert.ok(Grants.some(({ Grantee }) => Grantee?.URI?.endsWith("/AllUsers") === true));
    });

    test("gets large objects part by part, and long ones as a stream", async () => {
      const [source, target] = await newPair(kind);
      const parts = [patternBytes(smallestPartBytes), patternBytes(300_000, 2)];
      const { parts: Parts, ...begun } = await upload(source, "parts", parts);
      const done = await s3.completeMultipartUpload({ ...begun, MultipartUpload: { Parts } });
      const long = patternBytes(3_000_000, 3);
      await s3.putObject({ Bucket: source, Key: "long", Body: long });
      await work();
      const found = await other.s3.getObject({ Bucket: target, Key: "parts" });
      assert.equal(found.ETag, done.ETag);
      assert.deepEqual(await bytesOf(found), Buffer.concat(parts));
      const second = await other.s3.getObject({ Bucket: target, Key: "parts", PartNumber: 2 });
      assert.deepEqual(await bytesOf(second), parts[1]);
      const stream = await other.s3.getObject({ Bucket: target, Key: "long" });
      assert.deepEqual(await bytesOf(stream), long);
      if (keepsIds) assert.equal(found.VersionId, done.VersionId);
      assert.equal(await statusOf(source, "parts"), "COMPLETED");
      const { Uploads = [] } = await other.s3.listMultipartUploads({ Bucket: target });
      assert.deepEqual(Uploads, []);
    });

    test("gets changes of tags, and delete markers by opt-in", async () => {
      const DeleteMarkerReplication = { Status: "Enabled" } as const;
      const [source, target] = await newPair(kind, { DeleteMarkerReplication });
      await put(source, "key");
      await work();
      const TagSet = [{ Key: "x", Value: "y = z" }];
      await s3.putObjectTagging({ Bucket: source, Key: "key", Tagging: { TagSet } });
      await work();
      const tags = await other.s3.getObjectTagging({ Bucket: target, Key: "key" });
      assert.deepEqual(tags.TagSet, TagSet);
      const marker = await s3.deleteObject({ Bucket: source, Key: "key" });
      await work();
      await assertRefused(other.s3.getObject({ Bucket: target, Key: "key" }), {
        code: "NoSuchKey",
        status: 404,
      });
      const ids = await idsOf(other.s3, target);
      assert.equal(ids.length, 2);
      if (keepsIds) assert.equal(ids[0], marker.VersionId);
    });

    test("gets versions in their order", async () => {
      const [source, target] = await newPair(kind);
      const ids: string[] = [];
      // The second has the bytes of the first: each is a version all the same.
      for (const body of ["1", "1", "2"]) ids.push((await put(source, "key", body)).versionId);
      await work();
      const found = await idsOf(other.s3, target);
      assert.equal(found.length, 3);
      if (keepsIds) assert.deepEqual(found, ids.toReversed());
      assert.equal(await textOf(await other.s3.getObject({ Bucket: target, Key: "key" })), "2");
    });

    test("gets locks", async () => {
      const [source, target] = await newPair(kind, {}, true);
      const until = new Date(Math.ceil(Date.now() / 1000) * 1000 + 86_400_000);
      await s3.putObject({
        Bucket: source,
        Key: "key",
        Body: "text",
        ObjectLockMode: "GOVERNANCE",
        ObjectLockRetainUntilDate: until,
        ObjectLockLegalHoldStatus: "ON",
      });
      await work();
      const { Retention } = await other.s3.getObjectRetention({ Bucket: target, Key: "key" });
      assert.deepEqual(Retention, { Mode: "GOVERNANCE", RetainUntilDate: until });
      const later = new Date(until.getTime() + 86_400_000);
      await s3.putObjectRetention({
        Bucket: source,
        Key: "key",
        Retention: { Mode: "GOVERNANCE", RetainUntilDate: later },
      });
      await s3.putObjectLegalHold({ Bucket: source, Key: "key", LegalHold: { Status: "OFF" } });
      await work();
      const changed = await other.s3.getObjectRetention({ Bucket: target, Key: "key" });
      assert.deepEqual(changed.Retention?.RetainUntilDate, later);
      const hold = await other.s3.getObjectLegalHold({ Bucket: target, Key: "key" });
      assert.equal(hold.LegalHold?.Status, "OFF");
    });
  });
}

describe("a target", () => {
  test("may call the bucket otherwise", async () => {
    const source = await newBucket("Enabled");
    await other.s3.createBucket({ Bucket: "called-otherwise" });
    await replicate(source, [ruleTo("foreign-alias")]);
    await put(source, "key");
    await work();
    const found = await other.s3.getObject({ Bucket: "called-otherwise", Key: "key" });
    assert.equal(await textOf(found), "key");
  });

  test("that may only write makes no replicas", async () => {
    const source = await newBucket("Enabled");
    await other.s3.createBucket({ Bucket: "remote-denied" });
    await setVersioning(other.s3, "remote-denied", "Enabled");
    await replicate(source, [ruleTo("remote-denied")]);
    await put(source, "key");
    await work();
    assert.equal(await statusOf(source, "key"), "FAILED");
    assert.deepEqual(await idsOf(other.s3, "remote-denied"), []);
  });

  test("that cannot be asked keeps delete markers waiting, and says why", async () => {
    const manager = new ManagementClient(here.server.endpoint, { ...hereRoot });
    for (const [target, reason] of [
      ["foreign-nowhere", "DstBucketNotFound"],
      ["elsewhere-region", "DstRefused: 400 AuthorizationHeaderMalformed"],
    ] as const) {
      const source = await newBucket("Enabled");
      await put(source, "key");
      await replicate(source, [ruleTo(target, { DeleteMarkerReplication: { Status: "Enabled" } })]);
      await s3.deleteObject({ Bucket: source, Key: "key" });
      await work();
      const { Destinations } = await manager.call("GetReplicationBacklog", { Bucket: source });
      assert.equal(Destinations[0].Refused, 1, target);
      assert.equal(Destinations[0].LastRefusal, reason);
    }
  });

  test("that is not there leaves FAILED, and goes on when it is", async () => {
    const clock = new ManualClock(Date.now());
    const timed = await startReplicationServer({
      clock,
      provisioning: {
        replication: {
          targets: [
            {
              bucketArn: "arn:aws:s3:::remote-late",
              endpoint: other.server.endpoint,
              kind: "holdfast",
              ...root,
            },
          ],
        },
      },
    });
    const source = await timed.newBucket("Enabled");
    await timed.replicate(source, [ruleTo("remote-late")]);
    const { versionId: first } = await timed.put(source, "key", "1");
    await timed.work();
    assert.equal(await timed.statusOf(source, "key"), "FAILED");
    const { versionId: second } = await timed.put(source, "key", "2");
    await timed.work();
    await other.s3.createBucket({ Bucket: "remote-late" });
    await setVersioning(other.s3, "remote-late", "Enabled");
    clock.advance(60_000);
    await timed.work();
    assert.equal(await timed.statusOf(source, "key"), "COMPLETED");
    assert.equal(await timed.statusOf(source, "key", first), "COMPLETED");
    assert.deepEqual(await idsOf(other.s3, "remote-late"), [second, first]);
  });
});

test("an endpoint that is down leaves PENDING, and gets everything when it is up", async () => {
  const clock = new ManualClock(Date.now());
  const away = await createServer({ credentials: root });
  const { port } = away;
  await away.close();
  const timed = await startReplicationServer({
    clock,
    provisioning: {
      replication: {
        targets: [
          {
            bucketArn: "arn:aws:s3:::remote",
            endpoint: `http://127.0.0.1:${port}`,
            kind: "holdfast",
            ...root,
          },
        ],
      },
    },
  });
  const source = await timed.newBucket("Enabled");
  await timed.replicate(source, [ruleTo("remote")]);
  for (const key of ["a", "b", "c"]) await timed.put(source, key);
  assert.equal((await timed.work())["away"], 1);
  assert.equal(await timed.statusOf(source, "a"), "PENDING");
  // Asked for at once, and not when its time comes.
  const manager = new ManagementClient(timed.server.endpoint, {
    accessKeyId: timed.server.credentials.accessKeyId,
    secretAccessKey: timed.server.credentials.secretAccessKey,
  });
  for (let pass = 0; pass < 3; pass += 1) {
    clock.advance(10_000);
    await timed.work();
  }
  const { Destinations } = await manager.call("GetReplicationBacklog", { Bucket: source });
  assert.match(Destinations[0].LastFailure, /cannot be reached \(ECONNREFUSED\)/);
  await using back = await createServer({ credentials: root, port, clock });
  const { endpoint, region } = back;
  const client = new S3({ endpoint, region, credentials: { ...root }, forcePathStyle: true });
  await client.createBucket({ Bucket: "remote" });
  await setVersioning(client, "remote", "Enabled");
  await timed.work();
  assert.equal(await timed.statusOf(source, "c"), "PENDING");
  await manager.call("StartReplicationResync", { Bucket: source });
  await eventually(async () => {
    await timed.work();
    return (await timed.statusOf(source, "c")) === "COMPLETED";
  }, "the replicas");
  const { Contents = [] } = await client.listObjectsV2({ Bucket: "remote" });
  assert.deepEqual(
    Contents.map(({ Key }) => Key),
    ["a", "b", "c"],
  );
  client.destroy();
});

test("a replica's version cannot be made up by those who may only write", async () => {
  await other.s3.createBucket({ Bucket: "guarded" });
  await setVersioning(other.s3, "guarded", "Enabled");
  const identity = Buffer.from(
    JSON.stringify({ lastModifiedMilliseconds: 1_000_000_000_000 }),
  ).toString("base64url");
  const request = {
    method: "PUT",
    path: "/guarded/key",
    headers: { "x-amz-holdfast-replica": identity },
    body: "text",
  };
  const refused = await other.send({ ...request, credentials: writer });
  assert.equal(refused.status, 403);
  const allowed = await other.send({ ...request, credentials: replicator });
  assert.equal(allowed.status, 200, allowed.text);
  const broken = { ...request.headers, "x-amz-holdfast-replica": "%%%" };
  const odd = await other.send({ ...request, headers: broken, credentials: replicator });
  assert.equal(odd.status, 400);
  // Nor is a version removed for good in the name of replication.
  const version = allowed.headers.get("x-amz-version-id") ?? "";
  const removal = { method: "DELETE", path: "/guarded/key", query: `versionId=${version}` };
  const headers = { "x-amz-holdfast-replica": identity };
  const kept = await other.send({ ...removal, headers, credentials: replicator });
  assert.equal(kept.status, 403);
});

/** Passes everything on, but for the answers to uploads while it swallows them. */
async function startLossyProxy(port: number) {
  const state = { swallows: false, swallowed: 0 };
  const proxy = createTcpServer((socket) => {
    const upstream = connect(port, "127.0.0.1");
    let isUpload = false;
    socket.on("data", (bytes) => {
      const [method = ""] = bytes.toString("latin1").split(" ", 1);
      if (/^(?:HEAD|GET|PUT|POST|DELETE)$/.test(method)) isUpload = method === "PUT";
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      if (state.swallows && isUpload) {
        state.swallowed += 1;
        socket.destroy();
      } else socket.write(bytes);
    });
    for (const [one, two] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      one.on("close", () => two.destroy());
      one.on("error", () => two.destroy());
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  after(() => proxy.close());
  return { state, port: (proxy.address() as AddressInfo).port };
}

for (const kind of ["holdfast", "s3"] as const) {
  test(`an answer that is lost makes no second version (${kind})`, async () => {
    const proxy = await startLossyProxy(other.server.port);
    const clock = new ManualClock(Date.now());
    const timed = await startReplicationServer({
      clock,
      provisioning: {
        replication: {
          targets: [
            {
              bucketArn: `arn:aws:s3:::lossy-${kind}`,
              endpoint: `http://127.0.0.1:${proxy.port}`,
              kind,
              ...root,
            },
          ],
        },
      },
    });
    const target = `lossy-${kind}`;
    await other.s3.createBucket({ Bucket: target });
    await setVersioning(other.s3, target, "Enabled");
    const source = await timed.newBucket("Enabled");
    await timed.replicate(source, [ruleTo(target)]);
    proxy.state.swallows = true;
    await timed.put(source, "key", "once");
    await timed.work();
    assert.ok(proxy.state.swallowed > 0);
    assert.equal(await timed.statusOf(source, "key"), "PENDING");
    assert.equal((await idsOf(other.s3, target)).length, 1);
    proxy.state.swallows = false;
    clock.advance(60_000);
    await timed.work();
    assert.equal(await timed.statusOf(source, "key"), "COMPLETED");
    assert.equal((await idsOf(other.s3, target)).length, 1);
  });
}

test("objects under KMS keys go to other servers by opt-in, and once when an answer is lost", async () => {
  const proxy = await startLossyProxy(other.server.port);
  const clock = new ManualClock(Date.now());
  const timed = await startReplicationServer({
    clock,
    provisioning: {
      replication: {
        targets: [
          {
            bucketArn: "arn:aws:s3:::kms-there",
            endpoint: `http://127.0.0.1:${proxy.port}`,
            kind: "s3",
            ...root,
          },
        ],
      },
    },
  });
  const newKey = async ({ endpoint, region, credentials }: typeof other.server) => {
    const kms = new KMS({ endpoint, region, credentials: { ...credentials } });
    const { KeyMetadata } = await kms.createKey({});
    kms.destroy();
    return KeyMetadata?.Arn ?? "";
  };
  const [sourceKey, replicaKey] = [await newKey(timed.server), await newKey(other.server)];
  await other.s3.createBucket({ Bucket: "kms-there" });
  await setVersioning(other.s3, "kms-there", "Enabled");
  const source = await timed.newBucket("Enabled");
  await timed.replicate(source, [
    ruleTo("kms-there", {
      SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: "Enabled" } },
      Destination: {
        Bucket: "arn:aws:s3:::kms-there",
        EncryptionConfiguration: { ReplicaKmsKeyID: replicaKey },
      },
    }),
  ]);
  proxy.state.swallows = true;
  await timed.s3.putObject({
    Bucket: source,
    Key: "key",
    Body: "secret",
    ServerSideEncryption: "aws:kms",
    SSEKMSKeyId: sourceKey,
  });
  await timed.work();
  assert.ok(proxy.state.swallowed > 0);
  proxy.state.swallows = false;
  clock.advance(60_000);
  await timed.work();
  assert.equal(await timed.statusOf(source, "key"), "COMPLETED");
  const found = await other.s3.getObject({ Bucket: "kms-there", Key: "key" });
  assert.equal(await textOf(found), "secret");
  assert.equal(found.SSEKMSKeyId, replicaKey);
  assert.equal((await idsOf(other.s3, "kms-there")).length, 1);
});
