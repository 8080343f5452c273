// Decompresses BZIP2 as bytes come, one block of up to 900 kB at a time, and lets others in every few
// milliseconds. Throws S3Error TruncatedInput, InvalidCompressionFormat.

import { setImmediate } from "node:timers/promises";
import { S3Error } from "../model/errors.ts";
import { Bzip2Bits } from "./bzip2-bits.ts";
import { HuffmanTable } from "./huffman-table.ts";

const blockMagic = [0x314159, 0x265359] as const;
const endMagic = [0x177245, 0x385090] as const;
const blockUnit = 100_000;
const groupSymbols = 50;
/** More than the tables of a block take. */
const tableBytes = 40_000;
/** More than a group of symbols of 20 bits takes. */
const groupBytes = 256;
const outputBytes = 64 * 1024;
const sliceMilliseconds = 3;

export async function* decompressBzip2(
  bytes: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const bits = new Bzip2Bits(bytes);
  try {
    for (let isFirst = true; await bits.fill(tableBytes); isFirst = false) {
      yield* decompressStream(bits, isFirst);
      bits.alignToByte();
    }
  } finally {
    await bytes.return(undefined);
  }
}

/** Streams may stand behind each other; what is behind the last and is none is not looked at. */
async function* decompressStream(bits: Bzip2Bits, isFirst: boolean): AsyncGenerator<Uint8Array> {
  const isStream = bits.read(16) === 0x425a && bits.read(8) === 0x68;
  const level = isStream ? bits.read(8) - 0x30 : 0;
  if (level < 1 || level > 9) {
    if (!isFirst) return bits.finish();
    throw invalid();
  }
  const decoder = new BlockDecoder(bits, level * blockUnit);
  let combined = 0;
  for (;;) {
    await bits.fill(tableBytes);
    const magic = [bits.read(24), bits.read(24)];
    const expected = bits.read(32);
    if (magic[0] === endMagic[0] && magic[1] === endMagic[1]) {
      if (expected !== combined) throw invalid();
      return undefined;
    }
    if (magic[0] !== blockMagic[0] || magic[1] !== blockMagic[1]) throw invalid();
    yield* decoder.decode(expected);
    combined = (((combined << 1) | (combined >>> 31)) ^ expected) >>> 0;
  }
}

function invalid(): S3Error {
  return new S3Error("InvalidCompressionFormat");
}

class BlockDecoder {
  readonly #bits: Bzip2Bits;
  /** First a byte and then, above it, where the next one stands. */
  readonly #links: Uint32Array;
  readonly #counts = new Uint32Array(256);
  #length = 0;
  #sliceEnd = 0;

  constructor(bits: Bzip2Bits, blockBytes: number) {
    this.#bits = bits;
    this.#links = new Uint32Array(blockBytes);
  }

  async *decode(expected: number): AsyncGenerator<Uint8Array> {
    const bits = this.#bits;
    // Randomized blocks are of a version of 1996 and were never common.
    if (bits.read(1) !== 0) throw invalid();
    const origin = bits.read(24);
    const symbols = this.#readSymbols();
    const groups = bits.read(3);
    const selectorCount = bits.read(15);
    if (groups < 2 || groups > 6 || selectorCount === 0 || symbols.length === 0) throw invalid();
    const selectors = this.#readSelectors(groups, selectorCount);
    const tables = Array.from({ length: groups }, () =>
      HuffmanTable.read(bits, symbols.length + 2),
    );
    this.#sliceEnd = performance.now() + sliceMilliseconds;
    await this.#readBlock(symbols, selectors, tables);
    if (origin >= this.#length) throw invalid();
    await this.#link();
    yield* this.#output(origin, expected);
  }

  async #giveWay(): Promise<void> {
    if (performance.now() < this.#sliceEnd) return;
    await setImmediate();
    this.#sliceEnd = performance.now() + sliceMilliseconds;
  }

  #readSymbols(): Uint8Array {
    const ranges = this.#bits.read(16);
    const symbols: number[] = [];
    for (let range = 0; range < 16; range += 1) {
      if ((ranges & (0x8000 >> range)) === 0) continue;
      const used = this.#bits.read(16);
      for (let index = 0; index < 16; index += 1) {
        if ((used & (0x8000 >> index)) !== 0) symbols.push(range * 16 + index);
      }
    }
    return Uint8Array.from(symbols);
  }

