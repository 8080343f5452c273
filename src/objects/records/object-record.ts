// What is stored of one version of an object, of a delete marker, and of where an object's bytes are.

import type { AclGrants } from "../../model/access-control-list.ts";
import type { BlobId } from "../../storage/blob/blob-store.ts";
import type { ContentId, Sequence, VersionId } from "../identifiers.ts";
import { decodeRecord } from "../../storage/record-codec.ts";
import type { VersionLock } from "./lock-record.ts";
import type { ArchiveState } from "./archive-record.ts";

/** See `compressed-stream.ts`. */
export type Compression = "zstd" | "gzip";
import type { ReplicationState } from "./replication-record.ts";

/**
 * A run of bytes: `lengthBytes` from `offset` of a blob or of inline bytes. Where these are sealed, both
 * count the bytes as they were before.
 */
export type Extent = (
  | { readonly blob: BlobId }
  | {
      readonly inline: ContentId;
      /** CRC-32 of sealed inline bytes as they are stored: a check can judge them without keys. */
      readonly crc32?: number;
      /** Base64: bytes sealed as one chunk under a data key that others share. */
      readonly nonce?: string;
    }
) & {
  readonly offset: number;
  readonly lengthBytes: number;
  /**
   * The wrapped data key of a sealed stream; the object's encryption says under what. Absent: the bytes
   * are stored as they are, by a server that did not seal yet.
   */
  readonly seal?: string;
  /** The same of a second layer. */
  readonly outerSeal?: string;
  /** Of a sealed stream that has not the first form; see `sealing/sealed-form.ts`. */
  readonly sealForm?: number;
  /** How a blob was compressed before it was sealed; `offset` and `lengthBytes` count plain bytes. */
  readonly compression?: Compression;
};

/** Where an object's bytes are: in a few extents, or in a layout record of its own when it has parts. */
export type Content =
  | { readonly extents: readonly Extent[] }
  | { readonly layout: ContentId; readonly partCount: number };

export interface StoredChecksum {
  readonly algorithm: string;
  /** Base64; a COMPOSITE value ends in `-` and the number of parts. */
  readonly value: string;
  readonly type: "FULL_OBJECT" | "COMPOSITE";
}

/** What a client says about an object beside its bytes; kept unchanged from upload to version. */
export interface ObjectAttributes {
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly contentDisposition?: string;
  readonly contentEncoding?: string;
  readonly contentLanguage?: string;
  /** Verbatim: S3 returns what was sent, also when it is no date. */
  readonly expires?: string;
  readonly websiteRedirectLocation?: string;
  /** Names in lower case, without the `x-amz-meta-` prefix. */
  readonly userMetadata?: Readonly<Record<string, string>>;
  /** Absent means STANDARD. */
  readonly storageClass?: string;
  readonly tags?: readonly (readonly [key: string, value: string])[];
}

/** How a version is encrypted, and what is needed beside a key to open it. */
export type ObjectEncryption =
  /** Data keys under the server's master keys. */
  | { readonly kind: "AES256" }
  /** Data keys under a key that a key management service gave for this object, or for its bucket. */
  | {
      readonly kind: "aws:kms" | "aws:kms:dsse";
      readonly keyArn: string;
      /** Base64, as the service wrapped it. */
      readonly wrappedKey: string;
      /** The client's own encryption context: Base64 of JSON, as S3 shows it. */
      readonly context?: string;
      /** Wrapped for the bucket instead of the object. */
      readonly bucketKey?: true;
      /** The content's MD5 under the same key, where the ETag is none and the object has no parts. */
      readonly sealedMd5?: string;
    }
  /** Data keys under a key made of the customer's, of which only a trace is kept. */
  | {
      readonly kind: "SSE-C";
      readonly salt: string;
      readonly verifier: string;
      readonly sealedMd5?: string;
    };

/**
 * What an upload settles about a version beside its attributes: fixed when the upload begins, for a
 * multipart upload too, and stored in the version's record as it stands.
 */
export interface VersionSettings {
  /** Canonical id and name of the owner where it is not the bucket's. */
  readonly owner?: { readonly id: string; readonly name: string };
  /** Absent: the owner has FULL_CONTROL and nobody else anything. */
  readonly acl?: AclGrants;
  /** Absent: stored by a server that did not encrypt yet. */
  readonly encryption?: ObjectEncryption;
  /** What the upload asked for; in a version's record with the bucket's default. */
  readonly lock?: VersionLock;
  /** Absent: neither is the version a replica, nor does it go anywhere. */
  readonly replication?: ReplicationState;
}

/** What the annotations of a version add up to. */
export interface AnnotationUsage {
  readonly count: number;
  readonly bytes: number;
  /** How often one was written or removed. */
  readonly changes: number;
}

export interface ObjectRecord extends VersionSettings, ArchiveState {
  readonly v: 1;
  readonly sequence: Sequence;
  /** Of the last change to it that the change log tells; absent: its own. */
  readonly changeSequence?: Sequence;
  readonly versionId: VersionId;
  /** Whole seconds, as S3 shows them everywhere. */
  readonly lastModifiedMilliseconds: number;
  /** Without quotes: 32 hexadecimal digits, for multipart objects followed by `-` and the part count. */
  readonly etag: string;
  readonly sizeBytes: number;
  readonly content: Content;
  readonly checksum?: StoredChecksum;
  readonly attributes: ObjectAttributes;
  /**
   * Changes with every annotation, so that whoever checks this record has checked them all. Absent: there
   * never was one.
   */
  readonly annotations?: AnnotationUsage;
  /** The upload that made this object: a completion that is sent again finds its own result. */
  readonly uploadId?: string;
}

export interface DeleteMarkerRecord {
  readonly v: 1;
  readonly isDeleteMarker: true;
  readonly sequence: Sequence;
  readonly versionId: VersionId;
  readonly lastModifiedMilliseconds: number;
  readonly owner?: { readonly id: string; readonly name: string };
  readonly replication?: ReplicationState;
}

export type VersionRecord = ObjectRecord | DeleteMarkerRecord;

export interface StoredPart {
  readonly number: number;
  readonly sizeBytes: number;
  /** Base64, of the object's checksum algorithm. */
  readonly checksum?: string;
}

/** Extents and parts of a multipart object: out of the object's own record, so that listings stay slim. */
export interface LayoutRecord {
  readonly v: 1;
  readonly extents: readonly Extent[];
  readonly parts: readonly StoredPart[];
}

/** What a version takes, with its annotations. */
export function storedBytesOf({ sizeBytes, annotations }: ObjectRecord): number {
  return annotations === undefined ? sizeBytes : sizeBytes + annotations.bytes;
}

export function isDeleteMarker(record: VersionRecord): record is DeleteMarkerRecord {
  return "isDeleteMarker" in record;
}

export function decodeObjectRecord(value: Uint8Array): ObjectRecord {
  return decodeRecord(value, 1) as ObjectRecord;
}

export function decodeVersionRecord(value: Uint8Array): VersionRecord {
  return decodeRecord(value, 1) as VersionRecord;
}

export function decodeDeleteMarkerRecord(value: Uint8Array): DeleteMarkerRecord {
  return decodeRecord(value, 1) as DeleteMarkerRecord;
}

export function decodeLayoutRecord(value: Uint8Array): LayoutRecord {
  return decodeRecord(value, 1) as LayoutRecord;
}
