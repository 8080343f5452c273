// A file of lines that is put aside when it has grown too long, shared by several processes: each
// appends whole lines, and whoever finds the file too long renames it; the others notice and follow.

import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { LogDestination } from "../telemetry/log.ts";

export interface RotatingFileOptions {
  readonly path: string;
  readonly maximumBytes: number;
  /** Files that were put aside and are kept; the oldest goes first. */
  readonly keptFiles: number;
}

export class RotatingFile implements LogDestination, Disposable {
  readonly #options: RotatingFileOptions;
  #descriptor: number;
  #inode: number;
  readonly bufferedBytes = 0;

  /** Throws the system's error when the file cannot be opened. */
  constructor(options: RotatingFileOptions) {
    this.#options = options;
    mkdirSync(dirname(options.path), { recursive: true });
    this.#descriptor = openAppending(options.path);
    this.#inode = fstatSync(this.#descriptor).ino;
  }

  /** In one system call, so that lines of several processes do not mix. */
  write(lines: string): void {
    this.#follow();
    const bytes = Buffer.from(lines, "utf8");
    for (let written = 0; written < bytes.length;) {
      written += writeSync(this.#descriptor, bytes, written);
    }
    if (fstatSync(this.#descriptor).size >= this.#options.maximumBytes) this.#rotate();
  }

  /** Opens what is at the path now, whatever happened to it. */
  reopen(): void {
    const descriptor = openAppending(this.#options.path);
    closeSync(this.#descriptor);
    this.#descriptor = descriptor;
    this.#inode = fstatSync(descriptor).ino;
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }

  /** Opens the file anew when another process, or an administrator, has put it aside. */
  #follow(): void {
    const current = statSync(this.#options.path, { throwIfNoEntry: false });
    if (current?.ino !== this.#inode) this.reopen();
  }

  #rotate(): void {
    const { path } = this.#options;
    // Another process may have been faster: then the file at the path is a new one and stays.
    if (statSync(path, { throwIfNoEntry: false })?.ino === this.#inode) {
      const time = new Date().toISOString().replaceAll(/[-:]/g, "");
      renameSync(path, `${path}.${time}-${process.pid}`);
      this.#removeOldest();
    }
    this.#follow();
  }

  #removeOldest(): void {
    const { path, keptFiles } = this.#options;
    const directory = dirname(path);
    const prefix = `${basename(path)}.`;
    const aside = readdirSync(directory)
      .filter((name) => name.startsWith(prefix) && /\.\d{8}T[\d.]+Z-\d+$/.test(name))
      .toSorted();
    for (const name of aside.slice(0, Math.max(0, aside.length - keptFiles))) {
      rmSync(join(directory, name), { force: true });
    }
  }
}

/** Readable by the server's user and group alone: it says who did what. */
function openAppending(path: string): number {
  return openSync(path, "a", 0o640);
}
