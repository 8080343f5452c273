// The form of a sealed stream: chunks of 256 KiB, each encrypted and authenticated by itself, so that a
// range costs only the chunks it touches. The place of every byte is computed. A chunk has its tags
// within the 256 KiB: so chunks fill two blocks of a blob, and what is read of one holds whole chunks.
// Beginning a chunk costs as much as to open 64 KiB of it, and beyond 256 KiB the memory for it comes from
// the system each time. Streams of the first form have chunks of 64 KiB, and are read as they are.
//
// It is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): the nonce of a chunk is its
// index and whether it is the last one. A chunk at another's place, or a stream that was cut off between
// two chunks, does not open. Such a data key seals one stream and nothing else, so no nonce comes twice.
// A stream of one chunk that is kept inline is sealed under a shared key instead; see shared-data-key.ts.

export const tagBytes = 16;
export const nonceBytes = 12;

/** Two: sealed, and the outcome sealed again under another key (DSSE-KMS). */
export type Layers = 1 | 2;

/** What an extent says of its form; the first one is not mentioned. */
export const currentSealForm = 2;

export interface SealedForm {
  readonly layers: Layers;
  /** Of every chunk but the last, with its tags. */
  readonly sealedChunkBytes: number;
}

export function sealedForm(layers: Layers, sealForm: number | undefined): SealedForm {
  switch (sealForm) {
    case undefined:
      return { layers, sealedChunkBytes: 64 * 1024 };
    case currentSealForm:
      return { layers, sealedChunkBytes: 256 * 1024 };
    default:
      throw new Error("the bytes were sealed by a newer server");
  }
}

/** Plain bytes in a chunk. */
export function chunkBytes({ layers, sealedChunkBytes }: SealedForm): number {
  return sealedChunkBytes - tagBytes * layers;
}

/** Length of the sealed form of so many bytes. Nothing is sealed as nothing. */
export function sealedBytes(plainBytes: number, form: SealedForm): number {
  return plainBytes + Math.ceil(plainBytes / chunkBytes(form)) * tagBytes * form.layers;
}

/** Length of what was sealed; `undefined` when no sealed stream has this length. */
export function plainBytes(sealedLength: number, form: SealedForm): number | undefined {
  const chunks = Math.ceil(sealedLength / form.sealedChunkBytes);
  const plain = sealedLength - chunks * tagBytes * form.layers;
  return plain > (chunks - 1) * chunkBytes(form) ? plain : undefined;
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
  form: SealedForm,
): SealedRange {
  const size = chunkBytes(form);
  const { sealedChunkBytes } = form;
  const firstChunk = Math.floor(start / size);
  const endChunk = Math.ceil(end / size);
  return {
    firstChunk,
    endChunk,
    lastChunk: Math.ceil(plainLength / size) - 1,
    start: firstChunk * sealedChunkBytes,
    end: Math.min(endChunk * sealedChunkBytes, sealedBytes(plainLength, form)),
  };
}

/** Eleven bytes of index, of which 2^53 chunks need seven, and one for the last chunk. */
export function writeNonce(nonce: Buffer, chunk: number, isLast: boolean): void {
  nonce.writeUIntBE(Math.floor(chunk / 2 ** 32), 4, 3);
  nonce.writeUInt32BE(chunk % 2 ** 32, 7);
  nonce[11] = isLast ? 1 : 0;
}
