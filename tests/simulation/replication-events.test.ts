// What the worker `replication` announces through the change log, and what it makes of answers that are
// lost: with destinations of the test's own, which fail as they are told to.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ReplicaDestination } from "../../src/background/replication/destination.ts";
import {
  DestinationAwayError,
  ReplicationRefusedError,
} from "../../src/background/replication/failure.ts";
import { LocalDestination } from "../../src/background/replication/local-destination.ts";
import type { ReplicationRole } from "../../src/background/replication/replication-role.ts";
import { ReplicationWorker } from "../../src/background/replication/replication-worker.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { changeRoute } from "../../src/objects/change-log.ts";
import {
  formatNotification,
  notificationKind,
} from "../../src/objects/notification-configuration.ts";
import { notificationRoute } from "../../src/objects/notification-route.ts";
import { ObjectStore } from "../../src/objects/object-store.ts";
import type { ChangeCause } from "../../src/objects/records/change-record.ts";
import { replicaIdentityOf, replicaState } from "../../src/objects/replica.ts";
import { replicationRoute } from "../../src/objects/replication-route.ts";
import { replicationStatusOf } from "../../src/objects/replication-rules.ts";
import { MemoryBlobStore } from "../../src/storage/blob/memory-blob-store.ts";
import { MemoryKeyValueStore } from "../../src/storage/key-value/memory-key-value-store.ts";
import { causeFor } from "./cause.ts";
import { noPass } from "./no-pass.ts";
import { ObjectClient } from "./object-client.ts";

const minuteMilliseconds = 60_000;
const bucketArn = "arn:aws:s3:::target";
const topicArn = "arn:aws:sns:us-east-1:111122223333:topic";

const rule = {
  ID: "timed",
  Status: "Enabled",
  Priority: 0,
  Filter: {},
  DeleteMarkerReplication: { Status: "Enabled" },
  Destination: {
    Bucket: bucketArn,
    ReplicationTime: { Status: "Enabled", Time: { Minutes: 15 } },
    Metrics: { Status: "Enabled", EventThreshold: { Minutes: 15 } },
  },
};

async function open() {
  const announced: ChangeCause[] = [];
  // Changes of the test's client happen at 0.
  const clock = new ManualClock(0);
  // Hears of everything, as notifications do.
  const listener = changeRoute({
    document: "replication",
    parse: () => true,
    route(_, { cause }) {
      if (cause.event.startsWith("Replication:")) announced.push(cause);
      return undefined;
    },
  });
  const objects = await ObjectStore.open({
    store: new MemoryKeyValueStore(),
    blobs: new MemoryBlobStore(),
    clock,
    changeRoutes: [replicationRoute, listener, notificationRoute],
  });
  const client = new ObjectClient(objects);
  for (const name of ["source", "target"]) {
    await client.createBucket(name);
    await client.setVersioning(name, "Enabled");
  }
  const configuration = { Role: "arn:aws:iam::111122223333:role/r", Rules: [rule] };
  await objects.documents.set("source", "replication", JSON.stringify(configuration));
  const TopicConfigurations = [
    { Id: "n", TopicArn: topicArn, Events: ["s3:Replication:*" as const] },
  ];
  const notification = formatNotification({ configuration: { TopicConfigurations } });
  await objects.documents.set("source", notificationKind, notification);
  let failure: (() => Error) | undefined;
  let losesAnswers = false;
  const role: ReplicationRole = {
    allows: async () => true,
    async copy({ source, targetBucketName }) {
      const { key, record } = source;
      const place = { bucketName: targetBucketName, key };
      const written = await objects.writes.copy(
        place,
        await objects.writes.begin(place, {}),
        {
          place: { bucketName: source.bucket.name, key },
          versionId: record.versionId,
          sequence: record.sequence,
        },
        () => ({
          cause: { ...causeFor("ObjectCreated:Put"), isReplication: true },
          etag: record.etag,
          checksum: record.checksum,
          attributes: record.attributes,
          replica: replicaIdentityOf(record),
          settle: () => ({ replication: replicaState }),
        }),
      );
      if (losesAnswers) throw new DestinationAwayError("the answer was lost");
      return { versionId: written.record.versionId };
    },
    open: () => assert.fail("nothing is read"),
    replicateAnnotations: () => assert.fail("there are none"),
    openAnnotation: () => assert.fail("there are none"),
  };
  const local = new LocalDestination(objects, "target");
  const destination: ReplicaDestination = {
    find: (work, known) => local.find(work, known),
    async put(work) {
      if (failure !== undefined) throw failure();
      return local.put(work);
    },
    update: (work, versionId) => local.update(work, versionId),
    putMarker: async (work) => {
      await local.putMarker(work);
      if (losesAnswers) throw new DestinationAwayError("the answer was lost");
    },
  };
  const newWorker = (): ReplicationWorker =>
    new ReplicationWorker({
      store: objects,
      roles: { assume: async () => role },
      destinationOf: async () => destination,
    });
  let worker = newWorker();
  return {
    objects,
    client,
    clock,
    announced,
    events: () => announced.map(({ event }) => event.replace("Replication:Operation", "")),
    fail: (made: (() => Error) | undefined) => (failure = made),
    loseAnswers: (is: boolean) => (losesAnswers = is),
    run: () => worker.runOnce(new AbortController().signal, noPass),
    /** As a process that takes over: nothing is known but what the store says. */
    restart: () => (worker = newWorker()),
    statusOf: async (key: string) =>
      replicationStatusOf((await client.find("source", key)).replication),
  };
}

