// What stands in the columns of an inventory report, in the order and with the names and types that S3
// gives them (Guide, "Amazon S3 Inventory list", "Inventory manifest").

import type {
  InventoryConfiguration,
  InventoryOptionalField,
} from "../../model/types.generated.ts";
import { findExpiration, type ActiveLifecycle } from "../../objects/lifecycle-rules.ts";
import type { LifecycleDays } from "../../objects/lifecycle-days.ts";
import { factsOf } from "../../objects/lifecycle.ts";
import { replicationStatusOf } from "../../objects/replication-rules.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { AccessTier } from "../../objects/records/archive-record.ts";
import {
  isDeleteMarker,
  type ObjectEncryption,
  type ObjectRecord,
  type VersionRecord,
} from "../../objects/records/object-record.ts";
import { lastAccessOf } from "../../objects/tiering-rules.ts";
import { encodeGrants } from "./object-grants.ts";

export interface ReportRow {
  readonly key: string;
  readonly record: VersionRecord;
  readonly isLatest: boolean;
}

export type ColumnKind = "string" | "boolean" | "bigint" | "timestamp";
/** Timestamps and big integers are numbers: milliseconds, and what is below 2⁵³. */
export type ColumnValue = string | boolean | number | undefined;

export interface ReportColumn {
  /** In a CSV file's schema. */
  readonly field: string;
  /** In the schemas of ORC and Parquet. */
  readonly name: string;
  readonly kind: ColumnKind;
  /** Only the first two columns are, of each row. */
  readonly isRequired?: true;
  readonly valueOf: (row: ReportRow) => ColumnValue;
}

/** What columns look at beside the row. */
export interface ReportSubject {
  readonly bucket: BucketRecord;
  /** Absent: nothing of the bucket expires. */
  readonly lifecycle: ActiveLifecycle | undefined;
  readonly days: LifecycleDays;
}

export function reportColumns(
  { IncludedObjectVersions, OptionalFields = [] }: InventoryConfiguration,
  subject: ReportSubject,
): readonly ReportColumn[] {
  const { bucket } = subject;
  const wanted = new Set<string>(OptionalFields);
  const optional = optionalColumns(subject);
  return [
    {
      field: "Bucket",
      name: "bucket",
      kind: "string",
      isRequired: true,
      valueOf: () => bucket.name,
    },
    { field: "Key", name: "key", kind: "string", isRequired: true, valueOf: ({ key }) => key },
    ...(IncludedObjectVersions === "All" ? versionColumns : []),
    ...optional.filter(({ field }) => wanted.has(field)),
  ];
}

const versionColumns: readonly ReportColumn[] = [
  {
    field: "VersionId",
    name: "version_id",
    kind: "string",
    valueOf: ({ record }) => record.versionId,
  },
  { field: "IsLatest", name: "is_latest", kind: "boolean", valueOf: ({ isLatest }) => isLatest },
  {
    field: "IsDeleteMarker",
    name: "is_delete_marker",
    kind: "boolean",
    valueOf: ({ record }) => isDeleteMarker(record),
  },
];

type OptionalColumn = ReportColumn & { readonly field: InventoryOptionalField };

