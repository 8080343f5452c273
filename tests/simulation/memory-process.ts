// A process that can die: an ObjectStore over stores that outlive it, in memory. Faults are injected
// between the object layer and the stores.

import assert from "node:assert/strict";
import type { CheckResult } from "../../src/background/check.ts";
import { checkStore } from "../../src/background/check.ts";
import type { TallyOptions } from "../../src/background/check/reference-tally.ts";
import { Sweeper } from "../../src/background/sweeper.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { createMasterKeys } from "../../src/keys/master-key.ts";
import { MasterKeyRing } from "../../src/keys/master-key-ring.ts";
import { ObjectStore } from "../../src/objects/object-store.ts";
import { Writers } from "../../src/objects/writers.ts";
import type { ByteStream } from "../../src/base/bytes.ts";
import type {
  BlobId,
  BlobReader,
  BlobStore,
  WriterId,
  WrittenBlob,
} from "../../src/storage/blob/blob-store.ts";
import { writerOfBlob } from "../../src/storage/blob/blob-store.ts";
import { MemoryBlobStore } from "../../src/storage/blob/memory-blob-store.ts";
import type {
  KeyValueStore,
  ReadRequest,
  ReadResult,
  WriteRequest,
  WriteResult,
} from "../../src/storage/key-value/key-value-store.ts";
import { MemoryKeyValueStore } from "../../src/storage/key-value/memory-key-value-store.ts";
import {
  BlobMissingError,
  StorageFullError,
  StorageUnavailableError,
} from "../../src/storage/storage-errors.ts";
import { SeededRandom } from "./seeded-random.ts";

/** Thrown by everything that a dead process still tries. */
export class ProcessDiedError extends Error {
  override readonly name = "ProcessDiedError";
}

/** How often each fault strikes a call, from 0 to 1. */
export interface FaultRates {
  /** A commit is refused: no space. Nothing happened. */
  readonly full: number;
  /** A commit's answer is lost, and the commit with it. */
  readonly lostBefore: number;
  /** A commit's answer is lost, but the commit happened. */
  readonly lostAfter: number;
  /** The process dies before a commit, a blob write or a blob deletion, or right after it. */
  readonly death: number;
  /** A blob cannot be written or deleted. */
  readonly blob: number;
}

export const noFaults: FaultRates = { full: 0, lostBefore: 0, lostAfter: 0, death: 0, blob: 0 };

/** What lives on when a process dies. */
export class MemoryMachine {
  readonly clock = new ManualClock(Date.UTC(2030, 0, 1));
  readonly keyValueStore = new MemoryKeyValueStore();
  readonly blobs = new Map<WriterId, MemoryBlobStore>();
  readonly masterKeys = new MasterKeyRing(createMasterKeys(0));
  #openings = 0;

  async start(
    faults: FaultRates = noFaults,
    random: SeededRandom = new SeededRandom(0),
  ): Promise<MemoryProcess> {
    this.#openings += 1;
    const writerId = `writer${String(this.#openings).padStart(6, "0")}`;
    const blobs = new MemoryBlobStore({ writerId });
    this.blobs.set(blobs.writerId, blobs);
    const process = new MemoryProcess(this, blobs, faults, random);
    await process.open();
    return process;
  }

  storeOf(id: BlobId): MemoryBlobStore {
    const store = this.blobs.get(writerOfBlob(id));
    if (store === undefined) throw new BlobMissingError("no such writer");
    return store;
  }

  async open(id: BlobId): Promise<BlobReader> {
    return this.storeOf(id).open(id);
  }

  async list(after: BlobId | undefined, limit: number): Promise<BlobId[]> {
    const ids: BlobId[] = [];
    // Writers' names grow with time, so this is the order of the ids.
    for (const store of this.blobs.values()) {
      ids.push(...(await store.list(after, limit)));
      if (ids.length >= limit) return ids.slice(0, limit);
    }
    return ids;
  }

  /** What `holdfast check` says of the stores. */
  async check(
    tally: TallyOptions = {},
    beforeRead: () => Promise<void> = async () => {},
  ): Promise<CheckResult> {
    const read = async (request: ReadRequest): Promise<ReadResult> => {
      await beforeRead();
      return this.keyValueStore.read(request);
    };
    return checkStore({
      store: { read },
      blobs: this,
      clock: this.clock,
      output: { write: () => {} },
      isTerminal: false,
      tally,
    });
  }

  /** Throws when anything is wrong; answers how many blobs nothing names. */
  async mustBeSound(): Promise<number> {
    const result = await this.check();
    assert.deepEqual([result.findings, result.unsure], [[], []]);
    return result.wasteBlobs;
  }
}

/** Sweeps until nothing is left to do, as a process would in the course of some minutes. */
export async function sweepAll(objects: ObjectStore, clock: ManualClock): Promise<void> {
  const sweeper = new Sweeper({ objectStore: objects, sleep: async () => {} });
  for (let pass = 0; pass < 4; pass += 1) {
    clock.advance(60_000);
    await sweeper.runOnce(new AbortController().signal);
  }
}

