// Blob directories of tests: temporary ones, the files of blobs in them, and file systems that fail,
// are slow, or tell what was called.

import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { BlobId, BlobStore } from "../../src/storage/blob/blob-store.ts";
import { openFileBlobStore } from "../../src/storage/blob/file-blob-store.ts";
import { type FileSystem, nodeFileSystem } from "../../src/storage/blob/file-system.ts";
import { streamOf } from "./blob-suite.ts";

export interface BlobOnDisk {
  readonly store: BlobStore;
  readonly id: BlobId;
  readonly path: string;
  readonly directory: string;
}

export async function withBlob(
  bytes: Buffer,
  use: (blob: BlobOnDisk) => Promise<void>,
): Promise<void> {
  await withDirectory(async (directory) => {
    await using store = await openFileBlobStore({ directory, durability: "relaxed" });
    const { id } = await store.write(streamOf(bytes));
    await use({ store, id, path: await pathOf(directory, id), directory });
  });
}

export async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await fs.mkdtemp(join(tmpdir(), "holdfast-blobs-"));
  try {
    await use(directory);
  } finally {
    await fs.rm(directory, { recursive: true });
  }
}

export async function pathOf(directory: string, id: BlobId): Promise<string> {
  return join(await directoryOf(directory, id), id);
}

/** Looked for on the disk: the layout is no promise of the store. */
export async function directoryOf(directory: string, id: BlobId): Promise<string> {
  for (const entry of await fs.readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.name === id) return entry.parentPath;
  }
  throw new Error("the blob has no file");
}

/** Moves at most 100,007 bytes in one call. */
export function shortFileSystem(): FileSystem {
  return {
    ...nodeFileSystem,
    readv: (descriptor, views, position) =>
      nodeFileSystem.readv(descriptor, firstPart(views), position),
    writev: (descriptor, views, position) =>
      nodeFileSystem.writev(descriptor, firstPart(views), position),
  };
}

export interface FailingDisk {
  readonly files: FileSystem;
  readonly openDescriptors: Set<number>;
  /** The call of each kind fails after as many successful ones. */
  failOnce(after: Partial<Record<keyof FileSystem, number>>, code: string): void;
  hasFailed(): boolean;
}

export function failingFileSystem(): FailingDisk {
  let pending: Partial<Record<keyof FileSystem, number>> = {};
  let failureCode = "";
  const openDescriptors = new Set<number>();
  const check = (name: keyof FileSystem): void => {
    const left = pending[name];
    if (left === undefined) return;
    if (left > 0) {
      pending[name] = left - 1;
      return;
    }
    delete pending[name];
    throw Object.assign(new Error(`${failureCode}: injected`), { code: failureCode });
  };
  const wrapped = Object.fromEntries(
    Object.entries(nodeFileSystem).map(([name, call]) => [
      name,
      async (...values: unknown[]): Promise<unknown> => {
        check(name as keyof FileSystem);
        const result: unknown = await (call as (...values: unknown[]) => Promise<unknown>)(
          ...values,
        );
        if (name === "open") openDescriptors.add(result as number);
        if (name === "close") openDescriptors.delete(values[0] as number);
        return result;
      },
    ]),
  );
  return {
    // The same names and signatures as the object it was made from.
    files: wrapped as unknown as FileSystem,
    openDescriptors,
    failOnce: (after, code) => {
      pending = { ...after };
      failureCode = code;
    },
    hasFailed: () => Object.keys(pending).length === 0,
  };
}

/** Records `<call> <path>` of every call when it ends, except `open`, recorded when it begins. */
export function recordingFileSystem(syncMilliseconds = 0): { files: FileSystem; calls: string[] } {
  const calls: string[] = [];
  const paths = new Map<number, string>();
  const ended = async <Value>(name: string, descriptor: number, call: Promise<Value>) => {
    const value = await call;
    calls.push(`${name} ${paths.get(descriptor)}`);
    return value;
  };
  const slowly = async (call: () => Promise<void>): Promise<void> => {
    if (syncMilliseconds > 0) await delay(syncMilliseconds);
    await call();
  };
  const files: FileSystem = {
    ...nodeFileSystem,
    open: async (path, flags, mode) => {
      const descriptor = await nodeFileSystem.open(path, flags, mode);
      calls.push(`open ${path}`);
      paths.set(descriptor, path);
      return descriptor;
    },
    writev: (descriptor, views, position) =>
      ended("writev", descriptor, nodeFileSystem.writev(descriptor, views, position)),
    syncData: (descriptor) =>
      ended(
        "syncData",
        descriptor,
        slowly(() => nodeFileSystem.syncData(descriptor)),
      ),
    syncDirectory: (descriptor) =>
      ended(
        "syncDirectory",
        descriptor,
        slowly(() => nodeFileSystem.syncDirectory(descriptor)),
      ),
    makeDirectory: async (path) => {
      await nodeFileSystem.makeDirectory(path);
      calls.push(`makeDirectory ${path}`);
    },
  };
  return { files, calls };
}

function firstPart(views: readonly Uint8Array[]): Uint8Array[] {
  let rest = 100_007;
  return views.flatMap((view) => {
    const part = view.subarray(0, rest);
    rest -= part.byteLength;
    return part.byteLength > 0 ? [part] : [];
  });
}
