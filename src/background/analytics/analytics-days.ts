// What is kept of the days of an analysis: one record a day, into which counters of accesses are folded.

import type { AnalyticsConfiguration } from "../../model/types.generated.ts";
import { describeFilter } from "../../objects/analytics-rules.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import {
  addFigures,
  decodeAnalyticsDay,
  noFigures,
  type AnalyticsDayRecord,
  type AnalyticsFigures,
  type StoredByGroup,
} from "../../objects/records/analytics-record.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import { analyticsCountPlaceOf, keys, ranges } from "../../objects/records/keyspace.ts";
import { decodeCounter } from "../../storage/key-value/counter.ts";
import { transact } from "../../storage/key-value/transaction.ts";
import { encodeRecord } from "../../storage/record-codec.ts";
import { pagesOf } from "../store-pages.ts";

/** A file that grows for ever would be no use to anybody: two years and a month. */
export const keptDays = 760;
/** More than there can be of one day: storage classes, age groups and units. */
const countersPerDay = 1000;
const dayPage = 100;

type Figures = Map<string, Map<string, AnalyticsFigures>>;

export class AnalyticsDays {
  readonly #store: Pick<ObjectStore, "keyValueStore">;
  readonly #bucket: BucketRecord;
  readonly #configuration: AnalyticsConfiguration;

  constructor(
    store: Pick<ObjectStore, "keyValueStore">,
    bucket: BucketRecord,
    configuration: AnalyticsConfiguration,
  ) {
    this.#store = store;
    this.#bucket = bucket;
    this.#configuration = configuration;
  }

  /** The first day from this one on of which there are counters. */
  async firstCounted(from: number): Promise<number | undefined> {
    const range = ranges.analyticsCountsFrom(this.#bucket.id, this.#configuration.Id, from);
    const read = await this.#store.keyValueStore.read({ ranges: [{ ...range, limit: 1 }] });
    const entry = read.ranges[0]?.[0];
    return entry && analyticsCountPlaceOf(entry.key).day;
  }

  /**
   * Takes the day's counters into its record, and with `stored` what there was. An addition that comes
   * meanwhile is either in the record or still a counter.
   */
  async keep(day: number, stored?: StoredByGroup): Promise<void> {
    const { Id: id, Filter } = this.#configuration;
    const bucketId = this.#bucket.id;
    const key = keys.analyticsDay(bucketId, id, day);
    await transact(this.#store.keyValueStore, async (transaction) => {
      const found = await transaction.get(key);
      const before = found && decodeAnalyticsDay(found);
      const figures: Figures = new Map();
      for (const [storageClass, groups] of Object.entries(before?.classes ?? {})) {
        for (const [group, each] of Object.entries(groups)) {
          const isOld = stored !== undefined;
          add(figures, [storageClass, group], isOld ? withoutStored(each) : each);
        }
      }
      for (const [storageClass, groups] of Object.entries(stored ?? {})) {
        for (const [group, each] of Object.entries(groups)) {
          add(figures, [storageClass, group], each);
        }
      }
      const range = ranges.analyticsCountsOfDay(bucketId, id, day);
      const entries = await transaction.range({ ...range, limit: countersPerDay });
      const counters = await transaction.getMany(entries.map((entry) => entry.key));
      for (const [index, entry] of entries.entries()) {
        const { storageClass, group, unit } = analyticsCountPlaceOf(entry.key);
        const counted = { [unit]: decodeCounter(counters[index]) };
        add(figures, [storageClass, String(group)], counted);
        transaction.delete(entry.key);
      }
      const classes = [...figures].map(([name, groups]) => [name, Object.fromEntries(groups)]);
      const after: AnalyticsDayRecord = {
        v: 1,
        day,
        filter: describeFilter(Filter),
        isMeasured: stored !== undefined || before?.isMeasured === true,
        classes: Object.fromEntries(classes) as AnalyticsDayRecord["classes"], // made of entries
      };
      transaction.set(key, encodeRecord(after));
    });
  }

  /** In their order. */
  async history(signal: AbortSignal): Promise<readonly AnalyticsDayRecord[]> {
    const range = ranges.analyticsDays(this.#bucket.id, this.#configuration.Id);
    const found: AnalyticsDayRecord[] = [];
    const { keyValueStore } = this.#store;
    for await (const page of pagesOf(keyValueStore, range, { limit: dayPage, signal })) {
      for (const { value } of page) found.push(decodeAnalyticsDay(value));
    }
    return found;
  }

  /** Forgets the days before. */
  async forgetUntil(day: number): Promise<void> {
    const { keyValueStore } = this.#store;
    const range = ranges.analyticsDaysUntil(this.#bucket.id, this.#configuration.Id, day);
    const read = await keyValueStore.read({ ranges: [{ ...range, limit: dayPage }] });
    const deletes = (read.ranges[0] ?? []).map(({ key }) => key);
    if (deletes.length === 0) return;
    await keyValueStore.write({ checks: [], sets: [], deletes, additions: [] });
  }
}

function withoutStored(figures: AnalyticsFigures): AnalyticsFigures {
  return { ...figures, objects: 0, storedBytes: 0 };
}

function add(
  figures: Figures,
  [storageClass, group]: readonly [string, string],
  added: Partial<AnalyticsFigures>,
): void {
  let groups = figures.get(storageClass);
  if (groups === undefined) figures.set(storageClass, (groups = new Map()));
  groups.set(group, addFigures(groups.get(group) ?? noFigures, added));
}
