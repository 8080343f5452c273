// Blobs as files: `<directory>/<writer id>/<part of sequence>/<blob id>`. A file is created under its
// final name at once, because nobody knows the name until a commit announces it. Several processes may
// have the same directory open, each with a writer id of its own.

import { constants } from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { ByteStream } from "../../base/bytes.ts";
import { BlobCorruptError, BlobMissingError, StorageUnavailableError } from "../storage-errors.ts";
import { BlobDirectories, makeDirectories, syncDirectory } from "./blob-directories.ts";
import {
  checkWriterId,
  directoryOfBlob,
  isBlobDirectory,
  isBlobId,
  isWriterId,
  makeWriterId,
  type RandomBytes,
} from "./blob-id.ts";
import {
  type BlobId,
  type BlobReader,
  type BlobStore,
  type WriterId,
  writerOfBlob,
  type WrittenBlob,
} from "./blob-store.ts";
import { dataLengthOfFile, seedOfBlob } from "./block-format.ts";
import { FileBlobReader } from "./file-blob-reader.ts";
import { writeBlob } from "./file-blob-writer.ts";
import { errorCode, type FileSystem, nodeFileSystem } from "./file-system.ts";
import { storing, toStorageError } from "./storage-failure.ts";

/** Names the form of every file below. Its name says it all, so that making it is atomic. */
const formatName = "format-1";
const formatPattern = /^format-/;

export interface FileBlobStoreOptions {
  readonly directory: string;
  /** Strict: a write resolves when a power cut can no longer undo it. Relaxed: nothing is synced. */
  readonly durability: "strict" | "relaxed";
  /** Unique to this opening; made up when absent. */
  readonly writerId?: string;
  readonly files?: FileSystem;
  readonly random?: RandomBytes;
}

/** Makes the directory when it is missing. Throws when another format's blobs lie there. */
export async function openFileBlobStore(options: FileBlobStoreOptions): Promise<FileBlobStore> {
  const { directory, files = nodeFileSystem, random = randomBytes } = options;
  const isStrict = options.durability === "strict";
  const writerId = options.writerId ?? makeWriterId(random);
  checkWriterId(writerId);
  await storing(makeDirectories(files, directory, isStrict));
  const formats = (await storing(files.names(directory))).filter((name) =>
    formatPattern.test(name),
  );
  const foreign = formats.find((name) => name !== formatName);
  if (foreign !== undefined)
    throw new Error(`${directory} holds blobs of another format: ${foreign}`);
  if (formats.length === 0) await storing(makeFormatFile(files, directory));
  if (isStrict) await storing(syncDirectory(files, directory));
  return new FileBlobStore({
    root: directory,
    writerId: writerId as WriterId,
    files,
    random,
    isStrict,
  });
}

async function makeFormatFile(files: FileSystem, directory: string): Promise<void> {
  const path = join(directory, formatName);
  await files.close(await files.open(path, constants.O_CREAT | constants.O_WRONLY));
}

interface StoreParts {
  readonly root: string;
  readonly writerId: WriterId;
  readonly files: FileSystem;
  readonly random: RandomBytes;
  readonly isStrict: boolean;
}

export class FileBlobStore implements BlobStore {
  readonly writerId: WriterId;
  readonly #root: string;
  readonly #files: FileSystem;
  readonly #isStrict: boolean;
  readonly #directories: BlobDirectories;
  readonly #writes = new Set<Promise<WrittenBlob>>();
  #isClosed = false;

  constructor(parts: StoreParts) {
    this.writerId = parts.writerId;
    this.#root = parts.root;
    this.#files = parts.files;
    this.#isStrict = parts.isStrict;
    this.#directories = new BlobDirectories(parts);
  }

  async write(source: ByteStream): Promise<WrittenBlob> {
    this.#checkOpen();
    const write = writeBlob(source, {
      files: this.#files,
      directories: this.#directories,
      isStrict: this.#isStrict,
    });
    this.#writes.add(write);
    try {
      return await write;
    } finally {
      this.#writes.delete(write);
    }
  }

  async open(id: BlobId): Promise<BlobReader> {
    this.#checkOpen();
    if (!isBlobId(id)) throw new BlobMissingError("no blob can have this id");
    const files = this.#files;
    let descriptor: number;
    try {
      descriptor = await files.open(this.#pathOf(id), constants.O_RDONLY);
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw toStorageError(error);
      throw new BlobMissingError("the blob does not exist", { cause: error });
    }
    try {
      const lengthBytes = dataLengthOfFile(await storing(files.size(descriptor)));
      if (lengthBytes === undefined) throw new BlobCorruptError("the stored blob was cut off");
      return new FileBlobReader({ files, descriptor, lengthBytes, blobSeed: seedOfBlob(id) });
    } catch (error) {
      await files.close(descriptor).catch(() => {});
      throw error;
    }
  }

  async delete(id: BlobId): Promise<void> {
    this.#checkOpen();
    if (!isBlobId(id)) return;
    try {
      await this.#files.remove(this.#pathOf(id));
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw toStorageError(error);
    }
  }

  /** Also removes the empty directories that it comes across, except the one now written to. */
  async list(after: BlobId | undefined, limit: number): Promise<readonly BlobId[]> {
    this.#checkOpen();
    const ids: BlobId[] = [];
    for await (const directory of this.#directoriesFrom(after)) {
      for (const id of await this.#idsIn(directory)) {
        if (after !== undefined && id <= after) continue;
        ids.push(id);
        if (ids.length >= limit) return ids;
      }
    }
    return ids;
  }

  /** Waits for the writes that are under way. Readers that are open go on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#writes);
    await this.#directories.close();
  }

  #pathOf(id: BlobId): string {
    return join(this.#root, writerOfBlob(id), directoryOfBlob(id), id);
  }

  /** Directories that can hold ids from `after` on, in the order of their ids. */
  async *#directoriesFrom(after: BlobId | undefined): AsyncGenerator<[WriterId, string]> {
    const firstWriter = after === undefined ? "" : writerOfBlob(after);
    for (const writer of await this.#sortedNames(this.#root)) {
      if (!isWriterId(writer) || writer < firstWriter) continue;
      const firstPart = after !== undefined && writer === firstWriter ? directoryOfBlob(after) : "";
      for (const part of await this.#sortedNames(join(this.#root, writer))) {
        if (isBlobDirectory(part) && part >= firstPart) yield [writer, part];
      }
    }
  }

  async #idsIn([writer, part]: [WriterId, string]): Promise<BlobId[]> {
    const path = join(this.#root, writer, part);
    const names = await this.#sortedNames(path);
    if (names.length === 0) await this.#removeEmpty(path, writer);
    return names
      .filter((name) => isBlobId(name))
      .filter((id) => writerOfBlob(id) === writer && directoryOfBlob(id) === part);
  }

  /**
   * A writer of another process may be about to create a file here. Then either this fails, because
   * the directory is not empty any more, or that writer finds it gone and begins another one.
   */
  async #removeEmpty(path: string, writer: WriterId): Promise<void> {
    if (this.#directories.isCurrent(path)) return;
    try {
      await this.#files.removeDirectory(path);
      if (writer !== this.writerId) await this.#files.removeDirectory(join(this.#root, writer));
    } catch {
      // Not empty after all, or not ours to remove: it is only a directory.
    }
  }

  async #sortedNames(path: string): Promise<string[]> {
    try {
      return (await this.#files.names(path)).toSorted();
    } catch (error) {
      const code = errorCode(error);
      if (code === "ENOENT" || code === "ENOTDIR") return [];
      throw toStorageError(error);
    }
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new StorageUnavailableError("the blob store is closed");
  }
}