  #readSelectors(groups: number, count: number): Uint8Array {
    const order = Array.from({ length: groups }, (_, index) => index);
    return Uint8Array.from({ length: count }, () => {
      let place = 0;
      while (this.#bits.read(1) === 1) {
        place += 1;
        if (place >= groups) throw invalid();
      }
      const [selected = 0] = order.splice(place, 1);
      order.unshift(selected);
      return selected;
    });
  }

  /** Undoes the Huffman codes, the runs of zeros, and the moves to the front. */
  async #readBlock(
    symbols: Uint8Array,
    selectors: Uint8Array,
    tables: readonly HuffmanTable[],
  ): Promise<void> {
    const endSymbol = symbols.length + 1;
    const order = Uint8Array.from(symbols);
    this.#counts.fill(0);
    this.#length = 0;
    let run = 0;
    let runUnit = 1;
    for (const selector of selectors) {
      await this.#bits.fill(groupBytes);
      await this.#giveWay();
      const table = tables[selector] as HuffmanTable;
      for (let count = 0; count < groupSymbols; count += 1) {
        const symbol = table.decode(this.#bits);
        if (symbol <= 1) {
          run += runUnit << symbol;
          runUnit <<= 1;
          if (run > this.#links.length) throw invalid();
          continue;
        }
        if (run > 0) this.#append(order[0] as number, run);
        run = 0;
        runUnit = 1;
        if (symbol === endSymbol) return;
        const byte = order[symbol - 1] as number;
        order.copyWithin(1, 0, symbol - 1);
        order[0] = byte;
        this.#append(byte, 1);
      }
    }
    throw invalid();
  }

  #append(byte: number, count: number): void {
    if (this.#length + count > this.#links.length) throw invalid();
    this.#links.fill(byte, this.#length, this.#length + count);
    this.#length += count;
    this.#counts[byte] = (this.#counts[byte] as number) + count;
  }

  /** Undoes the sorting: each byte learns where the one behind it stands. */
  async #link(): Promise<void> {
    const links = this.#links;
    const places = new Uint32Array(256);
    let sum = 0;
    for (let byte = 0; byte < 256; byte += 1) {
      places[byte] = sum;
      sum += this.#counts[byte] as number;
    }
    for (let index = 0; index < this.#length; index += 1) {
      const byte = (links[index] as number) & 0xff;
      const place = places[byte] as number;
      places[byte] = place + 1;
      links[place] = (links[place] as number) | (index << 8);
      if (index % outputBytes === 0) await this.#giveWay();
    }
  }

  /** Undoes the first step, in which four alike bytes are followed by how many more there are. */
  async *#output(origin: number, expected: number): AsyncGenerator<Uint8Array> {
    const links = this.#links;
    let link = links[origin] as number;
    let output = Buffer.allocUnsafe(outputBytes + 256);
    let length = 0;
    let last = -1;
    let alike = 0;
    let checksum = 0xffffffff;
    for (let index = 0; index < this.#length; index += 1) {
      link = links[link >>> 8] as number;
      const byte = link & 0xff;
      const isCount = alike === 4;
      const value = isCount ? last : byte;
      for (let count = isCount ? byte : 1; count > 0; count -= 1) {
        output[length] = value;
        length += 1;
        checksum = (checksum << 8) ^ (checksumTable[(checksum >>> 24) ^ value] as number);
      }
      if (isCount) alike = 0;
      else alike = byte === last ? alike + 1 : 1;
      last = isCount ? -1 : byte;
      if (length < outputBytes) continue;
      yield output.subarray(0, length);
      output = Buffer.allocUnsafe(outputBytes + 256);
      length = 0;
      await this.#giveWay();
    }
    if (~checksum >>> 0 !== expected) throw invalid();
    if (length > 0) yield output.subarray(0, length);
  }
}

/** The CRC-32 of BZIP2 has its bits the other way round than all others. */
const checksumTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) {
    remainder = remainder < 0 ? (remainder << 1) ^ 0x04c11db7 : remainder << 1;
  }
  return remainder;
});
