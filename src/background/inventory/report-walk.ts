// Walks over what a report lists, in the order of keys and of their versions from the newest: in pages, in
// constant memory, from any place on.

import type { Sequence } from "../../objects/identifiers.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import { objectKeyOf, ranges } from "../../objects/records/keyspace.ts";
import { decodeObjectRecord } from "../../objects/records/object-record.ts";
import { readVersions, type ListedPlace } from "../../objects/version-listing.ts";
import type { Entry } from "../../storage/key-value/key-value-store.ts";
import { walkPages, walkSteps } from "../store-pages.ts";
import type { ReportRow } from "./report-columns.ts";

/** Few, so that most of V8's collections find none of them: see `walkSteps`. */
const pageRows = 128;

/** The last row that is done with. */
export interface WalkPlace {
  readonly afterKey: string;
  /** Of the version; absent: of current versions there is one. */
  readonly afterSequence?: Sequence;
}

export interface WalkOptions {
  readonly bucket: BucketRecord;
  readonly prefix: string;
  readonly versions: "All" | "Current";
  readonly after: WalkPlace | undefined;
  readonly signal: AbortSignal;
  /** Waits for what has become of a page's rows, when these are gone. */
  readonly settle: () => Promise<void>;
}

/** Is done with the rows when it returns. */
type Look = (rows: readonly ReportRow[]) => void;

/** Calls `look` with the rows of each page. */
export async function walkReport(
  { keyValueStore }: Pick<ObjectStore, "keyValueStore">,
  options: WalkOptions,
  look: Look,
): Promise<void> {
  if (options.versions === "Current") await walkCurrent(keyValueStore, options, look);
  else await walkVersions(keyValueStore, options, look);
}

export function placeOf({ versions }: Pick<WalkOptions, "versions">, row: ReportRow): WalkPlace {
  const afterKey = row.key;
  return versions === "Current" ? { afterKey } : { afterKey, afterSequence: row.record.sequence };
}

async function walkCurrent(
  store: ObjectStore["keyValueStore"],
  { bucket, prefix, after, signal, settle }: WalkOptions,
  look: Look,
): Promise<void> {
  const range = ranges.currentFrom(bucket.id, prefix, after && { afterKey: after.afterKey });
  await walkPages<never>(store, range, { limit: pageRows, signal, settle }, (page) => {
    look(page.map(currentRow));
    return undefined;
  });
}

function currentRow(entry: Entry): ReportRow {
  return {
    key: objectKeyOf(entry.key),
    record: decodeObjectRecord(entry.value),
    isLatest: true,
  };
}

async function walkVersions(
  store: ObjectStore["keyValueStore"],
  { bucket, prefix, after, signal, settle }: WalkOptions,
  look: Look,
): Promise<void> {
  const first = after && { key: after.afterKey, afterSequence: after.afterSequence ?? 0 };
  await walkSteps<ListedPlace | undefined, never>(first, { signal, settle }, async (place) => {
    const wanted = { bucketId: bucket.id, prefix, after: place, chunk: pageRows / 2 };
    const { versions, next } = await readVersions(store, wanted);
    if (versions.length > 0) look(versions);
    return { next };
  });
}
