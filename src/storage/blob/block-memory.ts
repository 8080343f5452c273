// The memory that blobs are read into and written from, used again and again. Memory outside the heap is
// what makes V8 collect: with a new buffer for every piece a full collection ran for every 48 MiB, which
// was a third of a download's CPU time; and memory that was just used is still in the processor's cache.

import { blockStrideBytes } from "./block-format.ts";

/**
 * Blocks that are read or written in one call. Two buffers of this size are what a reader or a writer
 * holds. Downloads were fastest with six: fewer wake threads more often, eight fit the caches worse.
 */
const blocksPerTransfer = 6;
export const transferBytes = blocksPerTransfer * blockStrideBytes;

/** Gives out buffers of one size, and keeps some that came back. */
class BufferPool {
  readonly #bufferBytes: number;
  readonly #spareLimit: number;
  readonly #spare: Buffer[] = [];

  constructor(bufferBytes: number, spareLimit: number) {
    this.#bufferBytes = bufferBytes;
    this.#spareLimit = spareLimit;
  }

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#bufferBytes);
  }

  give(buffer: Buffer): void {
    if (this.#spare.length < this.#spareLimit) this.#spare.push(buffer);
  }
}

/** What an idle process keeps: 8 MiB in buffers of one block, 9 MiB in buffers of a whole transfer. */
const oneBlock = new BufferPool(blockStrideBytes, 64);
const wholeTransfer = new BufferPool(transferBytes, 12);

/** A buffer for at least so much; a short blob does not take a long buffer. */
export function takeBuffer(lengthBytes: number): Buffer {
  return (lengthBytes <= blockStrideBytes ? oneBlock : wholeTransfer).take();
}

/** The buffer's next user may already have it: nothing may refer to it any more. */
export function giveBuffer(buffer: Buffer): void {
  (buffer.byteLength === blockStrideBytes ? oneBlock : wholeTransfer).give(buffer);
}

/** One read's memory. At most two of its pieces are in use at a time. */
export interface ReadMemory {
  readonly blocksPerRead: number;
  take(lengthBytes: number): Uint8Array;
  /** The read has ended; what was taken may be used by another. */
  release(): void;
}

/** Every piece belongs to whoever gets it. */
export const freshMemory: ReadMemory = {
  blocksPerRead: 8,
  take: (lengthBytes) => Buffer.allocUnsafe(lengthBytes),
  release: () => {},
};

/** The third piece lies where the first one lay. */
export class ReusedMemory implements ReadMemory {
  readonly blocksPerRead = blocksPerTransfer;
  readonly #buffers: (Buffer | undefined)[] = [undefined, undefined];
  #turn = 0;

  take(lengthBytes: number): Uint8Array {
    const turn = this.#turn;
    this.#turn = 1 - turn;
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
