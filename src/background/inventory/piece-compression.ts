// How much memory zlib takes to compress a piece: by default 256 KiB, for the smallest one too. Files by
// columns compress thousands of pieces of some bytes, faster than what is gone is given back.

import type { ZlibOptions } from "node:zlib";

/** Inventories repeat themselves: a higher level costs more time than it saves bytes. */
export const compressionLevel = 1;
/** Of zlib's `windowBits`; with 8, raw streams are not what they say they are. */
const bits = { least: 9, most: 15 } as const;
const defaultMemoryLevel = 8;
/** A buffer for so many symbols has the memory level 1, and each level doubles it. */
const symbolsBits = 7;
const chunkBytes = { least: 64, most: 64 * 1024 } as const;

/** For the same result in no more room than so many bytes can use. */
export function compressionOf(bytes: number): ZlibOptions {
  const needed = Math.ceil(Math.log2(Math.max(1, bytes)));
  return {
    level: compressionLevel,
    windowBits: Math.min(bits.most, Math.max(bits.least, needed)),
    memLevel: Math.min(defaultMemoryLevel, Math.max(1, needed - symbolsBits + 1)),
    chunkSize: Math.min(chunkBytes.most, Math.max(chunkBytes.least, bytes)),
  };
}
