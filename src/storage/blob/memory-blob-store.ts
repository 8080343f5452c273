// Blobs in memory, for tests and for servers that forget. Keeps every promise of the contract except
// that nothing survives the process.

import { randomBytes } from "node:crypto";
import { assert } from "../../base/assert.ts";
import { type ByteStream, concatBytes, type TransientByteStream } from "../../base/bytes.ts";
import { BlobCorruptError, BlobMissingError, StorageUnavailableError } from "../storage-errors.ts";
import { checkWriterId, makeBlobId, makeWriterId, type RandomBytes } from "./blob-id.ts";
import type { BlobId, BlobReader, BlobStore, WriterId, WrittenBlob } from "./blob-store.ts";

const segmentBytes = 1024 * 1024;

export interface MemoryBlobStoreOptions {
  readonly writerId?: string;
  readonly random?: RandomBytes;
}

/** Segments of exactly 1 MiB, only the last one shorter. */
type Segments = readonly Uint8Array[];

export class MemoryBlobStore implements BlobStore {
  readonly writerId: WriterId;
  readonly #random: RandomBytes;
  /** In the order of the ids, because sequences only grow. `undefined`: still being written. */
  readonly #blobs = new Map<BlobId, StoredBlob | undefined>();
  #sequence = 0;
  #isClosed = false;

  constructor(options: MemoryBlobStoreOptions = {}) {
    this.#random = options.random ?? randomBytes;
    const writerId = options.writerId ?? makeWriterId(this.#random);
    checkWriterId(writerId);
    this.writerId = writerId as WriterId;
  }

  async write(source: ByteStream): Promise<WrittenBlob> {
    this.#checkOpen();
    const id = makeBlobId(this.writerId, this.#sequence, this.#random);
    this.#sequence += 1;
    this.#blobs.set(id, undefined);
    try {
      const blob = await collectSegments(source);
      this.#blobs.set(id, blob);
      return { id, lengthBytes: blob.lengthBytes };
    } catch (error) {
      this.#blobs.delete(id);
      throw error;
    }
  }

  async open(id: BlobId): Promise<BlobReader> {
    this.#checkOpen();
    const blob = this.#blobs.get(id);
    if (blob === undefined) throw new BlobMissingError("the blob does not exist");
    return new MemoryBlobReader(blob);
  }

  async delete(id: BlobId): Promise<void> {
    this.#checkOpen();
    this.#blobs.delete(id);
  }

  async list(after: BlobId | undefined, limit: number): Promise<readonly BlobId[]> {
    this.#checkOpen();
    const ids: BlobId[] = [];
    for (const id of this.#blobs.keys()) {
      if (after !== undefined && id <= after) continue;
      ids.push(id);
      if (ids.length >= limit) break;
    }
    return ids;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#blobs.clear();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new StorageUnavailableError("the blob store is closed");
  }
}

interface StoredBlob {
  readonly segments: Segments;
  readonly lengthBytes: number;
}

class MemoryBlobReader implements BlobReader {
  readonly lengthBytes: number;
  readonly #segments: Segments;
  #isDisposed = false;

  constructor(blob: StoredBlob) {
    this.lengthBytes = blob.lengthBytes;
    this.#segments = blob.segments;
  }

  read(start: number, end: number): ByteStream {
    assert(Number.isSafeInteger(start) && Number.isSafeInteger(end), "a range has whole bounds");
    assert(start >= 0 && start <= end, "a range begins before it ends");
    return this.#read(start, end);
  }

  /** Destroys each chunk as soon as it may: whoever keeps one finds out in the first test. */
  async *readTransient(start: number, end: number): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of this.read(start, end)) {
      try {
        yield chunk;
      } finally {
        chunk.fill(0xdb);
      }
    }
  }

  readUnverified(start: number, end: number): TransientByteStream {
    return this.readTransient(start, end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
  }

  async *#read(start: number, end: number): AsyncGenerator<Uint8Array, void, void> {
    if (this.#isDisposed) throw new StorageUnavailableError("the blob reader was disposed of");
    if (end > this.lengthBytes) throw new BlobCorruptError("the stored blob is too short");
    for (let position = start; position < end;) {
      const offset = position % segmentBytes;
      const segment = this.#segments[Math.floor(position / segmentBytes)];
      assert(segment !== undefined, "a range inside the blob has segments");
      // A copy: a consumer that works in place must not change the blob.
      const chunk = new Uint8Array(segment.subarray(offset, offset + end - position));
      position += chunk.byteLength;
      yield chunk;
    }
  }
}

async function collectSegments(source: ByteStream): Promise<StoredBlob> {
  const segments: Uint8Array[] = [];
  let lengthBytes = 0;
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  for await (const chunk of source) {
    lengthBytes += chunk.byteLength;
    for (let offset = 0; offset < chunk.byteLength;) {
      // Copied, because a chunk may be a small part of a large receive buffer.
      const piece = new Uint8Array(chunk.subarray(offset, offset + segmentBytes - pendingBytes));
      offset += piece.byteLength;
      pending.push(piece);
      pendingBytes += piece.byteLength;
      if (pendingBytes < segmentBytes) continue;
      segments.push(concatBytes(pending));
      pending = [];
      pendingBytes = 0;
    }
  }
  if (pendingBytes > 0) segments.push(concatBytes(pending));
  return { segments, lengthBytes };
}
