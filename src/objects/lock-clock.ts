// The time that periods of object lock are counted from: never earlier than a moment that is known to
// have come, so that a clock that was set back gives no new version a retention that has half passed.
//
// The mark of that moment follows the clock, but not faster than time is proven to pass: a clock that
// is set forward by mistake moves it by a day for each hour, not by years, and what it moved is gone
// again as soon as the true time gets there. The mark is in memory, and stored from time to time once
// locks are used; after an outage it catches up at the same pace.

import type { Clock } from "../base/clock.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import { transact } from "../storage/key-value/transaction.ts";
import type { LockTime } from "./object-lock.ts";
import { keys } from "./records/keyspace.ts";
import { decodeLockClockRecord } from "./records/lock-record.ts";
import { encodeRecord } from "../storage/record-codec.ts";

/** How many times faster than time itself the mark may move until it has caught up. */
const catchUpFactor = 24;
/** The mark is stored no more often: what a restart may forget of it. */
const storedEveryMilliseconds = 60_000;

export class LockClock {
  readonly #clock: Clock;
  #markMilliseconds: number;
  #elapsedMilliseconds: number;
  /** `undefined`: no lock was ever used, and nothing is stored for those who have none. */
  #storedMilliseconds: number | undefined;

  constructor(clock: Clock, storedMilliseconds: number | undefined) {
    this.#clock = clock;
    this.#storedMilliseconds = storedMilliseconds;
    this.#markMilliseconds = storedMilliseconds ?? clock.now();
    this.#elapsedMilliseconds = elapsedOf(clock);
  }

  static async open(clock: Clock, store: KeyValueStore): Promise<LockClock> {
    const stored = (await store.read({ gets: [keys.lockClock()] })).gets[0];
    const mark = stored && decodeLockClockRecord(stored.value).markMilliseconds;
    return new LockClock(clock, mark);
  }

  time(): LockTime {
    const nowMilliseconds = this.#observe();
    const startMilliseconds = Math.max(nowMilliseconds, this.#markMilliseconds);
    return { nowMilliseconds, startMilliseconds };
  }

  /** As `time`, for a period that this transaction begins: keeps the mark with it. */
  begin(transaction: Transaction): LockTime {
    const time = this.time();
    const stored = this.#storedMilliseconds ?? 0;
    if (this.#markMilliseconds - stored >= storedEveryMilliseconds) {
      this.#storedMilliseconds = this.#markMilliseconds;
      // Unchecked: of two writers the later one is at most a moment behind the other.
      const record = { v: 1, markMilliseconds: this.#markMilliseconds } as const;
      transaction.set(keys.lockClock(), encodeRecord(record));
    }
    return time;
  }

  /** Follows the clock; stores the mark when locks are used on this store. */
  async tick(store: KeyValueStore): Promise<void> {
    this.#observe();
    if (this.#storedMilliseconds === undefined) return;
    if (this.#markMilliseconds - this.#storedMilliseconds < storedEveryMilliseconds) return;
    await transact(store, async (transaction) => {
      this.begin(transaction);
    });
  }

  #observe(): number {
    const now = this.#clock.now();
    const elapsed = elapsedOf(this.#clock);
    const gained = Math.max(0, elapsed - this.#elapsedMilliseconds) * catchUpFactor;
    this.#elapsedMilliseconds = elapsed;
    if (now > this.#markMilliseconds) {
      this.#markMilliseconds = Math.min(now, this.#markMilliseconds + gained);
    }
    return now;
  }
}

function elapsedOf(clock: Clock): number {
  return clock.elapsed?.() ?? clock.now();
}
