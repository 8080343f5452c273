// The form of a blob in a file: blocks of 128 KiB of data, each followed by its CRC-32, so that the
// place of every block is computed and a range costs only the blocks it touches.
//
// A stored checksum is combined with a seed of the blob's id, the block's index and whether it is the
// last one. So a block that lies at another's place or in another blob's file is noticed, and so is a
// file cut off between two blocks. An empty blob is one empty last block: no whole blob's file is empty.

import { assert } from "../../base/assert.ts";
import { blockChecksum } from "./block-checksum.ts";
import type { BlobId } from "./blob-store.ts";

export const blockDataBytes = 128 * 1024;
export const checksumBytes = 4;
/** Distance between the beginnings of two blocks in the file. */
export const blockStrideBytes = blockDataBytes + checksumBytes;

/** Data pieces shorter than this are copied together; longer ones are written from where they lie. */
const gatherBelowBytes = 4096;
const firstScratchBytes = 4096;
const largestScratchBytes = 64 * 1024;

export function seedOfBlob(id: BlobId): number {
  return blockChecksum(Buffer.from(id, "latin1"), 0);
}

/** Different for every block of a blob as long as it has fewer than 2^31 of them (256 TiB). */
export function seedOfBlock(blobSeed: number, index: number, isLast: boolean): number {
  return (blobSeed ^ index ^ (isLast ? 0x80000000 : 0)) >>> 0;
}

/** Length of the data in a file of this size; `undefined` when no whole blob has that size. */
export function dataLengthOfFile(fileBytes: number): number | undefined {
  const wholeBlocks = Math.floor(fileBytes / blockStrideBytes);
  const rest = fileBytes - wholeBlocks * blockStrideBytes;
  if (rest === 0) return wholeBlocks === 0 ? undefined : wholeBlocks * blockDataBytes;
  const restData = rest - checksumBytes;
  if (restData < 0 || (restData === 0 && wholeBlocks > 0)) return undefined;
  return wholeBlocks * blockDataBytes + restData;
}

/** Number of blocks of a blob: at least one. */
export function blockCount(lengthBytes: number): number {
  return Math.max(1, Math.ceil(lengthBytes / blockDataBytes));
}

/**
 * Cuts a stream into blocks and puts the checksums between them. Large chunks are referred to, not
 * copied; small ones and checksums are gathered, so that a stream of tiny chunks costs few buffers.
 */
export class BlockEncoder {
  #blobSeed: number | undefined;
  #pieces: Uint8Array[] = [];
  #pendingBytes = 0;
  #blockIndex = 0;
  #blockBytes = 0;
  /** Checksum of the current block; its seed is known, and mixed in, only when the block ends. */
  #checksum = 0;
  #scratch: Uint8Array = new Uint8Array(0);
  #scratchUsed = 0;
  /** Where the last piece begins in the scratch buffer, if the last piece lies there. */
  #runStart: number | undefined;

  /** Must be called before more than one block's data was pushed. */
  setSeed(blobSeed: number): void {
    this.#blobSeed = blobSeed;
  }

  /** Bytes that `take` would return now. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  push(chunk: Uint8Array): void {
    let offset = 0;
    while (offset < chunk.byteLength) {
      // A full block is closed only when more follows: until then it may be the last one.
      if (this.#blockBytes === blockDataBytes) this.#closeBlock(false);
      const length = Math.min(blockDataBytes - this.#blockBytes, chunk.byteLength - offset);
      const piece = chunk.subarray(offset, offset + length);
      this.#checksum = blockChecksum(piece, this.#checksum);
      this.#blockBytes += length;
      this.#append(piece);
      offset += length;
    }
  }

  /** Closes the last block. Nothing may be pushed afterwards. */
  finish(): void {
    this.#closeBlock(true);
  }

  /** Hands over what is to be written next. */
  take(): Uint8Array[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#pendingBytes = 0;
    this.#runStart = undefined;
    return pieces;
  }

  #closeBlock(isLast: boolean): void {
    assert(this.#blobSeed !== undefined, "a block ends before the blob has an id");
    const seed = seedOfBlock(this.#blobSeed, this.#blockIndex, isLast);
    const trailer = new Uint8Array(checksumBytes);
    new DataView(trailer.buffer).setUint32(0, (this.#checksum ^ seed) >>> 0);
    this.#append(trailer);
    this.#blockIndex += 1;
    this.#blockBytes = 0;
    this.#checksum = 0;
  }

  #append(piece: Uint8Array): void {
    this.#pendingBytes += piece.byteLength;
    if (piece.byteLength >= gatherBelowBytes) {
      this.#pieces.push(piece);
      this.#runStart = undefined;
      return;
    }
    if (this.#scratch.byteLength - this.#scratchUsed < piece.byteLength) this.#renewScratch();
    this.#scratch.set(piece, this.#scratchUsed);
    const start = this.#runStart ?? this.#scratchUsed;
    this.#scratchUsed += piece.byteLength;
    const run = this.#scratch.subarray(start, this.#scratchUsed);
    if (this.#runStart === undefined) this.#pieces.push(run);
    else this.#pieces[this.#pieces.length - 1] = run;
    this.#runStart = start;
  }

  #renewScratch(): void {
    const grown = Math.min(this.#scratch.byteLength * 4, largestScratchBytes);
    this.#scratch = Buffer.allocUnsafeSlow(Math.max(firstScratchBytes, grown));
    this.#scratchUsed = 0;
    this.#runStart = undefined;
  }
}

/** Whether `data` is block `index` of the blob, as its stored checksum says. */
export function isBlockIntact(data: Uint8Array, stored: number, seed: number): boolean {
  return (blockChecksum(data, 0) ^ seed) >>> 0 === stored;
}