/** A delete marker has nothing of an object but its owner and its date. */
function optionalColumns(subject: ReportSubject): readonly OptionalColumn[] {
  const { bucket } = subject;
  return [
    ofObject("Size", "size", "bigint", ({ sizeBytes }) => sizeBytes),
    {
      field: "LastModifiedDate",
      name: "last_modified_date",
      kind: "timestamp",
      valueOf: ({ record }) => record.lastModifiedMilliseconds,
    },
    ofObject("ETag", "e_tag", "string", ({ etag }) => etag),
    ofObject(
      "StorageClass",
      "storage_class",
      "string",
      ({ attributes }) => attributes.storageClass ?? "STANDARD",
    ),
    ofObject("IsMultipartUploaded", "is_multipart_uploaded", "boolean", ({ etag }) =>
      etag.includes("-"),
    ),
    {
      field: "ReplicationStatus",
      name: "replication_status",
      kind: "string",
      valueOf: ({ record }) => replicationStatusOf(record.replication),
    },
    ofObject("EncryptionStatus", "encryption_status", "string", ({ encryption }) =>
      encryptionStatus(encryption),
    ),
    ofObject(
      "ObjectLockRetainUntilDate",
      "object_lock_retain_until_date",
      "timestamp",
      ({ lock }) => lock?.retention?.untilMilliseconds,
    ),
    ofObject("ObjectLockMode", "object_lock_mode", "string", ({ lock }) => lock?.retention?.mode),
    ofObject(
      "ObjectLockLegalHoldStatus",
      "object_lock_legal_hold_status",
      "string",
      ({ lock }) => lock?.legalHold,
    ),
    ofObject(
      "IntelligentTieringAccessTier",
      "intelligent_tiering_access_tier",
      "string",
      accessTier,
    ),
    ofObject("BucketKeyStatus", "bucket_key_status", "string", ({ encryption }) =>
      encryption !== undefined && "bucketKey" in encryption ? "ENABLED" : "DISABLED",
    ),
    ofObject(
      "ChecksumAlgorithm",
      "checksum_algorithm",
      "string",
      ({ checksum }) => checksum?.algorithm,
    ),
    ofObject("ObjectAccessControlList", "object_access_control_list", "string", (record) =>
      encodeGrants(bucket, record),
    ),
    {
      field: "ObjectOwner",
      name: "object_owner",
      kind: "string",
      valueOf: ({ record }) =>
        bucket.objectOwnership === "BucketOwnerEnforced"
          ? bucket.ownerId
          : (record.owner?.id ?? bucket.ownerId),
    },
    expirationColumn(subject),
    ofObject(
      "IntelligentTieringReferenceDate",
      "intelligent_tiering_reference_date",
      "timestamp",
      (record) =>
        record.attributes.storageClass === "INTELLIGENT_TIERING" ? lastAccessOf(record) : undefined,
    ),
    ofObject("ObjectLockEventHoldStatus", "object_lock_event_hold_status", "string", ({ lock }) =>
      lock?.eventHold === undefined ? undefined : lock.eventHold.isOn ? "ON" : "OFF",
    ),
    ofObject(
      "ObjectLockEventHoldDuration",
      "object_lock_event_hold_duration",
      "string",
      ({ lock }) => {
        const duration = lock?.eventHold?.duration;
        if (duration === undefined) return undefined;
        return "days" in duration ? `P${duration.days}D` : `P${duration.years}Y`;
      },
    ),
  ];
}

function ofObject(
  field: InventoryOptionalField,
  name: string,
  kind: ColumnKind,
  valueOf: (record: ObjectRecord) => ColumnValue,
): OptionalColumn {
  return {
    field,
    name,
    kind,
    valueOf: ({ record }) => (isDeleteMarker(record) ? undefined : valueOf(record)),
  };
}

/** Of current versions: when older ones go depends on what comes after them. */
function expirationColumn({ bucket, lifecycle, days }: ReportSubject): OptionalColumn {
  return {
    field: "LifecycleExpirationDate",
    name: "lifecycle_expiration_date",
    kind: "timestamp",
    valueOf: ({ key, record, isLatest }) => {
      if (lifecycle === undefined || !isLatest || isDeleteMarker(record)) return undefined;
      if (bucket.mfaDelete === "Enabled") return undefined;
      return findExpiration(lifecycle, factsOf(key, record), days)?.atMilliseconds;
    },
  };
}

/** "SSE-S3, SSE-C, SSE-KMS, DSSE-KMS, or NOT-SSE" (Guide, ibid.). */
function encryptionStatus(encryption: ObjectEncryption | undefined): string {
  switch (encryption?.kind) {
    case undefined:
      return "NOT-SSE";
    case "AES256":
      return "SSE-S3";
    case "aws:kms":
      return "SSE-KMS";
    case "aws:kms:dsse":
      return "DSSE-KMS";
    default:
      return "SSE-C";
  }
}

const accessTiers: Readonly<Record<AccessTier, string>> = {
  INFREQUENT_ACCESS: "INFREQUENT",
  ARCHIVE_INSTANT_ACCESS: "ARCHIVE_INSTANT_ACCESS",
  ARCHIVE_ACCESS: "ARCHIVE",
  DEEP_ARCHIVE_ACCESS: "DEEP_ARCHIVE",
};

function accessTier({ attributes, tiering }: ObjectRecord): string | undefined {
  if (attributes.storageClass !== "INTELLIGENT_TIERING") return undefined;
  return tiering?.tier === undefined ? "FREQUENT" : accessTiers[tiering.tier];
}

/** `fileSchema` of the manifest. */
export function describeSchema(
  columns: readonly ReportColumn[],
  format: InventoryConfiguration["Destination"]["S3BucketDestination"]["Format"],
): string {
  switch (format) {
    case "CSV":
      return columns.map(({ field }) => field).join(", ");
    case "ORC":
      return `struct<${columns.map(({ name, kind }) => `${name}:${kind}`).join(",")}>`;
    default:
      return `message s3.inventory { ${columns.map(describeParquet).join(" ")}}`;
  }
}

function describeParquet({ name, kind, isRequired }: ReportColumn): string {
  const repetition = isRequired === true ? "required" : "optional";
  switch (kind) {
    case "string":
      return `${repetition} binary ${name} (UTF8);`;
    case "boolean":
      return `${repetition} boolean ${name};`;
    case "bigint":
      return `${repetition} int64 ${name};`;
    default:
      return `${repetition} int64 ${name} (TIMESTAMP_MILLIS);`;
  }
}
