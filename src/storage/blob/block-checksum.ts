// The CRC-32 under every stored block. The native addon is more than twice as fast as zlib's function
// (11 against 5 GB/s); both compute the same polynomial, so either may read what the other wrote.

import { crc32 as zlibCrc32 } from "node:zlib";

/** CRC-32 of `data`, continued from `seed`. */
export type Checksum = (data: Uint8Array, seed: number) => number;

export const blockChecksum: Checksum = await loadChecksum();

async function loadChecksum(): Promise<Checksum> {
  try {
    const { crc32 } = await import("@node-rs/crc32");
    return crc32;
  } catch {
    // No binary for this platform.
    return zlibCrc32;
  }
}