export class MemoryProcess {
  readonly machine: MemoryMachine;
  readonly writerId: WriterId;
  readonly faults: Faults;
  #objects: ObjectStore | undefined;

  constructor(
    machine: MemoryMachine,
    blobs: MemoryBlobStore,
    rates: FaultRates,
    random: SeededRandom,
  ) {
    this.machine = machine;
    this.writerId = blobs.writerId;
    this.faults = new Faults(rates, random);
  }

  get objects(): ObjectStore {
    if (this.#objects === undefined) throw new ProcessDiedError("not open");
    return this.#objects;
  }

  get isDead(): boolean {
    return this.faults.isDead;
  }

  async open(): Promise<void> {
    const { machine, writerId, faults } = this;
    // The lock of the directory is this process's: whoever wrote before is dead.
    await Writers.forgetAll(machine.keyValueStore);
    faults.areOn = false;
    this.#objects = await ObjectStore.open({
      store: new FaultyKeyValueStore(machine.keyValueStore, faults),
      blobs: new FaultyBlobStore(machine, writerId, faults),
      clock: machine.clock,
      inlineLimitBytes: 64,
      keys: machine.masterKeys,
    });
    faults.areOn = true;
  }

  /** Whether it lives through the work, when it is killed at this effect on a store, counted from 0. */
  async survives(effects: number, work: () => Promise<unknown>): Promise<boolean> {
    this.faults.effectsUntilDeath = effects;
    try {
      await work();
      return true;
    } catch (error) {
      assert.ok(error instanceof ProcessDiedError, String(error));
      return false;
    } finally {
      this.faults.effectsUntilDeath = undefined;
    }
  }
}

class Faults {
  readonly #rates: FaultRates;
  readonly #random: SeededRandom;
  isDead = false;
  areOn = true;
  /** Dies at exactly this effect on a store, counted from now; `undefined`: by chance alone. */
  effectsUntilDeath: number | undefined;

  constructor(rates: FaultRates, random: SeededRandom) {
    this.#rates = rates;
    this.#random = random;
  }

  strikes(kind: keyof FaultRates): boolean {
    return this.areOn && this.#random.chance(this.#rates[kind]);
  }

  checkAlive(): void {
    if (this.isDead) throw new ProcessDiedError("the process is dead");
  }

  mayDie(): void {
    this.checkAlive();
    if (!this.#isFatal()) return;
    this.isDead = true;
    throw new ProcessDiedError("the process dies here");
  }

  #isFatal(): boolean {
    if (this.effectsUntilDeath === undefined) return this.strikes("death");
    this.effectsUntilDeath -= 1;
    return this.effectsUntilDeath < 0;
  }
}

class FaultyKeyValueStore implements KeyValueStore {
  readonly #store: KeyValueStore;
  readonly #faults: Faults;

  constructor(store: KeyValueStore, faults: Faults) {
    this.#store = store;
    this.#faults = faults;
  }

  async read(request: ReadRequest): Promise<ReadResult> {
    this.#faults.checkAlive();
    return this.#store.read(request);
  }

  async write(request: WriteRequest): Promise<WriteResult> {
    const faults = this.#faults;
    faults.mayDie();
    if (faults.strikes("full")) throw new StorageFullError("injected");
    if (faults.strikes("lostBefore")) throw new StorageUnavailableError("injected, not applied");
    const result = await this.#store.write(request);
    faults.mayDie();
    if (faults.strikes("lostAfter")) throw new StorageUnavailableError("injected, applied");
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** The blobs of all openings of one machine behind one store, as in a shared directory. */
class FaultyBlobStore implements BlobStore {
  readonly writerId: WriterId;
  readonly #machine: MemoryMachine;
  readonly #faults: Faults;

  constructor(machine: MemoryMachine, writerId: WriterId, faults: Faults) {
    this.#machine = machine;
    this.writerId = writerId;
    this.#faults = faults;
  }

  async write(source: ByteStream): Promise<WrittenBlob> {
    this.#faults.mayDie();
    if (this.#faults.strikes("blob")) throw new StorageFullError("injected");
    const blob = await this.#machine.storeOf(`${this.writerId}-` as BlobId).write(source);
    this.#faults.mayDie();
    return blob;
  }

  async open(id: BlobId): Promise<BlobReader> {
    this.#faults.checkAlive();
    return this.#machine.open(id);
  }

  async delete(id: BlobId): Promise<void> {
    this.#faults.mayDie();
    if (this.#faults.strikes("blob")) throw new StorageUnavailableError("injected");
    await this.#machine.storeOf(id).delete(id);
    this.#faults.mayDie();
  }

  async list(after: BlobId | undefined, limit: number): Promise<readonly BlobId[]> {
    this.#faults.checkAlive();
    return this.#machine.list(after, limit);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
