// What is stored of one annotation of a version: a named text beside the object's own bytes.

import { decodeRecord } from "../../storage/record-codec.ts";
import type { Extent, StoredChecksum } from "./object-record.ts";

export interface AnnotationRecord {
  readonly v: 1;
  /** Whole seconds, as S3 shows times everywhere. */
  readonly lastModifiedMilliseconds: number;
  /** Without quotes. */
  readonly etag: string;
  readonly sizeBytes: number;
  readonly checksum: StoredChecksum;
  /** Sealed as the version's own bytes are. */
  readonly extents: readonly Extent[];
}

export function decodeAnnotationRecord(value: Uint8Array): AnnotationRecord {
  return decodeRecord(value, 1) as AnnotationRecord;
}
