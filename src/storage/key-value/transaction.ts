// Optimistic transactions, written once above the two calls of a store. Nothing is locked while the
// body runs: it may run again from the start when somebody else has written what it read.
import { setTimeout as sleep } from "node:timers/promises";
import { StorageUnavailableError } from "../storage-errors.ts";
import { addToCounter, encodeCounter } from "./counter.ts";
import { keyIdentity } from "./key-identity.ts";
import type {
  Check,
  Entry,
  KeyValueStore,
  QueueAppend,
  RangeRead,
  Revision,
} from "./key-value-store.ts";

/**
 * What a transaction's body may do. Reads and writes are serializable as far as `get`, `getMany` and
 * `check` go; `range` adds no check (see there).
 */
export interface Transaction {
  /**
   * The value of a key, with this transaction's own writes. The commit fails, and the body runs
   * again, when the stored value has changed by then.
   */
  get(key: Uint8Array): Promise<Uint8Array | undefined>;
  /** As `get` for each key, with one read. */
  getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]>;
  /**
   * Stored entries, without this transaction's own writes and without any check: an entry may change,
   * appear or vanish before the commit. Check what must still hold: an entry's revision with `check`,
   * the absence of others with a record that every writer of the range checks and changes.
   */
  range(range: RangeRead): Promise<readonly Entry[]>;
  /** The commit happens only if the key still has this revision; `null`: is still absent. */
  check(key: Uint8Array, revision: Revision | null): void;
  set(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
  /** Adds to a counter. Neither reads nor conflicts, unless this transaction also gets the key. */
  add(key: Uint8Array, delta: number): void;
  /**
   * Puts a value, which is not empty, behind all others of a queue, and adds one to a counter. Its own
   * reads see neither.
   */
  append(append: QueueAppend): void;
}

export interface TransactionOptions {
  /** How often the body runs at most. */
  readonly maximumAttempts?: number;
  /** At least 0 and below 1, as Math.random. */
  readonly random?: () => number;
  readonly sleep?: (milliseconds: number) => Promise<unknown>;
}

/** Others were faster in every attempt. Nothing was written. */
export class TransactionConflictError extends Error {
  override readonly name = "TransactionConflictError";
}

const defaultMaximumAttempts = 32;
const firstPauseMilliseconds = 0.5;
const longestPauseMilliseconds = 50;

/**
 * Runs `body` and commits what it wrote, all or nothing. The body must have no effects beside the
 * transaction, because it runs again after a conflict; what it throws ends the transaction with
 * nothing written. A body that wrote nothing commits nothing; several reads of such a body (or of
 * one that throws) are looked at again, so that it never judges by values that never stood together.
 */
export async function transact<Result>(
  store: KeyValueStore,
  body: (transaction: Transaction) => Promise<Result>,
  options: TransactionOptions = {},
): Promise<Result> {
  const maximumAttempts = options.maximumAttempts ?? defaultMaximumAttempts;
  for (let attempt = 1; ; attempt++) {
    const transaction = new BufferedTransaction(store);
    const outcome = await runBody(body, transaction);
    // A commit that rejects may have happened: running the body again could do its work twice.
    if (outcome.isDone && (await transaction.commit())) return outcome.result;
    if (attempt >= maximumAttempts) {
      throw new TransactionConflictError("a transaction lost every attempt to others");
    }
    await pauseBeforeRetry(attempt, options);
  }
}

/** Throws what the body threw, unless it saw values that never stood together: then it is not done. */
async function runBody<Result>(
  body: (transaction: Transaction) => Promise<Result>,
  transaction: BufferedTransaction,
): Promise<{ readonly isDone: true; readonly result: Result } | { readonly isDone: false }> {
  try {
    return { isDone: true, result: await body(transaction) };
  } catch (error) {
    if (await transaction.isConsistent()) throw error;
    return { isDone: false };
  }
}

async function pauseBeforeRetry(attempt: number, options: TransactionOptions): Promise<void> {
  const random = options.random ?? Math.random;
  const pause = options.sleep ?? sleep;
  const bound = Math.min(longestPauseMilliseconds, firstPauseMilliseconds * 2 ** attempt);
  await pause(random() * bound);
}

/** What a transaction does to one key in the end. */
type Mutation =
  | { readonly kind: "set"; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly kind: "delete"; readonly key: Uint8Array }
  | { readonly kind: "add"; readonly key: Uint8Array; readonly delta: number };

interface KnownRead {
  readonly key: Uint8Array;
  readonly entry: Entry | undefined;
}

class BufferedTransaction implements Transaction {
  readonly #store: KeyValueStore;
  readonly #reads = new Map<string, KnownRead>();
  readonly #mutations = new Map<string, Mutation>();
  readonly #checks: Check[] = [];
  readonly #appends: QueueAppend[] = [];
  #readCalls = 0;

  constructor(store: KeyValueStore) {
    this.#store = store;
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const [value] = await this.getMany([key]);
    return value;
  }

