// How warm objects are from an age on, and at which age they have become cold. S3 publishes what its
// columns mean and not how they are computed ("represent the usage/byte heat on any given age group"); the
// rules here are ours, in its words and by its prices.

import { ageGroups, smallGroup } from "../../objects/analytics-rules.ts";
import type { AnalyticsDayRecord } from "../../objects/records/analytics-record.ts";

/** "Observes the access patterns of a filtered data set for 30 days or longer". */
export const observedDays = 30;
/** An age that was observed for so many days in a row is recommended. */
const stableDays = 14;
/** "Objects must be stored at least 30 days before transition to STANDARD_IA". */
const earliestTransitionDay = 30;
/**
 * STANDARD_IA costs some 0.0105 dollars less for a gigabyte and month than STANDARD, and 0.01 dollars for
 * a gigabyte that is read: it pays where less is read in a month than is stored.
 */
const coldRatio = 1;

interface ClassDay {
  readonly day: number;
  readonly isMeasured: boolean;
  /** From the group on: of this age and older; at `smallGroup + 1` of all objects. */
  readonly storedFrom: readonly number[];
  readonly retrievedFrom: readonly number[];
}

/** Of all objects of the class, beside the age groups. */
export const allObjects = smallGroup + 1;

export class AccessRatios {
  readonly #days: readonly ClassDay[];
  readonly #observed = new Map<number, number | undefined>();

  /** `history` in the order of days. */
  constructor(history: readonly AnalyticsDayRecord[], storageClass: string) {
    this.#days = history.map((record) => sumsOf(record, storageClass));
  }

  /**
   * What was retrieved in the thirty days up to this one of objects that were as old as the group or
   * older, as a part of what was stored of them on average. `undefined`: nothing was.
   */
  cumulative(day: number, group: number): number | undefined {
    const days = this.#window(day);
    const measured = days.filter(({ isMeasured }) => isMeasured);
    const stored = sum(measured, ({ storedFrom }) => storedFrom[group] ?? 0);
    if (stored === 0) return undefined;
    const retrieved = sum(days, ({ retrievedFrom }) => retrievedFrom[group] ?? 0);
    return retrieved / (stored / measured.length);
  }

  /** From which age on objects are read less than moving them would save; after thirty days. */
  observedAge(day: number): number | undefined {
    if (!this.#observed.has(day)) this.#observed.set(day, this.#observe(day));
    return this.#observed.get(day);
  }

  /** The observed age when it has been the same for two weeks. */
  recommendedAge(day: number): number | undefined {
    const age = this.observedAge(day);
    for (let before = 1; before < stableDays; before += 1) {
      if (this.observedAge(day - before) !== age) return undefined;
    }
    return age;
  }

  #observe(day: number): number | undefined {
    const measured = this.#window(day).filter(({ isMeasured }) => isMeasured);
    if (measured.length < observedDays) return undefined;
    const cold = ageGroups.findIndex(({ firstDay }, group) => {
      const ratio = this.cumulative(day, group);
      return firstDay >= earliestTransitionDay && ratio !== undefined && ratio < coldRatio;
    });
    return ageGroups[cold]?.firstDay;
  }

  #window(day: number): readonly ClassDay[] {
    const end = this.#days.findLastIndex((each) => each.day <= day) + 1;
    const days = this.#days.slice(Math.max(0, end - observedDays), end);
    return days.filter((each) => each.day > day - observedDays);
  }
}

function sumsOf({ day, isMeasured, classes }: AnalyticsDayRecord, storageClass: string): ClassDay {
  const groups = classes[storageClass] ?? {};
  const storedFrom: number[] = [];
  const retrievedFrom: number[] = [];
  let stored = 0;
  let retrieved = 0;
  for (let group = smallGroup - 1; group >= 0; group -= 1) {
    stored += groups[group]?.storedBytes ?? 0;
    retrieved += groups[group]?.retrievedBytes ?? 0;
    storedFrom[group] = stored;
    retrievedFrom[group] = retrieved;
  }
  storedFrom[allObjects] = stored + (groups[smallGroup]?.storedBytes ?? 0);
  retrievedFrom[allObjects] = retrieved + (groups[smallGroup]?.retrievedBytes ?? 0);
  return { day, isMeasured, storedFrom, retrievedFrom };
}

function sum<Item>(items: readonly Item[], value: (item: Item) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
