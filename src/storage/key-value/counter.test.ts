// Counters as stored bytes: the very bytes, since other drivers and past files share them.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { AssertionError } from "../../base/assert.ts";
import { addToCounter, decodeCounter, encodeCounter } from "./counter.ts";

describe("counters", () => {
  it("are signed 64-bit integers, big-endian", () => {
    for (const value of [0, 1, -1, 255, -256, 2 ** 32, -(2 ** 32), 2 ** 53 - 1, -(2 ** 53 - 1)]) {
      const expected = Buffer.alloc(8);
      expected.writeBigInt64BE(BigInt(value));
      assert.deepEqual(Buffer.from(encodeCounter(value)), expected);
    }
  });

  it("come back as they were", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        assert.equal(decodeCounter(encodeCounter(value)), value);
      }),
    );
    assert.equal(decodeCounter(undefined), 0);
  });

  it("refuse other bytes and sums that are not exact", () => {
    assert.throws(() => decodeCounter(Buffer.alloc(7)), AssertionError);
    assert.throws(() => decodeCounter(Buffer.alloc(8, 0x7f)), AssertionError);
    assert.throws(() => encodeCounter(2 ** 53), AssertionError);
    assert.throws(() => addToCounter(encodeCounter(2 ** 53 - 1), 1), AssertionError);
    assert.equal(addToCounter(encodeCounter(-5), 3), -2);
  });
});