  async getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]> {
    const identities = keys.map((key) => keyIdentity(key));
    const unknown = keys.filter((_, index) => this.#mustRead(identities[index] as string));
    if (unknown.length > 0) await this.#readAll(unknown);
    return identities.map((identity) => this.#currentValue(identity));
  }

  async range(range: RangeRead): Promise<readonly Entry[]> {
    const { ranges } = await this.#store.read({ ranges: [range] });
    return ranges[0] ?? [];
  }

  check(key: Uint8Array, revision: Revision | null): void {
    this.#checks.push({ key, revision });
  }

  set(key: Uint8Array, value: Uint8Array): void {
    this.#mutations.set(keyIdentity(key), { kind: "set", key, value });
  }

  delete(key: Uint8Array): void {
    this.#mutations.set(keyIdentity(key), { kind: "delete", key });
  }

  add(key: Uint8Array, delta: number): void {
    const identity = keyIdentity(key);
    const earlier = this.#mutations.get(identity);
    if (earlier === undefined) this.#mutations.set(identity, { kind: "add", key, delta });
    else if (earlier.kind === "add") {
      this.#mutations.set(identity, { kind: "add", key, delta: earlier.delta + delta });
    } else {
      const value = earlier.kind === "set" ? earlier.value : undefined;
      this.set(key, encodeCounter(addToCounter(value, delta)));
    }
  }

  append(append: QueueAppend): void {
    this.#appends.push(append);
  }

  /** `false`: a check did not hold and nothing was written. */
  async commit(): Promise<boolean> {
    const written = this.#mutations.size + this.#checks.length + this.#appends.length;
    if (written === 0) return this.isConsistent();
    const mutations = [...this.#mutations.values()];
    const { committed } = await this.#store.write({
      checks: this.#allChecks(),
      sets: mutations.filter((mutation) => mutation.kind === "set"),
      deletes: mutations.flatMap(({ kind, key }) => (kind === "delete" ? [key] : [])),
      additions: mutations.filter((mutation) => mutation.kind === "add"),
      appends: this.#appends,
    });
    return committed;
  }

  /** Whether all values that were read stood together at one moment. One read is a snapshot. */
  async isConsistent(): Promise<boolean> {
    if (this.#readCalls < 2) return true;
    const known = [...this.#reads.values()];
    const { gets } = await this.#store.read({ gets: known.map(({ key }) => key) });
    return known.every(({ entry }, index) => entry?.revision === gets[index]?.revision);
  }

  #mustRead(identity: string): boolean {
    const mutation = this.#mutations.get(identity);
    if (mutation !== undefined && mutation.kind !== "add") return false;
    return !this.#reads.has(identity);
  }

  async #readAll(keys: readonly Uint8Array[]): Promise<void> {
    this.#readCalls++;
    const { gets } = await this.#store.read({ gets: keys });
    for (const [index, key] of keys.entries()) {
      const identity = keyIdentity(key);
      // Of two reads of one key under way at the same time, the first answer is what was seen.
      if (!this.#reads.has(identity)) this.#reads.set(identity, { key, entry: gets[index] });
    }
  }

  #currentValue(identity: string): Uint8Array | undefined {
    const stored = this.#reads.get(identity)?.entry?.value;
    const mutation = this.#mutations.get(identity);
    if (mutation === undefined) return stored;
    if (mutation.kind === "set") return mutation.value;
    if (mutation.kind === "delete") return undefined;
    return encodeCounter(addToCounter(stored, mutation.delta));
  }

  #allChecks(): Check[] {
    const checks = [...this.#checks];
    for (const { key, entry } of this.#reads.values()) {
      checks.push({ key, revision: entry?.revision ?? null });
    }
    return checks;
  }
}

interface Line {
  tail: Promise<void>;
  length: number;
}

const defaultMaximumWaiting = 10_000;

/**
 * Lets tasks of this process with the same key run one after the other, so that transactions on a
 * hot key wait for each other instead of failing each other's checks. Never needed for correctness.
 */
export class KeyedQueue {
  readonly #lines = new Map<string, Line>();
  readonly #maximumWaiting: number;

  /** At most `maximumWaiting` tasks for one key, the running one included. */
  constructor(maximumWaiting: number = defaultMaximumWaiting) {
    this.#maximumWaiting = maximumWaiting;
  }

  /**
   * Runs `task` after every earlier one with this key, however those ended. Throws
   * StorageUnavailableError without running it when too many wait already.
   */
  async run<Result>(key: string, task: () => Promise<Result>): Promise<Result> {
    const line = this.#lines.get(key) ?? { tail: Promise.resolve(), length: 0 };
    if (line.length >= this.#maximumWaiting) {
      throw new StorageUnavailableError("too many transactions wait for the same key");
    }
    const before = line.tail;
    const { promise, resolve } = Promise.withResolvers<void>();
    line.tail = promise;
    line.length++;
    this.#lines.set(key, line);
    try {
      await before;
      return await task();
    } finally {
      line.length--;
      if (line.length === 0) this.#lines.delete(key);
      resolve();
    }
  }
}
