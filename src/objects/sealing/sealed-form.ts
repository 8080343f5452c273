// The form of a sealed stream: chunks of 64 KiB, each encrypted and authenticated by itself, so that a
// range costs only the chunks it touches. The place of every byte is computed. A chunk has its tags
// within the 64 KiB: so chunks fill the blocks of a blob, and what is read of one holds whole chunks.
//
// It is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): the nonce of a chunk is its
// index and whether it is the last one. A chunk at another's place, or a stream that was cut off between
// two chunks, does not open. Such a data key seals one stream and nothing else, so no nonce comes twice.
// A stream of one chunk that is kept inline is sealed under a shared key instead; see shared-data-key.ts.

export const sealedChunkBytes = 64 * 1024;
export const tagBytes = 16;
export const nonceBytes = 12;

/** Two: sealed, and the outcome sealed again under another key (DSSE-KMS). */
export type Layers = 1 | 2;

/** Plain bytes in a chunk. */
export function chunkBytes(layers: Layers): number {
  return sealedChunkBytes - tagBytes * layers;
}

/** Length of the sealed form of so many bytes. Nothing is sealed as nothing. */
export function sealedBytes(plainBytes: number, layers: Layers): number {
  return plainBytes + Math.ceil(plainBytes / chunkBytes(layers)) * tagBytes * layers;
}

/** Length of what was sealed; `undefined` when no sealed stream has this length. */
export function plainBytes(sealedLength: number, layers: Layers): number | undefined {
  const chunks = Math.ceil(sealedLength / sealedChunkBytes);
  const plain = sealedLength - chunks * tagBytes * layers;
  return plain > (chunks - 1) * chunkBytes(layers) ? plain : undefined;
}

/** The chunks that hold a run of bytes, and where they lie. */
export interface SealedRange {
  readonly firstChunk: number;
  /** Exclusive. */
  readonly endChunk: number;
  readonly lastChunk: number;
  /** Position of the first of these chunks in the sealed stream. */
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** For the bytes `start` to `end` (exclusive, at least one) of a stream of `plainLength` bytes. */
export function sealedRange(
  start: number,
  end: number,
  plainLength: number,
  layers: Layers,
): SealedRange {
  const size = chunkBytes(layers);
  const firstChunk = Math.floor(start / size);
  const endChunk = Math.ceil(end / size);
  return {
    firstChunk,
    endChunk,
    lastChunk: Math.ceil(plainLength / size) - 1,
    start: firstChunk * sealedChunkBytes,
    end: Math.min(endChunk * sealedChunkBytes, sealedBytes(plainLength, layers)),
  };
}

/** Eleven bytes of index, of which 2^53 chunks need seven, and one for the last chunk. */
export function writeNonce(nonce: Buffer, chunk: number, isLast: boolean): void {
  nonce.writeUIntBE(Math.floor(chunk / 2 ** 32), 4, 3);
  nonce.writeUInt32BE(chunk % 2 ** 32, 7);
  nonce[11] = isLast ? 1 : 0;
}
