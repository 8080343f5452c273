// How warm objects are from an age on, and at which age they have become cold. S3 publishes what its
// columns mean and not how they are computed ("represent the usage/byte heat on any given age group"); the
// rules here are ours, in its words and by its prices.

import { ageGroups, smallGroup } from "../../objects/analytics-rules.ts";
import type {
  AnalyticsDayRecord,
  AnalyticsFigures,
} from "../../objects/records/analytics-record.ts";

/** "Observes the access patterns of a filtered data set for 30 days or longer". */
const observedDays = 30;
/** An age that was observed for so many days in a row is recommended. */
const stableDays = 14;
/** "Objects must be stored at least 30 days before transition to STANDARD_IA". */
const earliestTransitionDay = 30;
/**
 * STANDARD_IA costs some 0.0105 dollars less for a gigabyte and month than STANDARD, and 0.01 dollars for
 * a gigabyte that is read: it pays where less is read in a month than is stored.
 */
const coldRatio = 1;

/** Of all objects of the class, beside the age groups. */
export const allObjects = smallGroup + 1;

/** Sums over the history up to a day; the window between two days is a difference. */
interface Sums {
  readonly measuredDays: number;
  /** From the group on: of this age and older; at `allObjects` of all. */
  readonly storedFrom: readonly number[];
  readonly retrievedFrom: readonly number[];
}

const nothing: Sums = { measuredDays: 0, storedFrom: [], retrievedFrom: [] };

/** Days are named by their places in the history. */
export class AccessRatios {
  /** At each day, and before the first one of its window. */
  readonly #until: Sums[] = [];
  readonly #before: Sums[] = [];
  readonly #observed: (number | undefined)[] = [];

  /** `history` in the order of days. */
  constructor(history: readonly AnalyticsDayRecord[], storageClass: string) {
    let begin = 0;
    for (const [at, record] of history.entries()) {
      this.#until.push(addSums(this.#until.at(-1) ?? nothing, record, storageClass));
      while ((history[begin]?.day ?? record.day) <= record.day - observedDays) begin += 1;
      this.#before.push(this.#until[begin - 1] ?? nothing);
      this.#observed.push(this.#observe(at));
    }
  }

  /**
   * What was retrieved in the thirty days up to this one of objects that were as old as the group or
   * older, as a part of what was stored of them on average. `undefined`: nothing was.
   */
  cumulative(at: number, group: number): number | undefined {
    const until = this.#until[at] ?? nothing;
    const before = this.#before[at] ?? nothing;
    const stored = (until.storedFrom[group] ?? 0) - (before.storedFrom[group] ?? 0);
    if (stored === 0) return undefined;
    const retrieved = (until.retrievedFrom[group] ?? 0) - (before.retrievedFrom[group] ?? 0);
    return retrieved / (stored / (until.measuredDays - before.measuredDays));
  }

  /** From which age on objects are read less than moving them would save; after thirty days. */
  observedAge(at: number): number | undefined {
    return this.#observed[at];
  }

  /** The observed age when it has been the same for two weeks. */
  recommendedAge(at: number): number | undefined {
    const age = this.#observed[at];
    const ages = this.#observed.slice(Math.max(0, at + 1 - stableDays), at + 1);
    return ages.length === stableDays && ages.every((each) => each === age) ? age : undefined;
  }

  #observe(at: number): number | undefined {
    // The history, not the window: a day that nobody measured does not begin it anew.
    if ((this.#until[at] ?? nothing).measuredDays < observedDays) return undefined;
    const cold = ageGroups.find(({ firstDay }, group) => {
      if (firstDay < earliestTransitionDay) return false;
      const ratio = this.cumulative(at, group);
      return ratio !== undefined && ratio < coldRatio;
    });
    return cold?.firstDay;
  }
}

function addSums(before: Sums, record: AnalyticsDayRecord, storageClass: string): Sums {
  const figures = record.classes[storageClass] ?? {};
  return {
    measuredDays: before.measuredDays + (record.isMeasured ? 1 : 0),
    storedFrom: addFrom(before.storedFrom, figures, "storedBytes"),
    retrievedFrom: addFrom(before.retrievedFrom, figures, "retrievedBytes"),
  };
}

function addFrom(
  before: readonly number[],
  figures: Readonly<Record<string, AnalyticsFigures>>,
  unit: "storedBytes" | "retrievedBytes",
): readonly number[] {
  const sums: number[] = [];
  let bytes = 0;
  for (let group = smallGroup - 1; group >= 0; group -= 1) {
    bytes += figures[group]?.[unit] ?? 0;
    sums[group] = (before[group] ?? 0) + bytes;
  }
  bytes += figures[smallGroup]?.[unit] ?? 0;
  sums[allObjects] = (before[allObjects] ?? 0) + bytes;
  return sums;
}
