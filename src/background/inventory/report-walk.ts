// Walks over what a report lists, in the order of keys and of their versions from the newest: in pages, in
// constant memory, from any place on.

import type { Sequence } from "../../objects/identifiers.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import { objectKeyOf, ranges } from "../../objects/records/keyspace.ts";
import { decodeObjectRecord } from "../../objects/records/object-record.ts";
import { pagesOfVersions } from "../../objects/version-listing.ts";
import { giveWay } from "../give-way.ts";
import { pagesOf } from "../store-pages.ts";
import type { ReportRow } from "./report-columns.ts";

/** A page is worked on in one go while requests wait: some 3 ms. */
const pageRows = 512;

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
}

export async function* walkReport(
  { keyValueStore }: Pick<ObjectStore, "keyValueStore">,
  options: WalkOptions,
): AsyncGenerator<readonly ReportRow[], undefined> {
  const pages =
    options.versions === "Current"
      ? currentPages(keyValueStore, options)
      : versionPages(keyValueStore, options);
  let began = performance.now();
  for await (const page of pages) {
    yield page;
    await giveWay(performance.now() - began);
    began = performance.now();
  }
  return undefined;
}

export function placeOf({ versions }: Pick<WalkOptions, "versions">, row: ReportRow): WalkPlace {
  const afterKey = row.key;
  return versions === "Current" ? { afterKey } : { afterKey, afterSequence: row.record.sequence };
}

async function* currentPages(
  store: ObjectStore["keyValueStore"],
  { bucket, prefix, after, signal }: WalkOptions,
): AsyncGenerator<readonly ReportRow[], undefined> {
  const range = ranges.currentFrom(bucket.id, prefix, after && { afterKey: after.afterKey });
  for await (const page of pagesOf(store, range, { limit: pageRows, signal })) {
    yield page.map((entry) => ({
      key: objectKeyOf(entry.key),
      record: decodeObjectRecord(entry.value),
      isLatest: true,
    }));
  }
  return undefined;
}

function versionPages(
  store: ObjectStore["keyValueStore"],
  { bucket, prefix, after, signal }: WalkOptions,
): AsyncGenerator<readonly ReportRow[], undefined> {
  const place = after && { key: after.afterKey, afterSequence: after.afterSequence ?? 0 };
  return pagesOfVersions(store, {
    bucketId: bucket.id,
    prefix,
    after: place,
    signal,
    chunk: pageRows / 2,
  });
}