const away = () => new DestinationAwayError("away");
const refused = () => new ReplicationRefusedError("DstKmsKeyInvalidState");

describe("events of replication", () => {
  test("say that a threshold was missed, once, and that the replica came after it", async () => {
    const world = await open();
    world.fail(away);
    await world.client.put("source", "key", Buffer.from("1"));
    await world.run();
    assert.deepEqual(world.events(), []);
    world.clock.advance(16 * minuteMilliseconds);
    await world.run();
    assert.deepEqual(world.events(), ["MissedThreshold"]);
    world.fail(undefined);
    world.clock.advance(minuteMilliseconds);
    await world.run();
    assert.deepEqual(world.events(), ["MissedThreshold", "ReplicatedAfterThreshold"]);
    const facts = world.announced[1]?.replication;
    assert.deepEqual(facts, {
      ruleId: "timed",
      destinationBucket: bucketArn,
      operation: "OBJECT_PUT",
      requestMilliseconds: facts?.requestMilliseconds,
      thresholdMilliseconds: 15 * minuteMilliseconds,
      replicationMilliseconds: facts?.replicationMilliseconds,
    });
    assert.equal(world.announced[1]?.principalId, "s3.amazonaws.com");
    assert.equal(await world.statusOf("key"), "COMPLETED");
  });

  test("say that it failed, once for all attempts", async () => {
    const world = await open();
    world.fail(refused);
    await world.client.put("source", "key", Buffer.from("1"));
    for (let attempt = 0; attempt < 4; attempt += 1) {
      await world.run();
      world.clock.advance(60 * minuteMilliseconds);
    }
    assert.deepEqual(world.events(), ["FailedReplication"]);
    assert.equal(world.announced[0]?.replication?.failureReason, "DstKmsKeyInvalidState");
    assert.equal(await world.statusOf("key"), "FAILED");
    const { rows } = await world.objects.changes.read(`notification/${topicArn}`, { limit: 10 });
    assert.deepEqual(
      rows.map(({ change }) => [change.event, change.key, change.replication?.failureReason]),
      [["Replication:OperationFailedReplication", "key", "DstKmsKeyInvalidState"]],
    );
    world.fail(undefined);
    await world.run();
    assert.equal(await world.statusOf("key"), "COMPLETED");
  });

  test("say that nobody tracks what no rule sends any more", async () => {
    const world = await open();
    world.fail(away);
    await world.client.put("source", "key", Buffer.from("1"));
    await world.run();
    const other = { ...rule, Filter: { Prefix: "other/" } };
    const configuration = { Role: "arn:aws:iam::111122223333:role/r", Rules: [other] };
    await world.objects.documents.set("source", "replication", JSON.stringify(configuration));
    world.clock.advance(minuteMilliseconds);
    await world.run();
    assert.deepEqual(world.events(), ["NotTracked"]);
    assert.equal(await world.statusOf("key"), undefined);
  });
});

describe("a worker that dies between the replica and its note", () => {
  test("makes no second version, nor a second delete marker", async () => {
    const world = await open();
    world.loseAnswers(true);
    const { record } = await world.client.put("source", "key", Buffer.from("1"));
    await world.run();
    assert.equal(await world.statusOf("key"), "PENDING");
    world.restart();
    await world.run();
    assert.equal(await world.statusOf("key"), "COMPLETED");
    const bucket = await world.objects.buckets.get("target");
    const history = () => world.objects.versions.history(bucket, "key", 10);
    assert.deepEqual(
      (await history()).map(({ versionId }) => versionId),
      [record.versionId],
    );
    const marker = await world.client.delete("source", "key");
    for (let attempt = 0; attempt < 3; attempt += 1) {
      world.loseAnswers(attempt < 2);
      world.clock.advance(2 * minuteMilliseconds);
      await world.run();
      world.restart();
    }
    assert.deepEqual(
      (await history()).map(({ versionId }) => versionId),
      [marker.versionId, record.versionId],
    );
    const [first] = await world.objects.changes.sizes("replication/");
    assert.equal(first?.rows, 0);
  });

  test("may run twice at once", async () => {
    const world = await open();
    for (const key of ["a", "b", "c"]) await world.client.put("source", key, Buffer.from(key));
    const first = world.run();
    world.restart();
    await Promise.all([first, world.run()]);
    const bucket = await world.objects.buckets.get("target");
    for (const key of ["a", "b", "c"]) {
      assert.equal((await world.objects.versions.history(bucket, key, 10)).length, 1);
      assert.equal(await world.statusOf(key), "COMPLETED");
    }
  });
});

test("what is refused holds up later changes of its key, and nothing else", async () => {
  const world = await open();
  const refusedKeys = new Set(["bad"]);
  await world.client.put("source", "bad", Buffer.from("1"));
  await world.client.put("source", "good", Buffer.from("1"));
  world.fail(refused);
  await world.run();
  world.fail(undefined);
  await world.client.put("source", "bad", Buffer.from("2"));
  await world.client.put("source", "better", Buffer.from("1"));
  await world.run();
  assert.equal(await world.statusOf("better"), "COMPLETED");
  for (const key of refusedKeys) assert.equal(await world.statusOf(key), "FAILED");
  world.clock.advance(60 * minuteMilliseconds);
  await world.run();
  const bucket = await world.objects.buckets.get("target");
  assert.equal((await world.objects.versions.history(bucket, "bad", 10)).length, 2);
  assert.equal(await world.statusOf("bad"), "COMPLETED");
});
