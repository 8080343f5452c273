// Writes one blob into a new file: 1 MiB at a time, one write under way while the source fills the
// next. The file is created only when a block is full or the source has ended, so a small upload that
// turns out bad never touches the disk.

import type { ByteStream } from "../../base/bytes.ts";
import { BlockEncoder, blockDataBytes, seedOfBlob } from "./block-format.ts";
import type { BlobDirectories, BlobDirectory, NewFile } from "./blob-directories.ts";
import type { WrittenBlob } from "./blob-store.ts";
import { type FileSystem, viewsAfter } from "./file-system.ts";
import { storing } from "./storage-failure.ts";

const writeBytes = 1024 * 1024;
/**
 * A long blob goes to the disk in steps of this size while it still arrives, so that the last sync has
 * little left to wait for and the kernel never holds many unwritten pages.
 */
const syncStepBytes = 32 * 1024 * 1024;

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
  readonly #encoder = new BlockEncoder();
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
      encoder.push(chunk);
      if (this.#file !== undefined && encoder.pendingBytes >= writeBytes) {
        await this.#flush(this.#file);
      }
    }
    const file = this.#file ?? (await this.#create());
    encoder.finish();
    await this.#flush(file);
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

  /** Begins to write what is pending, after the write before has ended. */
  async #flush(file: NewFile): Promise<void> {
    await this.#write;
    if (this.#options.isStrict && this.#position - this.#syncedPosition >= syncStepBytes) {
      await this.#sync;
      this.#sync = storing(this.#options.files.syncData(file.descriptor));
      this.#sync.catch(() => {});
      this.#syncedPosition = this.#position;
    }
    const position = this.#position;
    this.#position += this.#encoder.pendingBytes;
    this.#write = storing(this.#writeViews(file.descriptor, this.#encoder.take(), position));
    // Awaited by the next flush; until then a failure is not unhandled.
    this.#write.catch(() => {});
  }

  async #writeViews(descriptor: number, views: Uint8Array[], position: number): Promise<void> {
    let rest = views;
    let restPosition = position;
    while (rest.length > 0) {
      const written = await this.#options.files.writev(descriptor, rest, restPosition);
      if (written === 0) throw new Error("the file system wrote nothing");
      restPosition += written;
      rest = viewsAfter(rest, written);
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
