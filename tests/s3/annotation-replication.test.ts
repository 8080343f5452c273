// Annotations go where their version goes: with it, after it, changed and removed; to buckets of this
// server, to another Holdfast, and to an endpoint of which nothing is known but that it speaks S3.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { S3 } from "@aws-sdk/client-s3";
import {
  replicationRole,
  ruleTo,
  startReplicationServer,
  userOfTarget,
} from "./replication-server.ts";
import { setVersioning, startTestServer } from "./test-server.ts";

const replicator = { accessKeyId: "AKIAREPLICATOR000000", secretAccessKey: "replicator's secret" };
const other = await startTestServer({
  provisioning: {
    users: [
      userOfTarget("replicator", replicator, [
        "s3:ReplicateObject",
        "s3:ReplicateTags",
        "s3:ReplicateObjectAnnotation",
        "s3:GetObjectVersion",
        "s3:GetObjectVersionAnnotation",
        "s3:ListObjectVersionAnnotations",
      ]),
    ],
  },
});
const { accessKeyId, secretAccessKey } = other.server.credentials;
const [objectsOnly] = [
  {
    ...replicationRole,
    name: "objects-only",
    inlinePolicies: {
      ...replicationRole.inlinePolicies,
      deny: {
        Version: "2012-10-17",
        Statement: [{ Effect: "Deny", Action: "s3:ReplicateObjectAnnotation", Resource: "*" }],
      },
    },
  },
];
const here = await startReplicationServer({
  provisioning: {
    roles: [replicationRole, objectsOnly],
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
          accessKeyId,
          secretAccessKey,
        },
      ],
    },
  },
});
const { s3, newBucket, newPair, put, work, replicate, statusOf, server } = here;
const long = "x".repeat(100_000);
let count = 0;

interface Pair {
  readonly source: string;
  readonly target: string;
  readonly client: S3;
}

async function remotePair(kind: "remote" | "foreign"): Promise<Pair> {
  const source = await newBucket("Enabled");
  const target = `${kind}-${(count += 1)}`;
  await other.s3.createBucket({ Bucket: target });
  await setVersioning(other.s3, target, "Enabled");
  await replicate(source, [ruleTo(target)]);
  return { source, target, client: other.s3 };
}

async function localPair(): Promise<Pair> {
  const [source, target] = await newPair();
  return { source, target, client: s3 };
}

async function annotationsOf(client: S3, Bucket: string): Promise<Record<string, string>> {
  const place = { Bucket, Key: "key" };
  const { Annotations = [] } = await client.listObjectAnnotations(place);
  const found: Record<string, string> = {};
  for (const { AnnotationName = "" } of Annotations) {
    const answer = await client.getObjectAnnotation({ ...place, AnnotationName });
    found[AnnotationName] = (await answer.AnnotationPayload?.transformToString()) ?? "";
  }
  return found;
}

async function annotate(Bucket: string, name: string, text = name): Promise<void> {
  const place = { Bucket, Key: "key", AnnotationName: name };
  await s3.putObjectAnnotation({ ...place, AnnotationPayload: text });
}

