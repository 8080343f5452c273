// A spool in a directory that all processes of a server share. A file belongs to the process whose name
// it begins with: `<owner>~<id>.open` is written to, `<owner>~<id>.lines` was put aside. Renaming gives
// a file of a dead process a new owner; of several that try, one succeeds.

import { closeSync, fdatasync, mkdirSync, openSync, writeSync } from "node:fs";
import { open, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Spool, SpoolSegment } from "./spool.ts";

const sync = promisify(fdatasync);
/** From a line to the sync that takes it to the disk: often enough to lose little, seldom enough to cost little. */
const syncMilliseconds = 100;
const separator = "~";

interface OpenFile {
  readonly id: string;
  readonly descriptor: number;
  bytes: number;
  /** Whether its name is on the disk: without it its bytes would be nobody's. */
  isNamed: boolean;
}

export class FileSpool implements Spool {
  readonly #directory: string;
  readonly #owner: string;
  #open: OpenFile | undefined;
  #count = 0;
  #isSynced = true;
  #isDirectoryNew = false;
  #syncing: Promise<void> = Promise.resolve();
  /** Set while a sync is waited for, or runs. */
  #timer: NodeJS.Timeout | undefined;

  /** `owner`: unique among all processes there ever were, and without `~`, `/` or `.`. */
  constructor(directory: string, owner: string) {
    this.#directory = directory;
    this.#owner = owner;
  }

  get openBytes(): number {
    return this.#open?.bytes ?? 0;
  }

  append(...lines: readonly string[]): void {
    if (lines.length === 0) return;
    const file = (this.#open ??= this.#create());
    writeLines(file, lines);
    this.#isSynced = false;
    if (this.#timer === undefined) this.#schedule();
  }

  async seal(carried: readonly string[], marks: readonly string[]): Promise<void> {
    const file = this.#open;
    if (file === undefined) return;
    this.#open = undefined;
    this.append(...carried);
    writeLines(file, marks);
    await this.#syncing;
    await this.#save(file);
    closeSync(file.descriptor);
    // A cut that takes this name back leaves the other: then the next process adopts the file.
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
    clearTimeout(this.#timer);
    await this.#syncing;
    const file = this.#open;
    this.#open = undefined;
    if (file === undefined) return;
    await this.#save(file);
    closeSync(file.descriptor);
  }

  #create(): OpenFile {
    if (mkdirSync(this.#directory, { recursive: true }) !== undefined) this.#isDirectoryNew = true;
    const id = `${this.#owner}.${String(this.#count).padStart(10, "0")}`;
    this.#count += 1;
    // An owner never opens a name twice; `x` makes sure.
    const descriptor = openSync(this.#path(id, "open"), "ax", 0o600);
    return { id, descriptor, bytes: 0, isNamed: false };
  }

  /** One sync at a time: a slow disk gets no more of them than it takes. */
  #schedule(): void {
    this.#timer = setTimeout(() => {
      const file = this.#open;
      this.#isSynced = true;
      // A failure shows again when the file is put aside.
      const saving = file === undefined ? Promise.resolve() : this.#save(file);
      this.#syncing = saving
        .catch(() => {})
        .finally(() => {
          this.#timer = undefined;
          if (!this.#isSynced) this.#schedule();
        });
    }, syncMilliseconds);
    this.#timer.unref();
  }

  async #save(file: OpenFile): Promise<void> {
    await sync(file.descriptor);
    if (file.isNamed) return;
    await syncDirectory(this.#directory);
    if (this.#isDirectoryNew) await syncDirectory(dirname(this.#directory));
    this.#isDirectoryNew = false;
    file.isNamed = true;
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

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, "r");
  await directory.sync();
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
