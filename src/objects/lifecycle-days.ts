// When the days of a lifecycle rule are over.

/** How a server counts days. */
export interface LifecycleDays {
  readonly dayMilliseconds: number;
  /** Whether a time that comes up in the middle of a day waits for the next midnight, as in S3. */
  readonly waitsForMidnight: boolean;
}

const wholeDayMilliseconds = 86_400_000;

export const calendarDays: LifecycleDays = {
  dayMilliseconds: wholeDayMilliseconds,
  waitsForMidnight: true,
};

/** Days of so many seconds, for tests of rules; `undefined`: those of the calendar. */
export function lifecycleDaysOf(daySeconds: number | undefined): LifecycleDays {
  if (daySeconds === undefined) return calendarDays;
  return { dayMilliseconds: daySeconds * 1000, waitsForMidnight: false };
}

/** What decides whether something is due. */
export interface LifecycleMoment {
  readonly nowMilliseconds: number;
  readonly days: LifecycleDays;
}

/**
 * "Adding the number of days specified in the rule to the object creation time and rounding up the
 * resulting time to the next day at midnight UTC" (Guide, "Lifecycle configuration elements"). A time
 * that is midnight stays.
 */
export function endOfDays(
  sinceMilliseconds: number,
  count: number,
  { dayMilliseconds, waitsForMidnight }: LifecycleDays,
): number {
  const end = sinceMilliseconds + count * dayMilliseconds;
  if (!waitsForMidnight) return end;
  return Math.ceil(end / wholeDayMilliseconds) * wholeDayMilliseconds;
}

/** What began later than this cannot be so many days old: cheaper than `endOfDays`, and never wrong. */
export function latestBeginning(count: number, { nowMilliseconds, days }: LifecycleMoment): number {
  return nowMilliseconds - count * days.dayMilliseconds;
}
