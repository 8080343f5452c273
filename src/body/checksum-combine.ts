// Checksums of a whole from the checksums of its parts, without reading a byte again.

import { computeChecksum } from "./checksum.ts";
import type { ChecksumAlgorithm } from "./checksum.ts";
import { concatBytes } from "../base/bytes.ts";

/** The algorithms whose value for a whole follows from the values of its parts. */
export type CombinableAlgorithm = "CRC32" | "CRC32C" | "CRC64NVME";

/**
 * The checksum of `left`'s bytes followed by `right`'s, of which there are `rightLengthBytes`.
 *
 * Appending n bytes multiplies a CRC, read as a polynomial over GF(2), by x^(8n). The initial and final
 * inversions of these three CRCs cancel out, so that the sum of the shifted left and the right value is
 * the value of the whole.
 */
export function combineCrc(
  algorithm: CombinableAlgorithm,
  left: Uint8Array,
  right: Uint8Array,
  rightLengthBytes: number,
): Uint8Array {
  const field = fields[algorithm];
  const shifted = multiply(field, readValue(left), shiftOperator(field, rightLengthBytes));
  return writeValue(field, shifted ^ readValue(right));
}

/** The COMPOSITE checksum of a multipart upload: the checksum of its parts' binary checksums. */
export function compositeChecksum(
  algorithm: ChecksumAlgorithm,
  partChecksums: readonly Uint8Array[],
): Uint8Array {
  return computeChecksum(algorithm, concatBytes(partChecksums));
}

/** Polynomials modulo a CRC's own, the coefficient of x^0 in the highest bit. */
interface Field {
  readonly widthBits: bigint;
  readonly polynomial: bigint;
  /** x^0, the neutral element. */
  readonly one: bigint;
  /** x^(8 * 2^index). */
  readonly powers: bigint[];
  /** x^(8 * length) by length: the parts of an upload have one length, but for the last. */
  readonly operators: Map<number, bigint>;
}

const lowHalf = 0xffff_ffffn;

/** Uploads that are completed at the same time, times the two lengths that each of them has. */
const keptOperators = 256;

const fields: Readonly<Record<CombinableAlgorithm, Field>> = {
  CRC32: createField(32n, 0xedb8_8320n),
  CRC32C: createField(32n, 0x82f6_3b78n),
  CRC64NVME: createField(64n, 0x9a6c_9329_ac4b_c9b5n),
};

function createField(widthBits: bigint, polynomial: bigint): Field {
  const one = 1n << (widthBits - 1n);
  return { widthBits, polynomial, one, powers: [one >> 8n], operators: new Map() };
}

function shiftOperator(field: Field, lengthBytes: number): bigint {
  const known = field.operators.get(lengthBytes);
  if (known !== undefined) return known;
  let operator = field.one;
  let rest = lengthBytes;
  // Division and not `>>`, because lengths go beyond 32 bits.
  for (let index = 0; rest > 0; index += 1) {
    if (rest % 2 === 1) operator = multiply(field, operator, power(field, index));
    rest = Math.floor(rest / 2);
  }
  if (field.operators.size >= keptOperators) {
    field.operators.delete(field.operators.keys().next().value as number);
  }
  field.operators.set(lengthBytes, operator);
  return operator;
}

function power(field: Field, index: number): bigint {
  while (field.powers.length <= index) {
    const last = field.powers[field.powers.length - 1] as bigint;
    field.powers.push(multiply(field, last, last));
  }
  return field.powers[index] as bigint;
}

// In halves of 32 bits, because arithmetic on bigints is ten times as slow, and a completion of ten
// thousand parts multiplies ten thousand times. Values of 32 bits have a high half of 0.
function multiply(field: Field, left: bigint, right: bigint): bigint {
  const is64 = field.widthBits === 64n;
  const polynomialHigh = Number(field.polynomial >> 32n) | 0;
  const polynomialLow = Number(field.polynomial & lowHalf) | 0;
  const leftHigh = Number(left >> 32n) | 0;
  const leftLow = Number(left & lowHalf) | 0;
  let shiftedHigh = Number(right >> 32n) | 0;
  let shiftedLow = Number(right & lowHalf) | 0;
  let productHigh = 0;
  let productLow = 0;
  for (let bit = is64 ? 63 : 31; bit >= 0; bit -= 1) {
    const half = bit > 31 ? leftHigh : leftLow;
    if (((half >>> (bit & 31)) & 1) === 1) {
      productHigh ^= shiftedHigh;
      productLow ^= shiftedLow;
    }
    const carry = shiftedLow & 1;
    shiftedLow = (shiftedLow >>> 1) | (shiftedHigh << 31);
    shiftedHigh >>>= 1;
    if (carry === 1) {
      shiftedHigh ^= polynomialHigh;
      shiftedLow ^= polynomialLow;
    }
  }
  return (BigInt(productHigh >>> 0) << 32n) | BigInt(productLow >>> 0);
}

function readValue(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

function writeValue(field: Field, value: bigint): Uint8Array {
  const bytes = Buffer.allocUnsafe(Number(field.widthBits / 8n));
  if (field.widthBits === 64n) bytes.writeBigUInt64BE(value);
  else bytes.writeUInt32BE(Number(value));
  return bytes;
}
