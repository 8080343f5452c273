// How much of a bucket lies in which storage class. Counted for every class but STANDARD, which is what
// is left of the whole: most objects are in it, and their writers pay nothing.

import { decodeCounter } from "../storage/key-value/counter.ts";
import type { Entry } from "../storage/key-value/key-value-store.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import type { BucketId } from "./identifiers.ts";
import { classUsageOf, keys } from "./records/keyspace.ts";
import type { ObjectRecord } from "./records/object-record.ts";

export interface ClassUsage {
  readonly objects: number;
  readonly bytes: number;
}

/** Counters of one bucket: more than there are classes. */
export const usagesOfClasses = 100;

export const standardClass = "STANDARD";

export function storageClassOf({ attributes }: ObjectRecord): string {
  return attributes.storageClass ?? standardClass;
}

/** `sign`: 1 for a version that comes into its class, -1 for one that leaves it. */
export function countClass(
  transaction: Transaction,
  bucket: BucketId,
  record: ObjectRecord,
  sign: 1 | -1,
): void {
  const storageClass = storageClassOf(record);
  if (storageClass === standardClass) return;
  transaction.add(keys.usageOfClass(bucket, storageClass, "objects"), sign);
  if (record.sizeBytes === 0) return;
  transaction.add(keys.usageOfClass(bucket, storageClass, "bytes"), sign * record.sizeBytes);
}

/** For a version whose record is replaced by another. */
export function countMove(
  transaction: Transaction,
  bucket: BucketId,
  before: ObjectRecord,
  after: ObjectRecord,
): void {
  if (storageClassOf(before) === storageClassOf(after)) return;
  countClass(transaction, bucket, before, -1);
  countClass(transaction, bucket, after, 1);
}

/** What the counters of one bucket say, without classes of which nothing is left. */
export function readClasses(counters: readonly Entry[]): ReadonlyMap<string, ClassUsage> {
  const found = new Map<string, ClassUsage>();
  for (const { key, value } of counters) {
    const { storageClass, unit } = classUsageOf(key);
    const before = found.get(storageClass) ?? { objects: 0, bytes: 0 };
    found.set(storageClass, { ...before, [unit]: decodeCounter(value) });
  }
  return new Map([...found].filter(([, { objects, bytes }]) => objects !== 0 || bytes !== 0));
}

/** With what is in STANDARD. */
export function withStandard(
  whole: ClassUsage,
  others: ReadonlyMap<string, ClassUsage>,
): ReadonlyMap<string, ClassUsage> {
  let { objects, bytes } = whole;
  for (const other of others.values()) {
    objects -= other.objects;
    bytes -= other.bytes;
  }
  return new Map([[standardClass, { objects, bytes }], ...others]);
}
