// Reads ranges of one blob in a bucket of another server: several blocks a request, some requests ahead
// of the consumer, every block verified before a byte of it is handed out.

import { assert } from "../../base/assert.ts";
import type { ByteStream, TransientByteStream } from "../../base/bytes.ts";
import { BlobCorruptError, StorageUnavailableError } from "../storage-errors.ts";
import {
  blockCount,
  blockDataBytes,
  blockStrideBytes,
  checksumBytes,
  isBlockIntact,
  seedOfBlob,
  seedOfBlock,
} from "./block-format.ts";
import type { BlobId, BlobReader } from "./blob-store.ts";
import type { BucketRequests } from "./bucket-requests.ts";

export interface OpenBucketBlob {
  readonly id: BlobId;
  readonly requests: BucketRequests;
  readonly lengthBytes: number;
  /** The first block as it is stored, with its checksum. */
  readonly first: Buffer;
  /** Called once, when the reader was disposed of and every read that has begun has ended. */
  readonly release: () => Promise<void>;
}

/** With their checksums less than the client's bound of 1 MiB for an answer. */
const blocksPerRequest = 7;
const requestsAhead = 3;

interface Blocks {
  readonly first: number;
  /** Exclusive. */
  readonly end: number;
}

export class BucketBlobReader implements BlobReader {
  readonly lengthBytes: number;
  readonly #blob: OpenBucketBlob;
  readonly #seed: number;
  readonly #blockCount: number;
  #activeReads = 0;
  #isDisposed = false;
  #isReleased = false;

  constructor(blob: OpenBucketBlob) {
    this.#blob = blob;
    this.lengthBytes = blob.lengthBytes;
    this.#seed = seedOfBlob(blob.id);
    this.#blockCount = blockCount(blob.lengthBytes);
  }

  read(start: number, end: number): ByteStream {
    assert(Number.isSafeInteger(start) && Number.isSafeInteger(end), "a range has whole bounds");
    assert(start >= 0 && start <= end, "a range begins before it ends");
    return this.#read(start, end);
  }

  readTransient(start: number, end: number): TransientByteStream {
    return this.read(start, end);
  }

  /** Verified all the same: what came over a network was at many places. */
  readUnverified(start: number, end: number): TransientByteStream {
    return this.read(start, end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    await this.#releaseWhenUnused();
  }

  async *#read(start: number, end: number): AsyncGenerator<Uint8Array, void, void> {
    if (this.#isDisposed) throw new StorageUnavailableError("the blob reader was disposed of");
    this.#activeReads += 1;
    const ahead: Promise<readonly Uint8Array[]>[] = [];
    try {
      if (end > this.lengthBytes) throw new BlobCorruptError("the stored blob is too short");
      if (start === end) return;
      const requests = splitBlocks({
        first: Math.floor(start / blockDataBytes),
        end: Math.ceil(end / blockDataBytes),
      });
      let position = Math.floor(start / blockDataBytes) * blockDataBytes;
      for (;;) {
        while (ahead.length < requestsAhead) {
          const next = requests.next();
          if (next.done === true) break;
          const fetched = this.#fetch(next.value);
          // Awaited in its turn; until then a failure is not unhandled.
          fetched.catch(() => {});
          ahead.push(fetched);
        }
        const blocks = await ahead.shift();
        if (blocks === undefined) return;
        for (const block of blocks) {
          const chunk = block.subarray(Math.max(0, start - position), end - position);
          position += block.byteLength;
          if (chunk.byteLength > 0) yield chunk;
        }
      }
    } finally {
      await Promise.allSettled(ahead);
      this.#activeReads -= 1;
      await this.#releaseWhenUnused();
    }
  }

  /** Verified blocks, each in memory that nobody else has. */
  async #fetch({ first, end }: Blocks): Promise<readonly Uint8Array[]> {
    const { id, requests } = this.#blob;
    if (end === 1) return [this.#verified(Buffer.from(this.#blob.first), 0)];
    const start = first * blockStrideBytes;
    const { bytes } = await requests.read(id, start, end * blockStrideBytes);
    return Array.from({ length: end - first }, (_, at) => {
      const stored = bytes.subarray(at * blockStrideBytes, (at + 1) * blockStrideBytes);
      return this.#verified(stored, first + at);
    });
  }

  #verified(stored: Buffer, index: number): Uint8Array {
    const isLast = index === this.#blockCount - 1;
    const length = isLast ? this.lengthBytes - index * blockDataBytes : blockDataBytes;
    if (stored.byteLength !== length + checksumBytes) {
      throw new BlobCorruptError("the stored blob was cut off");
    }
    const data = stored.subarray(0, length);
    const seed = seedOfBlock(this.#seed, index, isLast);
    if (isBlockIntact(data, stored.readUInt32BE(length), seed)) return data;
    throw new BlobCorruptError("a stored block does not match its checksum");
  }

  async #releaseWhenUnused(): Promise<void> {
    if (!this.#isDisposed || this.#activeReads > 0 || this.#isReleased) return;
    this.#isReleased = true;
    await this.#blob.release();
  }
}

/** The first block by itself: it is there already. */
function* splitBlocks({ first, end }: Blocks): Generator<Blocks, void, void> {
  let next = first;
  if (next === 0) {
    yield { first: 0, end: 1 };
    next = 1;
  }
  for (; next < end; next += blocksPerRequest) {
    yield { first: next, end: Math.min(end, next + blocksPerRequest) };
  }
}
