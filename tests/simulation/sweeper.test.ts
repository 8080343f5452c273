// What the sweeper removes, what it leaves alone, and that it may be cut off anywhere.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Sweeper } from "../../src/background/sweeper.ts";
import { ranges } from "../../src/objects/records/keyspace.ts";
import type { WorkerReport } from "../../src/background/worker.ts";
import type { BlobId } from "../../src/storage/blob/blob-store.ts";
import { causeFor } from "./cause.ts";
import { MemoryMachine, type MemoryProcess, noFaults, ProcessDiedError } from "./memory-process.ts";
import { ObjectClient } from "./object-client.ts";
import { SeededRandom } from "./seeded-random.ts";

const bucketName = "bucket";
const large = (fill: number): Uint8Array => new Uint8Array(1000).fill(fill);
const neverAborted = new AbortController().signal;

async function begin(): Promise<{
  machine: MemoryMachine;
  process: MemoryProcess;
  client: ObjectClient;
}> {
  const machine = new MemoryMachine();
  const process = await machine.start();
  const client = new ObjectClient(process.objects);
  await client.createBucket(bucketName);
  return { machine, process, client };
}

function sweeperOf(process: MemoryProcess): Sweeper {
  return new Sweeper({ objectStore: process.objects, sleep: async () => {} });
}

async function sweep(process: MemoryProcess): Promise<WorkerReport> {
  return sweeperOf(process).runOnce(neverAborted);
}

async function blobCount(machine: MemoryMachine): Promise<number> {
  return (await machine.list(undefined, 10_000)).length;
}

async function garbageCount(machine: MemoryMachine): Promise<number> {
  const range = { ...ranges.garbage(), limit: 10_000 };
  return (await machine.keyValueStore.read({ ranges: [range] })).ranges[0]?.length ?? 0;
}

