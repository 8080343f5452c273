// The patterns of TO_STRING and TO_TIMESTAMP (guide, "Date functions"): letters that stand for fields,
// text in apostrophes, and everything else as it is.

import { S3Error } from "../model/errors.ts";
import { makeTimestamp, type Timestamp, type TimestampFields } from "./timestamp.ts";

interface FieldToken {
  readonly letter: string;
  readonly count: number;
}

type Token = FieldToken | { readonly text: string };

const monthNames = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
] as const;

/** How often a letter may be repeated. */
const letterCounts: Readonly<Record<string, readonly number[]>> = {
  y: [1, 2, 4],
  M: [1, 2, 3, 4, 5],
  d: [1, 2],
  a: [1],
  h: [1, 2],
  H: [1, 2],
  m: [1, 2],
  s: [1, 2],
  S: [1, 2, 3, 4, 5, 6, 7, 8, 9],
  n: [1],
  X: [1, 2, 3, 4, 5],
  x: [1, 2, 3, 4, 5],
};

export class TimestampPattern {
  readonly #tokens: readonly Token[];

  /** Throws S3Error of what is wrong with the pattern. */
  constructor(pattern: string) {
    this.#tokens = tokensOf(pattern);
  }

  format(timestamp: Timestamp): string {
    return this.#tokens
      .map((token) => ("text" in token ? token.text : formatField(token, timestamp.fields)))
      .join("");
  }

