// What is stored of a multipart upload in progress and of its parts.

import type { Sequence, UploadId } from "../identifiers.ts";
import type { Extent, ObjectAttributes, VersionSettings } from "./object-record.ts";
import type { ReplicaIdentity } from "../replica.ts";
import { decodeRecord } from "../../storage/record-codec.ts";

export interface UploadRecord {
  readonly v: 1;
  readonly uploadId: UploadId;
  readonly initiatedSequence: Sequence;
  readonly initiatedMilliseconds: number;
  readonly attributes: ObjectAttributes;
  readonly settings?: VersionSettings;
  /** What the replica keeps of the version that it is made of. */
  readonly replica?: ReplicaIdentity;
  /** Absent: the client asked for none, and parts carry CRC64NVME made by the server. */
  readonly checksumAlgorithm?: string;
  readonly checksumType?: "FULL_OBJECT" | "COMPOSITE";
  readonly initiator: { readonly id: string; readonly name: string };
  readonly owner: { readonly id: string; readonly name: string };
}

export interface PartRecord {
  readonly v: 1;
  readonly number: number;
  readonly sizeBytes: number;
  /** MD5, 32 hexadecimal digits. */
  readonly etag: string;
  readonly lastModifiedMilliseconds: number;
  readonly extents: readonly Extent[];
  readonly checksum?: { readonly algorithm: string; readonly value: string };
}

export function decodeUploadRecord(value: Uint8Array): UploadRecord {
  return decodeRecord(value, 1) as UploadRecord;
}

export function decodePartRecord(value: Uint8Array): PartRecord {
  return decodeRecord(value, 1) as PartRecord;
}
