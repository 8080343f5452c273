// The memory of this process while it works: what is its own (the heap, buffers, SQLite's cache and what the
// allocator keeps) apart from pages of files, which the kernel takes back when it likes.
// 0 elsewhere than on Linux.

import { readFileSync } from "node:fs";

const sampleMilliseconds = 20;

export interface OwnMemory {
  /** Of the resident set, the pages that belong to no file. */
  readonly anonymousMebibytes: number;
  /** Programs, libraries and what is mapped of SQLite's log index. */
  readonly fileMebibytes: number;
}

/** The highest values that samples have seen. */
export class OwnMemoryPeak implements Disposable {
  #peak: OwnMemory = readOwnMemory();
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => this.sample(), sampleMilliseconds);
    this.#timer.unref();
  }

  get value(): OwnMemory {
    this.sample();
    return this.#peak;
  }

  sample(): void {
    const now = readOwnMemory();
    this.#peak = {
      anonymousMebibytes: Math.max(this.#peak.anonymousMebibytes, now.anonymousMebibytes),
      fileMebibytes: Math.max(this.#peak.fileMebibytes, now.fileMebibytes),
    };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** What heap and buffers hold after a collection; 0 where Node.js runs without `--expose-gc`. */
export function liveMebibytes(): number {
  if (globalThis.gc === undefined) return 0;
  // Buffers that the first one found are given back by another thread, and counted until the second.
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1024 / 1024;
}

function readOwnMemory(): OwnMemory {
  // What is in use can be measured anywhere.
  if (process.platform !== "linux") return { anonymousMebibytes: 0, fileMebibytes: 0 };
  const text = readFileSync("/proc/self/status", "latin1");
  const mebibytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? 0) / 1024;
  return {
    anonymousMebibytes: mebibytes("RssAnon"),
    fileMebibytes: mebibytes("RssFile") + mebibytes("RssShmem"),
  };
}
