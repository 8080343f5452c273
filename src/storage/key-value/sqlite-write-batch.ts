// Applies many write requests in one SQLite transaction: one sync for all of them. Each request is
// judged against the state that the earlier ones of the batch left.
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { AssertionError } from "../../base/assert.ts";
import { addToCounter, encodeCounter } from "./counter.ts";
import { keyIdentity } from "./key-identity.ts";
import type { Check, QueueAppend, Revision, WriteRequest } from "./key-value-store.ts";
import { PendingQueues } from "./pending-queues.ts";
import { largestClusteredRow, pauseThread, retryWhileBusy } from "./sqlite-database.ts";

/** In place of a revision: a check did not hold. */
export const conflictOutcome = -1;
/** In place of a revision: an addition to what is no counter, or past a safe integer. */
export const noCounterOutcome = -2;

/** A counter that this batch has added to. It is written once, when the batch ends. */
interface PendingCounter {
  readonly key: Uint8Array;
  value: Uint8Array | undefined;
  /** `null` while the counter is absent. */
  revision: Revision | null;
  changed: boolean;
}

// While other processes write too, this one leaves the lock alone for a moment after each commit:
// twice as long as the pause between two attempts of those that wait.
const fairnessPauseMilliseconds = 0.2;

export class SqliteWriteBatch {
  readonly #database: DatabaseSync;
  readonly #selectStoreRevision: StatementSync;
  readonly #updateStoreRevision: StatementSync;
  readonly #selectRevision: StatementSync;
  readonly #selectCounter: StatementSync;
  readonly #upsert: StatementSync;
  readonly #insertLargeValue: StatementSync;
  readonly #delete: StatementSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #counters = new Map<string, PendingCounter>();
  readonly #queues = new PendingQueues();
  #revision: Revision = 0;
  #changed = false;
  /** Another process has written since the last batch of this one. */
  #contended = false;
  #committedAt = 0;
  /** What the last commit took. */
  commitMilliseconds = 0;

