// What the change log tells of tiers: transitions, restorations from their beginning to their end, and what
// Intelligent-Tiering archives; and not what it moves unseen, or who has read what.

import assert from "node:assert/strict";
import { it } from "node:test";
import { ManualClock } from "../../src/base/clock.ts";
import { changeRoute, serverCause } from "../../src/objects/change-log.ts";
import { readDueRows } from "../../src/objects/due-rows.ts";
import { ObjectStore } from "../../src/objects/object-store.ts";
import type { DueQueue } from "../../src/objects/records/keyspace.ts";
import type { ChangeEvent } from "../../src/objects/records/change-record.ts";
import { tieringDocument } from "../../src/objects/tiering.ts";
import { formatTieringConfiguration } from "../../src/objects/tiering-rules.ts";
import { MemoryBlobStore } from "../../src/storage/blob/memory-blob-store.ts";
import { MemoryKeyValueStore } from "../../src/storage/key-value/memory-key-value-store.ts";
import { ObjectClient } from "./object-client.ts";

const day = 86_400_000;
const signal = new AbortController().signal;

it("tiers announce what S3 has events for, and nothing else", async () => {
  const clock = new ManualClock(Date.parse("2026-03-10T10:30:00Z"));
  const spy = changeRoute({
    document: "spy",
    parse: (text) => text,
    route: () => ({ feeds: [{ feed: "spy" }] }),
  });
  const objects = await ObjectStore.open({
    store: new MemoryKeyValueStore(),
    blobs: new MemoryBlobStore(),
    clock,
    changeRoutes: [spy],
  });
  const client = new ObjectClient(objects);
  await client.createBucket("bucket");
  await objects.documents.set("bucket", "spy", "everything");
  const configuration = {
    Id: "archive",
    Status: "Enabled",
    Tierings: [{ Days: 100, AccessTier: "ARCHIVE_ACCESS" }],
  } as const;
  const text = formatTieringConfiguration(configuration);
  await objects.documents.set("bucket", `${tieringDocument}/archive`, text);
  const look = async (queue: DueQueue): Promise<void> => {
    const options = { untilMilliseconds: clock.now(), after: undefined, limit: 10 };
    for (const row of await readDueRows(objects.keyValueStore, queue, options)) {
      if (queue === "restore") await objects.restores.look(row, signal);
      else await objects.tiering.look(row, signal);
    }
  };
  const told = async (): Promise<readonly ChangeEvent[]> => {
    const { rows } = await objects.changes.read("spy", { limit: 100 });
    await objects.changes.finish("spy", rows);
    return rows.map(({ change }) => change.event);
  };

  const { record } = await client.put("bucket", "key", Buffer.alloc(200_000, "x"));
  const { versionId, sequence } = record;
  const place = { bucketName: "bucket", key: "key", versionId, sequence };
  const transition = serverCause("LifecycleTransition", clock);
  await objects.transitions.move(place, "INTELLIGENT_TIERING", transition);
  assert.deepEqual(await told(), ["ObjectCreated:Put", "LifecycleTransition"]);

  clock.advance(31 * day);
  await look("tiering");
  const found = await objects.versions.find("bucket", "key", undefined);
  assert.equal(found.record.tiering?.tier, "INFREQUENT_ACCESS");
  objects.tiering.noteAccess(place, found.record);
  await objects.tiering.writeAccesses(signal);
  await look("tiering");
  assert.deepEqual(await told(), []);

  for (const days of [31, 60, 10]) {
    clock.advance(days * day);
    await look("tiering");
  }
  assert.deepEqual(await told(), ["IntelligentTiering"]);

  const post = serverCause("ObjectRestore:Post", clock);
  await objects.restores.request(place, undefined, { days: undefined, tier: "Standard" }, post);
  clock.advance(5000);
  await look("restore");
  assert.deepEqual(await told(), ["ObjectRestore:Post", "ObjectRestore:Completed"]);

  await objects.transitions.move(place, "GLACIER", transition);
  await objects.restores.request(place, undefined, { days: 1, tier: "Standard" }, post);
  clock.advance(5000);
  await look("restore");
  clock.advance(2 * day);
  await look("restore");
  assert.deepEqual(await told(), [
    "LifecycleTransition",
    "ObjectRestore:Post",
    "ObjectRestore:Completed",
    "ObjectRestore:Delete",
  ]);
});
