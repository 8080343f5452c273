// Bytes that an upload has stored, and that no record names yet.

import { assert } from "../base/assert.ts";
import type { ByteStream } from "../base/bytes.ts";
import type { BlobStore, WrittenBlob } from "../storage/blob/blob-store.ts";
import { StreamKeys } from "./sealing/chunk-cipher.ts";
import {
  layersOf,
  newDataKeys,
  wrapKeys,
  type ExtentSeal,
  type ObjectSeal,
} from "./sealing/object-seal.ts";
import { plainBytes } from "./sealing/sealed-form.ts";
import { openStream, openWhole, sealStream, sealWhole } from "./sealing/sealed-stream.ts";

/** Bytes that are stored but not yet named by any record. */
export interface ReceivedContent {
  readonly sizeBytes: number;
  /** As they are stored, like the blob. */
  readonly inline: Uint8Array | undefined;
  readonly blob: WrittenBlob | undefined;
  /** `undefined`: the bytes are stored as they are. */
  readonly sealed: ReceivedSeal | undefined;
}

export interface ReceivedSeal {
  readonly by: ObjectSeal;
  readonly dataKeys: readonly Uint8Array[];
  /** The data keys as an extent carries them. */
  readonly wrapped: ExtentSeal;
}

export function receiveInline(bytes: Uint8Array, seal: ObjectSeal | undefined): ReceivedContent {
  const sizeBytes = bytes.byteLength;
  const received = { sizeBytes, blob: undefined };
  // Nothing is sealed as nothing, and no extent names it.
  if (seal === undefined || sizeBytes === 0) {
    return { ...received, inline: bytes, sealed: undefined };
  }
  const { plain: dataKeys, keys: streamKeys } = newDataKeys(layersOf(seal));
  const sealed = { by: seal, dataKeys, wrapped: wrapKeys(dataKeys, seal) };
  return { ...received, inline: sealWhole(bytes, streamKeys), sealed };
}

export async function receiveBlob(
  stream: ByteStream,
  blobs: BlobStore,
  lengthBytes: number | undefined,
  seal: ObjectSeal | undefined,
): Promise<ReceivedContent> {
  if (seal === undefined) {
    const blob = await blobs.write(stream);
    return { sizeBytes: blob.lengthBytes, inline: undefined, blob, sealed: undefined };
  }
  const { plain: dataKeys, keys: streamKeys } = newDataKeys(layersOf(seal));
  const blob = await blobs.write(sealStream(stream, streamKeys, lengthBytes));
  const sizeBytes = plainBytes(blob.lengthBytes, streamKeys.layers);
  assert(sizeBytes !== undefined, "a sealed stream has a length that no sealed stream has");
  const sealed = { by: seal, dataKeys, wrapped: wrapKeys(dataKeys, seal) };
  return { sizeBytes, inline: undefined, blob, sealed };
}

/** The same with its keys wrapped anew; `undefined` when the new seal has another number of layers. */
export function rewrapReceived(
  received: ReceivedContent,
  seal: ObjectSeal,
): ReceivedContent | undefined {
  const { sealed } = received;
  if (sealed === undefined || layersOf(seal) !== layersOf(sealed.by)) return undefined;
  const { dataKeys } = sealed;
  return { ...received, sealed: { by: seal, dataKeys, wrapped: wrapKeys(dataKeys, seal) } };
}

/** The plain bytes; transient when they are in a blob. */
export async function* openReceived(
  received: ReceivedContent,
  blobs: BlobStore,
): AsyncGenerator<Uint8Array, void, void> {
  const { sealed, inline, blob, sizeBytes } = received;
  assert(sealed !== undefined, "only sealed content is opened");
  const keys = new StreamKeys(sealed.dataKeys);
  if (inline !== undefined) {
    yield openWhole(inline, keys, 0, sizeBytes);
    return;
  }
  assert(blob !== undefined, "content is inline or a blob");
  await using reader = await blobs.open(blob.id);
  const read = reader.readUnverified.bind(reader);
  yield* openStream(read, reader.lengthBytes, keys, { start: 0, end: sizeBytes });
}
