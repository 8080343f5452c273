// Compressed bytes of which any range can be read: frames that are compressed each by itself, then an
// index of their lengths. A range costs the frames that it touches. Compression comes before sealing,
// for what is sealed looks random; so lengths say something about contents, see decision 9.
//
// The form: frames of 256 KiB of plain bytes (the last one shorter), each as it came where compressing
// made it no shorter; then of each frame 4 bytes: its length, with the top bit for one as it came; then
// the footer: bytes of a frame, number of frames (4 bytes each), length of the plain bytes (8 bytes).

import { promisify } from "node:util";
import { constants, gunzip, gzip, zstdCompress, zstdDecompress } from "node:zlib";
import { gatherBytes, type TransientByteStream } from "../base/bytes.ts";
import { BlobCorruptError } from "../storage/storage-errors.ts";
import type { Compression } from "./records/object-record.ts";

export const compressions: readonly Compression[] = ["zstd", "gzip"];

const frameBytes = 256 * 1024;
const footerBytes = 16;
const entryBytes = 4;
const plainMark = 0x8000_0000;

interface Codec {
  readonly compress: (frame: Uint8Array) => Promise<Buffer>;
  /** Never makes more than a frame of it. */
  readonly decompress: (bytes: Uint8Array) => Promise<Buffer>;
}

const compressZstd = promisify(zstdCompress);
const decompressZstd = promisify(zstdDecompress);
const compressGzip = promisify(gzip);
const decompressGzip = promisify(gunzip);

const codecs: Readonly<Record<Compression, Codec>> = {
  zstd: {
    compress: (frame) =>
      compressZstd(frame, { params: { [constants.ZSTD_c_compressionLevel]: 3 } }),
    decompress: (bytes) => decompressZstd(bytes, { maxOutputLength: frameBytes }),
  },
  gzip: {
    compress: (frame) => compressGzip(frame),
    decompress: (bytes) => decompressGzip(bytes, { maxOutputLength: frameBytes }),
  },
};

/** Compresses one stream; what it held is known at its end. */
export class Compressor {
  readonly #codec: Codec;
  readonly #lengths: number[] = [];
  #plainBytes = 0;

  constructor(method: Compression) {
    this.#codec = codecs[method];
  }

  get plainBytes(): number {
    return this.#plainBytes;
  }

  /** Done with each chunk of the source before it asks for the next one. Nothing becomes nothing. */
  async *compress(source: TransientByteStream): AsyncGenerator<Uint8Array, void, void> {
    const frame = Buffer.allocUnsafe(frameBytes);
    let filled = 0;
    for await (const chunk of source) {
      for (let offset = 0; offset < chunk.byteLength;) {
        const piece = chunk.subarray(offset, offset + frameBytes - filled);
        frame.set(piece, filled);
        filled += piece.byteLength;
        offset += piece.byteLength;
        if (filled < frameBytes) continue;
        yield await this.#finishFrame(frame);
        filled = 0;
      }
    }
    if (filled > 0) yield await this.#finishFrame(frame.subarray(0, filled));
    if (this.#plainBytes > 0) yield this.#index();
  }

  async #finishFrame(frame: Uint8Array): Promise<Uint8Array> {
    this.#plainBytes += frame.byteLength;
    const compressed = await this.#codec.compress(frame);
    const isShorter = compressed.byteLength < frame.byteLength;
    this.#lengths.push(isShorter ? compressed.byteLength : frame.byteLength + plainMark);
    // A copy: the frame's memory is filled again, perhaps before the consumer has looked.
    return isShorter ? compressed : Buffer.from(frame);
  }

  #index(): Uint8Array {
    const index = Buffer.alloc(this.#lengths.length * entryBytes + footerBytes);
    for (const [at, length] of this.#lengths.entries())
      index.writeUInt32BE(length, at * entryBytes);
    const footer = index.subarray(index.byteLength - footerBytes);
    footer.writeUInt32BE(frameBytes, 0);
    footer.writeUInt32BE(this.#lengths.length, 4);
    footer.writeBigUInt64BE(BigInt(this.#plainBytes), 8);
    return index;
  }
}

/** What was compressed, as it is stored. */
export interface CompressedSource {
  readonly read: (start: number, end: number) => TransientByteStream;
  readonly lengthBytes: number;
  readonly method: Compression;
}

/** Bytes `start` to `end` (exclusive) of the plain bytes. Throws BlobCorruptError. */
export async function* openCompressed(
  source: CompressedSource,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void, void> {
  if (end <= start) return;
  const index = await readIndex(source);
  if (end > index.plainBytes) throw broken();
  const first = Math.floor(start / index.frameBytes);
  for (let frame = first; frame * index.frameBytes < end; frame += 1) {
    const plain = await readFrame(source, index, frame);
    const frameStart = frame * index.frameBytes;
    const from = Math.max(0, start - frameStart);
    const to = Math.min(plain.byteLength, end - frameStart);
    yield plain.subarray(from, to);
  }
}

interface Index {
  readonly frameBytes: number;
  readonly plainBytes: number;
  /** Where each frame begins; one more for where the last one ends. */
  readonly starts: Float64Array;
  readonly isPlain: Uint8Array;
}

async function readIndex(source: CompressedSource): Promise<Index> {
  const { lengthBytes } = source;
  if (lengthBytes < footerBytes + entryBytes) throw broken();
  const footer = await collect(source, lengthBytes - footerBytes, lengthBytes);
  const count = footer.readUInt32BE(4);
  const plainBytes = Number(footer.readBigUInt64BE(8));
  const indexStart = lengthBytes - footerBytes - count * entryBytes;
  const size = footer.readUInt32BE(0);
  if (size === 0 || size > frameBytes || indexStart < 0) throw broken();
  if (count !== Math.ceil(plainBytes / size)) throw broken();
  const entries = await collect(source, indexStart, lengthBytes - footerBytes);
  const starts = new Float64Array(count + 1);
  const isPlain = new Uint8Array(count);
  for (let at = 0; at < count; at += 1) {
    const entry = entries.readUInt32BE(at * entryBytes);
    isPlain[at] = entry >= plainMark ? 1 : 0;
    starts[at + 1] = (starts[at] ?? 0) + (entry % plainMark);
  }
  if (starts[count] !== indexStart) throw broken();
  return { frameBytes: size, plainBytes, starts, isPlain };
}

async function readFrame(
  source: CompressedSource,
  index: Index,
  frame: number,
): Promise<Uint8Array> {
  const stored = await collect(source, index.starts[frame] ?? 0, index.starts[frame + 1] ?? 0);
  const expected = Math.min(index.frameBytes, index.plainBytes - frame * index.frameBytes);
  const plain =
    index.isPlain[frame] === 1
      ? stored
      : await codecs[source.method].decompress(stored).catch((error: unknown) => {
          throw new BlobCorruptError("compressed bytes cannot be decompressed", { cause: error });
        });
  if (plain.byteLength !== expected) throw broken();
  return plain;
}

async function collect(source: CompressedSource, start: number, end: number): Promise<Buffer> {
  const bytes = await gatherBytes(source.read(start, end), end - start);
  if (bytes.byteLength !== end - start) throw broken();
  return bytes;
}

function broken(): BlobCorruptError {
  return new BlobCorruptError("compressed bytes are not in their form");
}
