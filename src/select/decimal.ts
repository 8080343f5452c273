// Exact numbers of base ten, as S3 Select computes with them: up to 38 significant digits, rounded half
// to even. Whatever its exponent, no number is ever written out longer than its digits.

/** Guide, "Data types": digits of a decimal. */
const maximumDigits = 38;
/** Java's exponents are 32 bits wide; what is beyond is no number. */
const maximumExponent = 2_147_483_647;

/** `coefficient` times ten to the power of `exponent`. */
export class Decimal {
  readonly coefficient: bigint;
  readonly exponent: number;

  constructor(coefficient: bigint, exponent: number) {
    this.coefficient = coefficient;
    this.exponent = exponent;
  }
}

const numberForm = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eEdD]([+-]?[0-9]{1,10}))?$/;

/** `undefined` for what is no number. The letter of an exponent is `e`, or `d` as Ion has it. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = numberForm.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = "", exponentText = "0"] = match;
  if (whole === "" && fraction === "") return undefined;
  let exponent = Number(exponentText) - fraction.length;
  let digits = (whole + fraction).replace(/^0+(?=.)/, "");
  if (digits.length > maximumDigits + 2) {
    exponent += digits.length - (maximumDigits + 2);
    digits = shortened(digits);
  }
  if (Math.abs(exponent) > maximumExponent) return undefined;
  const coefficient = BigInt(digits);
  return rounded(sign === "-" ? -coefficient : coefficient, exponent);
}

/** The leading digits, of which the last says which side of a half the rest was on. */
function shortened(digits: string): string {
  const kept = digits.slice(0, maximumDigits + 2);
  if (!/[1-9]/.test(digits.slice(maximumDigits + 2))) return kept;
  const last = kept.at(-1);
  return last === "0" || last === "5" ? kept.slice(0, -1) + String(Number(last) + 1) : kept;
}

export function decimalOf(integer: number | bigint): Decimal {
  return new Decimal(BigInt(integer), 0);
}

/** As the shortest text of the number says: 0.1 is a tenth. */
export function decimalOfFloat(value: number): Decimal | undefined {
  return parseDecimal(String(value));
}

export function decimalToNumber(value: Decimal): number {
  return Number(`${value.coefficient}e${value.exponent}`);
}

function digitCount(coefficient: bigint): number {
  const text = coefficient.toString();
  return coefficient < 0n ? text.length - 1 : text.length;
}

function powerOfTen(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}

function rounded(coefficient: bigint, exponent: number): Decimal {
  const excess = digitCount(coefficient) - maximumDigits;
  if (excess <= 0) return new Decimal(coefficient, exponent);
  const divisor = powerOfTen(excess);
  let quotient = coefficient / divisor;
  const twice = 2n * magnitude(coefficient % divisor);
  if (twice > divisor || (twice === divisor && quotient % 2n !== 0n)) {
    quotient += coefficient < 0n ? -1n : 1n;
  }
  return digitCount(quotient) > maximumDigits
    ? new Decimal(quotient / 10n, exponent + excess + 1)
    : new Decimal(quotient, exponent + excess);
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}

/** Where the first digit stands: the power of ten above it. */
function height({ coefficient, exponent }: Decimal): number {
  return digitCount(coefficient) + exponent;
}

/** Both over one exponent. Only for numbers of which neither vanishes beside the other. */
function aligned(left: Decimal, right: Decimal): readonly [bigint, bigint, number] {
  const exponent = Math.min(left.exponent, right.exponent);
  return [
    left.coefficient * powerOfTen(left.exponent - exponent),
    right.coefficient * powerOfTen(right.exponent - exponent),
    exponent,
  ];
}

/** From here on the smaller number of a sum cannot change a digit of the larger. */
const vanishingDigits = 2 * maximumDigits + 2;

export function addDecimals(left: Decimal, right: Decimal): Decimal {
  if (left.coefficient === 0n && left.exponent > right.exponent) return right;
  if (right.coefficient === 0n && right.exponent > left.exponent) return left;
  const gap = height(left) - height(right);
  if (gap > vanishingDigits || left.exponent - right.exponent > 2 * vanishingDigits) return left;
  if (gap < -vanishingDigits || right.exponent - left.exponent > 2 * vanishingDigits) return right;
  const [first, second, exponent] = aligned(left, right);
  return rounded(first + second, exponent);
}

