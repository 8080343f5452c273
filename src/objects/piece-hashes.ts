// The hashes of the pieces of objects whose torrent was asked for: to make them an object is read whole.
// Kept in memory for as long as there is room, by where the bytes are, which are the same for ever.

import type { Content } from "./records/object-record.ts";

/** Those of some two hundred objects of 1 GiB. */
const defaultLimitBytes = 8 * 1024 * 1024;

export class PieceHashes {
  readonly #limitBytes: number;
  /** In the order of their last use. */
  readonly #hashes = new Map<string, Uint8Array>();
  #heldBytes = 0;

  constructor(limitBytes = defaultLimitBytes) {
    this.#limitBytes = limitBytes;
  }

  find(content: Content): Uint8Array | undefined {
    const name = nameOf(content);
    const hashes = this.#hashes.get(name);
    if (hashes === undefined) return undefined;
    this.#hashes.delete(name);
    this.#hashes.set(name, hashes);
    return hashes;
  }

  keep(content: Content, hashes: Uint8Array): void {
    const name = nameOf(content);
    this.#forget(name);
    this.#hashes.set(name, hashes);
    this.#heldBytes += weightOf(name, hashes);
    for (const oldest of this.#hashes.keys()) {
      if (this.#heldBytes <= this.#limitBytes) return;
      this.#forget(oldest);
    }
  }

  #forget(name: string): void {
    const hashes = this.#hashes.get(name);
    if (hashes === undefined) return;
    this.#hashes.delete(name);
    this.#heldBytes -= weightOf(name, hashes);
  }
}

function nameOf(content: Content): string {
  return "layout" in content ? content.layout : JSON.stringify(content.extents);
}

/** An entry takes some room beside its bytes. */
function weightOf(name: string, hashes: Uint8Array): number {
  return name.length + hashes.length + 200;
}
