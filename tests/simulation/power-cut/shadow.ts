// Lays out the shadow of a data directory for the shim (its layout is described in shadow.c), and
// rebuilds the directory from it.

import { constants } from "node:fs";
import fs from "node:fs/promises";
import { join } from "node:path";

/** What of the unsynced reaches the disk all the same: chosen by chance, the same for the same seed. */
export interface Tearing {
  readonly seed: number;
  /** Chance of each unsynced page of 4 KiB; one half when absent. */
  readonly pageChance?: number;
  /** Chance of each unsynced change of a directory's names; one half when absent. */
  readonly entryChance?: number;
}

const pageBytes = 4096;

/** Records everything in the directory as safe. */
export async function layOutShadow(directory: string, shadow: string): Promise<void> {
  await fs.mkdir(shadow);
  for (const kind of ["i", "y", "n", "c", "d"]) await fs.mkdir(join(shadow, kind));
  await layOutDirectory(directory, shadow);
}

async function layOutDirectory(directory: string, shadow: string): Promise<string> {
  const { ino } = await fs.stat(directory);
  const identity = `${ino}.0`;
  const entries = join(shadow, "d", identity);
  await fs.mkdir(entries);
  await fs.symlink(identity, join(shadow, "c", String(ino)));
  for (const entry of await fs.readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      await fs.symlink(await layOutDirectory(path, shadow), join(entries, entry.name));
    } else if (entry.isFile()) {
      const content = join(shadow, "i", String((await fs.stat(path)).ino));
      // A file of several names has one content.
      await fs.copyFile(path, content, constants.COPYFILE_EXCL).catch(ignoreExisting);
      await fs.link(content, join(entries, entry.name));
    }
  }
  return identity;
}

/** Replaces what is in the directory by what is safe, and by what `tearing` adds. */
export async function restoreFromShadow(
  directory: string,
  shadow: string,
  tearing?: Tearing,
): Promise<void> {
  const root = await fs.readlink(join(shadow, "c", String((await fs.stat(directory)).ino)));
  if (tearing !== undefined) await tear(directory, shadow, tearing);
  for (const name of await fs.readdir(directory)) {
    await fs.rm(join(directory, name), { recursive: true });
  }
  await restoreDirectory(root, directory, shadow);
}

async function restoreDirectory(
  identity: string,
  directory: string,
  shadow: string,
): Promise<void> {
  const entries = join(shadow, "d", identity);
  for (const entry of await fs.readdir(entries, { withFileTypes: true })) {
    const [from, to] = [join(entries, entry.name), join(directory, entry.name)];
    if (entry.isSymbolicLink()) {
      await fs.mkdir(to);
      await restoreDirectory(await fs.readlink(from), to, shadow);
    } else if (!entry.name.endsWith("-shm")) {
      // SQLite's shared memory is mapped, hence unseen; it means nothing to the next process.
      await fs.copyFile(from, to);
    }
  }
}

/** Adds to the shadow some of the pages and names that only the data directory has. */
async function tear(directory: string, shadow: string, tearing: Tearing): Promise<void> {
  const random = randomFrom(tearing.seed);
  const files = new Map<string, string>();
  const directories = new Map<string, string>();
  directories.set(String((await fs.stat(directory)).ino), directory);
  for (const entry of await fs.readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    (entry.isDirectory() ? directories : files).set(String((await fs.lstat(path)).ino), path);
  }
  for (const [inode, path] of [...files].toSorted(byPath)) {
    for (const page of await unsyncedPages(inode, path, shadow)) {
      if (random() < (tearing.pageChance ?? 0.5)) await savePage(inode, path, shadow, page);
    }
  }
  for (const [inode, path] of [...directories].toSorted(byPath)) {
    let isComplete = true;
    const names = await unsyncedNames(inode, path, shadow);
    for (const name of [...names.present, ...names.removed]) {
      const isRemoval = names.removed.includes(name);
      // A journal makes a rename whole or not at all: never is the old name gone and the new not there.
      const isSaved = random() < (tearing.entryChance ?? 0.5) && (isComplete || !isRemoval);
      if (isSaved) await saveEntry(inode, path, shadow, name);
      else isComplete = false;
    }
  }
}

async function unsyncedPages(inode: string, path: string, shadow: string): Promise<number[]> {
  const log = await fs.readFile(join(shadow, "y", inode)).catch(emptyWhenMissing);
  const pageCount = Math.ceil((await fs.stat(path)).size / pageBytes);
  const pages = new Set<number>();
  for (let offset = 0; offset + 16 <= log.byteLength; offset += 16) {
    const first = Math.floor(Number(log.readBigUInt64LE(offset)) / pageBytes);
    const end = Math.ceil(Number(log.readBigUInt64LE(offset + 8)) / pageBytes);
    for (let page = first; page < Math.min(end, pageCount); page += 1) pages.add(page);
  }
  return [...pages].toSorted((left, right) => left - right);
}

async function savePage(inode: string, path: string, shadow: string, page: number): Promise<void> {
  await using source = await fs.open(path, "r");
  await using content = await fs.open(join(shadow, "i", inode), "r+");
  const buffer = Buffer.alloc(pageBytes);
  const { bytesRead } = await source.read(buffer, 0, pageBytes, page * pageBytes);
  await content.write(buffer, 0, bytesRead, page * pageBytes);
}

async function unsyncedNames(
  inode: string,
  directory: string,
  shadow: string,
): Promise<{ present: string[]; removed: string[] }> {
  const log = await fs.readFile(join(shadow, "n", inode)).catch(emptyWhenMissing);
  const changed = [...new Set(log.toString("utf8").split("\0").filter(Boolean))];
  const now = new Set(await fs.readdir(directory));
  return {
    present: changed.filter((name) => now.has(name)),
    removed: changed.filter((name) => !now.has(name)),
  };
}

async function saveEntry(
  inode: string,
  directory: string,
  shadow: string,
  name: string,
): Promise<void> {
  const identity = await fs.readlink(join(shadow, "c", inode)).catch(() => undefined);
  if (identity === undefined) return;
  const entry = join(shadow, "d", identity, name);
  const status = await fs.lstat(join(directory, name)).catch(() => undefined);
  await fs.rm(entry, { force: true });
  if (status === undefined) return;
  if (status.isDirectory()) {
    await fs.symlink(await fs.readlink(join(shadow, "c", String(status.ino))), entry);
  } else if (status.isFile()) {
    await fs.link(join(shadow, "i", String(status.ino)), entry);
  }
}

function byPath([, left]: [string, string], [, right]: [string, string]): number {
  return left < right ? -1 : 1;
}

function emptyWhenMissing(error: NodeJS.ErrnoException): Buffer {
  if (error.code !== "ENOENT") throw error;
  return Buffer.alloc(0);
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}

/** Mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
