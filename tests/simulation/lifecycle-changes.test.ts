// What the lifecycle worker tells the change log, and what it leaves to replication.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LifecycleWorker } from "../../src/background/lifecycle-worker.ts";
import { ManualClock } from "../../src/base/clock.ts";
import type { LifecycleRule } from "../../src/model/types.generated.ts";
import { changeRoute } from "../../src/objects/change-log.ts";
import { formatLifecycle, lifecycleKind } from "../../src/objects/lifecycle-document.ts";
import { ObjectStore } from "../../src/objects/object-store.ts";
import type { ChangeRecord } from "../../src/objects/records/change-record.ts";
import { MemoryBlobStore } from "../../src/storage/blob/memory-blob-store.ts";
import { MemoryKeyValueStore } from "../../src/storage/key-value/memory-key-value-store.ts";
import { causeFor } from "./cause.ts";
import { noPass } from "./no-pass.ts";
import { ObjectClient } from "./object-client.ts";

const bucketName = "bucket";
const dayMilliseconds = 86_400_000;
const neverAborted = new AbortController().signal;
const large = new Uint8Array(200_000);

/** Every change of a bucket that has the document goes to one feed. */
const everyChange = changeRoute({
  document: "notification",
  parse: (text) => text,
  route: () => ({ feeds: [{ feed: "all" }] }),
});

async function open(): Promise<{ readonly clock: ManualClock; readonly client: ObjectClient }> {
  const clock = new ManualClock(Date.UTC(2030, 0, 1, 12));
  const objects = await ObjectStore.open({
    store: new MemoryKeyValueStore(),
    blobs: new MemoryBlobStore(),
    clock,
    changeRoutes: [everyChange],
  });
  const client = new ObjectClient(objects);
  await client.createBucket(bucketName);
  return { clock, client };
}

async function setRule(client: ObjectClient, rule: Partial<LifecycleRule>): Promise<void> {
  const rules = [{ ID: "rule", Filter: {}, Status: "Enabled" as const, ...rule }];
  const text = formatLifecycle({ rules, minimumSize: "all_storage_classes_128K" });
  await client.objects.documents.set(bucketName, lifecycleKind, text);
}

async function walk({ objects }: ObjectClient): Promise<Readonly<Record<string, number>>> {
  const worker = new LifecycleWorker({ objectStore: objects });
  return (await worker.runOnce(neverAborted, { ...noPass, isAsked: true })).fields;
}

/** Those of the worker: the service itself is who did them. */
async function changesOf({ objects }: ObjectClient): Promise<readonly ChangeRecord[]> {
  const { rows } = await objects.changes.read("all", { after: undefined, limit: 1000 });
  return rows
    .map(({ change }) => change)
    .filter(({ principalId }) => principalId === "s3.amazonaws.com");
}

describe("changes by lifecycle rules", () => {
  it("are told as S3's events of lifecycle, with the version that they are about", async () => {
    const { clock, client } = await open();
    const { documents } = client.objects;
    await client.setVersioning(bucketName, "Enabled");
    await documents.set(bucketName, "notification", "{}");
    const older = await client.put(bucketName, "key", large);
    const newer = await client.put(bucketName, "key", large);
    await setRule(client, {
      Expiration: { Days: 3 },
      Transitions: [{ Days: 1, StorageClass: "GLACIER_IR" }],
      NoncurrentVersionExpiration: { NoncurrentDays: 2 },
    });
    clock.advance(2 * dayMilliseconds);
    await walk(client);
    clock.advance(dayMilliseconds);
    await walk(client);
    clock.advance(dayMilliseconds);
    await walk(client);
    const told = (await changesOf(client)).map(({ event, versionId }) => [event, versionId]);
    const marker = await client.objects.versions
      .find(bucketName, "key", undefined)
      .catch((error: unknown) => error);
    assert.ok(marker instanceof Error, "it is hidden");
    assert.equal(told.length, 3);
    assert.deepEqual(told.slice(0, 2), [
      ["LifecycleTransition", newer.record.versionId],
      ["LifecycleExpiration:Delete", older.record.versionId],
    ]);
    assert.equal(told[2]?.[0], "LifecycleExpiration:DeleteMarkerCreated");
  });

  it("of a bucket without versions are deletions", async () => {
    const { clock, client } = await open();
    await client.objects.documents.set(bucketName, "notification", "{}");
    await client.put(bucketName, "key", large);
    await setRule(client, { Expiration: { Days: 1 } });
    clock.advance(2 * dayMilliseconds);
    await walk(client);
    const told = (await changesOf(client)).map(({ event, key }) => [event, key]);
    assert.deepEqual(told, [["LifecycleExpiration:Delete", "key"]]);
  });
});

describe("a version on its way to a destination", () => {
  it("is left alone until it is there, where the bucket replicates", async () => {
    const { clock, client } = await open();
    const { objects } = client;
    const setStatus = (key: string, status: "PENDING" | "FAILED" | "COMPLETED") =>
      objects.writes.changeVersion(
        { bucketName, key },
        undefined,
        causeFor("ObjectReplica:Status"),
        (record) => ({
          ...record,
          replication: { destinations: { "arn:aws:s3:::b": { status } } },
        }),
      );
    for (const key of ["pending", "failed", "done"]) await client.put(bucketName, key, large);
    await setStatus("pending", "PENDING");
    await setStatus("failed", "FAILED");
    await setStatus("done", "COMPLETED");
    await objects.documents.set(bucketName, "replication", "{}");
    await setRule(client, { Expiration: { Days: 1 } });
    clock.advance(2 * dayMilliseconds);
    const first = await walk(client);
    assert.deepEqual([first["expired"], first["replicating"]], [1, 2]);
    await setStatus("pending", "COMPLETED");
    assert.equal((await walk(client))["expired"], 1);
    // Without the configuration nobody waits for it.
    await objects.documents.set(bucketName, "replication", undefined);
    assert.equal((await walk(client))["expired"], 1);
    assert.equal(await objects.versions.findIfPresent(bucketName, "failed"), undefined);
  });
});
