// Points in time as Ion has them: of a precision between a year and fractions of a second, with the
// offset of the place they were written at, if it is known.

export type TimestampPrecision = "year" | "month" | "day" | "minute" | "second";

export interface TimestampFields {
  readonly precision: TimestampPrecision;
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  /** The digits behind the point of the seconds. */
  readonly fraction: string;
  /** `undefined`: unknown, as that of dates is. */
  readonly offsetMinutes: number | undefined;
}

const precisions: readonly TimestampPrecision[] = ["year", "month", "day", "minute", "second"];
const minuteMilliseconds = 60_000;
const largestOffsetMinutes = 24 * 60 - 1;

/** The fields are those of the local time. */
export class Timestamp {
  readonly fields: TimestampFields;
  /** Of the whole second. */
  readonly epochMilliseconds: number;

  constructor(fields: TimestampFields) {
    this.fields = fields;
    const { offsetMinutes = 0 } = fields;
    this.epochMilliseconds = localMilliseconds(fields) - offsetMinutes * minuteMilliseconds;
  }
}

function localMilliseconds({ year, month, day, hour, minute, second }: TimestampFields): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  return date.getTime();
}

/** `undefined` for a time that the calendar does not have. */
export function makeTimestamp(fields: TimestampFields): Timestamp | undefined {
  const { year, month, day, hour, minute, second, offsetMinutes = 0 } = fields;
  const isOnClock = hour <= 23 && minute <= 59 && second <= 59;
  const isOnCalendar = year >= 1 && year <= 9999 && month >= 1 && month <= 12 && day >= 1;
  if (!isOnClock || !isOnCalendar || day > daysOfMonth(year, month)) return undefined;
  return Math.abs(offsetMinutes) > largestOffsetMinutes ? undefined : new Timestamp(fields);
}

function daysOfMonth(year: number, month: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month, 0);
  return date.getUTCDate();
}

export function timestampOfMilliseconds(milliseconds: number): Timestamp {
  const date = new Date(milliseconds);
  return new Timestamp({
    precision: "second",
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    fraction: pad(date.getUTCMilliseconds(), 3),
    offsetMinutes: 0,
  });
}

const form =
  /^(\d{4})(?:T|-(\d\d)(?:T|-(\d\d)(?:T?|T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d))))$/;

/**
 * Guide, "Data types": as the W3C's note on date and time formats has it, but what is less precise than
 * a day ends with `T`. `undefined` for anything else.
 */
export function parseTimestamp(text: string): Timestamp | undefined {
  const match = form.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = "", offset] = match;
  const given = [month, day, hour, second].filter((each) => each !== undefined).length;
  return makeTimestamp({
    precision: precisions[given] as TimestampPrecision,
    year: Number(year),
    month: Number(month ?? 1),
    day: Number(day ?? 1),
    hour: Number(hour ?? 0),
    minute: Number(minute ?? 0),
    second: Number(second ?? 0),
    fraction,
    offsetMinutes: parseOffset(offset),
  });
}

function parseOffset(text: string | undefined): number | undefined {
  if (text === undefined || text === "-00:00") return undefined;
  if (text === "Z") return 0;
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(4, 6));
  if (Number(text.slice(4, 6)) > 59) return Number.NaN;
  return text.startsWith("-") ? -minutes : minutes;
}

export function formatTimestamp({ fields }: Timestamp): string {
  const { precision, year, month, day, hour, minute, second, fraction, offsetMinutes } = fields;
  if (precision === "year") return `${pad(year, 4)}T`;
  if (precision === "month") return `${pad(year, 4)}-${pad(month, 2)}T`;
  const date = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
  if (precision === "day") return date;
  const seconds = precision === "second" ? `:${pad(second, 2)}${fraction && `.${fraction}`}` : "";
  return `${date}T${pad(hour, 2)}:${pad(minute, 2)}${seconds}${formatOffset(offsetMinutes)}`;
}

function formatOffset(minutes: number | undefined): string {
  if (minutes === undefined) return "-00:00";
  if (minutes === 0) return "Z";
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${pad(Math.floor(size / 60), 2)}:${pad(size % 60, 2)}`;
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}

/** By the point in time alone: neither precision nor offset matters. */
export function compareTimestamps(left: Timestamp, right: Timestamp): number {
  const gap = left.epochMilliseconds - right.epochMilliseconds;
  return gap === 0 ? compareFractions(left, right) : gap;
}

export type DatePart = "year" | "month" | "day" | "hour" | "minute" | "second";

const partMilliseconds = { day: 86_400_000, hour: 3_600_000, minute: 60_000, second: 1000 };
const partPrecision: Readonly<Record<DatePart, TimestampPrecision>> = {
  year: "year",
  month: "month",
  day: "day",
  hour: "minute",
  minute: "minute",
  second: "second",
};

/** The result is as precise as the part asks for. `undefined` where no such time can be written. */
export function addToTimestamp(
  part: DatePart,
  quantity: number,
  { fields }: Timestamp,
): Timestamp | undefined {
  const needed = precisions.indexOf(partPrecision[part]);
  const precision = precisions[Math.max(needed, precisions.indexOf(fields.precision))];
  if (precision === undefined) return undefined;
  if (part === "year" || part === "month") {
    const months = fields.year * 12 + fields.month - 1 + quantity * (part === "year" ? 12 : 1);
    const year = Math.floor(months / 12);
    const month = (months % 12) + 1;
    if (!Number.isSafeInteger(months) || year < 1 || year > 9999) return undefined;
    const day = Math.min(fields.day, daysOfMonth(year, month));
    return makeTimestamp({ ...fields, precision, year, month, day });
  }
  const date = new Date(localMilliseconds(fields) + quantity * partMilliseconds[part]);
  if (Number.isNaN(date.getTime())) return undefined;
  return makeTimestamp({
    ...fields,
    precision,
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  });
}

/** Whole parts from the first to the second: a day is 24 hours. */
export function timestampDifference(part: DatePart, first: Timestamp, second: Timestamp): number {
  if (part === "year" || part === "month") {
    const months = wholeMonths(first, second);
    return withoutNegativeZero(part === "year" ? months / 12 : months);
  }
  const sign = Math.sign(compareTimestamps(second, first));
  let seconds = (second.epochMilliseconds - first.epochMilliseconds) / 1000;
  // What the fractions lack to a whole second.
  const fractionOrder = compareFractions(second, first);
  if (seconds !== 0 && fractionOrder !== 0 && fractionOrder !== sign) seconds -= sign;
  return withoutNegativeZero((seconds * 1000) / partMilliseconds[part]);
}

function withoutNegativeZero(value: number): number {
  return Math.trunc(value) + 0;
}

function compareFractions({ fields: left }: Timestamp, { fields: right }: Timestamp): number {
  const length = Math.max(left.fraction.length, right.fraction.length);
  const first = left.fraction.padEnd(length, "0");
  const second = right.fraction.padEnd(length, "0");
  if (first === second) return 0;
  return first < second ? -1 : 1;
}

function wholeMonths(first: Timestamp, second: Timestamp): number {
  const from = new Date(first.epochMilliseconds);
  const to = new Date(second.epochMilliseconds);
  const months =
    (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth();
  const rest = withinMonth(to) - withinMonth(from);
  if (months > 0 && rest < 0) return months - 1;
  return months < 0 && rest > 0 ? months + 1 : months;
}

function withinMonth(date: Date): number {
  const minutes = (date.getUTCDate() * 24 + date.getUTCHours()) * 60 + date.getUTCMinutes();
  return minutes * 60 + date.getUTCSeconds();
}