  /** Throws S3Error when the pattern cannot be read by, ValueParseFailure for a text that it does not fit. */
  parse(text: string): Timestamp {
    checkForParsing(this.#tokens.filter((token) => "letter" in token));
    const fields = new Map<string, number | string>();
    let position = 0;
    for (const token of this.#tokens) {
      const rest = text.slice(position, position + longestField);
      if ("text" in token) {
        if (!text.startsWith(token.text, position)) throw new S3Error("ValueParseFailure");
        position += token.text.length;
        continue;
      }
      const match = fieldForm(token).exec(rest);
      if (match === null) throw new S3Error("ValueParseFailure");
      position += match[0].length;
      fields.set(token.letter, readField(token, match[0]));
    }
    const timestamp = position === text.length ? timestampOf(fields) : undefined;
    if (timestamp === undefined) throw new S3Error("ValueParseFailure");
    return timestamp;
  }
}

function tokensOf(pattern: string): readonly Token[] {
  const tokens: Token[] = [];
  let position = 0;
  while (position < pattern.length) {
    const character = pattern[position] as string;
    if (character === "'") {
      const [text, end] = quotedText(pattern, position + 1);
      tokens.push({ text });
      position = end;
    } else if (/[A-Za-z]/.test(character)) {
      let end = position + 1;
      while (pattern[end] === character) end += 1;
      tokens.push(fieldToken(character, end - position));
      position = end;
    } else {
      tokens.push({ text: character });
      position += 1;
    }
  }
  return tokens;
}

function quotedText(pattern: string, start: number): readonly [string, number] {
  if (pattern[start] === "'") return ["'", start + 1];
  let text = "";
  for (let position = start; position < pattern.length; position += 1) {
    if (pattern[position] === "'") {
      if (pattern[position + 1] !== "'") return [text, position + 1];
      position += 1;
    }
    text += pattern[position];
  }
  throw new S3Error("EvaluatorUnterminatedTimestampFormatPatternToken");
}

function fieldToken(letter: string, count: number): FieldToken {
  const counts = letterCounts[letter];
  if (counts === undefined) throw new S3Error("EvaluatorInvalidTimestampFormatPatternSymbol");
  if (!counts.includes(count)) throw new S3Error("EvaluatorInvalidTimestampFormatPatternToken");
  return { letter, count };
}

function formatField({ letter, count }: FieldToken, fields: TimestampFields): string {
  const padded = (value: number) => String(value).padStart(count, "0");
  switch (letter) {
    case "y":
      return count === 2 ? String(fields.year % 100).padStart(2, "0") : padded(fields.year);
    case "M":
      return formatMonth(fields.month, count);
    case "d":
      return padded(fields.day);
    case "a":
      return fields.hour < 12 ? "AM" : "PM";
    case "h":
      return padded(fields.hour % 12 === 0 ? 12 : fields.hour % 12);
    case "H":
      return padded(fields.hour);
    case "m":
      return padded(fields.minute);
    case "s":
      return padded(fields.second);
    case "S":
      return fields.fraction.slice(0, count).padEnd(count, "0");
    case "n":
      return String(Number(fields.fraction.slice(0, 9).padEnd(9, "0")));
    default:
      return formatOffset(letter, count, fields.offsetMinutes ?? 0);
  }
}

function formatMonth(month: number, count: number): string {
  const name = monthNames[month - 1] as string;
  if (count === 3) return name.slice(0, 3);
  if (count === 4) return name;
  return count === 5 ? name.slice(0, 1) : String(month).padStart(count, "0");
}

/** One letter leaves out minutes that are none; three and five write a colon. */
function formatOffset(letter: string, count: number, offsetMinutes: number): string {
  if (letter === "X" && offsetMinutes === 0) return "Z";
  const size = Math.abs(offsetMinutes);
  const hours = String(Math.floor(size / 60)).padStart(2, "0");
  const minutes = String(size % 60).padStart(2, "0");
  const sign = offsetMinutes < 0 ? "-" : "+";
  if (count === 1 && size % 60 === 0) return sign + hours;
  return sign + hours + (count === 3 || count === 5 ? ":" : "") + minutes;
}

/** What a pattern must and must not have so that a text can be read by it. */
function checkForParsing(tokens: readonly FieldToken[]): void {
  const letters = tokens.map(({ letter }) => letter);
  const kinds = letters.map((letter) => {
    if (letter === "h") return "H";
    if (letter === "n") return "S";
    return letter === "x" ? "X" : letter;
  });
  if (tokens.some(({ letter, count }) => letter === "M" && count === 5)) {
    throw new S3Error("EvaluatorInvalidTimestampFormatPatternSymbolForParsing");
  }
  if (new Set(kinds).size < kinds.length) {
    throw new S3Error("EvaluatorTimestampFormatPatternDuplicateFields");
  }
  if (letters.includes("h") !== letters.includes("a")) {
    throw new S3Error("EvaluatorTimestampFormatPatternHourClockAmPmMismatch");
  }
  // Each field wants the one above it; an offset wants a time.
  const order = ["y", "M", "d", "H", "m", "s", "S"];
  const finest = Math.max(...order.map((kind, index) => (kinds.includes(kind) ? index : -1)));
  const lacks = order.slice(0, finest + 1).some((kind) => !kinds.includes(kind));
  const hasOffset = kinds.includes("X");
  if (finest < 0 || lacks || finest === 3 || (hasOffset && finest < 4)) {
    throw new S3Error("EvaluatorInvalidTimestampFormatPattern");
  }
}

/** Characters, of which "September" has the most. */
const longestField = 9;

function fieldForm({ letter, count }: FieldToken): RegExp {
  switch (letter) {
    case "y":
      return count === 2 ? /^\d{2}/ : /^\d{1,4}/;
    case "M":
      return count > 2 ? new RegExp(`^(?:${monthTexts(count).join("|")})`, "i") : /^\d{1,2}/;
    case "a":
      return /^[AP]M/i;
    case "S":
      return new RegExp(`^\\d{${count}}`);
    case "n":
      return /^\d{1,9}/;
    case "X":
      return /^(?:Z|[+-]\d\d(?::?\d\d)?)/;
    case "x":
      return /^[+-]\d\d(?::?\d\d)?/;
    default:
      return /^\d{1,2}/;
  }
}

function monthTexts(count: number): readonly string[] {
  return monthNames.map((name) => (count === 3 ? name.slice(0, 3) : name));
}

function readField({ letter, count }: FieldToken, text: string): number | string {
  switch (letter) {
    case "y":
      return count === 2 ? century(Number(text)) : Number(text);
    case "M":
      if (count <= 2) return Number(text);
      return monthTexts(count).findIndex((name) => name.toLowerCase() === text.toLowerCase()) + 1;
    case "a":
      return text.toUpperCase();
    case "S":
      return text;
    case "n":
      return text.padStart(9, "0");
    case "X":
    case "x":
      return readOffset(text);
    default:
      return Number(text);
  }
}

/** Two digits mean the years from 1970 to 2069. */
function century(year: number): number {
  return year < 70 ? 2000 + year : 1900 + year;
}

function readOffset(text: string): number {
  if (text === "Z") return 0;
  const digits = text.slice(1).replace(":", "").padEnd(4, "0");
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
  return text.startsWith("-") ? -minutes : minutes;
}

function timestampOf(fields: ReadonlyMap<string, number | string>): Timestamp | undefined {
  const number = (letter: string, fallback: number) =>
    (fields.get(letter) as number | undefined) ?? fallback;
  const half = fields.get("a");
  const twelve = fields.get("h") as number | undefined;
  if (twelve !== undefined && (twelve < 1 || twelve > 12)) return undefined;
  const hour = twelve === undefined ? number("H", 0) : (twelve % 12) + (half === "PM" ? 12 : 0);
  const hasSeconds = fields.has("s");
  const finest = ["y", "M", "d"].findLastIndex((letter) => fields.has(letter));
  const dates = ["year", "month", "day"] as const;
  const time = hasSeconds ? "second" : "minute";
  return makeTimestamp({
    precision: fields.has("m") ? time : (dates[finest] ?? "year"),
    year: number("y", 1),
    month: number("M", 1),
    day: number("d", 1),
    hour,
    minute: number("m", 0),
    second: number("s", 0),
    fraction: String(fields.get("S") ?? fields.get("n") ?? ""),
    offsetMinutes: (fields.get("X") ?? fields.get("x")) as number | undefined,
  });
}
