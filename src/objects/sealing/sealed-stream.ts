// Seals a stream of bytes, and opens ranges of what was sealed. Memory is constant, and what a cipher
// makes is freed as soon as the consumer asks for more. No byte is handed out before its chunk was
// authenticated.

import type { ByteStream, TransientByteStream } from "../../base/bytes.ts";
import { concatBytes } from "../../base/bytes.ts";
import { brokenSeal, ChunkSealer, freeBytes, openChunk, type StreamKeys } from "./chunk-cipher.ts";
import {
  chunkBytes,
  plainBytes,
  sealedChunkBytes,
  sealedRange,
  type SealedRange,
} from "./sealed-form.ts";

/** `lengthBytes` is what the stream will hold, when that is known; throws when it holds another number. */
export async function* sealStream(
  source: ByteStream,
  keys: StreamKeys,
  lengthBytes: number | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const sealer = new ChunkSealer(keys);
  if (lengthBytes === undefined) {
    yield* sealUnmeasured(source, sealer, chunkBytes(keys.layers));
    return;
  }
  const size = chunkBytes(keys.layers);
  let rest = lengthBytes;
  let chunkRest = 0;
  for await (const piece of source) {
    for (let offset = 0; offset < piece.byteLength;) {
      if (chunkRest === 0) {
        if (rest === 0) throw new Error("the stream is longer than was declared");
        chunkRest = Math.min(rest, size);
        sealer.begin(chunkRest === rest);
      }
      const end = Math.min(offset + chunkRest, piece.byteLength);
      const sealed = sealer.update(piece.subarray(offset, end));
      yield sealed;
      freeBytes(sealed);
      chunkRest -= end - offset;
      rest -= end - offset;
      offset = end;
      if (chunkRest === 0) yield sealer.end();
    }
  }
  if (rest > 0) throw new Error("the stream is shorter than was declared");
}

/** Keeps one chunk back: only what comes behind it tells whether it is the last one. */
async function* sealUnmeasured(
  source: ByteStream,
  sealer: ChunkSealer,
  size: number,
): AsyncGenerator<Uint8Array, void, void> {
  const held = Buffer.allocUnsafe(size);
  let heldBytes = 0;
  for await (const piece of source) {
    for (let offset = 0; offset < piece.byteLength;) {
      if (heldBytes === size) {
        yield* sealHeld(held, sealer, false);
        heldBytes = 0;
      }
      const end = Math.min(offset + size - heldBytes, piece.byteLength);
      held.set(piece.subarray(offset, end), heldBytes);
      heldBytes += end - offset;
      offset = end;
    }
  }
  if (heldBytes > 0) yield* sealHeld(held.subarray(0, heldBytes), sealer, true);
}

function* sealHeld(held: Uint8Array, sealer: ChunkSealer, isLast: boolean): Generator<Uint8Array> {
  sealer.begin(isLast);
  const sealed = sealer.update(held);
  yield sealed;
  freeBytes(sealed);
  yield sealer.end();
}

/** The sealed form of bytes that are all there. */
export function sealWhole(bytes: Uint8Array, keys: StreamKeys): Uint8Array {
  const sealer = new ChunkSealer(keys);
  const size = chunkBytes(keys.layers);
  const sealed: Uint8Array[] = [];
  for (let start = 0; start < bytes.byteLength; start += size) {
    const chunk = bytes.subarray(start, start + size);
    sealer.begin(start + chunk.byteLength === bytes.byteLength);
    sealed.push(sealer.update(chunk), sealer.end());
  }
  const whole = Buffer.concat(sealed);
  for (const piece of sealed) freeBytes(piece);
  return whole;
}

/** Bytes `start` to `end` (exclusive, at least one) of what was sealed whole. */
export function openWhole(
  sealed: Uint8Array,
  keys: StreamKeys,
  start: number,
  end: number,
): Uint8Array {
  const range = rangeIn(sealed.byteLength, keys, start, end);
  const opened: Uint8Array[] = [];
  for (let chunk = range.firstChunk; chunk < range.endChunk; chunk += 1) {
    const place = chunk * sealedChunkBytes;
    const stored = sealed.subarray(place, place + sealedChunkBytes);
    opened.push(...openChunk([stored], keys, chunk, chunk === range.lastChunk));
  }
  const offset = range.firstChunk * chunkBytes(keys.layers);
  return concatBytes(opened).subarray(start - offset, end - offset);
}

