// Annotations against a model that is a map: whatever becomes of versions, each has its own, and nothing is
// left of those whose version is gone.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ranges } from "../../src/objects/records/keyspace.ts";
import { isDeleteMarker } from "../../src/objects/records/object-record.ts";
import { MemoryMachine, sweepAll } from "./memory-process.ts";
import { ObjectClient } from "./object-client.ts";
import { chooseSeed, SeededRandom, withSeed } from "./seeded-random.ts";

const bucketName = "bucket";
const objectKeys = ["a", "b", "c"];
const steps = 400;

/** Annotations by name, of versions by their place in the history of their key. */
type Model = Map<string, Map<string, string>>;

class History {
  readonly machine = new MemoryMachine();
  readonly #random: SeededRandom;
  readonly #model: Model = new Map();
  #client: ObjectClient | undefined;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  get client(): ObjectClient {
    assert.ok(this.#client !== undefined);
    return this.#client;
  }

  async start(): Promise<this> {
    const { objects } = await this.machine.start();
    this.#client = new ObjectClient(objects);
    await this.client.createBucket(bucketName);
    return this;
  }

  async step(): Promise<void> {
    const random = this.#random;
    const key = random.pick(objectKeys);
    const choice = random.below(20);
    this.machine.clock.advance(random.below(3));
    if (choice < 4) {
      const { record } = await this.client.put(bucketName, key, random.bytes(random.below(100)));
      this.#model.set(`${key}/${record.sequence}`, new Map());
    } else if (choice < 12) await this.#change(key, choice < 10);
    else if (choice < 15) await this.#copy(key, random.pick(objectKeys));
    else if (choice < 18) await this.#delete(key);
    else if (choice === 18) {
      const versioning = random.chance(0.7) ? "Enabled" : "Suspended";
      await this.client.setVersioning(bucketName, versioning);
    } else await sweepAll(this.client.objects, this.machine.clock);
  }

  /** Throws when a version has other annotations than the model says. */
  async compare(): Promise<void> {
    for (const { key, record } of await this.client.listVersions(bucketName)) {
      if (isDeleteMarker(record)) continue;
      const { versionId, sequence } = record;
      const found = await this.client.annotations({ bucketName, key, versionId });
      const expected = this.#model.get(`${key}/${sequence}`) ?? new Map<string, string>();
      assert.deepEqual(found, expected, key);
    }
  }

  async #versionOf(key: string) {
    const all = (await this.client.listVersions(bucketName)).filter(
      (each) => each.key === key && !isDeleteMarker(each.record),
    );
    return all.length === 0 ? undefined : this.#random.pick(all).record;
  }

  async #change(key: string, isWrite: boolean): Promise<void> {
    const version = await this.#versionOf(key);
    if (version === undefined) return;
    const place = { bucketName, key, versionId: version.versionId };
    const known = this.#model.get(`${key}/${version.sequence}`);
    assert.ok(known !== undefined);
    const name = `n${this.#random.below(4)}`;
    if (isWrite) {
      const bytes = this.#random.bytes(1 + this.#random.below(150));
      await this.client.annotate(place, name, bytes);
      known.set(name, Buffer.from(bytes).toString("latin1"));
    } else {
      await this.client.removeAnnotation(place, name);
      known.delete(name);
    }
  }

  async #copy(key: string, target: string): Promise<void> {
    const version = await this.#versionOf(key);
    if (version === undefined) return;
    const source = { bucketName, key, versionId: version.versionId };
    const copied = this.#model.get(`${key}/${version.sequence}`);
    const { record } = await this.client.copy(source, { bucketName, key: target });
    this.#model.set(`${target}/${record.sequence}`, new Map(copied));
  }

  async #delete(key: string): Promise<void> {
    const version = this.#random.chance(0.5) ? await this.#versionOf(key) : undefined;
    await this.client.delete(bucketName, key, version?.versionId);
  }
}

describe("annotations", () => {
  it("are those of their version through any history, and go with it", async () => {
    const seed = chooseSeed();
    await withSeed(seed, async () => {
      const history = await new History(new SeededRandom(seed)).start();
      const { machine, client } = history;
      for (let step = 0; step < steps; step += 1) {
        await history.step();
        if (step % 20 === 0) await history.compare();
      }
      await history.compare();
      await machine.mustBeSound();
      for (const { key, record } of await client.listVersions(bucketName)) {
        await client.delete(bucketName, key, record.versionId);
      }
      const all = { ...ranges.allAnnotations(), limit: 10 };
      assert.deepEqual((await machine.keyValueStore.read({ ranges: [all] })).ranges[0], []);
      await sweepAll(client.objects, machine.clock);
      assert.equal(await machine.mustBeSound(), 0);
      assert.deepEqual(await machine.list(undefined, 10), []);
      await client.deleteBucket(bucketName);
    });
  });
});
