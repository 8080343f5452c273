// Walks over the current versions of a bucket and adds up, for each of its analyses, how many objects and
// bytes there are of each storage class and age. Constant memory; one walk for all analyses, in the order
// of keys, so that a key says how far it has come.

import { compareBytes } from "../../base/bytes.ts";
import type { AnalyticsConfiguration } from "../../model/types.generated.ts";
import { prefixOfAnalyticsFilter } from "../../objects/analytics-configuration.ts";
import { ageGroupOf, dayMilliseconds, isAnalysed } from "../../objects/analytics-rules.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import type { StoredByGroup } from "../../objects/records/analytics-record.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import { objectKeyOf, ranges } from "../../objects/records/keyspace.ts";
import { decodeObjectRecord } from "../../objects/records/object-record.ts";
import type { Entry } from "../../storage/key-value/key-value-store.ts";
import { walkPages } from "../store-pages.ts";

/** Few, so that most of V8's collections find none of them: see `walkSteps`. */
const pageRows = 128;

/** What was found for one analysis. */
export class Tally {
  readonly configuration: AnalyticsConfiguration;
  readonly #classes = new Map<string, Map<string, { objects: number; storedBytes: number }>>();

  /** Goes on with what an earlier part of the walk has found. */
  constructor(configuration: AnalyticsConfiguration, earlier: StoredByGroup = {}) {
    this.configuration = configuration;
    for (const [storageClass, groups] of Object.entries(earlier)) {
      const figures = Object.entries(groups).map(([group, each]) => [group, { ...each }] as const);
      this.#classes.set(storageClass, new Map(figures));
    }
  }

  /** As it is now: what is found later does not change it. */
  get stored(): StoredByGroup {
    const classes = [...this.#classes].map(([storageClass, groups]) => {
      const figures = [...groups].map(([group, each]) => [group, { ...each }] as const);
      return [storageClass, Object.fromEntries(figures)] as const;
    });
    return Object.fromEntries(classes);
  }

  add(storageClass: string, group: number, sizeBytes: number): void {
    let groups = this.#classes.get(storageClass);
    if (groups === undefined) this.#classes.set(storageClass, (groups = new Map()));
    const name = String(group);
    let figures = groups.get(name);
    if (figures === undefined) groups.set(name, (figures = { objects: 0, storedBytes: 0 }));
    figures.objects += 1;
    figures.storedBytes += sizeBytes;
  }
}

export interface BucketTallyOptions {
  /** The figures are of its end, or of now while it lasts. */
  readonly day: number;
  readonly atMilliseconds: number;
  /** Everything up to this key is in the tallies already. */
  readonly afterKey: string | undefined;
  readonly signal: AbortSignal;
  /** After so many objects the place is noted. */
  readonly noteObjects: number;
  /** Keeps the place together with what the tallies hold. */
  readonly note: (afterKey: string) => Promise<void>;
  readonly looked: (objects: number) => void;
}

/** Adds what there is behind `afterKey` to the tallies. */
export async function tallyBucket(
  { keyValueStore }: Pick<ObjectStore, "keyValueStore">,
  bucket: BucketRecord,
  tallies: readonly Tally[],
  options: BucketTallyOptions,
): Promise<void> {
  const { signal, noteObjects, note, looked } = options;
  let { afterKey } = options;
  let unnoted = 0;
  const settle = async (): Promise<void> => {
    if (unnoted < noteObjects || afterKey === undefined) return;
    unnoted = 0;
    await note(afterKey);
  };
  const filters = tallies.map(({ configuration }) => configuration.Filter);
  for (const prefix of shortestPrefixes(filters.map(prefixOfAnalyticsFilter))) {
    const isInside = afterKey?.startsWith(prefix) === true;
    if (!isInside && afterKey !== undefined && compareTexts(prefix, afterKey) < 0) continue;
    const from = isInside && afterKey !== undefined ? { afterKey } : undefined;
    const range = ranges.currentFrom(bucket.id, prefix, from);
    await walkPages<never>(keyValueStore, range, { limit: pageRows, signal, settle }, (page) => {
      afterKey = addPage(page, tallies, options);
      unnoted += page.length;
      looked(page.length);
      return undefined;
    });
  }
}

/** Answers the page's last key. */
function addPage(
  page: readonly Entry[],
  tallies: readonly Tally[],
  { day, atMilliseconds }: BucketTallyOptions,
): string | undefined {
  const endMilliseconds = (day + 1) * dayMilliseconds;
  let key: string | undefined;
  for (const entry of page) {
    key = objectKeyOf(entry.key);
    const { attributes, sizeBytes, lastModifiedMilliseconds } = decodeObjectRecord(entry.value);
    // Of a later day.
    if (lastModifiedMilliseconds >= endMilliseconds) continue;
    const { storageClass = "STANDARD", tags } = attributes;
    const group = ageGroupOf(sizeBytes, atMilliseconds - lastModifiedMilliseconds);
    for (const tally of tallies) {
      if (isAnalysed(tally.configuration.Filter, { key, tags })) {
        tally.add(storageClass, group, sizeBytes);
      }
    }
  }
  return key;
}

/** Without those that begin with another one, in the order of keys. */
export function shortestPrefixes(prefixes: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (const prefix of prefixes.toSorted(compareTexts)) {
    const last = kept.at(-1);
    if (last === undefined || !prefix.startsWith(last)) kept.push(prefix);
  }
  return kept;
}

function compareTexts(a: string, b: string): number {
  return compareBytes(Buffer.from(a), Buffer.from(b));
}
