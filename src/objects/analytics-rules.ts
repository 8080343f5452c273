// Storage class analysis as rules: which configurations an object belongs to, and which age group it is in.

import type { AnalyticsConfiguration, AnalyticsFilter } from "../model/types.generated.ts";
import {
  analyticsKind,
  parseAnalyticsConfiguration,
  prefixOfAnalyticsFilter,
  tagsOfAnalyticsFilter,
} from "./analytics-configuration.ts";
import type { BucketDocuments } from "./bucket-documents.ts";
import type { BucketRecord } from "./records/bucket-record.ts";

export const dayMilliseconds = 86_400_000;

/**
 * The first day of each age group, and its name in exports (User Guide, "Amazon S3 analytics – Storage
 * Class Analysis": "predefined object age groups").
 */
export const ageGroups = [
  { firstDay: 0, name: "000-014" },
  { firstDay: 15, name: "015-029" },
  { firstDay: 30, name: "030-044" },
  { firstDay: 45, name: "045-059" },
  { firstDay: 60, name: "060-074" },
  { firstDay: 75, name: "075-089" },
  { firstDay: 90, name: "090-119" },
  { firstDay: 120, name: "120-149" },
  { firstDay: 150, name: "150-179" },
  { firstDay: 180, name: "180-364" },
  { firstDay: 365, name: "365-729" },
  { firstDay: 730, name: "730+" },
] as const;

/** Where objects count that are too small for the age groups: in nothing but the total. */
export const smallGroup = ageGroups.length;

/** "Age groups … for 128KB+ objects" (Exported File Layout). */
const smallestAgedBytes = 128 * 1024;

/** A place in `ageGroups`, or `smallGroup`. What is from the future has no age yet. */
export function ageGroupOf(sizeBytes: number, ageMilliseconds: number): number {
  if (sizeBytes < smallestAgedBytes) return smallGroup;
  const days = Math.floor(Math.max(0, ageMilliseconds) / dayMilliseconds);
  return ageGroups.findLastIndex(({ firstDay }) => firstDay <= days);
}

/** Days since the epoch, by UTC. */
export function dayOf(milliseconds: number): number {
  return Math.floor(milliseconds / dayMilliseconds);
}

/** What a filter looks at. */
export interface AnalysedObject {
  readonly key: string;
  readonly tags: readonly (readonly [key: string, value: string])[] | undefined;
}

export function isAnalysed(
  filter: AnalyticsFilter | undefined,
  { key, tags = [] }: AnalysedObject,
): boolean {
  if (filter === undefined) return true;
  if (!key.startsWith(prefixOfAnalyticsFilter(filter))) return false;
  return tagsOfAnalyticsFilter(filter).every(({ Key, Value }) =>
    tags.some(([name, value]) => name === Key && value === Value),
  );
}

/** "Full filter values as configured" (Exported File Layout); the form is ours, S3's is not published. */
export function describeFilter(filter: AnalyticsFilter | undefined): string {
  if (filter === undefined) return "";
  const prefix = prefixOfAnalyticsFilter(filter);
  const tags = tagsOfAnalyticsFilter(filter).map(({ Key, Value }) => `tag:${Key}=${Value}`);
  return [...(prefix === "" ? [] : [`prefix=${prefix}`]), ...tags].join("&");
}

export function hasAnalytics({ documents }: BucketRecord): boolean {
  if (documents === undefined) return false;
  for (const kind in documents) if (kind.startsWith(`${analyticsKind}/`)) return true;
  return false;
}

/** In the order of their ids. Throws S3Error NoSuchBucket. */
export async function readAnalytics(
  documents: BucketDocuments,
  bucket: BucketRecord,
): Promise<readonly AnalyticsConfiguration[]> {
  const found: AnalyticsConfiguration[] = [];
  for (const id of documents.namesOf(bucket, analyticsKind)) {
    const kind = `${analyticsKind}/${id}`;
    const each = await documents.get(bucket, kind, parseAnalyticsConfiguration);
    if (each !== undefined) found.push(each);
  }
  return found;
}
