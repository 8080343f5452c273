// Seals a stream of bytes, and opens ranges of what was sealed. Memory is constant, and what a cipher
// makes is freed as soon as the consumer asks for more. No byte is handed out before its chunk was
// authenticated.

import type { ByteStream, TransientByteStream } from "../../base/bytes.ts";
import { concatBytes } from "../../base/bytes.ts";
import { brokenSeal, ChunkSealer, freeBytes, openChunk, type StreamKeys } from "./chunk-cipher.ts";
import { chunkBytes, plainBytes, sealedRange, tagBytes, type SealedRange } from "./sealed-form.ts";

/** `lengthBytes` is what the stream will hold, when that is known; throws when it holds another number. */
export async function* sealStream(
  source: ByteStream,
  keys: StreamKeys,
  lengthBytes: number | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const sealer = new ChunkSealer(keys);
  if (lengthBytes === undefined) {
    yield* sealUnmeasured(source, sealer);
    return;
  }
  let rest = lengthBytes;
  let chunkRest = 0;
  for await (const piece of source) {
    for (let offset = 0; offset < piece.byteLength;) {
      if (chunkRest === 0) {
        if (rest === 0) throw new Error("the stream is longer than was declared");
        chunkRest = Math.min(rest, chunkBytes);
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
): AsyncGenerator<Uint8Array, void, void> {
  const held = Buffer.allocUnsafe(chunkBytes);
  let heldBytes = 0;
  for await (const piece of source) {
    for (let offset = 0; offset < piece.byteLength;) {
      if (heldBytes === chunkBytes) {
        yield* sealHeld(held, sealer, false);
        heldBytes = 0;
      }
      const end = Math.min(offset + chunkBytes - heldBytes, piece.byteLength);
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
  const sealed: Uint8Array[] = [];
  for (let start = 0; start < bytes.byteLength; start += chunkBytes) {
    const chunk = bytes.subarray(start, start + chunkBytes);
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
  const stride = chunkBytes + tagBytes * keys.layers;
  const opened: Uint8Array[] = [];
  for (let chunk = range.firstChunk; chunk < range.endChunk; chunk += 1) {
    const stored = sealed.subarray(chunk * stride, (chunk + 1) * stride);
    opened.push(...openChunk([stored], keys, chunk, chunk === range.lastChunk));
  }
  const offset = range.firstChunk * chunkBytes;
  return concatBytes(opened).subarray(start - offset, end - offset);
}

/**
 * Bytes `start` to `end` (exclusive, at least one) of what was sealed as a stream of `sealedLength`
 * bytes; `read` gives a range of these. Throws BlobCorruptError.
 */
export async function* openStream(
  read: (start: number, end: number) => TransientByteStream,
  sealedLength: number,
  keys: StreamKeys,
  { start, end }: { readonly start: number; readonly end: number },
): AsyncGenerator<Uint8Array, void, void> {
  const range = rangeIn(sealedLength, keys, start, end);
  const stride = chunkBytes + tagBytes * keys.layers;
  let chunk = range.firstChunk;
  let storedRest = range.end - range.start;
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  for await (const piece of read(range.start, range.end)) {
    for (let offset = 0; offset < piece.byteLength;) {
      const wanted = Math.min(stride, storedRest) - gatheredBytes;
      const part = piece.subarray(offset, offset + wanted);
      offset += part.byteLength;
      gatheredBytes += part.byteLength;
      if (part.byteLength < wanted) {
        // The rest comes with the next piece, when the memory of this one is used again.
        gathered.push(Buffer.from(part));
        continue;
      }
      gathered.push(part);
      const opened = openChunk(gathered, keys, chunk, chunk === range.lastChunk);
      storedRest -= gatheredBytes;
      gathered = [];
      gatheredBytes = 0;
      yield* clipped(opened, chunk * chunkBytes, start, end);
      chunk += 1;
    }
  }
  if (storedRest > 0) throw brokenSeal();
}

/** The parts of a chunk's pieces that lie in the range. */
function* clipped(
  pieces: readonly Uint8Array[],
  offset: number,
  start: number,
  end: number,
): Generator<Uint8Array> {
  let position = offset;
  for (const piece of pieces) {
    const from = Math.max(0, start - position);
    const to = Math.min(piece.byteLength, end - position);
    position += piece.byteLength;
    if (from < to) yield piece.subarray(from, to);
    freeBytes(piece);
  }
}

function rangeIn(sealedLength: number, keys: StreamKeys, start: number, end: number): SealedRange {
  const length = plainBytes(sealedLength, keys.layers);
  if (length === undefined || end > length) throw brokenSeal();
  return sealedRange(start, end, length, keys.layers);
}
