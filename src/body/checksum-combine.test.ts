import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { combineCrc, compositeChecksum } from "./checksum-combine.ts";
import { computeChecksum } from "./checksum.ts";

const algorithms = ["CRC32", "CRC32C", "CRC64NVME"] as const;

for (const algorithm of algorithms) {
  test(`${algorithm} of a whole follows from its parts`, () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 8 }), (parts) => {
        let combined = computeChecksum(algorithm, Buffer.alloc(0));
        for (const part of parts) {
          const value = computeChecksum(algorithm, part);
          combined = combineCrc(algorithm, combined, value, part.byteLength);
        }
        const whole = computeChecksum(algorithm, Buffer.concat(parts));
        assert.deepEqual(Buffer.from(combined), Buffer.from(whole));
      }),
      { numRuns: 100 },
    );
  });

  test(`${algorithm} combines parts of the sizes that uploads have`, () => {
    const left = Buffer.alloc(5 * 1024 * 1024, "left");
    const right = Buffer.alloc(5 * 1024 * 1024 + 13, "right");
    const combined = combineCrc(
      algorithm,
      computeChecksum(algorithm, left),
      computeChecksum(algorithm, right),
      right.byteLength,
    );
    const whole = computeChecksum(algorithm, Buffer.concat([left, right]));
    assert.deepEqual(Buffer.from(combined), Buffer.from(whole));
  });

  test(`${algorithm} shifts over lengths beyond 32 bits as over their halves`, () => {
    const left = computeChecksum(algorithm, Buffer.from("left"));
    const zero = Buffer.alloc(left.byteLength);
    const half = 5_368_709_121;
    const once = combineCrc(algorithm, left, zero, half * 2);
    const twice = combineCrc(algorithm, combineCrc(algorithm, left, zero, half), zero, half);
    assert.deepEqual(Buffer.from(once), Buffer.from(twice));
  });
}

test("a composite checksum is the checksum of the parts' binary checksums", () => {
  const parts = ["one", "two", "three"].map((text) => computeChecksum("SHA256", Buffer.from(text)));
  const expected = computeChecksum("SHA256", Buffer.concat(parts));
  assert.deepEqual(compositeChecksum("SHA256", parts), expected);
});
