// The operators on numbers: integers stay integers, decimals are exact, and a float makes a float of the
// other side. Throws S3Error ExternalEvalException for what is no number, as the service does where an
// operator meets a text.

import { S3Error } from "../model/errors.ts";
import {
  addDecimals,
  Decimal,
  divideDecimals,
  multiplyDecimals,
  negateDecimal,
  remainderOfDecimals,
} from "./decimal.ts";
import type { ArithmeticOperator } from "./syntax.ts";
import {
  Float,
  integerOf,
  isInteger,
  isNumeric,
  toDecimal,
  toFloat,
  type Integer,
  type Numeric,
  type Value,
} from "./values.ts";

type NumericOperator = Exclude<ArithmeticOperator, "||">;

export function calculate(operator: ArithmeticOperator, left: Value, right: Value): Value {
  if (left === null || left === undefined || right === null || right === undefined) return null;
  if (operator === "||") return concatenate(left, right);
  if (!isNumeric(left) || !isNumeric(right)) throw new S3Error("ExternalEvalException");
  return calculateNumbers(operator, left, right);
}

export function calculateNumbers(
  operator: NumericOperator,
  left: Numeric,
  right: Numeric,
): Numeric {
  if (isInteger(left) && isInteger(right)) return calculateIntegers(operator, left, right);
  if (left instanceof Float || right instanceof Float) {
    return new Float(floatOperators[operator](toFloat(left), toFloat(right)));
  }
  const result = decimalOperators[operator](toDecimal(left), toDecimal(right));
  if (result === undefined) throw new S3Error("ExternalEvalException");
  return result;
}

export function negate(value: Value): Value {
  if (value === null || value === undefined) return null;
  if (typeof value === "number") return 0 - value;
  if (typeof value === "bigint") return integerOf(-value);
  if (value instanceof Decimal) return negateDecimal(value);
  if (value instanceof Float) return new Float(-value.value);
  throw new S3Error("ExternalEvalException");
}

function concatenate(left: Value, right: Value): string {
  if (typeof left !== "string" || typeof right !== "string") {
    throw new S3Error("ExternalEvalException");
  }
  return left + right;
}

function calculateIntegers(operator: NumericOperator, left: Integer, right: Integer): Integer {
  if ((operator === "/" || operator === "%") && Number(right) === 0) {
    throw new S3Error("ExternalEvalException");
  }
  if (typeof left === "number" && typeof right === "number") {
    const result = smallOperators[operator](left, right);
    if (Number.isSafeInteger(result)) return result;
  }
  return integerOf(largeOperators[operator](BigInt(left), BigInt(right)));
}

const smallOperators: Readonly<Record<NumericOperator, (left: number, right: number) => number>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right + 0,
  "/": (left, right) => Math.trunc(left / right) + 0,
  "%": (left, right) => (left % right) + 0,
};

const largeOperators: Readonly<Record<NumericOperator, (left: bigint, right: bigint) => bigint>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "%": (left, right) => left % right,
};

const floatOperators: Readonly<Record<NumericOperator, (left: number, right: number) => number>> = {
  "+": (left, right) => left + right,
  "-": (left, right) => left - right,
  "*": (left, right) => left * right,
  "/": (left, right) => left / right,
  "%": (left, right) => left % right,
};

const decimalOperators: Readonly<
  Record<NumericOperator, (left: Decimal, right: Decimal) => Decimal | undefined>
> = {
  "+": addDecimals,
  "-": (left, right) => addDecimals(left, negateDecimal(right)),
  "*": multiplyDecimals,
  "/": divideDecimals,
  "%": remainderOfDecimals,
};
