// No sequence of operations without bypass removes a protected version: random histories of writes,
// deletions, weaker and stronger locks, suspensions (that the operations would refuse) and a clock that
// is moved both ways, on buckets of all kinds. What is protected is kept account of here, by sums that
// know nothing of the rules.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.ts";
import { S3Error } from "../../src/model/errors.ts";
import { changeRetention } from "../../src/objects/object-lock.ts";
import { ObjectStore } from "../../src/objects/object-store.ts";
import type { RetentionMode, VersionLock } from "../../src/objects/records/lock-record.ts";
import { MemoryBlobStore } from "../../src/storage/blob/memory-blob-store.ts";
import { MemoryKeyValueStore } from "../../src/storage/key-value/memory-key-value-store.ts";
import { causeFor } from "./cause.ts";
import { md5, multipartEtag, ObjectClient } from "./object-client.ts";
import { chooseSeed, SeededRandom, withSeed } from "./seeded-random.ts";

const bucketName = "bucket";
const keys = ["a", "b"];
const day = 86_400_000;
const histories = 40;
const steps = 120;

interface Account {
  readonly key: string;
  readonly versionId: string;
  readonly text: string;
  untilMilliseconds: number;
  isHeld: boolean;
}

class History {
  readonly #random: SeededRandom;
  readonly #clock = new ManualClock(Date.UTC(2026, 0, 1));
  readonly #accounts: Account[] = [];
  #client: ObjectClient | undefined;
  #writes = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  async run(): Promise<void> {
    const objects = await ObjectStore.open({
      store: new MemoryKeyValueStore(),
      blobs: new MemoryBlobStore(),
      clock: this.#clock,
    });
    this.#client = new ObjectClient(objects);
    await this.#createBucket(this.#client);
    for (let step = 0; step < steps; step += 1) {
      await this.#step().catch((error: unknown) => {
        if (!(error instanceof S3Error)) throw error;
      });
      await this.#verify();
    }
  }

  async #createBucket(client: ObjectClient): Promise<void> {
    await client.createBucket(bucketName);
    await client.objects.buckets.update(bucketName, (bucket) => ({
      ...bucket,
      versioning: this.#random.chance(0.7) ? "Enabled" : "Suspended",
      objectLockEnabled: true,
    }));
  }

  get #objects(): ObjectStore {
    assert.ok(this.#client !== undefined);
    return this.#client.objects;
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const steps: readonly (() => Promise<void>)[] = [
      () => this.#put(),
      () => this.#put(),
      () => this.#complete(),
      () => this.#copy(),
      () => this.#delete(undefined),
      () => this.#deleteAny(),
      () => this.#deleteAny(),
      () => this.#changeRetention(),
      () => this.#changeLegalHold(),
      () => this.#setDefault(),
      () => this.#setVersioning(),
      () => this.#deleteBucket(),
      async () => this.#clock.advance(random.below(10 * day) - 3 * day),
    ];
    await (this.#accounts.length === 0 ? this.#put() : random.pick(steps)());
  }

  #lock(): VersionLock {
    const random = this.#random;
    const mode: RetentionMode = random.chance(0.5) ? "GOVERNANCE" : "COMPLIANCE";
    const untilMilliseconds = this.#clock.now() + random.below(20 * day);
    return {
      ...(random.chance(0.5) ? { retention: { mode, untilMilliseconds } } : {}),
      ...(random.chance(0.2) ? { legalHold: "ON" } : {}),
      ...(random.chance(0.2) ? { eventHold: { isOn: true, duration: { days: 3 }, mode } } : {}),
    };
  }

  async #put(): Promise<void> {
    const key = this.#random.pick(keys);
    const text = `text ${(this.#writes += 1)}`;
    const bytes = Buffer.from(text);
    const lock = this.#lock();
    const received = await this.#objects.contents.receive(streamOf(bytes), bytes.byteLength);
    const begun = { conditions: {}, sequence: undefined };
    const version = {
      cause: causeFor("ObjectCreated:Put"),
      etag: md5(bytes),
      checksum: undefined,
      attributes: {},
      settle: () => ({ lock }),
    };
    const upload = { received, version };
    const written = await this.#objects.writes.put({ bucketName, key }, begun, upload);
    this.#note(key, written.record.versionId, text, written.record.lock);
  }

  async #complete(): Promise<void> {
    const key = this.#random.pick(keys);
    const text = `text ${(this.#writes += 1)}`;
    const { uploads, contents } = this.#objects;
    const owner = { id: "0".repeat(64), name: "root" };
    const settings = { lock: this.#lock() };
    const upload = { attributes: {}, settings, initiator: owner, owner };
    const { uploadId } = await uploads.create(bucketName, key, upload);
    const bytes = Buffer.from(text);
    const received = await contents.receive(streamOf(bytes), bytes.byteLength);
    const place = { bucketName, key, uploadId };
    const part = { number: 1, etag: md5(bytes), checksum: undefined };
    await uploads.putPart(place, received, part);
    const { record } = await uploads.complete(place, {
      cause: causeFor("ObjectCreated:CompleteMultipartUpload"),
      conditions: {},
      assemble: (_, parts) => ({ parts, etag: multipartEtag([md5(bytes)]), checksum: undefined }),
    });
    this.#note(key, record.versionId, text, record.lock);
  }

  async #copy(): Promise<void> {
    const from = this.#random.pick(this.#accounts);
    const key = this.#random.pick(keys);
    const { versions, writes } = this.#objects;
    const found = await versions.find(bucketName, from.key, from.versionId);
    const source = {
      place: { bucketName, key: from.key },
      versionId: from.versionId,
      sequence: found.record.sequence,
    };
    const begun = { conditions: {}, sequence: undefined };
    const { record } = await writes.copy({ bucketName, key }, begun, source, (copied) => ({
      cause: causeFor("ObjectCreated:Copy"),
      etag: copied.etag,
      checksum: undefined,
      attributes: {},
    }));
    this.#note(key, record.versionId, from.text, record.lock);
  }

  async #delete(versionId: string | undefined, key = this.#random.pick(keys)): Promise<void> {
    await this.#objects.writes.delete({ bucketName, key }, versionId, {
      cause: causeFor("ObjectRemoved:Delete"),
    });
  }

  async #deleteAny(): Promise<void> {
    const account = this.#random.pick(this.#accounts);
    await this.#delete(account.versionId, account.key);
  }

  async #deleteBucket(): Promise<void> {
    assert.ok(this.#client !== undefined);
    await this.#client.deleteBucket(bucketName);
    assert.deepEqual(this.#accounts, [], "a bucket with versions was deleted");
    await this.#createBucket(this.#client);
  }

  async #changeRetention(): Promise<void> {
    const random = this.#random;
    const account = random.pick(this.#accounts);
    const { retention } = this.#lock();
    const change = {
      ...(retention === undefined ? {} : { retention }),
      ...(random.chance(0.3) ? { eventHold: { isOn: random.chance(0.3) } } : {}),
    };
    const place = { bucketName, key: account.key };
    const { lockClock, writes } = this.#objects;
    const cause = causeFor("ObjectLock:Retention");
    const { record } = await writes.changeVersion(place, account.versionId, cause, (before) => ({
      ...before,
      lock: changeRetention(before.lock, change, lockClock.time(), false),
    }));
    this.#adjust(account, record.lock);
  }

  async #changeLegalHold(): Promise<void> {
    const account = this.#random.pick(this.#accounts);
    const place = { bucketName, key: account.key };
    const legalHold = this.#random.chance(0.5) ? "ON" : "OFF";
    const { writes } = this.#objects;
    const cause = causeFor("ObjectLock:LegalHold");
    const change = writes.changeVersion(place, account.versionId, cause, (before) => ({
      ...before,
      lock: { ...before.lock, legalHold },
    }));
    this.#adjust(account, (await change).record.lock);
  }

  async #setDefault(): Promise<void> {
    const mode: RetentionMode = this.#random.chance(0.5) ? "GOVERNANCE" : "COMPLIANCE";
    const isSet = this.#random.chance(0.5);
    const defaultLock = { mode, period: { days: 2 } };
    await this.#objects.buckets.update(bucketName, (bucket) => {
      const { defaultLock: _, ...others } = bucket;
      return isSet ? { ...others, defaultLock } : others;
    });
  }

  async #setVersioning(): Promise<void> {
    const versioning = this.#random.chance(0.5) ? "Enabled" : "Suspended";
    await this.#objects.buckets.update(bucketName, (bucket) => ({ ...bucket, versioning }));
  }

  #note(key: string, versionId: string, text: string, lock: VersionLock | undefined): void {
    // A null version that was replaced: it was not protected, or `#verify` would have found it gone.
    const index = this.#accounts.findIndex(
      (each) => each.key === key && each.versionId === versionId,
    );
    const replaced = this.#accounts[index];
    if (replaced !== undefined) {
      assert.ok(!this.#isProtected(replaced), `${key} ${versionId} was overwritten`);
      this.#accounts.splice(index, 1);
    }
    const account = { key, versionId, text, untilMilliseconds: 0, isHeld: false };
    this.#accounts.push(account);
    this.#adjust(account, lock);
  }

  /** Dates that were accepted while an earlier one ran never count for less than that one. */
  #adjust(account: Account, lock: VersionLock | undefined): void {
    const until = lock?.retention?.untilMilliseconds ?? 0;
    const isRunning = account.untilMilliseconds > this.#clock.now();
    assert.ok(!isRunning || until >= account.untilMilliseconds, "a retention was shortened");
    account.untilMilliseconds = until;
    account.isHeld = lock?.legalHold === "ON" || lock?.eventHold?.isOn === true;
  }

  #isProtected(account: Account): boolean {
    return account.isHeld || account.untilMilliseconds > this.#clock.now();
  }

  async #verify(): Promise<void> {
    const { versions, contents } = this.#objects;
    for (const [index, account] of [...this.#accounts.entries()].toReversed()) {
      const { key, versionId, text } = account;
      try {
        const { record } = await versions.find(bucketName, key, versionId);
        const bytes = await contents.open(record.content, 0, record.sizeBytes);
        assert.ok(bytes instanceof Uint8Array);
        assert.equal(Buffer.from(bytes).toString(), text);
      } catch (error) {
        if (!(error instanceof S3Error)) throw error;
        assert.ok(!this.#isProtected(account), `${key} ${versionId} is gone: ${error.code}`);
        this.#accounts.splice(index, 1);
      }
    }
  }
}

async function* streamOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

test("no history without bypass removes a protected version or shortens a retention", async () => {
  const first = chooseSeed();
  for (let seed = first; seed < first + histories; seed += 1) {
    await withSeed(seed, () => new History(seed).run());
  }
});
