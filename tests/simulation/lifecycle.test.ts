// The lifecycle worker killed at every effect it has on the stores, racing with writers, and going on
// where another one stopped.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LifecycleWorker } from "../../src/background/lifecycle-worker.ts";
import type { LifecycleRule } from "../../src/model/types.generated.ts";
import { formatLifecycle, lifecycleKind } from "../../src/objects/lifecycle-document.ts";
import type { ObjectStore } from "../../src/objects/object-store.ts";
import { keys, ranges } from "../../src/objects/records/keyspace.ts";
import {
  decodeLifecycleState,
  type LifecycleStateRecord,
} from "../../src/objects/records/lifecycle-state-record.ts";
import { MemoryMachine, type MemoryProcess, sweepAll } from "./memory-process.ts";
import { noPass } from "./no-pass.ts";
import { ObjectClient } from "./object-client.ts";
import { chooseSeed, SeededRandom, withSeed } from "./seeded-random.ts";

const bucketName = "bucket";
const dayMilliseconds = 86_400_000;
const large = new Uint8Array(1000).fill(7);
const neverAborted = new AbortController().signal;

const everything: LifecycleRule = {
  ID: "everything",
  Filter: {},
  Status: "Enabled",
  Expiration: { Days: 1 },
  NoncurrentVersionExpiration: { NoncurrentDays: 1 },
};

async function setRules(objects: ObjectStore, ...rules: readonly LifecycleRule[]): Promise<void> {
  const text = formatLifecycle({ rules, minimumSize: "all_storage_classes_128K" });
  await objects.documents.set(bucketName, lifecycleKind, text);
}

async function begin(): Promise<{
  readonly machine: MemoryMachine;
  readonly process: MemoryProcess;
  readonly client: ObjectClient;
}> {
  const machine = new MemoryMachine();
  const process = await machine.start();
  const client = new ObjectClient(process.objects);
  await client.createBucket(bucketName);
  return { machine, process, client };
}

async function stateOf(objects: ObjectStore): Promise<LifecycleStateRecord | undefined> {
  const { id } = await objects.buckets.get(bucketName);
  const { gets } = await objects.keyValueStore.read({ gets: [keys.lifecycleState(id)] });
  return gets[0] === undefined ? undefined : decodeLifecycleState(gets[0].value);
}

async function rowsOf(machine: MemoryMachine): Promise<number> {
  const all = [ranges.allCurrent(), ranges.allVersions(), ranges.allMarkers()];
  const read = await machine.keyValueStore.read({
    ranges: all.map((range) => ({ ...range, limit: 10_000 })),
  });
  return read.ranges.flat().length;
}

