// An object's bytes as the reader of Parquet asks for them: ranges, each in one piece.

import { setImmediate } from "node:timers/promises";
import type { AsyncBuffer } from "hyparquet";
import { S3Error } from "../model/errors.ts";
import type { ObjectBytes } from "./select-request.ts";
import type { ByteCounts } from "./text-blocks.ts";

/** Errors that came from reading the object, not from what was read. */
const storeErrors = new WeakSet<object>();

export class ObjectBuffer {
  readonly #object: ObjectBytes;
  readonly #counts: ByteCounts;
  /** Opened and never read: as long as it is, the bytes stay, also of an object that is replaced. */
  #hold: AsyncIterator<Uint8Array> | undefined;
  #isHeld = false;

  constructor(object: ObjectBytes, counts: ByteCounts) {
    this.#object = object;
    this.#counts = counts;
  }

  static isOfStore(error: unknown): boolean {
    return typeof error === "object" && error !== null && storeErrors.has(error);
  }

  /** Refuses ranges that are longer. */
  bounded(limitBytes: number): AsyncBuffer {
    const { sizeBytes } = this.#object;
    return {
      byteLength: sizeBytes,
      slice: async (start, end = sizeBytes) => {
        if (end - start > limitBytes) throw new S3Error("ParquetParsingError");
        return this.#read(start, end);
      },
    };
  }

  /** Keeps each range that was read, for it is asked for again; every answer is a turn of its own. */
  keeping(): AsyncBuffer {
    const { sizeBytes } = this.#object;
    const kept = new Map<string, Promise<ArrayBuffer>>();
    // One behind the other: immediates that wait together would run in the same turn.
    let turn = Promise.resolve();
    return {
      byteLength: sizeBytes,
      slice: async (start, end = sizeBytes) => {
        const range = `${start}-${end}`;
        const known = kept.get(range) ?? this.#read(start, end);
        kept.set(range, known);
        const bytes = await known;
        turn = turn.then(() => setImmediate());
        await turn;
        return bytes;
      },
    };
  }

  async close(): Promise<void> {
    await this.#hold?.return?.();
    this.#hold = undefined;
  }

  async #read(start: number, end: number): Promise<ArrayBuffer> {
    if (start < 0 || end > this.#object.sizeBytes || start > end) {
      throw new S3Error("ParquetParsingError");
    }
    try {
      return await this.#collect(start, end);
    } catch (error) {
      if (typeof error === "object" && error !== null) storeErrors.add(error);
      throw error;
    }
  }

  async #collect(start: number, end: number): Promise<ArrayBuffer> {
    if (!this.#isHeld) {
      this.#isHeld = true;
      const whole = await this.#object.open(0, this.#object.sizeBytes);
      this.#hold = whole[Symbol.asyncIterator]();
    }
    const bytes = new Uint8Array(end - start);
    let length = 0;
    for await (const chunk of await this.#object.open(start, end)) {
      bytes.set(chunk, length);
      length += chunk.length;
    }
    this.#counts.scannedBytes += length;
    return bytes.buffer;
  }
}
