// How identities are read and changed: each change is one transaction that also changes the account's
// revision, by which every process knows that what it has cached of the account is old.

import type { Clock } from "../../base/clock.ts";
import type { Sealer } from "../../keys/sealer.ts";
import type { KeyRange } from "../../storage/key-value/tuple.ts";
import type { Entry, KeyValueStore } from "../../storage/key-value/key-value-store.ts";
import { KeyedQueue, transact, type Transaction } from "../../storage/key-value/transaction.ts";
import { encodeRecord } from "../../storage/record-codec.ts";
import { IdentityError } from "./identity-error.ts";
import { identityKeys, lastPartOf } from "./identity-keys.ts";
import type { RevisionRecord } from "./identity-records.ts";
import { createIdentityIds, type IdentityIds, type RandomBytes } from "./identity-names.ts";

export interface IdentityDatabaseOptions {
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly sealer: Sealer;
  readonly randomBytes: RandomBytes;
  /** Of the configuration's own key, which no other key may share. */
  readonly rootAccessKeyId?: string | undefined;
}

/** What a list is asked for. */
export interface PageRequest {
  /** As the page before handed it out. */
  readonly marker?: string | undefined;
  /** Default 100, at most 1000. */
  readonly maxItems?: number | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Absent: this was the last page. */
  readonly marker?: string;
}

const defaultPageItems = 100;
const maximumPageItems = 1000;
const readChunk = 1000;

export class IdentityDatabase {
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly sealer: Sealer;
  readonly ids: IdentityIds;
  readonly randomBytes: RandomBytes;
  readonly rootAccessKeyId: string | undefined;
  readonly #queue = new KeyedQueue();

  constructor(options: IdentityDatabaseOptions) {
    this.store = options.store;
    this.clock = options.clock;
    this.sealer = options.sealer;
    this.randomBytes = options.randomBytes;
    this.rootAccessKeyId = options.rootAccessKeyId;
    this.ids = createIdentityIds(options.randomBytes);
  }

  /**
   * A transaction that leaves the revision alone: for reading, and for writing what nobody caches.
   * What the body gets by key stood together at one moment.
   */
  async run<Result>(body: (transaction: Transaction) => Promise<Result>): Promise<Result> {
    return transact(this.store, body);
  }

  /**
   * Changes identities of one account. Every change checks and renews the account's revision, so that
   * of two changes one sees what the other did, also in ranges.
   */
  async change<Result>(
    accountId: string,
    body: (transaction: Transaction) => Promise<Result>,
  ): Promise<Result> {
    return this.#queue.run(accountId, () =>
      transact(this.store, async (transaction) => {
        const key = identityKeys.revision(accountId);
        await transaction.get(key);
        const result = await body(transaction);
        const revision: RevisionRecord = { v: 1, changedMilliseconds: this.clock.now() };
        transaction.set(key, encodeRecord(revision));
        return result;
      }),
    );
  }

  /** Every entry of a range that is known to be short. */
  async entriesOf(transaction: Transaction, range: KeyRange): Promise<readonly Entry[]> {
    const found: Entry[] = [];
    let { start } = range;
    for (;;) {
      const entries = await transaction.range({ start, end: range.end, limit: readChunk });
      found.push(...entries);
      const last = entries.at(-1);
      if (entries.length < readChunk || last === undefined) return found;
      start = Buffer.concat([last.key, Buffer.of(0)]);
    }
  }

  /**
   * One page of what `decode` accepts, in the order of the keys. `rangeAfter` gives the range behind
   * the last part of a key.
   */
  async page<Item>(
    request: PageRequest,
    rangeAfter: (after: string | undefined) => KeyRange,
    decode: (entry: Entry) => Item | undefined,
  ): Promise<Page<Item>> {
    const maxItems = checkMaxItems(request.maxItems);
    let after = parseMarker(request.marker);
    const items: Item[] = [];
    let last: string | undefined;
    for (;;) {
      const range = rangeAfter(after);
      const { ranges } = await this.store.read({ ranges: [{ ...range, limit: readChunk }] });
      const entries = ranges[0] ?? [];
      for (const entry of entries) {
        const item = decode(entry);
        if (item === undefined) continue;
        if (items.length === maxItems && last !== undefined) {
          return { items, marker: formatMarker(last) };
        }
        items.push(item);
        last = lastPartOf(entry.key);
      }
      const lastEntry = entries.at(-1);
      if (entries.length < readChunk || lastEntry === undefined) return { items };
      after = lastPartOf(lastEntry.key);
    }
  }
}

/** A page of a list that is whole in memory, by the text that each item is known by. */
export function pageOf<Item>(
  request: PageRequest,
  sorted: readonly Item[],
  nameOf: (item: Item) => string,
): Page<Item> {
  const maxItems = checkMaxItems(request.maxItems);
  const after = parseMarker(request.marker);
  const rest = after === undefined ? sorted : sorted.filter((item) => nameOf(item) > after);
  const items = rest.slice(0, maxItems);
  const last = items.at(-1);
  return last !== undefined && rest.length > items.length
    ? { items, marker: formatMarker(nameOf(last)) }
    : { items };
}

function checkMaxItems(maxItems: number = defaultPageItems): number {
  const isValid = Number.isInteger(maxItems) && maxItems >= 1 && maxItems <= maximumPageItems;
  if (isValid) return maxItems;
  const bound = maxItems < 1 ? "greater than or equal to 1" : "less than or equal to 1000";
  throw new IdentityError(
    "ValidationError",
    `1 validation error detected: Value '${maxItems}' at 'maxItems' failed to satisfy constraint: Member must have value ${bound}`,
  );
}

function formatMarker(name: string): string {
  return Buffer.from(name, "utf8").toString("base64url");
}

function parseMarker(marker: string | undefined): string | undefined {
  if (marker === undefined) return undefined;
  const name = Buffer.from(marker, "base64url").toString("utf8");
  if (name !== "" && formatMarker(name) === marker) return name;
  throw new IdentityError("ValidationError", `Invalid Marker: ${marker}`);
}
