// What the physical values of a Parquet column mean (guide, "Supported Parquet types" and their mapping).
// Throws S3Error UnsupportedParquetType for types that S3 Select does not have.

import { isUtf8 } from "node:buffer";
import type { LogicalType, SchemaElement, SchemaTree } from "hyparquet";
import { S3Error } from "../model/errors.ts";
import { Decimal } from "./decimal.ts";
import { Timestamp, timestampOfMilliseconds } from "./timestamp.ts";
import { Float, Structure, type Value } from "./values.ts";

/** From what the library reads of a column without its annotations. */
export type ConvertValue = (raw: unknown) => Value;

export function converterOf(tree: SchemaTree): ConvertValue {
  const { element, children } = tree;
  if (children.length > 0) return nestedConverter(tree);
  const convert = leafConverter(element);
  const one: ConvertValue = (raw) => (raw === null || raw === undefined ? null : convert(raw));
  if (element.repetition_type !== "REPEATED") return one;
  // Guide: "Selecting on a repeated field returns only the last value."
  return (raw) => one(Array.isArray(raw) ? (raw as readonly unknown[]).at(-1) : raw);
}

function nestedConverter({ element, children }: SchemaTree): ConvertValue {
  const isMap =
    element.converted_type === "MAP" ||
    element.converted_type === "MAP_KEY_VALUE" ||
    element.logical_type?.type === "MAP";
  if (isMap || element.logical_type?.type === "VARIANT") throw unsupported();
  if (element.converted_type === "LIST" || element.logical_type?.type === "LIST") {
    const convert = itemConverter(children[0]);
    return (raw) => (Array.isArray(raw) ? raw.map((item: unknown) => convert(item)) : null);
  }
  const members = children.map((child) => ({
    name: child.element.name,
    convert: converterOf(child),
  }));
  const names = members.map(({ name }) => name);
  const convert: ConvertValue = (raw) => {
    if (raw === null || raw === undefined) return null;
    const given = raw as Readonly<Record<string, unknown>>;
    return new Structure(
      names,
      members.map((member) => member.convert(given[member.name])),
    );
  };
  if (element.repetition_type !== "REPEATED") return convert;
  return (raw) => convert(Array.isArray(raw) ? (raw as readonly unknown[]).at(-1) : raw);
}

/** A list is a repeated group of one element, or, as old writers have it, the repeated element itself. */
function itemConverter(repeated: SchemaTree | undefined): ConvertValue {
  if (repeated === undefined) throw unsupported();
  const [only] = repeated.children;
  const item = repeated.children.length === 1 && only !== undefined ? only : repeated;
  const { element } = item;
  return converterOf(
    element.repetition_type === "REPEATED"
      ? { ...item, element: { ...element, repetition_type: "OPTIONAL" } }
      : item,
  );
}

function unsupported(): S3Error {
  return new S3Error("UnsupportedParquetType");
}

function leafConverter(element: SchemaElement): (raw: unknown) => Value {
  const { type } = element;
  const meaning = meaningOf(element);
  switch (meaning.type) {
    case "DECIMAL":
      return (raw) => new Decimal(unscaled(raw), -meaning.scale);
    case "DATE":
      return (raw) => dateOfDays(Number(raw));
    case "TIMESTAMP": {
      const digits = { MILLIS: 3, MICROS: 6, NANOS: 9 }[meaning.unit];
      return (raw) => timestampOf(BigInt(raw as bigint | number), digits);
    }
    case "STRING":
    case "ENUM":
    case "JSON":
      return textOf;
    case "INTEGER":
      return integerConverter(meaning.bitWidth, meaning.isSigned);
    case "NULL":
      break;
    default:
      throw unsupported();
  }
  switch (type) {
    case "BOOLEAN":
      return (raw) => raw === true || raw === 1;
    case "INT32":
      return integerConverter(32, true);
    case "INT64":
      return integerConverter(64, true);
    case "FLOAT":
    case "DOUBLE":
      return (raw) => new Float(Number(raw));
    case "BYTE_ARRAY":
      // Old writers do not say that their texts are such.
      return textOf;
    default:
      throw unsupported();
  }
}

/** The annotation, be it of the old kind or the new; NULL: there is none. */
function meaningOf({
  converted_type: old,
  logical_type: logical,
  scale,
}: SchemaElement): LogicalType {
  if (logical !== undefined) return logical;
  switch (old) {
    case undefined:
      return { type: "NULL" };
    case "UTF8":
      return { type: "STRING" };
    case "DECIMAL":
      return { type: "DECIMAL", precision: 0, scale: scale ?? 0 };
    case "TIMESTAMP_MILLIS":
      return { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MILLIS" };
    case "TIMESTAMP_MICROS":
      return { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" };
    case "ENUM":
    case "DATE":
    case "JSON":
    case "BSON":
    case "INTERVAL":
    case "LIST":
    case "MAP":
      return { type: old };
    default: {
      const match = /^(U?)INT_([0-9]+)$/.exec(old);
      if (match === null) return { type: "INTERVAL" };
      return { type: "INTEGER", bitWidth: Number(match[2]), isSigned: match[1] === "" };
    }
  }
}

/** Guide: up to 32 bits an integer, of 64 a decimal. */
function integerConverter(bitWidth: number, isSigned: boolean): (raw: unknown) => Value {
  if (bitWidth < 64) {
    return (raw) =>
      isSigned ? Number(raw) : Number(BigInt.asUintN(bitWidth, BigInt(Number(raw))));
  }
  return (raw) => {
    const value = BigInt(raw as bigint | number);
    return new Decimal(isSigned ? value : BigInt.asUintN(64, value), 0);
  };
}

function unscaled(raw: unknown): bigint {
  if (!(raw instanceof Uint8Array)) return BigInt(raw as bigint | number);
  const hex = Buffer.from(raw).toString("hex");
  return hex === "" ? 0n : BigInt.asIntN(8 * raw.length, BigInt(`0x${hex}`));
}

function textOf(raw: unknown): string {
  if (typeof raw === "string") return raw;
  if (!(raw instanceof Uint8Array)) throw unsupported();
  if (!isUtf8(raw)) throw new S3Error("InvalidTextEncoding");
  return Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString("utf8");
}

function dateOfDays(days: number): Timestamp {
  const { fields } = timestampOfMilliseconds(days * 86_400_000);
  return new Timestamp({ ...fields, precision: "day", fraction: "", offsetMinutes: undefined });
}

/** Of units since 1970, so many digits of which are behind the point of the seconds. */
function timestampOf(units: bigint, digits: number): Timestamp {
  const unit = 10n ** BigInt(digits);
  const fraction = ((units % unit) + unit) % unit;
  const seconds = (units - fraction) / unit;
  const { fields } = timestampOfMilliseconds(Number(seconds) * 1000);
  return new Timestamp({ ...fields, fraction: fraction.toString().padStart(digits, "0") });
}