for (const [name, newPairOf] of [
  ["a bucket of this server", localPair],
  ["another Holdfast", () => remotePair("remote")],
  ["another server", () => remotePair("foreign")],
] as const) {
  describe(`annotations of objects that go to ${name}`, () => {
    test("come with the object, after it, changed, and are removed", async () => {
      const { source, target, client } = await newPairOf();
      await put(source, "key", "bytes");
      await annotate(source, "first");
      await annotate(source, "größe", long);
      await work();
      const first = { first: "first", größe: long };
      assert.deepEqual(await annotationsOf(client, target), first);
      assert.equal(await statusOf(source, "key"), "COMPLETED");
      await annotate(source, "first", "FIRST");
      await annotate(source, "second");
      assert.equal(await statusOf(source, "key"), "PENDING");
      await work();
      const second = { ...first, first: "FIRST", second: "second" };
      assert.deepEqual(await annotationsOf(client, target), second);
      await s3.deleteObjectAnnotation({ Bucket: source, Key: "key", AnnotationName: "größe" });
      await work();
      const last = { first: "FIRST", second: "second" };
      assert.deepEqual(await annotationsOf(client, target), last);
      const { Versions = [] } = await client.listObjectVersions({ Bucket: target });
      assert.equal(Versions.length, 1);
    });

    test("that are sealed by a KMS key go too", async () => {
      const { source, target, client } = await newPairOf();
      if (client !== s3) return; // Replicas on other servers need a key there: the object's business.
      const ServerSideEncryption = "aws:kms";
      const { SSEKMSKeyId = "" } = await s3.putObject({
        Bucket: source,
        Key: "key",
        Body: "bytes",
        ServerSideEncryption,
      });
      await replicate(source, [
        ruleTo(target, {
          SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: "Enabled" } },
          Destination: {
            Bucket: `arn:aws:s3:::${target}`,
            EncryptionConfiguration: { ReplicaKmsKeyID: SSEKMSKeyId },
          },
        }),
      ]);
      await s3.putObject({ Bucket: source, Key: "key", Body: "bytes", ServerSideEncryption });
      await annotate(source, "note");
      await work();
      assert.deepEqual(await annotationsOf(client, target), { note: "note" });
    });
  });
}

test("an annotation tells its version's state, and a replica's that it is one", async () => {
  const [source, target] = await newPair();
  await put(source, "key");
  await annotate(source, "note");
  await work();
  const read = { Key: "key", AnnotationName: "note" };
  const from = await s3.getObjectAnnotation({ Bucket: source, ...read });
  assert.equal(from.ReplicationStatus, "COMPLETED");
  const to = await s3.getObjectAnnotation({ Bucket: target, ...read });
  assert.equal(to.ReplicationStatus, "REPLICA");
  assert.deepEqual(to.LastModified, from.LastModified);
  const { Annotations = [] } = await s3.listObjectAnnotations({ Bucket: target, Key: "key" });
  assert.equal(Annotations[0]?.ReplicationStatus, "REPLICA");
});

test("a role that may not replicate annotations replicates the object alone", async () => {
  const source = await newBucket("Enabled");
  const target = await newBucket("Enabled");
  const Role = `arn:aws:iam::${server.accountId}:role/objects-only`;
  const ReplicationConfiguration = { Role, Rules: [ruleTo(target)] };
  await s3.putBucketReplication({ Bucket: source, ReplicationConfiguration });
  await put(source, "key", "bytes");
  await annotate(source, "note");
  await work();
  assert.equal(await statusOf(source, "key"), "COMPLETED");
  assert.deepEqual(await annotationsOf(s3, target), {});
});

test("what was annotated at the replica alone stays there, whatever else changes", async () => {
  const [source, target] = await newPair();
  await put(source, "key", "bytes");
  await annotate(source, "ours");
  await work();
  await annotate(target, "theirs");
  await annotate(source, "more");
  const TagSet = [{ Key: "a", Value: "b" }];
  await s3.putObjectTagging({ Bucket: source, Key: "key", Tagging: { TagSet } });
  await work();
  const all = { more: "more", ours: "ours", theirs: "theirs" };
  assert.deepEqual(await annotationsOf(s3, target), all);
  assert.deepEqual(await annotationsOf(s3, source), { more: "more", ours: "ours" });
});

test("annotations of replicas go back by opt-in, and stop there", async () => {
  const SourceSelectionCriteria = { ReplicaModifications: { Status: "Enabled" } } as const;
  const [left, right] = await newPair({ SourceSelectionCriteria });
  await replicate(right, [ruleTo(left, { SourceSelectionCriteria })]);
  await put(left, "key");
  await work();
  await annotate(right, "right");
  await annotate(left, "left");
  await work();
  await work();
  const both = { left: "left", right: "right" };
  assert.deepEqual(await annotationsOf(s3, left), both);
  assert.deepEqual(await annotationsOf(s3, right), both);
  await s3.deleteObjectAnnotation({ Bucket: right, Key: "key", AnnotationName: "left" });
  await work();
  assert.deepEqual(await annotationsOf(s3, left), { right: "right" });
  assert.deepEqual(await work(), { replicated: 0, dropped: 0, refused: 0, queued: 0, away: 0 });
});