describe("the sweeper", () => {
  it("removes the blob of a deleted object, but only after the grace period", async () => {
    const { machine, process, client } = await begin();
    await client.put(bucketName, "a", large(1));
    await client.delete(bucketName, "a");
    machine.clock.advance(30_000);
    const early = await sweep(process);
    assert.equal(await blobCount(machine), 1);
    assert.ok((early.againMilliseconds ?? 0) <= 1000);
    machine.clock.advance(1);
    const { fields } = await sweep(process);
    assert.equal(await blobCount(machine), 0);
    assert.equal(await garbageCount(machine), 0);
    assert.equal(fields["blobs"], 1);
    assert.equal(fields["records"], 1);
    await machine.mustBeSound();
  });

  it("keeps a blob that a copy shares until the last copy is gone", async () => {
    const { machine, process, client } = await begin();
    await client.put(bucketName, "a", large(1));
    await client.copy({ bucketName, key: "a" }, { bucketName, key: "b" });
    await client.delete(bucketName, "a");
    machine.clock.advance(60_000);
    await sweep(process);
    assert.equal(await garbageCount(machine), 0);
    assert.deepEqual(await client.read(bucketName, "b"), large(1));
    await client.delete(bucketName, "b");
    machine.clock.advance(60_000);
    await sweep(process);
    assert.equal(await blobCount(machine), 0);
  });

  it("leaves alone what a read that still runs may need", async () => {
    const { machine, process, client } = await begin();
    await client.put(bucketName, "a", large(1));
    const pin = process.objects.pins.pin();
    machine.clock.advance(5);
    await client.delete(bucketName, "a");
    machine.clock.advance(3_600_000);
    await sweep(process);
    assert.equal(await blobCount(machine), 1);
    pin.release();
    await sweep(process);
    assert.equal(await blobCount(machine), 0);
  });

  it("leaves alone what a long read of another process may need", async () => {
    const { machine, process, client } = await begin();
    await client.put(bucketName, "a", large(1));
    const other = await machine.start();
    await process.objects.writers.register();
    const pin = other.objects.pins.pin();
    machine.clock.advance(5);
    await client.delete(bucketName, "a");
    machine.clock.advance(3_600_000);
    await other.objects.writers.publishReads();
    await sweep(process);
    assert.equal(await blobCount(machine), 1);
    pin.release();
    await other.objects.writers.publishReads();
    await sweep(process);
    assert.equal(await blobCount(machine), 0);
  });

  it("gives the unpublished reads of other processes time, however short the grace", async () => {
    const { machine, process, client } = await begin();
    await client.put(bucketName, "a", large(1));
    await machine.start();
    await process.objects.writers.register();
    await client.delete(bucketName, "a");
    const hasty = new Sweeper({
      objectStore: process.objects,
      graceMilliseconds: 0,
      sleep: async () => {},
    });
    machine.clock.advance(19_000);
    await hasty.runOnce(neverAborted);
    assert.equal(await blobCount(machine), 1);
    machine.clock.advance(2_000);
    await hasty.runOnce(neverAborted);
    assert.equal(await blobCount(machine), 0);
  });

  it("removes the parts that an aborted and a completed upload leave", async () => {
    const { machine, process, client } = await begin();
    for (const [key, isCompleted] of [
      ["a", true],
      ["b", false],
    ] as const) {
      const place = { bucketName, key, uploadId: await client.createUpload(bucketName, key) };
      for (let number = 1; number <= 70; number += 1) {
        await client.putPart(
          place,
          number,
          number % 2 === 0 ? large(number) : large(1).slice(0, 9),
        );
      }
      if (isCompleted) await client.complete(place, [2, 3]);
      else await client.abort(place);
    }
    assert.equal(await blobCount(machine), 70);
    machine.clock.advance(60_000);
    const { fields } = await sweep(process);
    assert.equal(fields["parts"], 68 + 70);
    machine.clock.advance(60_000);
    await sweep(process);
    assert.equal(await blobCount(machine), 1);
    assert.equal(await garbageCount(machine), 0);
    assert.equal(await machine.mustBeSound(), 0);
    assert.equal((await client.read(bucketName, "a")).byteLength, 1009);
  });

  it("removes the uploads of a deleted bucket", async () => {
    const { machine, process, client } = await begin();
    for (let at = 0; at < 40; at += 1) {
      const key = `key ${at}`;
      const place = { bucketName, key, uploadId: await client.createUpload(bucketName, key) };
      await client.putPart(place, 1, large(at));
    }
    await client.deleteBucket(bucketName);
    assert.equal(await machine.mustBeSound(), 0);
    for (let pass = 0; pass < 2; pass += 1) {
      machine.clock.advance(60_000);
      await sweep(process);
    }
    assert.equal(await blobCount(machine), 0);
    const everything = { start: new Uint8Array([0]), end: new Uint8Array([255]), limit: 100 };
    const left = (await machine.keyValueStore.read({ ranges: [everything] })).ranges[0];
    // The store's own record and the writer's.
    assert.equal(left?.length, 2);
  });

  it("removes unnamed blobs of dead writers, never those of living ones", async () => {
    const { machine, process, client } = await begin();
    await client.put(bucketName, "named", large(1));
    const write = (owner: MemoryProcess): Promise<unknown> =>
      owner.objects.contents.receive(
        (async function* () {
          yield large(2);
        })(),
        1000,
      );
    await write(process);
    const sweeper = sweeperOf(process);
    await sweeper.runOnce(neverAborted);
    assert.equal(await blobCount(machine), 2);
    // The next opening declares this process dead.
    const next = await machine.start();
    await write(next);
    await sweeperOf(next).runOnce(neverAborted);
    assert.equal(await blobCount(machine), 2);
    assert.deepEqual(await new ObjectClient(next.objects).read(bucketName, "named"), large(1));
  });

  it("looks at the blobs of a writer that dies while it runs", async () => {
    const { machine, process } = await begin();
    const other = await machine.start();
    await process.objects.writers.register();
    const sweeper = sweeperOf(process);
    await sweeper.runOnce(neverAborted);
    await other.objects.contents.receive(
      (async function* () {
        yield large(2);
      })(),
      1000,
    );
    await sweeper.runOnce(neverAborted);
    assert.equal(await blobCount(machine), 1);
    await other.objects.writers.unregister();
    const { fields } = await sweeper.runOnce(neverAborted);
    assert.equal(fields["orphans"], 1);
    assert.equal(await blobCount(machine), 0);
  });

  it("goes on after a blob that cannot be removed, and comes back to it", async () => {
    const { machine, process, client } = await begin();
    const keys = ["a", "b", "c"];
    for (const key of keys) await client.put(bucketName, key, large(1));
    const stuck = (await machine.list(undefined, 10))[1];
    for (const key of keys) await client.delete(bucketName, key);
    machine.clock.advance(60_000);
    const { blobStore } = process.objects;
    const remove = blobStore.delete.bind(blobStore);
    blobStore.delete = async (id: BlobId) => {
      if (id === stuck) throw new Error("stuck");
      await remove(id);
    };
    await assert.rejects(sweep(process), /stuck/);
    assert.deepEqual(await machine.list(undefined, 10), [stuck]);
    assert.equal(await garbageCount(machine), 1);
    blobStore.delete = remove;
    await sweep(process);
    assert.equal(await blobCount(machine), 0);
    assert.equal(await garbageCount(machine), 0);
  });

  it("stops between two steps when it is aborted", async () => {
    const { machine, process, client } = await begin();
    await client.put(bucketName, "a", large(1));
    await client.delete(bucketName, "a");
    machine.clock.advance(60_000);
    const stop = new AbortController();
    stop.abort();
    await assert.rejects(sweeperOf(process).runOnce(stop.signal));
    assert.equal(await blobCount(machine), 1);
  });

  it("may be killed at every single effect, and its successor finishes", async () => {
    const finished: boolean[] = [];
    for (let effects = 0; !finished.includes(true); effects += 1) {
      assert.ok(effects < 500, "the sweep never ends");
      const { machine, process, client } = await begin();
      await makeWaste(client);
      machine.clock.advance(60_000);
      process.faults.effectsUntilDeath = effects;
      try {
        for (let pass = 0; pass < 2; pass += 1) {
          await sweep(process);
          machine.clock.advance(60_000);
        }
        finished.push(true);
      } catch (error) {
        assert.ok(process.isDead || error instanceof ProcessDiedError, String(error));
      }
      await machine.mustBeSound();
      const successor = await machine.start();
      for (let pass = 0; pass < 2; pass += 1) {
        machine.clock.advance(60_000);
        await sweep(successor);
      }
      assert.equal(await machine.mustBeSound(), 0);
      assert.equal(await garbageCount(machine), 0);
      assert.equal(await blobCount(machine), 3);
      const reader = new ObjectClient(successor.objects);
      assert.deepEqual(await reader.read(bucketName, "copy"), large(1));
      assert.equal((await reader.read(bucketName, "joined")).byteLength, 2000);
    }
  });

  it("may run twice at once, in any interleaving", async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const random = new SeededRandom(seed);
      const { machine, process, client } = await begin();
      await makeWaste(client);
      const other = await machine.start(noFaults, random);
      await process.objects.writers.register();
      for (let pass = 0; pass < 2; pass += 1) {
        machine.clock.advance(60_000);
        await Promise.all(
          [process, other, process].map(async (each) => {
            for (let turn = random.below(8); turn > 0; turn -= 1) await Promise.resolve();
            await sweep(each);
          }),
        );
      }
      assert.equal(await machine.mustBeSound(), 0);
      assert.equal(await garbageCount(machine), 0);
      assert.equal(await blobCount(machine), 3);
    }
  });
});