/**
 * Bytes `start` to `end` (exclusive, at least one) of what was sealed as a stream of `sealedLength`
 * bytes; `read` gives a range of these, in memory that is overwritten. Throws BlobCorruptError.
 */
export async function* openStream(
  read: (start: number, end: number) => TransientByteStream,
  sealedLength: number,
  keys: StreamKeys,
  { start, end }: { readonly start: number; readonly end: number },
): AsyncGenerator<Uint8Array, void, void> {
  const range = rangeIn(sealedLength, keys, start, end);
  const opener = new RangeOpener(keys, range);
  let position = range.firstChunk * chunkBytes(keys.layers);
  for await (const piece of read(range.start, range.end)) {
    for (const opened of opener.push(piece)) {
      const from = Math.max(0, start - position);
      const to = Math.min(opened.byteLength, end - position);
      position += opened.byteLength;
      if (from < to) yield opened.subarray(from, to);
    }
  }
  if (!opener.isComplete) throw brokenSeal();
}

/** Opens consecutive chunks in pieces as they come. */
class RangeOpener {
  readonly #keys: StreamKeys;
  readonly #range: SealedRange;
  #chunk: number;
  #rest: number;
  /** The beginning of a chunk that did not end with its piece. */
  #begun: Uint8Array[] = [];
  #begunBytes = 0;

  constructor(keys: StreamKeys, range: SealedRange) {
    this.#keys = keys;
    this.#range = range;
    this.#chunk = range.firstChunk;
    this.#rest = range.end - range.start;
  }

  get isComplete(): boolean {
    return this.#rest === 0;
  }

  /** The plain bytes of all chunks that end in this piece, in its own memory where they fit. */
  push(piece: Uint8Array): readonly Uint8Array[] {
    const opened: Uint8Array[] = [];
    let offset = 0;
    if (this.#begunBytes > 0) {
      offset = this.#gather(piece, 0);
      if (this.#begunBytes < this.#nextLength) return opened;
      opened.push(...this.#open(this.#begun));
      this.#begun = [];
      this.#begunBytes = 0;
    }
    const first = offset;
    let filled = offset;
    while (this.#rest > 0 && offset + this.#nextLength <= piece.byteLength) {
      const end = offset + this.#nextLength;
      for (const plain of this.#open([piece.subarray(offset, end)])) {
        piece.set(plain, filled);
        filled += plain.byteLength;
        freeBytes(plain);
      }
      offset = end;
    }
    if (filled > first) opened.push(piece.subarray(first, filled));
    this.#gather(piece, offset);
    return opened;
  }

  /** Of the next chunk, sealed. */
  get #nextLength(): number {
    return Math.min(sealedChunkBytes, this.#rest);
  }

  #open(chunk: readonly Uint8Array[]): readonly Uint8Array[] {
    const opened = openChunk(chunk, this.#keys, this.#chunk, this.#chunk === this.#range.lastChunk);
    this.#rest -= this.#nextLength;
    this.#chunk += 1;
    return opened;
  }

  /** Copied: the piece's memory is used again before the chunk ends. */
  #gather(piece: Uint8Array, offset: number): number {
    const part = piece.subarray(offset, offset + this.#nextLength - this.#begunBytes);
    if (part.byteLength === 0) return offset;
    this.#begun.push(Buffer.from(part));
    this.#begunBytes += part.byteLength;
    return offset + part.byteLength;
  }
}

function rangeIn(sealedLength: number, keys: StreamKeys, start: number, end: number): SealedRange {
  const length = plainBytes(sealedLength, keys.layers);
  if (length === undefined || end > length) throw brokenSeal();
  return sealedRange(start, end, length, keys.layers);
}
