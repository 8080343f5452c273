// Seals a stream of bytes, and opens ranges of what was sealed. Memory is constant, and what a cipher
// makes is freed as soon as the consumer asks for more. No byte is handed out before its chunk was
// authenticated.

import type { ByteStream, TransientByteStream } from "../../base/bytes.ts";
import { concatBytes, piecesOf } from "../../base/bytes.ts";
import { brokenSeal, ChunkSealer, freeBytes, openChunk, type StreamKeys } from "./chunk-cipher.ts";
import { chunkBytes, plainBytes, sealedRange, type SealedRange } from "./sealed-form.ts";

/** `lengthBytes` is what the stream will hold, when that is known; throws when it holds another number. */
export async function* sealStream(
  source: ByteStream,
  keys: StreamKeys,
  lengthBytes: number | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const sealer = new ChunkSealer(keys);
  if (lengthBytes === undefined) {
    yield* sealUnmeasured(source, sealer, chunkBytes(keys.form));
    return;
  }
  const size = chunkBytes(keys.form);
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
  const size = chunkBytes(keys.form);
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
  const { sealedChunkBytes } = keys.form;
  const opened: Uint8Array[] = [];
  for (let chunk = range.firstChunk; chunk < range.endChunk; chunk += 1) {
    const place = chunk * sealedChunkBytes;
    const stored = sealed.subarray(place, place + sealedChunkBytes);
    opened.push(...openChunk([stored], keys, chunk, chunk === range.lastChunk));
  }
  const offset = range.firstChunk * chunkBytes(keys.form);
  return concatBytes(opened).subarray(start - offset, end - offset);
}

/** Reads a range of sealed bytes, in memory that is the reader's to overwrite. */
export type SealedSource = (start: number, end: number) => TransientByteStream;

interface PlainRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Bytes `start` to `end` (exclusive, at least one) of what was sealed as a stream of `sealedLength`
 * bytes. Throws BlobCorruptError.
 */
export function openStream(
  read: SealedSource,
  sealedLength: number,
  keys: StreamKeys,
  range: PlainRange,
): AsyncGenerator<Uint8Array, void, void> {
  return piecesOf(openBatches(read, sealedLength, keys, range));
}

/** The same: each time all chunks that were read together. */
export async function* openBatches(
  read: SealedSource,
  sealedLength: number,
  keys: StreamKeys,
  { start, end }: PlainRange,
): AsyncGenerator<readonly Uint8Array[], void, void> {
  const range = rangeIn(sealedLength, keys, start, end);
  const opener = new RangeOpener(keys, range);
  let position = range.firstChunk * chunkBytes(keys.form);
  const source = read(range.start, range.end)[Symbol.asyncIterator]();
  let opened: readonly Uint8Array[] = [];
  try {
    for (let next = source.next(); ;) {
      const piece = await next;
      if (piece.done === true) break;
      opened = opener.push(piece.value);
      // What was opened has memory of its own: more is read while the consumer has it.
      next = source.next();
      // Awaited when the consumer asks for more; until then a failure is not unhandled.
      next.catch(() => {});
      const batch: Uint8Array[] = [];
      for (const chunk of opened) {
        const from = Math.max(0, start - position);
        const to = Math.min(chunk.byteLength, end - position);
        position += chunk.byteLength;
        if (from < to) batch.push(chunk.subarray(from, to));
      }
      if (batch.length > 0) yield batch;
      for (const chunk of opened) freeBytes(chunk);
      opened = [];
    }
    if (!opener.isComplete) throw brokenSeal();
  } finally {
    for (const chunk of opened) freeBytes(chunk);
    await source.return?.();
  }
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

  /** The plain bytes of all chunks that end in this piece, in memory of their own. */
  push(piece: Uint8Array): readonly Uint8Array[] {
    const opened: Uint8Array[] = [];
    let offset = 0;
    try {
      if (this.#begunBytes > 0) {
        offset = this.#gather(piece, 0);
        if (this.#begunBytes < this.#nextLength) return opened;
        const begun = this.#begun;
        this.#begun = [];
        this.#begunBytes = 0;
        opened.push(...this.#open(begun));
      }
      while (this.#rest > 0 && offset + this.#nextLength <= piece.byteLength) {
        const end = offset + this.#nextLength;
        opened.push(...this.#open([piece.subarray(offset, end)]));
        offset = end;
      }
    } catch (error) {
      for (const chunk of opened) freeBytes(chunk);
      throw error;
    }
    this.#gather(piece, offset);
    return opened;
  }

  /** Of the next chunk, sealed. */
  get #nextLength(): number {
    return Math.min(this.#keys.form.sealedChunkBytes, this.#rest);
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
  const length = plainBytes(sealedLength, keys.form);
  if (length === undefined || end > length) throw brokenSeal();
  return sealedRange(start, end, length, keys.form);
}
