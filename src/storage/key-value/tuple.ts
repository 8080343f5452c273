// Keys built from parts such that byte order equals the order of the parts. The encoding carries its
// own types, so that a key can be taken apart again; which parts a key has is the caller's business.
import { assert } from "../../base/assert.ts";

// How each part begins. A tag is never 0xff, which is what lets one byte end a byte string:
// bytes 0x00 are escaped as 0x00 0xff, and a lone 0x00 (followed by a tag or by nothing) terminates.
// So a shorter string sorts before every longer one that begins with it, whatever follows either.
const byteStringTag = 0x02;
const firstSmallIntegerTag = 0x10;
const largestSmallInteger = 127;
const largeIntegerTag = 0x90;
const terminator = 0x00;
const escapedZero = 0xff;
const pastEveryTag = 0xff;

const largestInteger = 2n ** 64n - 1n;

/** A string counts as its UTF-8 bytes: "a" and the byte string 0x61 are the same part. */
export type TuplePart = Uint8Array | string | number | bigint;

/** Byte strings come back as bytes; integers as numbers where those are exact. */
export type DecodedTuplePart = Uint8Array | number | bigint;

/** All keys with `start <= key < end`. */
export interface KeyRange {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
}

/**
 * Encodes byte strings (any bytes), well-formed strings, non-negative safe integers and bigints below
 * 2^64. Byte strings sort in unsigned byte order, integers by value, byte strings before integers,
 * a tuple before every longer one that begins with its parts.
 */
export function encodeTuple(parts: readonly TuplePart[]): Uint8Array {
  return copyScratch(writeParts(parts));
}

/** The parts of an encoded tuple. Byte strings may share the memory of `key`. */
export function decodeTuple(key: Uint8Array): DecodedTuplePart[] {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  const parts: DecodedTuplePart[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    const tag = bytes[offset++] as number;
    if (tag === byteStringTag) {
      const end = findTerminator(bytes, offset);
      parts.push(unescapeZeros(bytes.subarray(offset, end)));
      offset = end + 1;
    } else if (tag === largeIntegerTag) {
      assert(offset + 8 <= bytes.length, "tuple ends inside an integer");
      const value = bytes.readBigUInt64BE(offset);
      parts.push(value <= Number.MAX_SAFE_INTEGER ? Number(value) : value);
      offset += 8;
    } else {
      const value = tag - firstSmallIntegerTag;
      assert(value >= 0 && value <= largestSmallInteger, "tuple has an unknown tag");
      parts.push(value);
    }
  }
  return parts;
}

/** All keys whose first parts are exactly `parts`, the tuple itself included. */
export function prefixRange(parts: readonly TuplePart[]): KeyRange {
  const length = writeParts(parts);
  const start = copyScratch(length);
  scratch[length] = pastEveryTag;
  return { start, end: copyScratch(length + 1) };
}

/** All keys that go on after `parts` with a byte string that begins with the bytes of `bytePrefix`. */
export function bytePrefixRange(
  parts: readonly TuplePart[],
  bytePrefix: Uint8Array | string,
): KeyRange {
  const length = writeBytePrefix(parts, bytePrefix);
  const start = copyScratch(length);
  return { start, end: copyScratch(incrementScratch(length)) };
}

/**
 * The first key past everything in `bytePrefixRange(parts, bytePrefix)`: where a listing goes on
 * after a common prefix. It is the end of that range, and the start of what follows.
 */
export function keyPastBytePrefix(
  parts: readonly TuplePart[],
  bytePrefix: Uint8Array | string,
): Uint8Array {
  return copyScratch(incrementScratch(writeBytePrefix(parts, bytePrefix)));
}

/** How a byte string stands inside an encoded part: what to look for in keys. */
export function encodeSeparator(separator: Uint8Array | string): Uint8Array {
  return copyScratch(writeByteString(separator, 0)).subarray(1);
}

/** The smallest key that sorts after `key`: the start of a range that leaves out `key` alone. */
export function keyAfter(key: Uint8Array): Uint8Array {
  const result = Buffer.allocUnsafe(key.length + 1);
  result.set(key, 0);
  result[key.length] = 0;
  return result;
}

// Keys are written here first, since their length is known only afterwards. Nothing in this file
// waits between writing and copying, so one buffer serves every call of the thread.
let scratch = Buffer.allocUnsafeSlow(4096);