  constructor(database: DatabaseSync) {
    const rows = { returnArrays: true };
    this.#database = database;
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
    this.#selectStoreRevision = database.prepare("SELECT revision FROM store", rows);
    this.#updateStoreRevision = database.prepare("UPDATE store SET revision = ?");
    this.#selectRevision = database.prepare("SELECT r FROM entries WHERE k = ?", rows);
    this.#selectCounter = database.prepare("SELECT r, v FROM entries WHERE k = ?", rows);
    this.#upsert = database.prepare(
      "INSERT INTO entries VALUES (?, ?, ?) " +
        "ON CONFLICT (k) DO UPDATE SET r = excluded.r, v = excluded.v",
    );
    this.#insertLargeValue = database.prepare("INSERT INTO large_values (value) VALUES (?)");
    this.#delete = database.prepare("DELETE FROM entries WHERE k = ?");
  }

  /**
   * For each request its revision or one of the outcomes above. When this throws, nothing of the
   * whole batch has happened, unless the commit itself met an I/O error.
   */
  apply(requests: readonly WriteRequest[]): Float64Array {
    const outcomes = new Float64Array(requests.length);
    this.#pauseForOthers();
    const expectedRevision = this.#revision;
    retryWhileBusy(() => this.#begin.run());
    try {
      const [revision] = this.#selectStoreRevision.get() as unknown as [Revision];
      this.#revision = revision;
      this.#changed = false;
      for (const [index, request] of requests.entries()) outcomes[index] = this.#applyOne(request);
      for (const counter of this.#counters.values()) this.#writeCounter(counter);
      for (const { key, value, revision: last } of this.#queues.take())
        this.#write(key, value, last);
      if (this.#changed) this.#updateStoreRevision.run(this.#revision);
      const commitBegan = performance.now();
      this.#commit.run();
      this.#contended = revision !== expectedRevision;
      this.#committedAt = performance.now();
      this.commitMilliseconds = this.#committedAt - commitBegan;
      return outcomes;
    } catch (error) {
      // SQLite has rolled back by itself after some errors, and must be told after others.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    } finally {
      this.#counters.clear();
      this.#queues.clear();
    }
  }

  #pauseForOthers(): void {
    const elapsed = performance.now() - this.#committedAt;
    if (this.#contended && elapsed < fairnessPauseMilliseconds) {
      pauseThread(fairnessPauseMilliseconds - elapsed);
    }
  }

  #applyOne(request: WriteRequest): number {
    const { checks, sets, deletes, additions, appends = [] } = request;
    for (const check of checks) if (!this.#holds(check)) return conflictOutcome;
    const sums = this.#sumAdditions(additions);
    if (sums === undefined || !this.#canCount(appends)) return noCounterOutcome;
    const changes = sets.length + deletes.length + additions.length + appends.length;
    if (changes === 0) return this.#revision;

    this.#revision++;
    this.#changed = true;
    for (const { key, value } of sets) this.#set(key, value);
    for (const key of deletes) {
      if (this.#counters.size > 0) this.#counters.delete(keyIdentity(key));
      this.#delete.run(key);
    }
    for (const { counter, sum } of sums) {
      counter.value = encodeCounter(sum);
      counter.revision = this.#revision;
      counter.changed = true;
    }
    for (const append of appends) {
      this.#queues.append(append, keyIdentity(append.queue), this.#revision);
      const counter = this.#loadCounter(append.counter);
      counter.value = encodeCounter(addToCounter(counter.value, 1));
      counter.revision = this.#revision;
      counter.changed = true;
    }
    return this.#revision;
  }

  #holds({ key, revision }: Check): boolean {
    if (this.#counters.size > 0) {
      const counter = this.#counters.get(keyIdentity(key));
      if (counter !== undefined) return counter.revision === revision;
    }
    const row = this.#selectRevision.get(key) as [Revision] | undefined;
    return (row === undefined ? null : row[0]) === revision;
  }

  /** `undefined` when one of the additions is impossible. Changes nothing yet. */
  #sumAdditions(
    additions: WriteRequest["additions"],
  ): { counter: PendingCounter; sum: number }[] | undefined {
    try {
      return additions.map(({ key, delta }) => {
        const counter = this.#loadCounter(key);
        return { counter, sum: addToCounter(counter.value, delta) };
      });
    } catch (error) {
      if (error instanceof AssertionError) return undefined;
      throw error;
    }
  }

  /** Changes nothing yet. */
  #canCount(appends: readonly QueueAppend[]): boolean {
    const additions = appends.map(({ counter }) => ({ key: counter, delta: appends.length }));
    return this.#sumAdditions(additions) !== undefined;
  }

  #loadCounter(key: Uint8Array): PendingCounter {
    const identity = keyIdentity(key);
    const known = this.#counters.get(identity);
    if (known !== undefined) return known;
    const row = this.#selectCounter.get(key) as [Revision, Uint8Array | number] | undefined;
    // A number stands for a large value, which is no counter: no bytes of its own will do.
    const value = typeof row?.[1] === "number" ? new Uint8Array(0) : row?.[1];
    const counter = { key, value, revision: row?.[0] ?? null, changed: false };
    this.#counters.set(identity, counter);
    return counter;
  }

  #writeCounter(counter: PendingCounter): void {
    if (!counter.changed || counter.value === undefined) return;
    this.#upsert.run(counter.key, counter.revision, counter.value);
  }

  #set(key: Uint8Array, value: Uint8Array): void {
    if (this.#counters.size > 0) this.#counters.delete(keyIdentity(key));
    this.#write(key, value, this.#revision);
  }

  #write(key: Uint8Array, value: Uint8Array, revision: Revision): void {
    if (key.length + value.length <= largestClusteredRow) {
      this.#upsert.run(key, revision, value);
    } else {
      const { lastInsertRowid } = this.#insertLargeValue.run(value);
      // As a bigint: a number would be bound as REAL, and be no id to the triggers and the reader.
      this.#upsert.run(key, revision, BigInt(lastInsertRowid));
    }
  }
}
