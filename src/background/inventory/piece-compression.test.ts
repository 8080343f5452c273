// Pieces of every size come back, whatever little memory they were compressed with.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { deflateRawSync, gunzipSync, gzipSync, inflateRawSync } from "node:zlib";
import { compressionOf } from "./piece-compression.ts";

describe("compressionOf", () => {
  const sizes = [0, 1, 2, 63, 64, 255, 256, 257, 511, 512, 513, 4096, 32_768, 65_536, 262_144];

  test("loses nothing, of bytes that repeat and of bytes that do not", () => {
    for (const size of sizes) {
      const repeated = Buffer.alloc(size, "a text that comes again and again, ");
      for (const bytes of [repeated, randomBytes(size)]) {
        const options = compressionOf(size);
        assert.ok(inflateRawSync(deflateRawSync(bytes, options)).equals(bytes), `raw, ${size}`);
        assert.ok(gunzipSync(gzipSync(bytes, options)).equals(bytes), `gzip, ${size}`);
      }
    }
  });

  test("compresses about as well as with the memory that zlib takes by itself", () => {
    for (const size of sizes) {
      const words = Array.from({ length: size }, (_, index) => `${(index * index) % 977} `);
      const bytes = Buffer.from(words.join("")).subarray(0, size);
      const small = deflateRawSync(bytes, compressionOf(size)).byteLength;
      const large = deflateRawSync(bytes, { level: 1 }).byteLength;
      assert.ok(small <= large * 1.1 + 16, `${size} bytes: ${small} and ${large}`);
    }
  });
});
