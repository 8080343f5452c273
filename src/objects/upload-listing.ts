// Listing of multipart uploads in progress: by key, then by time of initiation.

import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { BucketId, Sequence } from "./identifiers.ts";
import { Grouping } from "./listing.ts";
import type { ScanPosition } from "./listing.ts";
import { ranges, uploadPlaceOf } from "./records/keyspace.ts";
import type { UploadRecord } from "./records/upload-record.ts";
import { decodeUploadRecord } from "./records/upload-record.ts";

export interface ListUploadsOptions {
  readonly bucketId: BucketId;
  readonly prefix: string;
  readonly delimiter: string | undefined;
  readonly afterKey: string | undefined;
  /** With `afterKey`: also the uploads of that key that were initiated after this one. */
  readonly afterUpload: { readonly sequence: Sequence; readonly uploadId: string } | undefined;
  readonly limit: number;
}

export type UploadItem =
  | { readonly key: string; readonly upload: UploadRecord }
  | { readonly commonPrefix: string };

export interface UploadPage {
  readonly items: readonly UploadItem[];
  readonly isTruncated: boolean;
}

const largestChunk = 1000;
const smallestChunk = 4;

export async function listUploads(
  store: KeyValueStore,
  options: ListUploadsOptions,
): Promise<UploadPage> {
  const { bucketId, prefix, limit, afterKey, afterUpload } = options;
  if (limit === 0) return { items: [], isTruncated: false };
  const isInside = afterKey !== undefined && afterUpload !== undefined;
  const grouping = new Grouping({ ...options, after: isInside ? undefined : afterKey });
  const rangeFrom = (from: ScanPosition) => ranges.uploadsFrom(bucketId, prefix, from);
  let range = isInside
    ? ranges.uploadsAfter(bucketId, prefix, afterKey, afterUpload)
    : grouping.skipsTo(afterKey, rangeFrom);
  const items: UploadItem[] = [];
  let chunk = grouping.isOn ? smallestChunk : Math.min(limit + 1, largestChunk);
  for (;;) {
    const entries = (await store.read({ ranges: [{ ...range, limit: chunk }] })).ranges[0] ?? [];
    let group: string | undefined;
    for (const entry of entries) {
      const { key } = uploadPlaceOf(entry.key);
      group = grouping.of(key);
      if (group !== undefined && grouping.isBefore(group)) break;
      if (items.length === limit) return { items, isTruncated: true };
      if (group !== undefined) {
        items.push({ commonPrefix: group });
        break;
      }
      items.push({ key, upload: decodeUploadRecord(entry.value) });
    }
    if (group !== undefined) {
      range = rangeFrom({ afterPrefix: group });
      chunk = smallestChunk;
      continue;
    }
    const last = entries.at(-1);
    if (last === undefined || entries.length < chunk) return { items, isTruncated: false };
    const place = uploadPlaceOf(last.key);
    range = ranges.uploadsAfter(bucketId, prefix, place.key, place);
    chunk = Math.min(chunk * 4, largestChunk);
  }
}
