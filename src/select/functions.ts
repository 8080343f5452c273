// The scalar functions: of strings and of dates. What is NULL or MISSING among the arguments makes NULL.
// Throws S3Error IncorrectSqlFunctionArgumentType for arguments of other types.

import { S3Error } from "../model/errors.ts";
import type { ExtractPart, TrimSide } from "./syntax.ts";
import { Timestamp, addToTimestamp, parseTimestamp, timestampDifference } from "./timestamp.ts";
import type { DatePart } from "./timestamp.ts";
import { TimestampPattern } from "./timestamp-pattern.ts";
import { isInteger, type Value } from "./values.ts";

export type ScalarFunction = (operands: readonly Value[]) => Value;

export const scalarFunctions: Readonly<Record<string, ScalarFunction>> = {
  char_length: ([text]) => characterCount(textOf(text)),
  character_length: ([text]) => characterCount(textOf(text)),
  lower: ([text]) => textOf(text).toLowerCase(),
  substring: ([text, start, length]) => substring(textOf(text), integerArgument(start), length),
  to_string: ([timestamp, pattern]) =>
    patternOf(textOf(pattern)).format(timestampArgument(timestamp)),
  to_timestamp: ([text, pattern]) => toTimestamp(textOf(text), pattern),
  upper: ([text]) => textOf(text).toUpperCase(),
};

function textOf(value: Value): string {
  if (typeof value !== "string") throw new S3Error("IncorrectSqlFunctionArgumentType");
  return value;
}

function integerArgument(value: Value): number {
  if (!isInteger(value)) throw new S3Error("IncorrectSqlFunctionArgumentType");
  return Number(value);
}

function timestampArgument(value: Value): Timestamp {
  if (!(value instanceof Timestamp)) throw new S3Error("IncorrectSqlFunctionArgumentType");
  return value;
}

const surrogates = /[\ud800-\udfff]/;

function characterCount(text: string): number {
  return surrogates.test(text) ? Array.from(text).length : text.length;
}

/** The first character is at 1; a start before it takes from the length. */
function substring(text: string, start: number, length: Value): string {
  const size = length === undefined ? Number.POSITIVE_INFINITY : integerArgument(length);
  if (size < 0) throw new S3Error("EvaluatorInvalidArguments");
  const first = Math.max(start, 1) - 1;
  const end = Math.max(start + size - 1, 0);
  if (!surrogates.test(text)) return end <= first ? "" : text.slice(first, end);
  return end <= first ? "" : Array.from(text).slice(first, end).join("");
}

export function trim(side: TrimSide, characters: Value, value: Value): Value {
  if (value === null || value === undefined || characters === null) return null;
  const text = textOf(value);
  const removed = characters === undefined ? " " : textOf(characters);
  const points = surrogates.test(text) ? Array.from(text) : text.split("");
  const set = new Set(removed);
  let start = 0;
  let end = points.length;
  if (side !== "trailing") while (start < end && set.has(points[start] as string)) start += 1;
  if (side !== "leading") while (end > start && set.has(points[end - 1] as string)) end -= 1;
  return points.slice(start, end).join("");
}

/** The few that a query has, each read once. */
const patterns = new Map<string, TimestampPattern>();
const keptPatterns = 64;

function patternOf(text: string): TimestampPattern {
  let pattern = patterns.get(text);
  if (pattern === undefined) {
    pattern = new TimestampPattern(text);
    if (patterns.size >= keptPatterns) patterns.clear();
    patterns.set(text, pattern);
  }
  return pattern;
}

function toTimestamp(text: string, pattern: Value): Timestamp {
  if (pattern !== undefined) return patternOf(textOf(pattern)).parse(text);
  const timestamp = parseTimestamp(text);
  if (timestamp === undefined) throw new S3Error("ValueParseFailure");
  return timestamp;
}

export function dateAdd(part: DatePart, quantity: Value, timestamp: Value): Value {
  if (quantity === null || quantity === undefined) return null;
  if (timestamp === null || timestamp === undefined) return null;
  const sum = addToTimestamp(part, integerArgument(quantity), timestampArgument(timestamp));
  if (sum === undefined) throw new S3Error("ExternalEvalException");
  return sum;
}

export function dateDifference(part: DatePart, first: Value, second: Value): Value {
  if (first === null || first === undefined || second === null || second === undefined) return null;
  return timestampDifference(part, timestampArgument(first), timestampArgument(second));
}

export function extract(part: ExtractPart, value: Value): Value {
  if (value === null || value === undefined) return null;
  const { fields } = timestampArgument(value);
  const { offsetMinutes = 0 } = fields;
  if (part === "timezone_hour") return Math.trunc(offsetMinutes / 60) + 0;
  if (part === "timezone_minute") return (offsetMinutes % 60) + 0;
  return fields[part];
}
