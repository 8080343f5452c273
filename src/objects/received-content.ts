// Bytes that an upload has stored, and that no record names yet.

import { assert } from "../base/assert.ts";
import type { ByteStream } from "../base/bytes.ts";
import type { BlobStore, WrittenBlob } from "../storage/blob/blob-store.ts";
import { Compressor, openCompressed } from "./compressed-stream.ts";
import { compressedSource } from "./extents.ts";
import type { Compression } from "./records/object-record.ts";
import { brokenSeal, type StreamKeys } from "./sealing/chunk-cipher.ts";
import {
  layersOf,
  newDataKeys,
  wrapNewKeys,
  type ExtentSeal,
  type ObjectSeal,
} from "./sealing/object-seal.ts";
import { plainBytes } from "./sealing/sealed-form.ts";
import { openStream, openWhole, sealStream, sealWhole } from "./sealing/sealed-stream.ts";
import { openShared, sharedMessageBytes } from "./sealing/shared-data-key.ts";

/** Where and how a blob is written. */
export interface BlobTarget {
  readonly writer: Pick<BlobStore, "write">;
  readonly compression?: Compression | undefined;
}

/** Bytes that are stored but not yet named by any record. */
export interface ReceivedContent {
  readonly sizeBytes: number;
  /** As they are stored, like the blob. */
  readonly inline: Uint8Array | undefined;
  readonly blob: WrittenBlob | undefined;
  /** `undefined`: the bytes are stored as they are. */
  readonly sealed: ReceivedSeal | undefined;
  /** Of a blob. */
  readonly compression?: Compression | undefined;
}

export interface ReceivedSeal {
  readonly by: ObjectSeal;
  /** Of a blob: what is inline is sealed anew for another seal. */
  readonly dataKeys: readonly Uint8Array[];
  readonly keys: StreamKeys;
  /** The data keys as an extent carries them. */
  readonly wrapped: ExtentSeal;
  /** Of inline bytes that are sealed under a shared data key. */
  readonly nonce?: string;
}

export function receiveInline(bytes: Uint8Array, seal: ObjectSeal | undefined): ReceivedContent {
  const sizeBytes = bytes.byteLength;
  const received = { sizeBytes, blob: undefined };
  // Nothing is sealed as nothing, and no extent names it.
  if (seal === undefined || sizeBytes === 0) {
    return { ...received, inline: bytes, sealed: undefined };
  }
  if (seal.shared !== undefined && sizeBytes <= sharedMessageBytes) {
    const { inline, keys, wrapped, nonce } = seal.shared.seal(bytes);
    return { ...received, inline, sealed: { by: seal, dataKeys: [], keys, wrapped, nonce } };
  }
  const { plain, keys } = newDataKeys(layersOf(seal));
  const sealed = { by: seal, dataKeys: [], keys, wrapped: wrapNewKeys(plain, seal) };
  return { ...received, inline: sealWhole(bytes, keys), sealed };
}

export async function receiveBlob(
  stream: ByteStream,
  { writer, compression }: BlobTarget,
  lengthBytes: number | undefined,
  seal: ObjectSeal | undefined,
): Promise<ReceivedContent> {
  if (compression !== undefined) {
    const compressor = new Compressor(compression);
    const target = { writer, compression: undefined };
    const received = await receiveBlob(compressor.compress(stream), target, undefined, seal);
    return { ...received, sizeBytes: compressor.plainBytes, compression };
  }
  const blobs = writer;
  if (seal === undefined) {
    const blob = await blobs.write(stream);
    return { sizeBytes: blob.lengthBytes, inline: undefined, blob, sealed: undefined };
  }
  const { plain: dataKeys, keys } = newDataKeys(layersOf(seal));
  const blob = await blobs.write(sealStream(stream, keys, lengthBytes));
  const sizeBytes = plainBytes(blob.lengthBytes, keys.form);
  assert(sizeBytes !== undefined, "a sealed stream has a length that no sealed stream has");
  const sealed = { by: seal, dataKeys, keys, wrapped: wrapNewKeys(dataKeys, seal) };
  return { sizeBytes, inline: undefined, blob, sealed };
}

/**
 * The same under another seal: inline bytes are sealed anew, the keys of a blob wrapped anew; `undefined`
 * when that does not do, because the new seal has another number of layers.
 */
export function rewrapReceived(
  received: ReceivedContent,
  seal: ObjectSeal,
): ReceivedContent | undefined {
  const { sealed, inline } = received;
  if (sealed === undefined) return undefined;
  if (inline !== undefined) return receiveInline(openInline(received, inline), seal);
  if (layersOf(seal) !== layersOf(sealed.by)) return undefined;
  const wrapped = wrapNewKeys(sealed.dataKeys, seal);
  return { ...received, sealed: { ...sealed, by: seal, wrapped } };
}

/** The plain bytes; transient when they are in a blob. */
export async function* openReceived(
  received: ReceivedContent,
  blobs: BlobStore,
): AsyncGenerator<Uint8Array, void, void> {
  const { sealed, inline, blob, sizeBytes } = received;
  assert(sealed !== undefined, "only sealed content is opened");
  if (inline !== undefined) {
    yield openInline(received, inline);
    return;
  }
  assert(blob !== undefined, "content is inline or a blob");
  await using reader = await blobs.open(blob.id);
  if (received.compression !== undefined) {
    const source = { blob: reader, keys: sealed.keys, method: received.compression };
    yield* openCompressed(compressedSource(source), 0, sizeBytes);
    return;
  }
  const read = reader.readUnverified.bind(reader);
  yield* openStream(read, reader.lengthBytes, sealed.keys, { start: 0, end: sizeBytes });
}

function openInline({ sealed, sizeBytes }: ReceivedContent, inline: Uint8Array): Uint8Array {
  if (sealed === undefined) return inline;
  return openInlineBytes(inline, { ...sealed, start: 0, end: sizeBytes });
}

/** Bytes `start` to `end` (exclusive, at least one) of sealed inline bytes. Throws BlobCorruptError. */
export function openInlineBytes(
  inline: Uint8Array,
  sealed: {
    readonly keys: StreamKeys;
    readonly nonce?: string | undefined;
    readonly start: number;
    readonly end: number;
  },
): Uint8Array {
  const { keys, nonce, start, end } = sealed;
  if (nonce === undefined) return openWhole(inline, keys, start, end);
  const plain = openShared(inline, keys, nonce);
  if (end > plain.byteLength) throw brokenSeal();
  return start === 0 && end === plain.byteLength ? plain : plain.subarray(start, end);
}
