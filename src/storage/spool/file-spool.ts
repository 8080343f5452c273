// A spool in a directory that all processes of a server share. A file belongs to the process whose name
// it begins with: `<owner>~<id>.open` is written to, `<owner>~<id>.lines` was put aside. Renaming gives
// a file of a dead process a new owner; of several that try, one succeeds.

import { closeSync, fdatasync, mkdirSync, openSync, writeSync } from "node:fs";
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Spool, SpoolSegment } from "./spool.ts";

const sync = promisify(fdatasync);
const syncMilliseconds = 1000;
const separator = "~";

interface OpenFile {
  readonly id: string;
  readonly descriptor: number;
  bytes: number;
}

export class FileSpool implements Spool {
  readonly #directory: string;
  readonly #owner: string;
  #open: OpenFile | undefined;
  #count = 0;
  #isSynced = true;
  #syncing: Promise<void> = Promise.resolve();
  readonly #timer: NodeJS.Timeout;

  /** `owner`: unique among all processes there ever were, and without `~`, `/` or `.`. */
  constructor(directory: string, owner: string) {
    this.#directory = directory;
    this.#owner = owner;
    this.#timer = setInterval(() => void this.#sync(), syncMilliseconds);
    this.#timer.unref();
  }

  get openBytes(): number {
    return this.#open?.bytes ?? 0;
  }

  append(...lines: readonly string[]): void {
    if (lines.length === 0) return;
    const file = (this.#open ??= this.#create());
    writeLines(file, lines);
    this.#isSynced = false;
  }

  async seal(carried: readonly string[], marks: readonly string[]): Promise<void> {
    const file = this.#open;
    if (file === undefined) return;
    this.#open = undefined;
    this.append(...carried);
    writeLines(file, marks);
    await this.#syncing;
    await sync(file.descriptor);
    closeSync(file.descriptor);
    await rename(this.#path(file.id, "open"), this.#path(file.id, "lines"));
  }

  async list(isAlive: (owner: string) => boolean): Promise<readonly SpoolSegment[]> {
    const ids: string[] = [];
    for (const name of await this.#names()) {
      const { owner, id, kind } = parseName(name);
      if (owner === this.#owner) {
        if (kind === "lines") ids.push(id);
      } else if (!isAlive(owner) && (await this.#adopt(name, id))) ids.push(id);
    }
    return ids.toSorted().map((id) => ({ id }));
  }

  async read({ id }: SpoolSegment): Promise<readonly string[]> {
    const text = await readFile(this.#path(id, "lines"), "utf8");
    const lines = text.split("\n");
    // What follows the last line break was being written when its process died.
    return lines.slice(0, -1);
  }

  async remove({ id }: SpoolSegment): Promise<void> {
    await rm(this.#path(id, "lines"), { force: true });
  }

  /** What was not put aside is adopted by the next process. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#syncing;
    const file = this.#open;
    this.#open = undefined;
    if (file === undefined) return;
    await sync(file.descriptor);
    closeSync(file.descriptor);
  }

  #create(): OpenFile {
    mkdirSync(this.#directory, { recursive: true });
    const id = `${this.#owner}.${String(this.#count).padStart(10, "0")}`;
    this.#count += 1;
    // An owner never opens a name twice; `x` makes sure.
    return { id, descriptor: openSync(this.#path(id, "open"), "ax", 0o600), bytes: 0 };
  }

  async #sync(): Promise<void> {
    const file = this.#open;
    if (file === undefined || this.#isSynced) return;
    this.#isSynced = true;
    // A failure shows again when the file is put aside.
    this.#syncing = this.#syncing.then(() => sync(file.descriptor)).catch(() => {});
    await this.#syncing;
  }

  async #names(): Promise<readonly string[]> {
    try {
      const names = await readdir(this.#directory);
      return names.filter((name) => name.includes(separator));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  }

  /** `false`: another process was faster. */
  async #adopt(name: string, id: string): Promise<boolean> {
    try {
      await rename(join(this.#directory, name), this.#path(id, "lines"));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
  }

  #path(id: string, kind: "open" | "lines"): string {
    return join(this.#directory, `${this.#owner}${separator}${id}.${kind}`);
  }
}

function writeLines(file: OpenFile, lines: readonly string[]): void {
  if (lines.length === 0) return;
  const bytes = Buffer.from(`${lines.join("\n")}\n`, "utf8");
  for (let written = 0; written < bytes.length;) {
    written += writeSync(file.descriptor, bytes, written);
  }
  file.bytes += bytes.length;
}

function parseName(name: string): { readonly owner: string; readonly id: string; kind: string } {
  const at = name.indexOf(separator);
  const dot = name.lastIndexOf(".");
  return { owner: name.slice(0, at), id: name.slice(at + 1, dot), kind: name.slice(dot + 1) };
}