export function negateDecimal({ coefficient, exponent }: Decimal): Decimal {
  return new Decimal(-coefficient, exponent);
}

/** `undefined` where the exponent is out of range. */
export function multiplyDecimals(left: Decimal, right: Decimal): Decimal | undefined {
  return bounded(rounded(left.coefficient * right.coefficient, left.exponent + right.exponent));
}

/** `undefined` for a divisor of zero, or an exponent that is out of range. */
export function divideDecimals(left: Decimal, right: Decimal): Decimal | undefined {
  if (right.coefficient === 0n) return undefined;
  const preferred = left.exponent - right.exponent;
  if (left.coefficient === 0n) return bounded(new Decimal(0n, preferred));
  // One digit more than is kept, and another that says whether there was a rest.
  const shift = Math.max(
    0,
    maximumDigits + 2 + digitCount(right.coefficient) - digitCount(left.coefficient),
  );
  const dividend = left.coefficient * powerOfTen(shift);
  let quotient = dividend / right.coefficient;
  let exponent = preferred - shift;
  if (dividend % right.coefficient !== 0n) {
    const isNegative = left.coefficient < 0n !== right.coefficient < 0n;
    quotient = quotient * 10n + (isNegative ? -1n : 1n);
    exponent -= 1;
  }
  return bounded(stripped(rounded(quotient, exponent), preferred));
}

/** `undefined` for a divisor of zero, or numbers too far apart to divide. */
export function remainderOfDecimals(left: Decimal, right: Decimal): Decimal | undefined {
  if (right.coefficient === 0n) return undefined;
  if (Math.abs(left.exponent - right.exponent) > 2 * vanishingDigits) {
    return height(left) < height(right) ? left : undefined;
  }
  const [first, second, exponent] = aligned(left, right);
  return rounded(first % second, exponent);
}

/** Without zeros at the end, as far as the exponent that a division prefers. */
function stripped(value: Decimal, preferredExponent: number): Decimal {
  let { coefficient, exponent } = value;
  while (exponent < preferredExponent && coefficient % 10n === 0n) {
    coefficient /= 10n;
    exponent += 1;
  }
  return new Decimal(coefficient, exponent);
}

function bounded(value: Decimal): Decimal | undefined {
  return Math.abs(value.exponent) > maximumExponent ? undefined : value;
}

export function compareDecimals(left: Decimal, right: Decimal): number {
  const sign = signOf(left.coefficient);
  const otherSign = signOf(right.coefficient);
  if (sign !== otherSign || sign === 0) return sign - otherSign;
  const gap = height(left) - height(right);
  if (gap !== 0) return gap > 0 ? sign : -sign;
  const [first, second] = aligned(left, right);
  if (first === second) return 0;
  return first < second ? -1 : 1;
}

function signOf(value: bigint): number {
  if (value === 0n) return 0;
  return value < 0n ? -1 : 1;
}

/** The whole part; `undefined` if it has more digits than an integer can. */
export function truncateDecimal(value: Decimal): bigint | undefined {
  if (value.coefficient === 0n) return 0n;
  const digits = height(value);
  if (digits <= 0) return 0n;
  if (digits > maximumDigits) return undefined;
  return value.exponent >= 0
    ? value.coefficient * powerOfTen(value.exponent)
    : value.coefficient / powerOfTen(-value.exponent);
}

/** As Java writes them: plain down to millionths, else with an exponent. */
export function formatDecimal({ coefficient, exponent }: Decimal): string {
  if (exponent === 0) return coefficient.toString();
  const sign = coefficient < 0n ? "-" : "";
  const digits = magnitude(coefficient).toString();
  const adjusted = exponent + digits.length - 1;
  if (exponent < 0 && adjusted >= -6) {
    const padded = digits.padStart(1 - exponent, "0");
    return `${sign}${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
  }
  const fraction = digits.length === 1 ? "" : `.${digits.slice(1)}`;
  return `${sign}${digits[0]}${fraction}E${adjusted < 0 ? "" : "+"}${adjusted}`;
}
