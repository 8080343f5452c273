// Listing of all versions: three keyspaces (live heads, marker heads, older versions) read in one
// snapshot and merged by key, newest version first.

import type { Entry, KeyValueStore, RangeRead } from "../storage/key-value/key-value-store.ts";
import type { BucketId, Sequence } from "./identifiers.ts";
import type { ScanPosition } from "./listing.ts";
import { Grouping } from "./listing.ts";
import { objectKeyOf, ranges, versionPlaceOf } from "./records/keyspace.ts";
import type { VersionRecord } from "./records/object-record.ts";
import { decodeVersionRecord } from "./records/object-record.ts";

export interface ListVersionsOptions {
  readonly bucketId: BucketId;
  readonly prefix: string;
  readonly delimiter: string | undefined;
  /** Only items greater than this key or common prefix … */
  readonly afterKey: string | undefined;
  /** … and, when set, also the versions of `afterKey` that are older than this one. */
  readonly afterSequence: Sequence | undefined;
  readonly limit: number;
}

export interface ListedVersion {
  readonly key: string;
  readonly record: VersionRecord;
  readonly isLatest: boolean;
}

export type VersionItem = ListedVersion | { readonly commonPrefix: string };

export interface VersionPage {
  readonly items: readonly VersionItem[];
  readonly isTruncated: boolean;
}

interface Row extends ListedVersion {
  readonly entry: Entry;
  /** The stored key behind the bucket: byte by byte the order of the listing. */
  readonly place: Uint8Array;
}

const largestChunk = 1000;
const smallestChunk = 8;

export async function listVersions(
  store: KeyValueStore,
  options: ListVersionsOptions,
): Promise<VersionPage> {
  const { limit } = options;
  if (limit === 0) return { items: [], isTruncated: false };
  const after = options.afterSequence === undefined ? options.afterKey : undefined;
  const grouping = new Grouping({ ...options, after });
  const items: VersionItem[] = [];
  let from: VersionPosition = startPosition(options, grouping);
  let chunk = grouping.isOn ? smallestChunk : Math.min(limit + 1, largestChunk);
  for (;;) {
    const { rows, isLast } = await readRows(store, options, from, chunk);
    let group: string | undefined;
    for (const row of rows) {
      group = grouping.of(row.key);
      if (group !== undefined && grouping.isBefore(group)) break;
      if (items.length === limit) return { items, isTruncated: true };
      if (group !== undefined) {
        items.push({ commonPrefix: group });
        break;
      }
      items.push({ key: row.key, record: row.record, isLatest: row.isLatest });
    }
    if (group !== undefined) {
      from = { afterPrefix: group };
      chunk = smallestChunk;
      continue;
    }
    const last = rows.at(-1);
    if (last === undefined || isLast) return { items, isTruncated: false };
    from = { key: last.key, afterSequence: last.record.sequence };
    chunk = Math.min(chunk * 4, largestChunk);
  }
}

/** The place behind a version in the order of listings. */
export interface ListedPlace {
  readonly key: string;
  readonly afterSequence: Sequence;
}

/**
 * All versions in the order of listings, as many as one read gives, and where the next read goes on;
 * `undefined`: nothing follows.
 */
export async function readVersions(
  store: KeyValueStore,
  options: {
    readonly bucketId: BucketId;
    readonly prefix: string;
    readonly after: ListedPlace | undefined;
    /** Rows read of each keyspace. */
    readonly chunk: number;
  },
): Promise<{
  readonly versions: readonly ListedVersion[];
  readonly next: ListedPlace | undefined;
}> {
  const { rows, isLast } = await readRows(store, options, options.after, options.chunk);
  const last = isLast ? undefined : rows.at(-1);
  const next = last && { key: last.key, afterSequence: last.record.sequence };
  return { versions: rows, next };
}

/** Behind a key, behind a prefix, or among the versions of a key behind one of them. */
type VersionPosition = ScanPosition | ListedPlace;

function startPosition(options: ListVersionsOptions, grouping: Grouping): VersionPosition {
  const { afterKey, afterSequence } = options;
  if (afterKey !== undefined && afterSequence !== undefined) {
    return { key: afterKey, afterSequence };
  }
  return grouping.skipsTo<VersionPosition>(afterKey, (position) => position);
}

/** Rows in listing order up to where all three keyspaces have been read; `isLast`: nothing follows. */
async function readRows(
  store: KeyValueStore,
  options: Pick<ListVersionsOptions, "bucketId" | "prefix">,
  from: VersionPosition,
  chunk: number,
): Promise<{ readonly rows: readonly Row[]; readonly isLast: boolean }> {
  const read = await store.read({ ranges: rangesFrom(options, from, chunk) });
  const [current = [], markers = [], versions = []] = read.ranges;
  const offset = ranges.placeOffset(options.bucketId);
  const rows: Row[] = [
    ...current.map((entry) => headRow(entry, offset)),
    ...markers.map((entry) => headRow(entry, offset)),
    ...versions.map((entry) => olderRow(entry, offset)),
  ];
  // A head's key is that of its older versions without their sequences, which count down.
  rows.sort((left, right) => Buffer.compare(left.place, right.place));
  // A range that was cut says nothing about what lies behind its last row, so the page ends there. A
  // cut range of heads is complete for the key of its last row only as far as heads go, and the older
  // versions of that key come from the third range: the end is that row itself.
  const ends = [current, markers, versions]
    .filter((entries) => entries.length === chunk)
    .map((entries) => rows.findIndex((row) => row.entry === entries.at(-1)));
  if (ends.length === 0) return { rows, isLast: true };
  return { rows: rows.slice(0, Math.min(...ends) + 1), isLast: false };
}

function rangesFrom(
  options: Pick<ListVersionsOptions, "bucketId" | "prefix">,
  from: VersionPosition,
  limit: number,
): readonly RangeRead[] {
  const { bucketId, prefix } = options;
  const isInside = from !== undefined && "afterSequence" in from;
  const headsFrom: ScanPosition = isInside ? { afterKey: from.key } : from;
  const versionRange = isInside
    ? ranges.versionsAfter(bucketId, prefix, from.key, from.afterSequence)
    : ranges.versionsFrom(bucketId, prefix, from);
  return [
    { ...ranges.currentFrom(bucketId, prefix, headsFrom), limit },
    { ...ranges.markersFrom(bucketId, prefix, headsFrom), limit },
    { ...versionRange, limit },
  ];
}

function headRow(entry: Entry, offset: number): Row {
  const key = objectKeyOf(entry.key);
  const place = entry.key.subarray(offset);
  return { entry, place, key, record: decodeVersionRecord(entry.value), isLatest: true };
}

function olderRow(entry: Entry, offset: number): Row {
  const { key } = versionPlaceOf(entry.key);
  const place = entry.key.subarray(offset);
  return { entry, place, key, record: decodeVersionRecord(entry.value), isLatest: false };
}
