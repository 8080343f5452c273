// Reads ranges of one blob file: several blocks at a time, the next ones while the consumer works, every
// block verified before a byte of it is handed out.

import { assert } from "../../base/assert.ts";
import type { ByteStream, TransientByteStream } from "../../base/bytes.ts";
import { BlobCorruptError, StorageUnavailableError } from "../storage-errors.ts";
import {
  blockCount,
  blockDataBytes,
  blockStrideBytes,
  checksumBytes,
  isBlockIntact,
  seedOfBlock,
} from "./block-format.ts";
import type { BlobReader } from "./blob-store.ts";
import { type FileSystem, viewsAfter } from "./file-system.ts";
import { freshMemory, type ReadMemory, ReusedMemory } from "./block-memory.ts";
import { storing } from "./storage-failure.ts";

export interface OpenBlobFile {
  readonly files: FileSystem;
  readonly descriptor: number;
  readonly lengthBytes: number;
  readonly blobSeed: number;
}

/** The file is closed when the reader is disposed of and every read that has begun has ended. */
export class FileBlobReader implements BlobReader {
  readonly lengthBytes: number;
  readonly #file: OpenBlobFile;
  readonly #blockCount: number;
  #activeReads = 0;
  #isDisposed = false;
  #isClosed = false;

  constructor(file: OpenBlobFile) {
    this.#file = file;
    this.lengthBytes = file.lengthBytes;
    this.#blockCount = blockCount(file.lengthBytes);
  }

  read(start: number, end: number): ByteStream {
    checkRange(start, end);
    return this.#read(start, end, freshMemory);
  }

  readTransient(start: number, end: number): TransientByteStream {
    checkRange(start, end);
    return this.#read(start, end, new ReusedMemory(2));
  }

  readUnverified(start: number, end: number): TransientByteStream {
    checkRange(start, end);
    return this.#read(start, end, new ReusedMemory(1), false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    await this.#closeWhenUnused();
  }

  async *#read(
    start: number,
    end: number,
    memory: ReadMemory,
    verifies = true,
  ): AsyncGenerator<Uint8Array, void, void> {
    if (this.#isDisposed) throw new StorageUnavailableError("the blob reader was disposed of");
    this.#activeReads += 1;
    let ahead: Promise<Uint8Array> | undefined;
    try {
      // The caller's range comes from the object's record, which knows the blob's true length.
      if (end > this.lengthBytes) throw new BlobCorruptError("the stored blob is too short");
      if (start === end && this.lengthBytes > 0) return;
      const endBlock = Math.max(1, Math.ceil(end / blockDataBytes));
      let nextBlock = Math.floor(start / blockDataBytes);
      const read = { endBlock, memory, verifies };
      ahead = this.#readAhead(nextBlock, read);
      while (ahead !== undefined) {
        const data = await ahead;
        const dataStart = nextBlock * blockDataBytes;
        nextBlock = Math.min(nextBlock + memory.blocksPerRead, endBlock);
        ahead = memory.isEnoughForTwo ? this.#readAhead(nextBlock, read) : undefined;
        const chunk = data.subarray(Math.max(0, start - dataStart), end - dataStart);
        if (chunk.byteLength > 0) yield chunk;
        ahead ??= this.#readAhead(nextBlock, read);
      }
    } finally {
      // Descriptor and memory are in use until then.
      await ahead?.catch(() => {});
      memory.release();
      this.#activeReads -= 1;
      await this.#closeWhenUnused();
    }
  }

  #readAhead(
    firstBlock: number,
    { endBlock, memory, verifies }: BlocksRead,
  ): Promise<Uint8Array> | undefined {
    if (firstBlock >= endBlock) return undefined;
    const blockLimit = Math.min(firstBlock + memory.blocksPerRead, endBlock);
    const start = firstBlock * blockDataBytes;
    const length = Math.min(blockLimit * blockDataBytes, this.lengthBytes) - start;
    const read = this.#readBlocks(firstBlock, blockLimit, memory.take(length), verifies);
    // Awaited when the consumer asks for more; until then a failure is not unhandled.
    read.catch(() => {});
    return read;
  }

  /** Fills `data` with blocks `first` to `end` (exclusive). */
  async #readBlocks(
    first: number,
    end: number,
    data: Uint8Array,
    verifies: boolean,
  ): Promise<Uint8Array> {
    const checksums = Buffer.allocUnsafe((end - first) * checksumBytes);
    const blocks: Uint8Array[] = [];
    // Data and checksums alternate in the file and are read into memory of two kinds, so that the
    // data lies in one piece.
    const views: Uint8Array[] = [];
    for (let index = 0; index < end - first; index += 1) {
      const block = data.subarray(index * blockDataBytes, (index + 1) * blockDataBytes);
      blocks.push(block);
      if (block.byteLength > 0) views.push(block);
      views.push(checksums.subarray(index * checksumBytes, (index + 1) * checksumBytes));
    }
    await this.#readViews(views, first * blockStrideBytes);
    if (!verifies) return data;
    for (const [index, block] of blocks.entries()) this.#verify(block, checksums, first, index);
    return data;
  }

  async #readViews(views: Uint8Array[], position: number): Promise<void> {
    const { files, descriptor } = this.#file;
    let rest = views;
    let restPosition = position;
    while (rest.length > 0) {
      const count = await storing(files.readv(descriptor, rest, restPosition));
      if (count === 0) throw new BlobCorruptError("the stored blob was cut off");
      restPosition += count;
      rest = viewsAfter(rest, count);
    }
  }

  #verify(block: Uint8Array, checksums: Buffer, first: number, index: number): void {
    const blockIndex = first + index;
    const isLast = blockIndex === this.#blockCount - 1;
    const seed = seedOfBlock(this.#file.blobSeed, blockIndex, isLast);
    if (!isBlockIntact(block, checksums.readUInt32BE(index * checksumBytes), seed)) {
      throw new BlobCorruptError("a stored block does not match its checksum");
    }
  }

  async #closeWhenUnused(): Promise<void> {
    if (!this.#isDisposed || this.#activeReads > 0 || this.#isClosed) return;
    this.#isClosed = true;
    // Only read: nothing is lost when closing fails.
    await this.#file.files.close(this.#file.descriptor).catch(() => {});
  }
}

interface BlocksRead {
  /** Exclusive. */
  readonly endBlock: number;
  readonly memory: ReadMemory;
  readonly verifies: boolean;
}

function checkRange(start: number, end: number): void {
  assert(Number.isSafeInteger(start) && Number.isSafeInteger(end), "a range has whole bounds");
  assert(start >= 0 && start <= end, "a range begins before it ends");
}
