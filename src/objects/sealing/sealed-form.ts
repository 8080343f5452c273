// The form of a sealed stream: chunks of 64 KiB, each encrypted and authenticated by itself, so that a
// range costs only the chunks it touches. The place of every byte is computed.
//
// It is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): the nonce of a chunk is its
// index and whether it is the last one. A chunk at another's place, or a stream that was cut off between
// two chunks, does not open. A data key seals one stream and nothing else, so no nonce comes twice.

export const chunkBytes = 64 * 1024;
export const tagBytes = 16;
export const nonceBytes = 12;

/** Two: sealed, and the outcome sealed again under another key (DSSE-KMS). */
export type Layers = 1 | 2;

/** Length of the sealed form of so many bytes. Nothing is sealed as nothing. */
export function sealedBytes(plainBytes: number, layers: Layers): number {
  return plainBytes + Math.ceil(plainBytes / chunkBytes) * tagBytes * layers;
}

/** Length of what was sealed; `undefined` when no sealed stream has this length. */
export function plainBytes(sealedLength: number, layers: Layers): number | undefined {
  const overhead = tagBytes * layers;
  const chunks = Math.ceil(sealedLength / (chunkBytes + overhead));
  const plain = sealedLength - chunks * overhead;
  return plain > (chunks - 1) * chunkBytes ? plain : undefined;
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
  const stride = chunkBytes + tagBytes * layers;
  const firstChunk = Math.floor(start / chunkBytes);
  const endChunk = Math.ceil(end / chunkBytes);
  return {
    firstChunk,
    endChunk,
    lastChunk: Math.ceil(plainLength / chunkBytes) - 1,
    start: firstChunk * stride,
    end: Math.min(endChunk * stride, sealedBytes(plainLength, layers)),
  };
}

/** Eleven bytes of index, of which 2^53 chunks need seven, and one for the last chunk. */
export function writeNonce(nonce: Buffer, chunk: number, isLast: boolean): void {
  nonce.writeUIntBE(Math.floor(chunk / 2 ** 32), 4, 3);
  nonce.writeUInt32BE(chunk % 2 ** 32, 7);
  nonce[11] = isLast ? 1 : 0;
}