function copyScratch(length: number): Uint8Array {
  const result = Buffer.allocUnsafe(length);
  scratch.copy(result, 0, 0, length);
  return result;
}

/** Makes room for `length` more bytes after `used`, and two for a tag and a terminator. */
function reserve(used: number, length: number): void {
  const needed = used + length + 16;
  if (needed <= scratch.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(needed, scratch.length * 2));
  scratch.copy(larger, 0, 0, used);
  scratch = larger;
}

function writeParts(parts: readonly TuplePart[]): number {
  let offset = 0;
  for (const part of parts) {
    if (typeof part === "string" || part instanceof Uint8Array) {
      offset = writeByteString(part, offset);
      scratch[offset++] = terminator;
    } else {
      offset = writeInteger(part, offset);
    }
  }
  return offset;
}

function writeBytePrefix(parts: readonly TuplePart[], bytePrefix: Uint8Array | string): number {
  return writeByteString(bytePrefix, writeParts(parts));
}

function writeInteger(value: number | bigint, offset: number): number {
  reserve(offset, 9);
  if (value >= 0 && value <= largestSmallInteger) {
    assert(typeof value === "bigint" || Number.isInteger(value), "tuple integer has a fraction");
    scratch[offset] = firstSmallIntegerTag + Number(value);
    return offset + 1;
  }
  scratch[offset] = largeIntegerTag;
  if (typeof value === "bigint") {
    assert(value >= 0n && value <= largestInteger, "tuple integer is out of range");
    scratch.writeBigUInt64BE(value, offset + 1);
  } else {
    assert(Number.isSafeInteger(value) && value >= 0, "tuple integer is out of range");
    const high = Math.floor(value / 2 ** 32);
    scratch.writeUInt32BE(high, offset + 1);
    // Not by `%`, which is a call of the C library for numbers of this size.
    scratch.writeUInt32BE(value - high * 2 ** 32, offset + 5);
  }
  return offset + 9;
}

/** Writes tag and escaped bytes, without the terminator. */
function writeByteString(value: Uint8Array | string, offset: number): number {
  if (typeof value === "string") {
    // A lone surrogate would become U+FFFD and make two different strings one key.
    assert(value.isWellFormed(), "tuple string is not well-formed Unicode");
    if (value.includes("\0")) return writeByteString(Buffer.from(value), offset);
    reserve(offset, value.length * 3);
    scratch[offset] = byteStringTag;
    return offset + 1 + scratch.write(value, offset + 1);
  }
  let zero = value.indexOf(0);
  if (zero === -1) {
    reserve(offset, value.length);
    scratch[offset] = byteStringTag;
    scratch.set(value, offset + 1);
    return offset + 1 + value.length;
  }
  reserve(offset, value.length * 2);
  scratch[offset++] = byteStringTag;
  let copied = 0;
  while (zero !== -1) {
    scratch.set(value.subarray(copied, zero + 1), offset);
    offset += zero + 1 - copied;
    scratch[offset++] = escapedZero;
    copied = zero + 1;
    zero = value.indexOf(0, copied);
  }
  scratch.set(value.subarray(copied), offset);
  return offset + value.length - copied;
}

/**
 * Turns the first `length` bytes into the smallest bytes that sort after everything that begins with
 * them. Trailing 0xff cannot be raised and fall away; the tag before them always can be.
 */
function incrementScratch(length: number): number {
  let last = length - 1;
  while (last >= 0 && scratch[last] === 0xff) last--;
  assert(last >= 0, "nothing sorts after this prefix");
  scratch[last] = (scratch[last] as number) + 1;
  return last + 1;
}

function findTerminator(bytes: Buffer, from: number): number {
  let zero = bytes.indexOf(terminator, from);
  while (zero !== -1 && bytes[zero + 1] === escapedZero) zero = bytes.indexOf(terminator, zero + 2);
  assert(zero !== -1, "tuple ends inside a byte string");
  return zero;
}

function unescapeZeros(escaped: Buffer): Uint8Array {
  let zero = escaped.indexOf(0);
  if (zero === -1) return escaped;
  const result = Buffer.allocUnsafe(escaped.length);
  let length = 0;
  let copied = 0;
  while (zero !== -1) {
    length += escaped.copy(result, length, copied, zero + 1);
    copied = zero + 2;
    zero = escaped.indexOf(0, copied);
  }
  length += escaped.copy(result, length, copied);
  return result.subarray(0, length);
}
