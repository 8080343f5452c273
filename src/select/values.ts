// What SQL computes with. MISSING is `undefined`; an integer is a number as long as it is safe and a
// bigint beyond; decimals, floats, timestamps and structures have classes of their own.

import { S3Error } from "../model/errors.ts";
import {
  compareDecimals,
  Decimal,
  decimalOf,
  decimalOfFloat,
  decimalToNumber,
  formatDecimal,
} from "./decimal.ts";
import { compareTimestamps, formatTimestamp, Timestamp } from "./timestamp.ts";

/** A number of 8 bytes, apart from integers by its type. */
export class Float {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** Members in the order of the document; a name may come twice. */
export class Structure {
  readonly names: readonly string[];
  readonly values: readonly Value[];

  constructor(names: readonly string[], values: readonly Value[]) {
    this.names = names;
    this.values = values;
  }
}

export type Integer = number | bigint;
export type Numeric = Integer | Decimal | Float;
export type Value =
  | undefined
  | null
  | boolean
  | Numeric
  | string
  | Timestamp
  | Structure
  | readonly Value[];

const largestInteger = 2n ** 63n - 1n;
const smallestInteger = -(2n ** 63n);

/** Throws S3Error IntegerOverflow past 8 bytes. */
export function integerOf(value: bigint): Integer {
  if (value > largestInteger || value < smallestInteger) throw new S3Error("IntegerOverflow");
  const small = Number(value);
  return Number.isSafeInteger(small) ? small : value;
}

export function isInteger(value: Value): value is Integer {
  return typeof value === "number" || typeof value === "bigint";
}

export function isNumeric(value: Value): value is Numeric {
  return isInteger(value) || value instanceof Decimal || value instanceof Float;
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function toDecimal(value: Integer | Decimal): Decimal {
  return value instanceof Decimal ? value : decimalOf(value);
}

export function toFloat(value: Numeric): number {
  if (value instanceof Float) return value.value;
  return value instanceof Decimal ? decimalToNumber(value) : Number(value);
}

/** `undefined` for values that have no order between them. */
export function compareValues(left: Value, right: Value): number | undefined {
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left === "string") {
    if (typeof right !== "string") return undefined;
    if (left === right) return 0;
    return left < right ? -1 : 1;
  }
  if (isNumeric(left)) return isNumeric(right) ? compareNumbers(left, right) : undefined;
  if (typeof left === "boolean") {
    return typeof right === "boolean" ? Number(left) - Number(right) : undefined;
  }
  if (left instanceof Timestamp && right instanceof Timestamp) {
    return compareTimestamps(left, right);
  }
  return undefined;
}

function compareNumbers(left: Numeric, right: Numeric): number {
  if (isInteger(left) && isInteger(right)) {
    if (left === right) return 0;
    return left < right ? -1 : 1;
  }
  if (left instanceof Float && right instanceof Float)
    return compareFloats(left.value, right.value);
  const first = exact(left);
  const second = exact(right);
  if (first !== undefined && second !== undefined) return compareDecimals(first, second);
  return compareFloats(toFloat(left), toFloat(right));
}

/** As Java orders them: NaN is above all. */
function compareFloats(left: number, right: number): number {
  if (Number.isNaN(left) || Number.isNaN(right)) {
    return Number(Number.isNaN(left)) - Number(Number.isNaN(right));
  }
  return left === right ? 0 : left - right;
}

function exact(value: Numeric): Decimal | undefined {
  return value instanceof Float ? decimalOfFloat(value.value) : toDecimal(value);
}

export function areEqual(left: Value, right: Value): boolean {
  if (typeof left === "string" || typeof right === "string") return left === right;
  if (isList(left)) {
    if (!isList(right) || left.length !== right.length) return false;
    return left.every((each, index) => areEqual(each, right[index]));
  }
  if (left instanceof Structure) return right instanceof Structure && areAlike(left, right);
  return compareValues(left, right) === 0 || (left === null && right === null);
}

function areAlike(left: Structure, right: Structure): boolean {
  if (left.names.length !== right.names.length) return false;
  return left.names.every((name, index) => {
    const place = right.names.indexOf(name);
    return place >= 0 && areEqual(left.values[index], right.values[place]);
  });
}

/** The text of a single value; `undefined` for lists and structures. */
export function formatScalar(value: Value): string | undefined {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
    case "bigint":
    case "boolean":
      return String(value);
    case "undefined":
      return "";
    default:
      if (value === null) return "";
      if (value instanceof Decimal) return formatDecimal(value);
      if (value instanceof Float) return formatFloat(value.value);
      return value instanceof Timestamp ? formatTimestamp(value) : undefined;
  }
}

/** As Java writes a double: always with a point, and with an exponent from ten million on. */
function formatFloat(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : String(value);
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-3 && size < 1e7)) {
    const text = Object.is(value, -0) ? "-0" : String(value);
    return text.includes(".") ? text : `${text}.0`;
  }
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  return `${digits.includes(".") ? digits : `${digits}.0`}E${Number(exponent)}`;
}
