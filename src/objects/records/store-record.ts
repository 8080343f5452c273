// Records about the store itself: its format and root account, its living writers, and its garbage.

import type { BlobId, WriterId } from "../../storage/blob/blob-store.ts";
import type { BucketId, UploadId } from "../identifiers.ts";
import { decodeRecord } from "../../storage/record-codec.ts";

/** Made once, with the store. */
export interface StoreRecord {
  readonly v: 1;
  readonly createdMilliseconds: number;
  readonly rootAccountId: string;
  readonly rootCanonicalId: string;
}

/** A process that may write blobs. While this record is there, the sweeper leaves its blobs alone. */
export interface WriterRecord {
  readonly v: 1;
  readonly writerId: WriterId;
  readonly startedMilliseconds: number;
  /** Begin of the oldest read that has lasted long in that process: garbage made later is kept. */
  readonly oldestReadMilliseconds?: number;
}

/** Something to be removed later, written in the commit that made it waste. */
export type GarbageRecord = {
  readonly v: 1;
  readonly madeMilliseconds: number;
} & (
  | { readonly kind: "blobs"; readonly blobs: readonly BlobId[] }
  | { readonly kind: "upload"; readonly uploadId: UploadId }
  | { readonly kind: "bucket"; readonly bucketId: BucketId }
);

export function decodeStoreRecord(value: Uint8Array): StoreRecord {
  return decodeRecord(value, 1) as StoreRecord;
}

export function decodeWriterRecord(value: Uint8Array): WriterRecord {
  return decodeRecord(value, 1) as WriterRecord;
}

export function decodeGarbageRecord(value: Uint8Array): GarbageRecord {
  return decodeRecord(value, 1) as GarbageRecord;
}
