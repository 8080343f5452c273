// The two forms in which feeds keep rows. Where a consumer removes rows one by one, several at the same
// time, each row is an entry of the store. Where it removes all that it read, a feed is a queue of the store
// (`queue-entry.ts`): rows that are committed together share an entry, which costs each of them less than
// half as much.

import type { Entry, KeyValueStore, Revision } from "../storage/key-value/key-value-store.ts";
import { decodeQueueEntry, encodeQueueEntry } from "../storage/key-value/queue-entry.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import { keyAfter } from "../storage/key-value/tuple.ts";
import type { Sequence } from "./identifiers.ts";
import { decodeChangeRecord, type ChangeRecord } from "./records/change-record.ts";
import { ranges } from "./records/keyspace.ts";

/** A change that is kept for somebody. */
export interface ChangeRow {
  readonly change: ChangeRecord;
}

/** A row of a feed. */
export interface FeedRow extends ChangeRow, RowPlace {}

/** Where a row lies: what `finish` takes. */
export interface RowPlace {
  readonly entry: FeedEntry;
  /** Among the values of the entry. */
  readonly index: number;
}

/** Rows that were committed together, as they were read. */
export interface FeedEntry {
  readonly key: Uint8Array;
  readonly revision: Revision;
  /** How many are left. */
  readonly rows: number;
}

export interface FeedPage {
  /** `next` of the page before. */
  readonly after?: Uint8Array | undefined;
  readonly limit: number;
}

export interface FeedRows {
  readonly rows: readonly FeedRow[];
  /** `undefined`: these are the last ones. */
  readonly next: Uint8Array | undefined;
}

const largestBatch = 4096;
/** Entries of a queue that are read in one go: each has up to 64 KiB, and a little. */
const largestRead = 16;
const rowsInEntry = 16;
const microsecondsPerMillisecond = 1000;
const noBytes = new Uint8Array(0);

/**
 * Of entries with a row each. All that were made in the millisecond of the last one are read with it, since
 * only their revisions order them.
 */
export async function readRows(
  store: KeyValueStore,
  feed: string,
  page: FeedPage,
): Promise<FeedRows> {
  const range = ranges.changes(feed);
  const start = page.after === undefined ? range.start : keyAfter(page.after);
  const limit = Math.min(page.limit, largestBatch);
  const entries = await scan(store, { start, end: range.end }, limit);
  const last = entries.at(-1);
  let next: Uint8Array | undefined;
  if (last !== undefined && entries.length === limit) {
    const end = ranges.changesUntil(feed, endOfMillisecond(last)).end;
    entries.push(...(await scan(store, { start: keyAfter(last.key), end }, largestBatch)));
    next = entries.at(-1)?.key;
  }
  const ordered = entries.toSorted((a, b) => a.revision - b.revision);
  return { rows: ordered.flatMap(rowsOf), next };
}

/** Of a queue; of one with rows at least one. */
export async function readQueue(
  store: KeyValueStore,
  feed: string,
  page: FeedPage,
): Promise<FeedRows> {
  const { end, ...range } = ranges.changes(feed);
  let start = page.after === undefined ? range.start : keyAfter(page.after);
  const entriesAtOnce = Math.min(Math.ceil(page.limit / rowsInEntry), largestRead);
  const rows: FeedRow[] = [];
  for (;;) {
    const entries = await scan(store, { start, end }, entriesAtOnce);
    for (const entry of entries) rows.push(...rowsOf(entry));
    const last = entries.at(-1);
    if (last === undefined || entries.length < entriesAtOnce) return { rows, next: undefined };
    if (rows.length >= page.limit) return { rows, next: last.key };
    start = keyAfter(last.key);
  }
}

function rowsOf({ key, revision, value }: Entry): FeedRow[] {
  const values = valuesOf(value);
  const rows = values.filter(({ length }) => length > 0).length;
  const entry = { key, revision, rows };
  return values.flatMap((each, index) => {
    if (each.length === 0) return [];
    return [{ entry, index, change: decodeChangeRecord(each) }];
  });
}

/** A queue may hold single records too: rows of earlier versions, which come before all others. */
function valuesOf(value: Uint8Array): Uint8Array[] {
  // Lengths are shorter than what begins with a brace would be.
  return value[0] === 0x7b ? [value] : decodeQueueEntry(value);
}

/** Rows by the entries that they lie in, which several reads may have brought. */
export function byEntry<Row extends RowPlace>(rows: readonly Row[]): (readonly Row[])[] {
  const groups = new Map<string, Row[]>();
  for (const [entry, group] of Map.groupBy(rows, (row) => row.entry)) {
    const identity = Buffer.from(entry.key).toString("latin1");
    const known = groups.get(identity);
    if (known === undefined) groups.set(identity, group);
    else known.push(...group);
  }
  return [...groups.values()];
}

/** Removes some rows of each entry, whatever became of it. Answers the rows that were still there. */
export async function removeParts<Row extends RowPlace>(
  transaction: Transaction,
  groups: readonly (readonly Row[])[],
): Promise<Row[]> {
  const entryKeys = groups.map(([first]) => (first as Row).entry.key); // no group is empty
  const stored = groups.length === 0 ? [] : await transaction.getMany(entryKeys);
  const removed: Row[] = [];
  for (const [at, group] of groups.entries()) {
    const value = stored[at];
    const key = entryKeys[at] as Uint8Array;
    if (value === undefined) continue;
    const values = valuesOf(value);
    for (const row of group) {
      if ((values[row.index]?.length ?? 0) === 0) continue;
      values[row.index] = noBytes;
      removed.push(row);
    }
    if (values.every(({ length }) => length === 0)) transaction.delete(key);
    else transaction.set(key, encodeQueueEntry(values));
  }
  return removed;
}

function endOfMillisecond({ value }: Entry): Sequence {
  const sequence = Number.parseInt(decodeChangeRecord(value).sequencer, 16);
  return (Math.floor(sequence / microsecondsPerMillisecond) + 1) * microsecondsPerMillisecond;
}

async function scan(
  store: KeyValueStore,
  range: { readonly start: Uint8Array; readonly end: Uint8Array },
  limit: number,
): Promise<Entry[]> {
  const { ranges: found } = await store.read({ ranges: [{ ...range, limit }] });
  return [...(found[0] ?? [])];
}
