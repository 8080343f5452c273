// CAST: from one type to another (guide, "Conversion functions"). Throws S3Error CastFailed for a value
// that does not fit, InvalidCast for types between which there is no way.

import { S3Error } from "../model/errors.ts";
import { Decimal, decimalOf, decimalOfFloat, parseDecimal, truncateDecimal } from "./decimal.ts";
import type { CastType } from "./syntax.ts";
import { parseTimestamp, Timestamp } from "./timestamp.ts";
import {
  Float,
  formatScalar,
  integerOf,
  isInteger,
  isNumeric,
  toFloat,
  type Value,
} from "./values.ts";

export function castTo(type: CastType, value: Value, lengthLimit?: number): Value {
  if (value === null || value === undefined) return null;
  switch (type) {
    case "bool":
      return toBoolean(value);
    case "int":
      return toInteger(value);
    case "float":
      return toFloatingPoint(value);
    case "decimal":
      return toExactDecimal(value);
    case "timestamp":
      return toTimestamp(value);
    default:
      return toText(value, lengthLimit);
  }
}

function toBoolean(value: Value): boolean {
  if (typeof value === "boolean") return value;
  if (isNumeric(value)) return toFloat(value) !== 0;
  if (typeof value !== "string") throw new S3Error("InvalidCast");
  const text = value.toLowerCase();
  if (text !== "true" && text !== "false") throw new S3Error("CastFailed");
  return text === "true";
}

function toInteger(value: Value): Value {
  if (typeof value === "string") {
    if (!/^[+-]?[0-9]+$/.test(value)) throw new S3Error("CastFailed");
    const small = Number(value);
    if (Number.isSafeInteger(small)) return small + 0;
    if (value.length > 40) throw new S3Error("IntegerOverflow");
    return integerOf(BigInt(value.startsWith("+") ? value.slice(1) : value));
  }
  if (isInteger(value)) return value;
  if (typeof value === "boolean") return Number(value);
  if (value instanceof Decimal) return integerOfDecimal(value);
  if (!(value instanceof Float)) throw new S3Error("InvalidCast");
  const decimal = decimalOfFloat(value.value);
  if (decimal === undefined) throw new S3Error("CastFailed");
  return integerOfDecimal(decimal);
}

function integerOfDecimal(value: Decimal): Value {
  const whole = truncateDecimal(value);
  if (whole === undefined) throw new S3Error("IntegerOverflow");
  return integerOf(whole);
}

const floatForm = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;

function toFloatingPoint(value: Value): Float {
  if (value instanceof Float) return value;
  if (isNumeric(value)) return new Float(toFloat(value));
  if (typeof value === "boolean") return new Float(Number(value));
  if (typeof value !== "string") throw new S3Error("InvalidCast");
  if (!floatForm.test(value)) throw new S3Error("CastFailed");
  return new Float(Number(value));
}

function toExactDecimal(value: Value): Decimal {
  if (value instanceof Decimal) return value;
  if (isInteger(value)) return decimalOf(value);
  if (typeof value === "boolean") return decimalOf(Number(value));
  let decimal: Decimal | undefined;
  if (value instanceof Float) decimal = decimalOfFloat(value.value);
  else if (typeof value === "string") decimal = parseDecimal(value);
  else throw new S3Error("InvalidCast");
  if (decimal === undefined) throw new S3Error("CastFailed");
  return decimal;
}

function toTimestamp(value: Value): Timestamp {
  if (value instanceof Timestamp) return value;
  if (typeof value !== "string") throw new S3Error("InvalidCast");
  const timestamp = parseTimestamp(value);
  if (timestamp === undefined) throw new S3Error("CastFailed");
  return timestamp;
}

function toText(value: Value, lengthLimit: number | undefined): string {
  const text = formatScalar(value);
  if (text === undefined) throw new S3Error("InvalidCast");
  if (lengthLimit === undefined || text.length <= lengthLimit) return text;
  return Array.from(text).slice(0, lengthLimit).join("");
}