describe("the lifecycle worker", () => {
  it("may be killed at any effect: the next one finishes, and nothing is broken", async () => {
    let isSpared = false;
    for (let effects = 0; !isSpared; effects += 1) {
      const { machine, process, client } = await begin();
      await client.setVersioning(bucketName, "Enabled");
      for (const key of ["a", "b", "c"]) {
        await client.put(bucketName, key, large);
        await client.put(bucketName, key, large);
      }
      await setRules(process.objects, everything);
      machine.clock.advance(3 * dayMilliseconds);
      const worker = new LifecycleWorker({
        objectStore: process.objects,
        budget: { looked: 1, actions: 1 },
      });
      isSpared = await process.survives(effects, () => worker.runOnce(neverAborted, noPass));
      const { objects } = await machine.start();
      const next = new LifecycleWorker({ objectStore: objects });
      // What died may have hidden everything already: then days must pass until the rest is due.
      for (let days = 0; days < 4; days += 1) {
        await next.runOnce(neverAborted, noPass);
        machine.clock.advance(2 * dayMilliseconds);
      }
      assert.equal(await rowsOf(machine), 0, `killed at effect ${effects}`);
      await sweepAll(objects, machine.clock);
      assert.equal(await machine.mustBeSound(), 0);
    }
  });

  it("goes on where a walk was cut off, and begins anew on another day", async () => {
    const { machine, process, client } = await begin();
    const count = 3000;
    for (let index = 0; index < count; index += 1) {
      await client.put(bucketName, `key ${index}`, new Uint8Array(1));
    }
    await setRules(process.objects, { ...everything, Expiration: { Days: 300 } });
    machine.clock.advance(400 * dayMilliseconds);
    await setRules(process.objects, { ...everything, Expiration: { Days: 1000 } });
    const abort = new AbortController();
    const cut = new LifecycleWorker({
      objectStore: process.objects,
      budget: { looked: 600, actions: 10 },
    });
    const pass = { ...noPass, progress: () => abort.abort(new Error("enough")) };
    await assert.rejects(cut.runOnce(abort.signal, pass), { message: "enough" });
    const state = await stateOf(process.objects);
    assert.equal(state?.cursor?.phase, "current");
    assert.equal(state?.report.finishedMilliseconds, undefined);
    const begun = state?.report.looked ?? 0;
    assert.ok(begun >= 600 && begun < count, `${begun}`);

    const worker = new LifecycleWorker({ objectStore: process.objects });
    await worker.runOnce(neverAborted, noPass);
    const finished = await stateOf(process.objects);
    assert.equal(finished?.cursor, undefined);
    assert.equal(finished?.report.looked, count, "nothing twice, and nothing left out");
    // That was this day's walk.
    assert.equal((await worker.runOnce(neverAborted, noPass)).fields["looked"], 0);
    const asked = { ...noPass, isAsked: true };
    assert.equal((await worker.runOnce(neverAborted, asked)).fields["looked"], count);
    machine.clock.advance(dayMilliseconds);
    assert.equal((await worker.runOnce(neverAborted, noPass)).fields["looked"], count);
    // And another configuration means another walk.
    await setRules(process.objects, { ...everything, Expiration: { Days: 999 } });
    assert.equal((await worker.runOnce(neverAborted, noPass)).fields["looked"], count);
  });

  it("forgets buckets that are gone or have no lifecycle any more", async () => {
    const { process } = await begin();
    await setRules(process.objects, everything);
    const worker = new LifecycleWorker({ objectStore: process.objects });
    await worker.runOnce(neverAborted, noPass);
    assert.notEqual(await stateOf(process.objects), undefined);
    await process.objects.documents.set(bucketName, lifecycleKind, undefined);
    await worker.runOnce(neverAborted, noPass);
    assert.equal(await stateOf(process.objects), undefined);
  });

  it("deletes nothing that was written, and obeys no rule that was deleted, while it walks", async () => {
    const seed = chooseSeed();
    await withSeed(seed, async () => {
      const random = new SeededRandom(seed);
      for (let round = 0; round < 30; round += 1) await race(random);
    });
  });
});

/** Writers replace objects, and at some moment the rules go, while the worker removes what is due. */
async function race(random: SeededRandom): Promise<void> {
  const { machine, process, client } = await begin();
  const names = Array.from({ length: 40 }, (_, index) => `key ${index}`);
  for (const name of names) await client.put(bucketName, name, large);
  await setRules(process.objects, everything);
  machine.clock.advance(3 * dayMilliseconds);
  const { objects } = process;
  const worker = new LifecycleWorker({ objectStore: objects });
  const walking = worker.runOnce(neverAborted, noPass);
  const written: string[] = [];
  let leftWhenOff = -1;
  const offAt = random.below(60);
  for (let step = 0; step < 60; step += 1) {
    if (step === offAt) {
      await objects.documents.set(bucketName, lifecycleKind, undefined);
      leftWhenOff = await rowsOf(machine);
    } else if (random.chance(0.5)) {
      const name = random.pick(names);
      const before = await objects.versions.findIfPresent(bucketName, name);
      await client.put(bucketName, name, large);
      written.push(name);
      if (before === undefined && leftWhenOff !== -1) leftWhenOff += 1;
    } else {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  await walking;
  for (const name of written) {
    assert.notEqual(await objects.versions.findIfPresent(bucketName, name), undefined, name);
  }
  assert.equal(await rowsOf(machine), leftWhenOff, "nothing was removed after the rules had gone");
}
