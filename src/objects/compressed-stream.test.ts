import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { concatBytes } from "../base/bytes.ts";
import { BlobCorruptError } from "../storage/storage-errors.ts";
import { compressions, Compressor, openCompressed } from "./compressed-stream.ts";
import type { Compression } from "./records/object-record.ts";

async function compress(
  plain: Uint8Array,
  method: Compression,
  chunkBytes = 70_001,
): Promise<Buffer> {
  const compressor = new Compressor(method);
  // One piece of memory for all chunks, as sources do it that are transient.
  const memory = new Uint8Array(chunkBytes);
  const source = (async function* () {
    for (let at = 0; at < plain.byteLength; at += chunkBytes) {
      const chunk = plain.subarray(at, at + chunkBytes);
      memory.set(chunk);
      yield memory.subarray(0, chunk.byteLength);
    }
    memory.fill(0);
  })();
  const stored = await Array.fromAsync(compressor.compress(source));
  assert.equal(compressor.plainBytes, plain.byteLength);
  return Buffer.concat(stored);
}

async function open(
  stored: Buffer,
  method: Compression,
  start: number,
  end: number,
): Promise<Buffer> {
  const read = async function* (from: number, to: number) {
    for (let at = from; at < to; at += 50_000) yield stored.subarray(at, Math.min(to, at + 50_000));
  };
  const source = { read, lengthBytes: stored.byteLength, method };
  const chunks = await Array.fromAsync(openCompressed(source, start, end));
  return Buffer.from(chunks.length === 0 ? new Uint8Array(0) : concatBytes(chunks));
}

/** Half of it can be compressed, half cannot. */
const sample = Buffer.concat([
  Buffer.alloc(400_000, "the same words again and again, "),
  randomBytes(600_000),
  Buffer.alloc(123_457, "and more of them "),
]);

describe("compressed streams", () => {
  for (const method of compressions) {
    it(`are shorter and give back every range: ${method}`, async () => {
      const stored = await compress(sample, method);
      assert.ok(stored.byteLength < 700_000 + 100_000, `${stored.byteLength} bytes`);
      assert.ok((await open(stored, method, 0, sample.byteLength)).equals(sample));
      const place = fc.integer({ min: 0, max: sample.byteLength });
      await fc.assert(
        fc.asyncProperty(place, place, async (one, other) => {
          const [start, end] = one < other ? [one, other] : [other, one];
          const range = await open(stored, method, start, end);
          assert.ok(range.equals(sample.subarray(start, end)));
        }),
        { numRuns: 40 },
      );
    });

    it(`are hardly longer where nothing can be compressed: ${method}`, async () => {
      const noise = randomBytes(1_000_000);
      const stored = await compress(noise, method);
      assert.ok(stored.byteLength <= noise.byteLength + 64);
      assert.ok((await open(stored, method, 999_000, 1_000_000)).equals(noise.subarray(999_000)));
    });
  }

  it("hold sizes around a frame, and nothing as nothing", async () => {
    assert.equal((await compress(Buffer.alloc(0), "zstd")).byteLength, 0);
    for (const size of [1, 262_143, 262_144, 262_145, 524_288]) {
      const plain = Buffer.alloc(size, "frames ");
      const stored = await compress(plain, "zstd");
      assert.ok((await open(stored, "zstd", 0, size)).equals(plain), `${size} bytes`);
    }
  });

  it("that were cut off or changed do not open", async () => {
    const plain = Buffer.alloc(600_000, "words ");
    const stored = await compress(plain, "zstd");
    await assert.rejects(open(stored.subarray(0, -1), "zstd", 0, 10), BlobCorruptError);
    await assert.rejects(open(stored.subarray(0, 10), "zstd", 0, 10), BlobCorruptError);
    await assert.rejects(open(stored, "zstd", 0, 600_001), BlobCorruptError);
    const changed = Buffer.from(stored);
    changed.fill(0xff, 0, 20);
    await assert.rejects(open(changed, "zstd", 0, 10), BlobCorruptError);
  });
});
