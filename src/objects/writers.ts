// Which processes may be writing or reading blobs right now. The sweeper asks here before it removes a
// blob that no record names (its writer may be about to commit) or one that became garbage (a reader
// in another process may still be reading it).

import type { Clock } from "../base/clock.ts";
import type { WriterId } from "../storage/blob/blob-store.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import { transact } from "../storage/key-value/transaction.ts";
import { StorageFullError, StorageUnavailableError } from "../storage/storage-errors.ts";
import type { ReadPins } from "./read-pins.ts";
import { keys, ranges } from "./records/keyspace.ts";
import { encodeRecord } from "../storage/record-codec.ts";
import type { WriterRecord } from "./records/store-record.ts";
import { decodeWriterRecord } from "./records/store-record.ts";

/** Reads younger than this are covered by the sweeper's grace period and are not published. */
export const longReadMilliseconds = 10_000;
const writersLimit = 10_000;

export class Writers {
  readonly #store: KeyValueStore;
  readonly #clock: Clock;
  readonly #writerId: WriterId;
  readonly #pins: ReadPins;
  readonly #startedMilliseconds: number;
  #published: number | undefined;

  constructor(options: {
    readonly store: KeyValueStore;
    readonly clock: Clock;
    readonly writerId: WriterId;
    readonly pins: ReadPins;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#writerId = options.writerId;
    this.#pins = options.pins;
    this.#startedMilliseconds = options.clock.now();
  }

  /** Declares this process alive. Must be done before its first blob is written. */
  async register(): Promise<void> {
    await transact(this.#store, async (transaction) => {
      transaction.set(keys.writer(this.#writerId), encodeRecord(this.#record(undefined)));
    });
  }

  /**
   * Takes the declaration back, when the process is done. On a full disk it stays, which must not fail
   * the closing: whoever is next under the directory's lock declares this process dead.
   */
  async unregister(): Promise<void> {
    try {
      await Writers.forget(this.#store, [this.#writerId]);
    } catch (error) {
      if (!(error instanceof StorageFullError)) throw error;
    }
  }

  /** Tells other processes about reads that last long. To be called every few seconds. */
  async publishReads(): Promise<void> {
    const oldest = this.#pins.oldestMilliseconds();
    const isLong = oldest !== undefined && this.#clock.now() - oldest >= longReadMilliseconds;
    const published = isLong ? oldest : undefined;
    if (published === this.#published) return;
    await transact(this.#store, async (transaction) => {
      // Never brings a record back: who was declared dead stays dead.
      await checkWriterAlive(transaction, this.#writerId);
      transaction.set(keys.writer(this.#writerId), encodeRecord(this.#record(published)));
    });
    this.#published = published;
  }

  async list(): Promise<readonly WriterRecord[]> {
    const range = { ...ranges.writers(), limit: writersLimit };
    const entries = (await this.#store.read({ ranges: [range] })).ranges[0] ?? [];
    return entries.map((entry) => decodeWriterRecord(entry.value));
  }

  /** Declares processes dead. Only for who knows that they are: the holder of the directory's lock. */
  static async forget(store: KeyValueStore, writerIds: readonly WriterId[]): Promise<void> {
    if (writerIds.length === 0) return;
    await transact(store, async (transaction) => {
      for (const id of writerIds) transaction.delete(keys.writer(id));
    });
  }

  /** Declares every process dead, before the first one starts under the directory's lock. */
  static async forgetAll(store: KeyValueStore): Promise<void> {
    const range = { ...ranges.writers(), limit: writersLimit };
    const entries = (await store.read({ ranges: [range] })).ranges[0] ?? [];
    const ids = entries.map((entry) => decodeWriterRecord(entry.value).writerId);
    await Writers.forget(store, ids);
  }

  #record(oldestReadMilliseconds: number | undefined): WriterRecord {
    return {
      v: 1,
      writerId: this.#writerId,
      startedMilliseconds: this.#startedMilliseconds,
      ...(oldestReadMilliseconds === undefined ? {} : { oldestReadMilliseconds }),
    };
  }
}

/**
 * Makes a commit depend on the writer's declaration. Every commit that names a new blob does: the
 * sweeper removes unnamed blobs of the dead, so a process that was declared dead while it lives (or
 * that lives on after it has drained) must not name one. Throws StorageUnavailableError.
 */
export async function checkWriterAlive(transaction: Transaction, id: WriterId): Promise<void> {
  if ((await transaction.get(keys.writer(id))) !== undefined) return;
  throw new StorageUnavailableError("this process was declared dead and must be started again");
}
