// The directories that one opening of the store writes into: `<root>/<writer id>/<part of sequence>`.
// Each is used for a run of blobs and then never again; a directory that fails, or that a sweep of
// another process removed while it was empty, is given up and the next one is begun.

import { constants } from "node:fs";
import { dirname, join } from "node:path";
import { blobsPerDirectory, directoryOfBlob, makeBlobId, type RandomBytes } from "./blob-id.ts";
import type { BlobId, WriterId } from "./blob-store.ts";
import { errorCode, type FileSystem } from "./file-system.ts";
import { SharedSync } from "./shared-sync.ts";
import { storing, toStorageError } from "./storage-failure.ts";

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY;
const newFileFlags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY;
/** A directory can vanish between its making and its first file, but not again and again. */
const attemptLimit = 8;

/** A file that was just created. It must be let go of with `release` when it is whole or gone. */
export interface NewFile {
  readonly id: BlobId;
  readonly path: string;
  readonly descriptor: number;
  readonly directory: BlobDirectory;
}

export interface BlobDirectoriesOptions {
  readonly files: FileSystem;
  readonly root: string;
  readonly writerId: WriterId;
  readonly isStrict: boolean;
  readonly random: RandomBytes;
}

export class BlobDirectories {
  readonly #options: BlobDirectoriesOptions;
  #sequence = 0;
  #current: BlobDirectory | undefined;

  constructor(options: BlobDirectoriesOptions) {
    this.#options = options;
  }

  /** Whether new files of this opening go to this directory now. */
  isCurrent(path: string): boolean {
    return this.#current?.path === path;
  }

  async createFile(): Promise<NewFile> {
    for (let attempt = 1; ; attempt += 1) {
      const { id, directory } = this.#next();
      directory.retain();
      try {
        await directory.ready();
        const path = join(directory.path, id);
        const descriptor = await this.#options.files.open(path, newFileFlags);
        return { id, path, descriptor, directory };
      } catch (error) {
        const isGone = errorCode(error) === "ENOENT";
        if (isGone || !directory.isReady) this.abandon(directory);
        await directory.release();
        if (!isGone || attempt === attemptLimit) throw toStorageError(error);
      }
    }
  }

  /** No new file goes to this directory. Its name is not used again, so nobody confuses the two. */
  abandon(directory: BlobDirectory): void {
    if (this.#current !== directory) return;
    this.#sequence = Math.ceil(this.#sequence / blobsPerDirectory) * blobsPerDirectory;
    this.#current = undefined;
    directory.retire();
  }

  async close(): Promise<void> {
    const current = this.#current;
    if (current === undefined) return;
    this.#current = undefined;
    current.retain();
    current.retire();
    await current.release();
  }

  #next(): { id: BlobId; directory: BlobDirectory } {
    const { writerId, root, random } = this.#options;
    const id = makeBlobId(writerId, this.#sequence, random);
    this.#sequence += 1;
    const path = join(root, writerId, directoryOfBlob(id));
    if (this.#current?.path !== path) {
      this.#current?.retire();
      this.#current = new BlobDirectory(path, this.#options);
    }
    return { id, directory: this.#current };
  }
}

/** One directory of blob files. Kept open while files are written in it, so that syncing it is cheap. */
export class BlobDirectory {
  readonly path: string;
  readonly #files: FileSystem;
  readonly #isStrict: boolean;
  readonly #entries: SharedSync;
  #made: Promise<void> | undefined;
  #parentsDurable: Promise<void> | undefined;
  #descriptor: number | undefined;
  #users = 0;
  #isReady = false;
  #isRetired = false;

  constructor(path: string, options: { readonly files: FileSystem; readonly isStrict: boolean }) {
    this.path = path;
    this.#files = options.files;
    this.#isStrict = options.isStrict;
    this.#entries = new SharedSync(async () => {
      if (this.#descriptor === undefined) throw new Error("the directory is closed");
      await this.#files.syncDirectory(this.#descriptor);
    });
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Resolves when files can be created in the directory. */
  ready(): Promise<void> {
    this.#made ??= this.#make();
    return this.#made;
  }

  /** Resolves when every entry made before the call, and the way to it, is on stable storage. */
  async makeDurable(): Promise<void> {
    await storing(Promise.all([this.#parentsDurable, this.#entries.sync()]));
  }

  retain(): void {
    this.#users += 1;
  }

  async release(): Promise<void> {
    this.#users -= 1;
    await this.#closeWhenUnused();
  }

  /** Closes the directory after its last user. */
  retire(): void {
    this.#isRetired = true;
    this.#closeWhenUnused().catch(() => {});
  }

  async #closeWhenUnused(): Promise<void> {
    const descriptor = this.#descriptor;
    if (this.#users > 0 || !this.#isRetired || descriptor === undefined) return;
    this.#descriptor = undefined;
    // Only read: nothing is lost when closing fails.
    await this.#files.close(descriptor).catch(() => {});
  }

  async #make(): Promise<void> {
    const writerDirectory = dirname(this.path);
    await makeUnlessPresent(this.#files, writerDirectory);
    await makeUnlessPresent(this.#files, this.path);
    if (this.#isStrict) {
      this.#descriptor = await this.#files.open(this.path, directoryFlags);
      this.#parentsDurable = this.#syncParents(writerDirectory);
      this.#parentsDurable.catch(() => {});
    }
    this.#isReady = true;
  }

  async #syncParents(writerDirectory: string): Promise<void> {
    await syncDirectory(this.#files, writerDirectory);
    await syncDirectory(this.#files, dirname(writerDirectory));
  }
}

/** Makes a directory and its missing parents; `durable`: with their entries on stable storage. */
export async function makeDirectories(
  files: FileSystem,
  path: string,
  durable: boolean,
): Promise<void> {
  const parent = dirname(path);
  let isNew: boolean;
  try {
    isNew = await makeUnlessPresent(files, path);
  } catch (error) {
    if (errorCode(error) !== "ENOENT" || parent === path) throw error;
    await makeDirectories(files, parent, durable);
    isNew = await makeUnlessPresent(files, path);
  }
  if (isNew && durable) await syncDirectory(files, parent);
}

export async function syncDirectory(files: FileSystem, path: string): Promise<void> {
  const descriptor = await files.open(path, directoryFlags);
  try {
    await files.syncDirectory(descriptor);
  } finally {
    await files.close(descriptor);
  }
}

/** Whether the directory was missing. */
async function makeUnlessPresent(files: FileSystem, path: string): Promise<boolean> {
  try {
    await files.makeDirectory(path);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}
