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

/** Copies a stream into buffers as it lies in the file: in blocks, with the checksums between them. */
export class BlockEncoder {
  #blobSeed: number | undefined;
  #buffer: Buffer<ArrayBuffer>;
  #filledBytes = 0;
  #blockIndex = 0;
  #blockBytes = 0;
  /** Checksum of the current block; its seed is known, and mixed in, only when the block ends. */
  #checksum = 0;

  /** Buffers hold whole blocks with their checksums. */
  constructor(buffer: Buffer<ArrayBuffer>) {
    this.#buffer = buffer;
  }

  /** Must be called before more than one block's data was pushed. */
  setSeed(blobSeed: number): void {
    this.#blobSeed = blobSeed;
  }

  get buffer(): Buffer<ArrayBuffer> {
    return this.#buffer;
  }

  /** What has been encoded into the buffer. */
  get filled(): Buffer<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#filledBytes);
  }

  /** Takes the bytes of `chunk` from `start` on, and returns where it stopped because the buffer is full. */
  push(chunk: Uint8Array, start: number): number {
    let offset = start;
    while (offset < chunk.byteLength) {
      // A full block is closed only when more follows: until then it may be the last one.
      if (this.#blockBytes === blockDataBytes) this.#closeBlock(false);
      if (this.#filledBytes === this.#buffer.byteLength) break;
      const length = Math.min(blockDataBytes - this.#blockBytes, chunk.byteLength - offset);
      const piece = chunk.subarray(offset, offset + length);
      this.#buffer.set(piece, this.#filledBytes);
      this.#filledBytes += length;
      this.#checksum = blockChecksum(piece, this.#checksum);
      this.#blockBytes += length;
      offset += length;
    }
    return offset;
  }

  /** Closes the last block. Nothing may be pushed afterwards. */
  finish(): void {
    this.#closeBlock(true);
  }

  /** What is encoded from now on goes to the beginning of another buffer. */
  continueIn(buffer: Buffer<ArrayBuffer>): void {
    this.#buffer = buffer;
    this.#filledBytes = 0;
  }

  #closeBlock(isLast: boolean): void {
    assert(this.#blobSeed !== undefined, "a block ends before the blob has an id");
    const seed = seedOfBlock(this.#blobSeed, this.#blockIndex, isLast);
    this.#buffer.writeUInt32BE((this.#checksum ^ seed) >>> 0, this.#filledBytes);
    this.#filledBytes += checksumBytes;
    this.#blockIndex += 1;
    this.#blockBytes = 0;
    this.#checksum = 0;
  }
}

/** Whether `data` is block `index` of the blob, as its stored checksum says. */
export function isBlockIntact(data: Uint8Array, stored: number, seed: number): boolean {
  return (blockChecksum(data, 0) ^ seed) >>> 0 === stored;
}
