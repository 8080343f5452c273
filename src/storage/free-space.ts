// How much room a directory's disk has left for bytes of objects. The last of it is kept for metadata,
// so that on a full disk deletions, listings and completions still work, and can make room.

import { statfsSync, statSync } from "node:fs";

/** Kept free: enough for thousands of deletions, and on small disks for some. */
const largestReserveBytes = 64 * 1024 * 1024;
const reserveShare = 0.05;
/** One look at the file system serves the uploads of this time, as far as they fit what it saw. */
const lookMilliseconds = 250;
/** What an object takes beside its bytes: its records, in the log and in the tables, page by page. */
const recordBytes = 128 * 1024;
/** Small objects are themselves kept there, and so written twice. */
const writtenTwiceBytes = 64 * 1024;

export class FreeSpace {
  readonly #directory: string;
  readonly #logFile: string;
  #lookedAt = Number.NEGATIVE_INFINITY;
  /** What uploads may still take before the next look. */
  #roomBytes = 0;

  /** `logFile` is the metadata's write-ahead log: what it holds will be copied, and needs room too. */
  constructor(directory: string, logFile: string) {
    this.#directory = directory;
    this.#logFile = logFile;
  }

  /**
   * Whether `lengthBytes` more may be written; unknown lengths count as small. What other programs
   * write meanwhile is not foreseen: then the disk itself says no, which loses nothing either.
   */
  hasRoom(lengthBytes: number | undefined): boolean {
    const contentBytes = lengthBytes ?? 0;
    const neededBytes = contentBytes + Math.min(contentBytes, writtenTwiceBytes) + recordBytes;
    const now = performance.now();
    if (this.#roomBytes < neededBytes || now - this.#lookedAt >= lookMilliseconds) {
      this.#lookedAt = now;
      this.#roomBytes = this.#look();
    }
    if (this.#roomBytes < neededBytes) return false;
    this.#roomBytes -= neededBytes;
    return true;
  }

  /** What the file system says now; `undefined` where it does not. */
  measure(): { readonly freeBytes: number; readonly sizeBytes: number } | undefined {
    try {
      const { bavail, blocks, bsize } = statfsSync(this.#directory);
      return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
    } catch {
      return undefined;
    }
  }

  #look(): number {
    try {
      const { bavail, blocks, bsize } = statfsSync(this.#directory);
      const reserveBytes = Math.min(largestReserveBytes, blocks * bsize * reserveShare);
      const logBytes = statSync(this.#logFile, { throwIfNoEntry: false })?.size ?? 0;
      return bavail * bsize - reserveBytes - logBytes;
    } catch {
      // Some file systems do not say; the disk will when it is full.
      return Number.POSITIVE_INFINITY;
    }
  }
}
