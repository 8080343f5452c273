// Order and ranges of tuple keys, over any parts that fast-check can think of.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { AssertionError } from "../../base/assert.ts";
import { compareBytes } from "../../base/bytes.ts";
import {
  bytePrefixRange,
  decodeTuple,
  encodeTuple,
  keyAfter,
  keyPastBytePrefix,
  prefixRange,
  type TuplePart,
} from "./tuple.ts";

// Few byte values, so that strings share prefixes and meet the escape and its neighbours often.
const nastyByte = fc.constantFrom(0x00, 0x01, 0x02, 0x10, 0x90, 0xfe, 0xff);
const byteString = fc.oneof(
  fc.array(nastyByte, { maxLength: 5 }).map((bytes) => Uint8Array.from(bytes)),
  fc.uint8Array({ maxLength: 20 }),
);
const text = fc.string({ unit: "grapheme", maxLength: 8 });
const integer = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.maxSafeNat(),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
);
const part: fc.Arbitrary<TuplePart> = fc.oneof(byteString, text, integer);
const tuple = fc.array(part, { maxLength: 4 });

describe("tuple keys", () => {
  it("sort as their parts do", () => {
    fc.assert(
      fc.property(tuple, tuple, (left, right) => {
        const order = Math.sign(compareBytes(encodeTuple(left), encodeTuple(right)));
        assert.equal(order, compareTuples(left, right));
      }),
      { numRuns: 5000 },
    );
  });

  it("sort byte strings that differ only near a zero byte", () => {
    fc.assert(
      fc.property(byteString, byteString, tuple, tuple, (left, right, leftRest, rightRest) => {
        const order = compareBytes(
          encodeTuple([1, left, ...leftRest]),
          encodeTuple([1, right, ...rightRest]),
        );
        const expected = compareBytes(left, right) || compareTuples(leftRest, rightRest);
        assert.equal(Math.sign(order), Math.sign(expected));
      }),
      { numRuns: 5000 },
    );
  });

  it("come apart into the parts they were made of", () => {
    fc.assert(
      fc.property(tuple, (parts) => {
        const decoded = decodeTuple(encodeTuple(parts)).map(normalize);
        assert.deepEqual(decoded, parts.map(normalize));
      }),
      { numRuns: 2000 },
    );
  });

  it("keep small integers in one byte", () => {
    assert.equal(encodeTuple([0]).length, 1);
    assert.equal(encodeTuple([127]).length, 1);
    assert.equal(encodeTuple([128]).length, 9);
    assert.deepEqual(decodeTuple(encodeTuple([127, 128, 2 ** 53 - 1])), [127, 128, 2 ** 53 - 1]);
  });

  it("longer than the working buffer are whole", () => {
    const long = Buffer.alloc(50_000, 0x61);
    const zeros = Buffer.alloc(50_000);
    const unicode = "ü".repeat(50_000);
    const decoded = decodeTuple(encodeTuple([long, zeros, unicode, 1])).map(normalize);
    assert.deepEqual(decoded, [long, zeros, unicode, 1].map(normalize));
  });

  it("refuse what has no order: negative numbers, fractions, huge numbers, lone surrogates", () => {
    for (const part of [-1, 0.5, 127.5, 128.5, 2 ** 53, -1n, 2n ** 64n, "\ud800"]) {
      assert.throws(() => encodeTuple([part]), AssertionError);
    }
  });

  it("refuse to come apart when they are torn", () => {
    for (const hex of ["0261", "9000", "01", "ff", "0200ff"]) {
      assert.throws(() => decodeTuple(Buffer.from(hex, "hex")), AssertionError);
    }
  });
});

describe("ranges of tuple keys", () => {
  it("by whole parts hold exactly the tuples that begin with them", () => {
    fc.assert(
      fc.property(tuple, tuple, fc.boolean(), (prefix, rest, related) => {
        const candidate = related ? [...prefix, ...rest] : rest;
        const begins =
          candidate.length >= prefix.length &&
          compareTuples(candidate.slice(0, prefix.length), prefix) === 0;
        assert.equal(isWithin(encodeTuple(candidate), prefixRange(prefix)), begins);
      }),
      { numRuns: 3000 },
    );
  });

  it("by a byte prefix hold exactly the byte strings that begin with it", () => {
    fc.assert(
      fc.property(byteString, byteString, tuple, fc.boolean(), (prefix, other, rest, related) => {
        const name = related ? Buffer.concat([prefix, other]) : other;
        const begins = compareBytes(name.subarray(0, prefix.length), prefix) === 0;
        const key = encodeTuple([3, "bucket", name, ...rest]);
        const range = bytePrefixRange([3, "bucket"], prefix);
        assert.equal(isWithin(key, range), begins);
        // Seeking past the prefix skips all of it, and nothing that follows it.
        const past = keyPastBytePrefix([3, "bucket"], prefix);
        const follows = !begins && compareBytes(name, prefix) > 0;
        assert.equal(compareBytes(key, past) >= 0, follows);
      }),
      { numRuns: 5000 },
    );
  });

  it("by an empty byte prefix hold every byte string but no integer and no other tuple", () => {
    const range = bytePrefixRange([3, "bucket"], "");
    assert(isWithin(encodeTuple([3, "bucket", ""]), range));
    assert(isWithin(encodeTuple([3, "bucket", Buffer.alloc(9, 0xff), 1]), range));
    assert(!isWithin(encodeTuple([3, "bucket"]), range));
    assert(!isWithin(encodeTuple([3, "bucket", 0]), range));
    assert(!isWithin(encodeTuple([3, "bucket2", "a"]), range));
  });

  it("after a key leave out that key alone", () => {
    fc.assert(
      fc.property(tuple, tuple, (left, right) => {
        const [key, other] = [encodeTuple(left), encodeTuple(right)];
        assert.equal(compareBytes(other, keyAfter(key)) >= 0, compareBytes(other, key) > 0);
      }),
    );
  });
});

function isWithin(key: Uint8Array, range: { start: Uint8Array; end: Uint8Array }): boolean {
  return compareBytes(range.start, key) <= 0 && compareBytes(key, range.end) < 0;
}

/** The order that is promised, written down without any encoding. */
function compareTuples(left: readonly TuplePart[], right: readonly TuplePart[]): number {
  for (const [index, leftPart] of left.entries()) {
    const rightPart = right[index];
    if (rightPart === undefined) return 1;
    const order = compareParts(normalize(leftPart), normalize(rightPart));
    if (order !== 0) return Math.sign(order);
  }
  return left.length < right.length ? -1 : 0;
}

function compareParts(left: Buffer | bigint, right: Buffer | bigint): number {
  if (typeof left === "bigint" && typeof right === "bigint")
    return Number(left > right) - Number(left < right);
  if (typeof left === "bigint") return 1;
  if (typeof right === "bigint") return -1;
  return Buffer.compare(left, right);
}

function normalize(part: TuplePart): Buffer | bigint {
  if (typeof part === "number" || typeof part === "bigint") return BigInt(part);
  return typeof part === "string" ? Buffer.from(part, "utf8") : Buffer.from(part);
}
