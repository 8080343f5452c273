// Changes that a destination has refused: out of the feed, so that they hold nobody else up, and kept by
// key, so that no later change of a key overtakes them. They are tried again for ever, ever less often.

import { encodeRecord, decodeRecord } from "../../storage/record-codec.ts";
import type { KeyValueStore } from "../../storage/key-value/key-value-store.ts";
import { decodeCounter } from "../../storage/key-value/counter.ts";
import type { Transaction } from "../../storage/key-value/transaction.ts";
import { transact } from "../../storage/key-value/transaction.ts";
import type { ChangeRow } from "../../objects/feed-rows.ts";
import type { ChangeRecord } from "../../objects/records/change-record.ts";
import { decodeChangeRecord } from "../../objects/records/change-record.ts";
import { dueKeyOf, feedOf, keys, ranges } from "../../objects/records/keyspace.ts";

/** What is known of a key whose changes wait. */
export interface HoldRecord {
  readonly v: 1;
  readonly reason: string;
  /** For people; of earlier records there is none. */
  readonly detail?: string;
  readonly attempts: number;
  readonly dueMilliseconds: number;
}

/** Why changes of a key were refused, and when. */
export interface Refusal {
  readonly reason: string;
  readonly detail: string | undefined;
  readonly nowMilliseconds: number;
}

/** A change that waits. */
export interface HeldRow extends ChangeRow {
  readonly key: Uint8Array;
}

export interface HeldKey {
  readonly key: string;
  readonly hold: HoldRecord;
}

const firstPauseMilliseconds = 10_000;
const longestPauseMilliseconds = 3_600_000;
const maximumRows = 1000;
const maximumFeeds = 10_000;
/** Above any time. */
export const whenever = Number.MAX_SAFE_INTEGER - 1;

export class Holds {
  readonly #store: KeyValueStore;

  constructor(store: KeyValueStore) {
    this.#store = store;
  }

  /** Which of these keys have changes that wait. */
  async find(feed: string, objectKeys: readonly string[]): Promise<ReadonlySet<string>> {
    const gets = objectKeys.map((key) => keys.replicationHold(feed, key));
    const read = await this.#store.read({ gets });
    return new Set(objectKeys.filter((_, index) => read.gets[index] !== undefined));
  }

