// The few file-system calls that the blob store makes, as a role: tests put full disks, slow syncs and
// short writes in its place. Plain descriptors and callbacks cost half of what FileHandle does.

import fs from "node:fs";

export interface FileSystem {
  open(path: string, flags: number, mode?: number): Promise<number>;
  close(descriptor: number): Promise<void>;
  /** Size in bytes of an open file. */
  size(descriptor: number): Promise<number>;
  /** Bytes read into the views in order; fewer than they hold at the end of the file, or any time. */
  readv(descriptor: number, views: readonly Uint8Array[], position: number): Promise<number>;
  /** Bytes written, which may be fewer than given. */
  writev(descriptor: number, views: readonly Uint8Array[], position: number): Promise<number>;
  /** Waits until the file's data, and what is needed to find it, is on stable storage. */
  syncData(descriptor: number): Promise<void>;
  /** Waits until a directory's entries are on stable storage. */
  syncDirectory(descriptor: number): Promise<void>;
  makeDirectory(path: string): Promise<void>;
  /** Fails unless the directory is empty. */
  removeDirectory(path: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Names in a directory, in no particular order. */
  names(path: string): Promise<string[]>;
}

export const nodeFileSystem: FileSystem = {
  open: (path, flags, mode = 0o600) =>
    new Promise((resolve, reject) => {
      fs.open(path, flags, mode, settle(resolve, reject));
    }),
  close: (descriptor) =>
    new Promise((resolve, reject) => {
      fs.close(descriptor, settleEmpty(resolve, reject));
    }),
  size: (descriptor) =>
    new Promise((resolve, reject) => {
      fs.fstat(descriptor, (error, stats) => {
        if (error === null) resolve(stats.size);
        else reject(error);
      });
    }),
  readv: (descriptor, views, position) =>
    new Promise((resolve, reject) => {
      fs.readv(descriptor, views, position, settle(resolve, reject));
    }),
  writev: (descriptor, views, position) =>
    new Promise((resolve, reject) => {
      fs.writev(descriptor, views, position, settle(resolve, reject));
    }),
  syncData: (descriptor) =>
    new Promise((resolve, reject) => {
      fs.fdatasync(descriptor, settleEmpty(resolve, reject));
    }),
  syncDirectory: (descriptor) =>
    new Promise((resolve, reject) => {
      fs.fsync(descriptor, settleEmpty(resolve, reject));
    }),
  makeDirectory: (path) =>
    new Promise((resolve, reject) => {
      fs.mkdir(path, { mode: 0o700 }, settleEmpty(resolve, reject));
    }),
  removeDirectory: (path) =>
    new Promise((resolve, reject) => {
      fs.rmdir(path, settleEmpty(resolve, reject));
    }),
  remove: (path) =>
    new Promise((resolve, reject) => {
      fs.unlink(path, settleEmpty(resolve, reject));
    }),
  names: (path) =>
    new Promise((resolve, reject) => {
      fs.readdir(path, settle(resolve, reject));
    }),
};

function settle<Value>(resolve: (value: Value) => void, reject: (reason: Error) => void) {
  return (error: NodeJS.ErrnoException | null, value: Value): void => {
    if (error === null) resolve(value);
    else reject(error);
  };
}

function settleEmpty(resolve: () => void, reject: (reason: Error) => void) {
  return (error?: NodeJS.ErrnoException | null): void => {
    if (error === null || error === undefined) resolve();
    else reject(error);
  };
}

/** The operating system's name for a failure, such as `ENOSPC`. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** What is left of `views` after their first `byteCount` bytes were read or written. */
export function viewsAfter(views: readonly Uint8Array[], byteCount: number): Uint8Array[] {
  let skip = byteCount;
  let index = 0;
  for (const view of views) {
    if (skip < view.byteLength) break;
    skip -= view.byteLength;
    index += 1;
  }
  const rest = views.slice(index);
  const first = rest[0];
  if (first !== undefined && skip > 0) rest[0] = first.subarray(skip);
  return rest;
}
