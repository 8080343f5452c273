// Walks over the current versions of a bucket and adds up, for each of its analyses, how many objects and
// bytes there are of each storage class and age. Constant memory; one walk for all analyses.

import type { AnalyticsConfiguration } from "../../model/types.generated.ts";
import { prefixOfAnalyticsFilter } from "../../objects/analytics-configuration.ts";
import { ageGroupOf, dayMilliseconds, isAnalysed } from "../../objects/analytics-rules.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import { objectKeyOf, ranges } from "../../objects/records/keyspace.ts";
import { decodeObjectRecord } from "../../objects/records/object-record.ts";
import { giveWay } from "../give-way.ts";
import { pagesOf } from "../store-pages.ts";

/** A page is worked on in one go while requests wait: some 3 ms. */
const pageRows = 512;

export interface StoredFigures {
  objects: number;
  storedBytes: number;
}

/** By storage class, then by age group. */
export type Tally = Map<string, Map<number, StoredFigures>>;

/** What there was at the end of the day, or is now while the day lasts; by the ids of the analyses. */
export async function tallyBucket(
  { keyValueStore, clock }: Pick<ObjectStore, "keyValueStore" | "clock">,
  bucket: BucketRecord,
  analyses: readonly AnalyticsConfiguration[],
  options: {
    readonly day: number;
    readonly signal: AbortSignal;
    readonly looked: (objects: number) => void;
  },
): Promise<ReadonlyMap<string, Tally>> {
  const { day, signal, looked } = options;
  const endMilliseconds = (day + 1) * dayMilliseconds;
  const atMilliseconds = Math.min(endMilliseconds, clock.now());
  const tallies = new Map(analyses.map(({ Id }): [string, Tally] => [Id, new Map()]));
  const prefixes = shortestPrefixes(analyses.map(({ Filter }) => prefixOfAnalyticsFilter(Filter)));
  let began = performance.now();
  for (const prefix of prefixes) {
    const range = ranges.currentFrom(bucket.id, prefix, undefined);
    for await (const page of pagesOf(keyValueStore, range, { limit: pageRows, signal })) {
      for (const entry of page) {
        const key = objectKeyOf(entry.key);
        const { attributes, sizeBytes, lastModifiedMilliseconds } = decodeObjectRecord(entry.value);
        // Of a later day.
        if (lastModifiedMilliseconds >= endMilliseconds) continue;
        const { storageClass = "STANDARD", tags } = attributes;
        const group = ageGroupOf(sizeBytes, atMilliseconds - lastModifiedMilliseconds);
        for (const { Id, Filter } of analyses) {
          if (!isAnalysed(Filter, { key, tags })) continue;
          const figures = findFigures(tallies.get(Id) as Tally, storageClass, group); // made above
          figures.objects += 1;
          figures.storedBytes += sizeBytes;
        }
      }
      looked(page.length);
      await giveWay(performance.now() - began);
      began = performance.now();
    }
  }
  return tallies;
}

/** Without those that begin with another one. */
export function shortestPrefixes(prefixes: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (const prefix of prefixes.toSorted()) {
    const last = kept.at(-1);
    if (last === undefined || !prefix.startsWith(last)) kept.push(prefix);
  }
  return kept;
}

function findFigures(tally: Tally, storageClass: string, group: number): StoredFigures {
  let groups = tally.get(storageClass);
  if (groups === undefined) tally.set(storageClass, (groups = new Map()));
  let figures = groups.get(group);
  if (figures === undefined) groups.set(group, (figures = { objects: 0, storedBytes: 0 }));
  return figures;
}