  /** In a transaction that takes the rows out of their feed. */
  async hold(
    transaction: Transaction,
    feed: string,
    rows: readonly ChangeRow[],
    refusal: Refusal,
  ): Promise<void> {
    const [first] = rows;
    if (first === undefined) return;
    const { key } = first.change;
    for (const { change } of rows) {
      const at = keys.replicationHeld(
        feed,
        key,
        Number.parseInt(change.sequencer, 16),
        rowId(change),
      );
      if ((await transaction.get(at)) !== undefined) continue;
      transaction.set(at, encodeRecord(change));
      transaction.add(keys.replicationHeldSize(feed), 1);
    }
    const holdKey = keys.replicationHold(feed, key);
    const known = await transaction.get(holdKey);
    // Written again, so that a release at this moment sees that there is one row more.
    if (known !== undefined) return transaction.set(holdKey, known);
    this.#setHold(transaction, feed, key, {
      v: 1,
      ...described(refusal),
      attempts: 1,
      dueMilliseconds: refusal.nowMilliseconds + firstPauseMilliseconds,
    });
  }

  /** Keys whose time has come. */
  async due(feed: string, nowMilliseconds: number, limit: number): Promise<readonly HeldKey[]> {
    const range = { ...ranges.replicationDue(feed, nowMilliseconds), limit };
    const due = (await this.#store.read({ ranges: [range] })).ranges[0] ?? [];
    const objectKeys = due.map(({ key }) => dueKeyOf(key));
    const gets = objectKeys.map((key) => keys.replicationHold(feed, key));
    const holds = (await this.#store.read({ gets })).gets;
    return objectKeys.flatMap((key, index) => {
      const value = holds[index]?.value;
      return value === undefined ? [] : [{ key, hold: decodeRecord(value, 1) as HoldRecord }];
    });
  }

  /** Why changes of a feed were refused the last time, as people read it: of the key that is tried next. */
  async lastRefusal(feed: string): Promise<string | undefined> {
    const [held] = await this.due(feed, whenever, 1);
    if (held === undefined) return undefined;
    const { reason, detail } = held.hold;
    return detail === undefined ? reason : `${reason}: ${detail}`;
  }

  /** How many changes wait, by feed; without the feeds in which none do. */
  async sizes(): Promise<ReadonlyMap<string, number>> {
    const range = { ...ranges.replicationHeldSizes(), limit: maximumFeeds };
    const entries = (await this.#store.read({ ranges: [range] })).ranges[0] ?? [];
    const sizes = entries.map(({ key, value }) => [feedOf(key), decodeCounter(value)] as const);
    return new Map(sizes.filter(([, size]) => size > 0));
  }

  /** How many changes wait. */
  async size(feed: string): Promise<number> {
    const { gets } = await this.#store.read({ gets: [keys.replicationHeldSize(feed)] });
    return gets[0] === undefined ? 0 : decodeCounter(gets[0].value);
  }

  /** The changes of a key, oldest first. */
  async rows(feed: string, key: string): Promise<readonly HeldRow[]> {
    const range = { ...ranges.replicationHeld(feed, key), limit: maximumRows };
    const entries = (await this.#store.read({ ranges: [range] })).ranges[0] ?? [];
    return entries.map((entry) => ({ key: entry.key, change: decodeChangeRecord(entry.value) }));
  }

  /** Changes are done; when they were the last of their key, nothing of it waits any more. */
  async release(
    transaction: Transaction,
    feed: string,
    key: string,
    rows: readonly HeldRow[],
  ): Promise<void> {
    for (const row of rows) {
      if ((await transaction.get(row.key)) === undefined) continue;
      transaction.delete(row.key);
      transaction.add(keys.replicationHeldSize(feed), -1);
    }
    const done = new Set(rows.map((row) => Buffer.from(row.key).toString("hex")));
    const range = { ...ranges.replicationHeld(feed, key), limit: rows.length + 1 };
    const left = await transaction.range(range);
    if (left.some((entry) => !done.has(Buffer.from(entry.key).toString("hex")))) return;
    const holdKey = keys.replicationHold(feed, key);
    // Checked by this read: holding a change writes it.
    const value = await transaction.get(holdKey);
    if (value === undefined) return;
    transaction.delete(holdKey);
    const { dueMilliseconds } = decodeRecord(value, 1) as HoldRecord;
    transaction.delete(keys.replicationDue(feed, dueMilliseconds, key));
  }

  /** Somebody wants the key to be tried again now. */
  async hasten(
    transaction: Transaction,
    feed: string,
    key: string,
    nowMilliseconds: number,
  ): Promise<void> {
    const value = await transaction.get(keys.replicationHold(feed, key));
    if (value === undefined) return;
    const hold = decodeRecord(value, 1) as HoldRecord;
    if (hold.dueMilliseconds <= nowMilliseconds) return;
    transaction.delete(keys.replicationDue(feed, hold.dueMilliseconds, key));
    this.#setHold(transaction, feed, key, { ...hold, dueMilliseconds: nowMilliseconds });
  }

  /** Refused again. */
  async postpone(feed: string, key: string, refusal: Refusal): Promise<void> {
    await transact(this.#store, async (transaction) => {
      const value = await transaction.get(keys.replicationHold(feed, key));
      if (value === undefined) return;
      const { attempts, dueMilliseconds } = decodeRecord(value, 1) as HoldRecord;
      transaction.delete(keys.replicationDue(feed, dueMilliseconds, key));
      const pause = Math.min(firstPauseMilliseconds * 2 ** attempts, longestPauseMilliseconds);
      this.#setHold(transaction, feed, key, {
        v: 1,
        ...described(refusal),
        attempts: attempts + 1,
        dueMilliseconds: refusal.nowMilliseconds + pause,
      });
    });
  }

  #setHold(transaction: Transaction, feed: string, key: string, hold: HoldRecord): void {
    transaction.set(keys.replicationHold(feed, key), encodeRecord(hold));
    transaction.set(keys.replicationDue(feed, hold.dueMilliseconds, key), new Uint8Array(0));
  }
}

function described({ reason, detail }: Refusal): Pick<HoldRecord, "reason" | "detail"> {
  return detail === undefined ? { reason } : { reason, detail };
}

/** Of two changes in one microsecond each keeps its row; the same change is held once. */
function rowId({ requestId, versionId = "", event }: ChangeRecord): string {
  return `${requestId}/${versionId}/${event}`;
}
