// Values of headers and query keys, with the errors that S3 gives for what cannot be read.

import { S3Error } from "../model/errors.ts";
import { partNumbers, queryInteger } from "../model/limits.ts";
import type { InputMember } from "../model/operation-table.ts";
import { parseHttpDate, parseIsoDate } from "./dates.ts";
import { decodeHeaderText } from "./user-metadata.ts";

/** `undefined`: the value counts as not sent. */
export type ValueDecoder = (value: string) => unknown;

/** Values arrive as headers have them: bytes as Latin-1 characters. */
export function headerDecoder(member: InputMember): ValueDecoder {
  const { wire, type } = member;
  const name = wire.toLowerCase();
  if (name === "content-encoding") return decodeContentEncoding;
  if (typeof type === "object" && "list" in type) return decodeList;
  switch (type) {
    case "integer":
      return (value) => decodeWholeNumber(name, value);
    case "boolean":
      return (value) => decodeBoolean(name, value);
    case "http-date":
      return conditionalDates.has(name)
        ? parseHttpDate
        : (value) => parseHttpDate(value) ?? parseIsoDate(value) ?? refuseArgument(name, value);
    case "date-time":
      return (value) => parseIsoDate(value) ?? refuseDate(name, value);
    default:
      // S3's own headers carry text; the others are handed back byte for byte.
      return name.startsWith("x-amz-") ? decodeHeaderText : unchanged;
  }
}

/** Values arrive decoded. */
export function queryDecoder(member: InputMember): ValueDecoder {
  const { wire, type } = member;
  if (wire === "partNumber") return decodePartNumber;
  if (wire === "encoding-type") return decodeEncodingType;
  switch (type) {
    case "integer":
      return (value) => decodeQueryInteger(wire, value);
    case "boolean":
      return (value) => value.toLowerCase() === "true";
    case "date-time":
    case "http-date":
      return (value) => parseIsoDate(value) ?? parseHttpDate(value) ?? refuseArgument(wire, value);
    default:
      return wire.startsWith("response-") ? (value) => checkLatin1(wire, value) : unchanged;
  }
}

/** RFC 9110: a date that cannot be read makes the condition count as not there. */
const conditionalDates: ReadonlySet<string> = new Set(["if-modified-since", "if-unmodified-since"]);

function unchanged(value: string): string {
  return value;
}

function refuseArgument(name: string, value: string, message?: string): never {
  throw new S3Error("InvalidArgument", {
    ...(message === undefined ? {} : { message }),
    fields: { ArgumentName: name, ArgumentValue: value },
  });
}

function refuseDate(name: string, value: string): never {
  const message =
    name === "x-amz-object-lock-retain-until-date"
      ? "The retain until date must be provided in ISO 8601 format"
      : undefined;
  return refuseArgument(name, value, message);
}

/** `aws-chunked` describes how the bytes travel, not what they are: it is not kept. */
function decodeContentEncoding(value: string): string | undefined {
  if (!value.toLowerCase().includes("aws-chunked")) return value;
  const kept = value
    .split(",")
    .map((coding) => coding.trim())
    .filter((coding) => coding !== "" && coding.toLowerCase() !== "aws-chunked");
  return kept.length === 0 ? undefined : kept.join(",");
}

function decodeList(value: string): readonly string[] {
  return value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function decodeBoolean(name: string, value: string): boolean {
  const lower = value.toLowerCase();
  if (lower === "true") return true;
  return lower === "false" ? false : refuseArgument(name, value);
}

function decodeWholeNumber(name: string, value: string): number {
  const number = /^-?\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  return refuseArgument(name, value, `Provided ${name} not an integer or within integer range`);
}

function decodePartNumber(value: string): number {
  const number = /^\d{1,9}$/.test(value) ? Number(value) : 0;
  if (number >= partNumbers.minimum && number <= partNumbers.maximum) return number;
  return refuseArgument(
    "partNumber",
    value,
    `Part number must be an integer between ${partNumbers.minimum} and ${partNumbers.maximum}, inclusive`,
  );
}

/** As S3 reads them: empty means not sent, leading zeros count for nothing, 32 bits with a sign. */
function decodeQueryInteger(name: string, value: string): number | undefined {
  if (value === "") return undefined;
  const digits = /^-?0*(\d*)$/.exec(value)?.[1];
  const number = digits === undefined || digits.length > 10 ? Number.NaN : Number(value);
  if (!(number <= queryInteger && number >= -queryInteger - 1)) {
    return refuseArgument(name, value, `Provided ${name} not an integer or within integer range`);
  }
  // Minus zero is zero.
  if (number >= 0) return Math.abs(number);
  // S3 spells this one name differently once it has read the number.
  const spelled = name === "max-keys" ? "maxKeys" : name;
  return refuseArgument(
    spelled,
    String(number),
    `Argument ${spelled} must be an integer between 0 and ${queryInteger}`,
  );
}

function decodeEncodingType(value: string): string {
  if (value.toLowerCase() === "url") return value;
  return refuseArgument("encoding-type", value, "Invalid Encoding Method specified in Request");
}

/** These become headers of the response. */
function checkLatin1(name: string, value: string): string {
  if (!/[\u0100-\uffff]/.test(value)) return value;
  return refuseArgument(name, value, "Header value cannot be represented using ISO-8859-1.");
}
