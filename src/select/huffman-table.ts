// The codes of BZIP2: of 1 to 20 bits, in the order of their lengths.

import { S3Error } from "../model/errors.ts";
import type { Bzip2Bits } from "./bzip2-bits.ts";

const longestCode = 20;

export class HuffmanTable {
  /** By length: what is below this, as 20 bits, has no longer code. */
  readonly #limits = new Uint32Array(longestCode + 2);
  /** By length: what takes a code to the place of its symbol. */
  readonly #offsets = new Int32Array(longestCode + 2);
  readonly #symbols: Uint16Array;
  readonly #shortest: number;

  /** Throws S3Error InvalidCompressionFormat. */
  static read(bits: Bzip2Bits, symbolCount: number): HuffmanTable {
    const lengths = new Uint8Array(symbolCount);
    let length = bits.read(5);
    for (let symbol = 0; symbol < symbolCount; symbol += 1) {
      while (bits.read(1) === 1) {
        length += bits.read(1) === 0 ? 1 : -1;
        if (length < 1 || length > longestCode) throw new S3Error("InvalidCompressionFormat");
      }
      if (length < 1 || length > longestCode) throw new S3Error("InvalidCompressionFormat");
      lengths[symbol] = length;
    }
    return new HuffmanTable(lengths);
  }

  constructor(lengths: Uint8Array) {
    const symbols: number[] = [];
    let code = 0;
    this.#shortest = Math.min(...lengths);
    for (let length = 1; length <= longestCode; length += 1) {
      this.#offsets[length] = symbols.length - code;
      for (const [symbol, each] of lengths.entries()) if (each === length) symbols.push(symbol);
      code = symbols.length - (this.#offsets[length] as number);
      this.#limits[length] = code << (longestCode - length);
      code <<= 1;
    }
    this.#symbols = Uint16Array.from(symbols);
  }

  /** Throws S3Error TruncatedInput, InvalidCompressionFormat. */
  decode(bits: Bzip2Bits): number {
    const code = bits.peekCode();
    for (let length = this.#shortest; length <= longestCode; length += 1) {
      if (code >= (this.#limits[length] as number)) continue;
      bits.skip(length);
      const place = (code >>> (longestCode - length)) + (this.#offsets[length] as number);
      return this.#symbols[place] as number;
    }
    throw new S3Error("InvalidCompressionFormat");
  }
}