/** Every kind of garbage; three blobs stay named. */
async function makeWaste(client: ObjectClient): Promise<void> {
  await client.put(bucketName, "gone", large(1));
  await client.copy({ bucketName, key: "gone" }, { bucketName, key: "copy" });
  await client.delete(bucketName, "gone");
  await client.put(bucketName, "replaced", large(2));
  await client.put(bucketName, "replaced", new Uint8Array(3));
  const joined = { bucketName, key: "joined", uploadId: "" };
  joined.uploadId = await client.createUpload(bucketName, "joined");
  for (const number of [1, 2, 3]) await client.putPart(joined, number, large(number));
  await client.complete(joined, [1, 3]);
  const aborted = { bucketName, key: "aborted", uploadId: "" };
  aborted.uploadId = await client.createUpload(bucketName, "aborted");
  for (const number of [1, 2]) await client.putPart(aborted, number, large(number));
  await client.copyPart(aborted, 3, { bucketName, key: "joined" }, { start: 500, end: 1500 });
  await client.abort(aborted);
  await client.createBucket("short-lived");
  const uploadId = await client.createUpload("short-lived", "key");
  await client.putPart({ bucketName: "short-lived", key: "key", uploadId }, 1, large(9));
  await client.deleteBucket("short-lived");
}

describe("a process that was declared dead while it lives", () => {
  it("can no longer name blobs, which the sweeper may have removed", async () => {
    const { machine, process, client } = await begin();
    await client.put(bucketName, "before", large(1));
    const received = await process.objects.contents.receive(
      (async function* () {
        yield large(2);
      })(),
      1000,
    );
    const successor = await machine.start();
    await sweep(successor);
    const place = { bucketName, key: "late" };
    const begun = await process.objects.writes.begin(place, {});
    const cause = causeFor("ObjectCreated:Put");
    const version = { cause, etag: "0".repeat(32), checksum: undefined, attributes: {} };
    await assert.rejects(process.objects.writes.put(place, begun, { received, version }), {
      name: "StorageUnavailableError",
    });
    const uploadId = await client.createUpload(bucketName, "late");
    await assert.rejects(client.putPart({ ...place, uploadId }, 1, large(3)), {
      name: "StorageUnavailableError",
    });
    // A long read to publish does not bring its declaration back.
    process.objects.pins.pin();
    machine.clock.advance(60_000);
    await assert.rejects(process.objects.writers.publishReads(), {
      name: "StorageUnavailableError",
    });
    await machine.mustBeSound();
    assert.deepEqual(await client.read(bucketName, "before"), large(1));
  });
});
