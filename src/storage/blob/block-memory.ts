// The memory that blobs are read into and written from, used again and again. Memory outside the heap is
// what makes V8 collect: with a new buffer for every piece a full collection ran for every 48 MiB, which
// was a third of a download's CPU time; and memory that was just used is still in the processor's cache.

import { assert } from "../../base/assert.ts";
import { blockStrideBytes } from "./block-format.ts";

/**
 * Blocks that are read in one call; a reader holds two buffers of this size. Downloads were fastest with
 * six: fewer wake threads more often, eight fit the caches worse.
 */
const blocksPerRead = 6;
/** Blocks that are written in one call, two buffers likewise. More are not faster. */
const blocksPerWrite = 3;
export const writeBytes = blocksPerWrite * blockStrideBytes;

/** Gives out buffers of one size, and keeps some that came back. */
class BufferPool {
  readonly bufferBytes: number;
  readonly #spareLimit: number;
  readonly #spare: Buffer<ArrayBuffer>[] = [];

  constructor(bufferBytes: number, spareLimit: number) {
    this.bufferBytes = bufferBytes;
    this.#spareLimit = spareLimit;
  }

  take(): Buffer<ArrayBuffer> {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.bufferBytes);
  }

  give(buffer: Buffer<ArrayBuffer>): void {
    if (this.#spare.length < this.#spareLimit) this.#spare.push(buffer);
    // Freed now: left to the collector, such buffers came to 100 MiB under 32 uploads.
    else buffer.buffer.transfer(0);
  }
}

/** From the shortest buffers to the longest. An idle process keeps at most 8, 9 and 9 MiB. */
const pools = [
  new BufferPool(blockStrideBytes, 64),
  new BufferPool(writeBytes, 24),
  new BufferPool(blocksPerRead * blockStrideBytes, 12),
];

/** A buffer for at least so much; a short blob does not take a long buffer. */
export function takeBuffer(lengthBytes: number): Buffer<ArrayBuffer> {
  const pool = pools.find(({ bufferBytes }) => bufferBytes >= lengthBytes);
  assert(pool !== undefined, "no buffer is as long as that");
  return pool.take();
}

/** The buffer's next user may already have it: nothing may refer to it any more. */
export function giveBuffer(buffer: Buffer<ArrayBuffer>): void {
  pools.find(({ bufferBytes }) => bufferBytes === buffer.byteLength)?.give(buffer);
}

/** One read's memory. At most two of its pieces are in use at a time, if it is enough for two. */
export interface ReadMemory {
  readonly blocksPerRead: number;
  readonly isEnoughForTwo: boolean;
  take(lengthBytes: number): Uint8Array;
  /** The read has ended; what was taken may be used by another. */
  release(): void;
}

/** Every piece belongs to whoever gets it. */
export const freshMemory: ReadMemory = {
  blocksPerRead: 8,
  isEnoughForTwo: true,
  take: (lengthBytes) => Buffer.allocUnsafe(lengthBytes),
  release: () => {},
};

/** Of two buffers, the third piece lies where the first one lay. */
export class ReusedMemory implements ReadMemory {
  readonly blocksPerRead = blocksPerRead;
  readonly isEnoughForTwo: boolean;
  readonly #buffers: (Buffer<ArrayBuffer> | undefined)[];
  #turn = 0;

  constructor(bufferCount: 1 | 2) {
    this.isEnoughForTwo = bufferCount === 2;
    this.#buffers = Array.from({ length: bufferCount }, () => undefined);
  }

  take(lengthBytes: number): Uint8Array {
    const turn = this.#turn;
    this.#turn = (turn + 1) % this.#buffers.length;
    let buffer = this.#buffers[turn];
    if (buffer === undefined || buffer.byteLength < lengthBytes) {
      if (buffer !== undefined) giveBuffer(buffer);
      buffer = takeBuffer(lengthBytes);
      this.#buffers[turn] = buffer;
    }
    return buffer.subarray(0, lengthBytes);
  }

  release(): void {
    for (const buffer of this.#buffers) if (buffer !== undefined) giveBuffer(buffer);
    this.#buffers.fill(undefined);
  }
}
