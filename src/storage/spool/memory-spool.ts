// A spool of a server that keeps nothing: gone with the process, as all its data.

import type { Spool, SpoolSegment } from "./spool.ts";

export class MemorySpool implements Spool {
  readonly #sealed = new Map<string, readonly string[]>();
  #lines: string[] = [];
  #sealedCount = 0;
  openBytes = 0;

  append(...lines: readonly string[]): void {
    this.#lines.push(...lines);
    for (const line of lines) this.openBytes += line.length + 1;
  }

  async seal(carried: readonly string[], marks: readonly string[]): Promise<void> {
    if (this.#lines.length === 0) return;
    this.#sealed.set(`memory.${this.#sealedCount}`, [...this.#lines, ...marks]);
    this.#sealedCount += 1;
    this.#lines = [];
    this.openBytes = 0;
    this.append(...carried);
  }

  async list(): Promise<readonly SpoolSegment[]> {
    return [...this.#sealed.keys()].map((id) => ({ id }));
  }

  async read({ id }: SpoolSegment): Promise<readonly string[]> {
    return this.#sealed.get(id) ?? [];
  }

  async remove({ id }: SpoolSegment): Promise<void> {
    this.#sealed.delete(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
