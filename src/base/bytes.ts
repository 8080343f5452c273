// Byte helpers shared by every layer: comparison, concatenation, collecting a stream under a bound.

/** A stream of bytes that is read once. Chunks are never reused by the producer after they were yielded. */
export type ByteStream = AsyncIterable<Uint8Array>;

/**
 * A stream for a consumer that is done with a chunk before it asks for the next one: the chunk's memory
 * is used again, or freed, as soon as the consumer goes on or leaves.
 */
export type TransientByteStream = AsyncIterable<Uint8Array>;

/**
 * A transient stream that often has several pieces at once. Whoever can hand them on together reads
 * `batches` instead; all pieces of one are good until the next batch is asked for.
 */
export interface BatchedByteStream extends TransientByteStream {
  batches(): AsyncIterator<readonly Uint8Array[]>;
}

export function isBatched(stream: ByteStream): stream is BatchedByteStream {
  return "batches" in stream;
}

export async function* piecesOf(
  batches: AsyncIterable<readonly Uint8Array[]>,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const batch of batches) yield* batch;
}

/** Bytes that are all there, as a stream. */
export async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  if (bytes.length > 0) yield bytes;
}

export const emptyBytes: Uint8Array = new Uint8Array(0);

/** Order of the unsigned bytes, a shorter prefix first: the order of S3 listings and of store keys. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  return Buffer.compare(left, right);
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0] as Uint8Array;
  return Buffer.concat(parts);
}

/** Thrown by `collectBytes` when a stream holds more than its bound. */
export class TooManyBytesError extends Error {
  override readonly name = "TooManyBytesError";
}

/** Reads a whole stream into memory. Throws TooManyBytesError past `limitBytes`. */
export async function collectBytes(stream: ByteStream, limitBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of stream) {
    length += part.byteLength;
    if (length > limitBytes) throw new TooManyBytesError("stream exceeds its bound");
    parts.push(part);
  }
  return parts.length === 0 ? emptyBytes : concatBytes(parts);
}

/** Copies a stream of at most `lengthBytes` into memory; what it answers is shorter when the stream is. */
export async function gatherBytes(
  stream: TransientByteStream,
  lengthBytes: number,
): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(lengthBytes);
  let filled = 0;
  for await (const chunk of stream) {
    bytes.set(chunk, filled);
    filled += chunk.byteLength;
  }
  return bytes.subarray(0, filled);
}
