// Queues of versions by the time at which a worker has to look at them: restorations that end, copies
// that expire, objects of Intelligent-Tiering that may have become cold. Nothing scans all objects.

import { encodeRecord } from "../storage/record-codec.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import type { BucketRecord } from "./records/bucket-record.ts";
import { decodeDueRecord, type DueRecord } from "./records/due-record.ts";
import { dueTimeOf, keys, ranges, type DueQueue } from "./records/keyspace.ts";
import type { ObjectRecord } from "./records/object-record.ts";

export interface DueRow extends Omit<DueRecord, "v"> {
  /** In the store. */
  readonly rowKey: Uint8Array;
  readonly dueMilliseconds: number;
}

export interface DueVersion {
  readonly bucket: BucketRecord;
  readonly key: string;
  readonly record: ObjectRecord;
}

/** In the commit that makes it necessary to look again. */
export function setDueRow(
  transaction: Transaction,
  queue: DueQueue,
  dueMilliseconds: number,
  { bucket, key, record }: DueVersion,
): void {
  const { versionId, sequence } = record;
  const row: DueRecord = { v: 1, bucketName: bucket.name, key, versionId, sequence };
  const rowKey = keys.due(queue, { dueMilliseconds, bucket: bucket.id, key, sequence });
  transaction.set(rowKey, encodeRecord(row));
}

/** Rows up to a time, in its order; the last is what the next call goes on after. */
export async function readDueRows(
  store: Pick<KeyValueStore, "read">,
  queue: DueQueue,
  options: {
    readonly untilMilliseconds: number;
    readonly after: Uint8Array | undefined;
    readonly limit: number;
  },
): Promise<readonly DueRow[]> {
  const range = ranges.due(queue, options.untilMilliseconds, options.after);
  const { ranges: found } = await store.read({ ranges: [{ ...range, limit: options.limit }] });
  return (found[0] ?? []).map(({ key: rowKey, value }) => {
    const { v: _, ...row } = decodeDueRecord(value);
    return { ...row, rowKey, dueMilliseconds: dueTimeOf(rowKey) };
  });
}

/** When the first row is due; `undefined`: there is none. */
export async function firstDue(
  store: Pick<KeyValueStore, "read">,
  queue: DueQueue,
): Promise<number | undefined> {
  const range = { ...ranges.due(queue, undefined, undefined), limit: 1 };
  const [entry] = (await store.read({ ranges: [range] })).ranges[0] ?? [];
  return entry === undefined ? undefined : dueTimeOf(entry.key);
}

export async function deleteDueRow(
  store: Pick<KeyValueStore, "write">,
  row: DueRow,
): Promise<void> {
  await store.write({ checks: [], sets: [], deletes: [row.rowKey], additions: [] });
}
