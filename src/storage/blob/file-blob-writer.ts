// Writes one blob into a new file: several blocks at a time, one write under way while the source fills
// the next. The file is created only when a block is full or the source has ended, so a small upload
// that turns out bad never touches the disk. Chunks are copied, never kept: their memory is the source's.

import { assert } from "../../base/assert.ts";
import type { ByteStream } from "../../base/bytes.ts";
import { BlockEncoder, blockDataBytes, blockStrideBytes, seedOfBlob } from "./block-format.ts";
import { giveBuffer, takeBuffer, writeBytes } from "./block-memory.ts";
import type { BlobDirectories, BlobDirectory, NewFile } from "./blob-directories.ts";
import type { WrittenBlob } from "./blob-store.ts";
import type { FileSystem } from "./file-system.ts";
import { storing } from "./storage-failure.ts";

/**
 * A long blob goes to the disk in steps of this size while it still arrives, so that the last sync has
 * little left to wait for and the kernel never holds many unwritten pages.
 */
const syncStepBytes = 16 * 1024 * 1024;

export interface BlobWriterOptions {
  readonly files: FileSystem;
  readonly directories: BlobDirectories;
  readonly isStrict: boolean;
}

/** Leaves nothing behind when the source throws or the disk fails. */
export async function writeBlob(
  source: ByteStream,
  options: BlobWriterOptions,
): Promise<WrittenBlob> {
  const writer = new FileBlobWriter(options);
  try {
    return await writer.write(source);
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

class FileBlobWriter {
  readonly #options: BlobWriterOptions;
  /** The first buffer holds one block, because most blobs are no longer. */
  readonly #encoder = new BlockEncoder(takeBuffer(blockStrideBytes));
  #file: NewFile | undefined;
  #isClosed = false;
  #position = 0;
  #syncedPosition = 0;
  #write: Promise<void> = Promise.resolve();
  #sync: Promise<void> = Promise.resolve();

  constructor(options: BlobWriterOptions) {
    this.#options = options;
  }

  async write(source: ByteStream): Promise<WrittenBlob> {
    const encoder = this.#encoder;
    let lengthBytes = 0;
    for await (const chunk of source) {
      lengthBytes += chunk.byteLength;
      if (this.#file === undefined && lengthBytes > blockDataBytes) await this.#create();
      let offset = encoder.push(chunk, 0);
      while (offset < chunk.byteLength) {
        await this.#flush();
        encoder.continueIn(takeBuffer(writeBytes));
        offset = encoder.push(chunk, offset);
      }
    }
    const file = this.#file ?? (await this.#create());
    encoder.finish();
    await this.#flush();
    await this.#write;
    await this.#finish(file);
    return { id: file.id, lengthBytes };
  }

  /** Removes the file of a write that failed. What cannot be removed stays listed, for the sweeper. */
  async discard(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    const { files } = this.#options;
    await Promise.allSettled([this.#write, this.#sync]);
    if (!this.#isClosed) await files.close(file.descriptor).catch(() => {});
    await files.remove(file.path).catch(() => {});
    await file.directory.release();
  }

  async #create(): Promise<NewFile> {
    const file = await this.#options.directories.createFile();
    this.#file = file;
    this.#encoder.setSeed(seedOfBlob(file.id));
    return file;
  }

  /** Begins to write the encoder's buffer, after the write before has ended. */
  async #flush(): Promise<void> {
    const file = this.#file;
    assert(file !== undefined, "a buffer is full before the blob has a file");
    await this.#write;
    if (this.#options.isStrict && this.#position - this.#syncedPosition >= syncStepBytes) {
      await this.#sync;
      this.#sync = storing(this.#options.files.syncData(file.descriptor));
      this.#sync.catch(() => {});
      this.#syncedPosition = this.#position;
    }
    const position = this.#position;
    const { buffer, filled } = this.#encoder;
    this.#position += filled.byteLength;
    this.#write = storing(this.#writeBuffer(file.descriptor, filled, position));
    // Also awaited by the next flush; until then a failure is not unhandled.
    this.#write.then(
      () => giveBuffer(buffer),
      () => giveBuffer(buffer),
    );
  }

  async #writeBuffer(descriptor: number, buffer: Buffer, position: number): Promise<void> {
    for (let offset = 0; offset < buffer.byteLength;) {
      const rest = [buffer.subarray(offset)];
      const written = await this.#options.files.writev(descriptor, rest, position + offset);
      if (written === 0) throw new Error("the file system wrote nothing");
      offset += written;
    }
  }

  async #finish(file: NewFile): Promise<void> {
    const { files, isStrict } = this.#options;
    if (isStrict) {
      await this.#sync;
      this.#sync = storing(files.syncData(file.descriptor));
      // Both at once: their order does not matter while nobody knows the blob, and many file systems
      // serve both with one commit of their journal.
      await Promise.all([this.#sync, this.#makeEntryDurable(file.directory)]);
    }
    this.#isClosed = true;
    await storing(files.close(file.descriptor));
    await file.directory.release();
  }

  async #makeEntryDurable(directory: BlobDirectory): Promise<void> {
    try {
      await directory.makeDurable();
    } catch (error) {
      this.#options.directories.abandon(directory);
      throw error;
    }
  }
}
