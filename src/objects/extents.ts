// Runs of bytes: reading them one after the other, and cutting ranges out of them.

import { piecesOf, type BatchedByteStream, type TransientByteStream } from "../base/bytes.ts";
import type { BlobReader } from "../storage/blob/blob-store.ts";
import { openCompressed, type CompressedSource } from "./compressed-stream.ts";
import type { Compression, Extent } from "./records/object-record.ts";
import { brokenSeal, type StreamKeys } from "./sealing/chunk-cipher.ts";
import { plainBytes, sealedBytes, sealedForm } from "./sealing/sealed-form.ts";
import { openBatches, openStream } from "./sealing/sealed-stream.ts";

export type BlobExtent = Extract<Extent, { blob: unknown }>;
export type InlineExtent = Extract<Extent, { inline: unknown }>;

export interface ExtentSource {
  readonly openBlob: (extent: BlobExtent) => Promise<BlobReader>;
  /** `undefined`: the bytes are stored as they are. Throws KeySealError. */
  readonly keysOf: (extent: Extent) => StreamKeys | undefined;
  /** Called once, when nothing more is read. */
  readonly release: () => void;
}

/** Reads extents one after the other. Frees its blob and its pin also when it is never iterated. */
export class ExtentStream implements BatchedByteStream {
  readonly #extents: readonly Extent[];
  readonly #inline: ReadonlyMap<Extent, Uint8Array>;
  #first: BlobReader | undefined;
  readonly #source: ExtentSource;

  /** `inline`: the bytes of the inline extents; `first`: the blob of the first extent, opened. */
  constructor(
    extents: readonly Extent[],
    inline: ReadonlyMap<Extent, Uint8Array>,
    first: BlobReader | undefined,
    source: ExtentSource,
  ) {
    this.#extents = extents;
    this.#inline = inline;
    this.#first = first;
    this.#source = source;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#closing(piecesOf(this.#batches()));
  }

  batches(): AsyncIterator<readonly Uint8Array[]> {
    return this.#closing(this.#batches());
  }

  #closing<Each>(generator: AsyncGenerator<Each, void, void>): AsyncIterator<Each> {
    let isStarted = false;
    return {
      next: () => {
        isStarted = true;
        return generator.next();
      },
      return: async () => {
        // A generator that never started does not run its `finally`.
        if (!isStarted) await this.#close();
        await generator.return(undefined);
        return { done: true, value: undefined };
      },
    };
  }

  async *#batches(): AsyncGenerator<readonly Uint8Array[], void, void> {
    try {
      for (const extent of this.#extents) {
        if ("inline" in extent) {
          const bytes = this.#inline.get(extent);
          if (bytes !== undefined) yield [bytes];
          continue;
        }
        this.#first ??= await this.#source.openBlob(extent);
        yield* this.#read(this.#first, extent);
        const finished = this.#first;
        this.#first = undefined;
        await finished[Symbol.asyncDispose]();
      }
    } finally {
      await this.#close();
    }
  }

  #read(blob: BlobReader, extent: BlobExtent): AsyncIterable<readonly Uint8Array[]> {
    const keys = this.#source.keysOf(extent);
    const range = { start: extent.offset, end: extent.offset + extent.lengthBytes };
    if (extent.compression !== undefined) {
      const source = { blob, keys, method: extent.compression };
      return singly(openCompressed(compressedSource(source), range.start, range.end));
    }
    if (keys === undefined) return singly(blob.readTransient(range.start, range.end));
    const read = blob.readUnverified.bind(blob);
    return openBatches(read, blob.lengthBytes, keys, range);
  }

  async #close(): Promise<void> {
    this.#source.release();
    const reader = this.#first;
    this.#first = undefined;
    await reader?.[Symbol.asyncDispose]();
  }
}

async function* singly(
  stream: TransientByteStream,
): AsyncGenerator<readonly Uint8Array[], void, void> {
  for await (const piece of stream) yield [piece];
}

/** A blob whose plain bytes, where it is sealed, are compressed ones. Throws BlobCorruptError. */
export function compressedSource({
  blob,
  keys,
  method,
}: {
  readonly blob: BlobReader;
  readonly keys: StreamKeys | undefined;
  readonly method: Compression;
}): CompressedSource {
  if (keys === undefined) {
    const read = blob.readTransient.bind(blob);
    return { read, lengthBytes: blob.lengthBytes, method };
  }
  const lengthBytes = plainBytes(blob.lengthBytes, keys.form);
  if (lengthBytes === undefined) throw brokenSeal();
  const readSealed = blob.readUnverified.bind(blob);
  return {
    read: (start, end) => openStream(readSealed, blob.lengthBytes, keys, { start, end }),
    lengthBytes,
    method,
  };
}

/** How many bytes must be stored for an extent to be read: of what is compressed, at least one. */
export function storedEndOf(extent: Extent): number {
  if (extent.compression !== undefined) return 1;
  const end = extent.offset + extent.lengthBytes;
  if (extent.seal === undefined) return end;
  return sealedBytes(end, sealedForm(extent.outerSeal === undefined ? 1 : 2, extent.sealForm));
}

/** The parts of `extents` that cover the bytes `start` to `end` (exclusive) of their whole. */
export function sliceExtents(
  extents: readonly Extent[],
  start: number,
  end: number,
): readonly Extent[] {
  const slices: Extent[] = [];
  let position = 0;
  for (const extent of extents) {
    const from = Math.max(start, position);
    const to = Math.min(end, position + extent.lengthBytes);
    if (from < to) {
      slices.push({
        ...extent,
        offset: extent.offset + (from - position),
        lengthBytes: to - from,
      });
    }
    position += extent.lengthBytes;
    if (position >= end) break;
  }
  return slices;
}
