// The role of a replication configuration, as the worker sees it. Callers and policies are known to the
// composition root alone, which makes these.

import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { ChangedAnnotations } from "../../objects/annotation-changes.ts";
import type { AnnotationRecord } from "../../objects/records/annotation-record.ts";
import type { ObjectRecord } from "../../objects/records/object-record.ts";
import type { CompiledRule } from "../../objects/replication-rules.ts";
import type { TransientByteStream } from "../../base/bytes.ts";
import { ReplicationRefusedError, type FailureReason } from "./failure.ts";

export interface ReplicationRoles {
  /** `undefined`: there is no such role, or its trust policy does not name `s3.amazonaws.com`. */
  assume(roleArn: string, source: BucketRecord): Promise<ReplicationRole | undefined>;
}

export interface RoleDemand {
  readonly action: `s3:${string}`;
  readonly bucketName: string;
  readonly key: string;
  readonly versionId?: string;
}

export interface SourceObject {
  readonly bucket: BucketRecord;
  readonly key: string;
  readonly record: ObjectRecord;
}

export interface LocalCopy {
  readonly source: SourceObject;
  readonly targetBucketName: string;
  readonly rule: CompiledRule;
  readonly keepsTags: boolean;
}

export interface ReplicationRole {
  /** By its own policies and that of the bucket, which is one of this server. */
  allows(demand: RoleDemand): Promise<boolean>;
  /**
   * Makes a version of another bucket of this server. Doing it again does nothing. Throws S3Error,
   * BlobMissingError and BucketChangedError: look at the source once more.
   */
  copy(copy: LocalCopy, signal: AbortSignal): Promise<{ readonly versionId: string }>;
  /** Bytes of a version, opened by the keys that the role may use. Throws S3Error. */
  open(
    source: SourceObject,
    range: { readonly start: number; readonly end: number },
    signal: AbortSignal,
  ): Promise<TransientByteStream | Uint8Array>;
  /**
   * Brings changed annotations to a replica on this server. Doing it again does nothing.
   * Throws as `copy`.
   */
  replicateAnnotations(replica: LocalReplica, signal: AbortSignal): Promise<void>;
  /** The text of an annotation, opened as the version is. Throws S3Error. */
  openAnnotation(
    source: SourceObject,
    annotation: AnnotationRecord,
    signal: AbortSignal,
  ): Promise<Uint8Array>;
}

export interface LocalReplica {
  readonly source: SourceObject;
  readonly targetBucketName: string;
  readonly versionId: string;
  readonly changed: ChangedAnnotations;
}

/**
 * Whether annotations go along. Without the permissions "object replication continues to succeed; only
 * annotation replication is blocked" (User Guide, "Annotating your objects").
 */
export async function readsAnnotations(
  role: ReplicationRole,
  { bucket, key, record }: SourceObject,
  { isWhole, names }: ChangedAnnotations,
): Promise<boolean> {
  // There never was one, or none was changed.
  if (record.annotations === undefined || (!isWhole && names.size === 0)) return false;
  const action = "s3:GetObjectVersionAnnotationForReplication";
  const { versionId } = record;
  return role.allows({ action, bucketName: bucket.name, key, versionId });
}

/** What the source says of a version that may be read. Throws ReplicationRefusedError. */
export async function readPermissions(
  role: ReplicationRole,
  { bucket, key, record }: SourceObject,
): Promise<{ readonly keepsTags: boolean }> {
  const place = { bucketName: bucket.name, key, versionId: record.versionId };
  const reads =
    (await role.allows({ ...place, action: "s3:GetObjectVersionForReplication" })) ||
    // Enough before the other existed ("Setting up permissions", User Guide).
    (await role.allows({ ...place, action: "s3:GetObjectVersion" }));
  if (!reads) throw new ReplicationRefusedError("SrcGetObjectNotPermitted");
  if (record.acl !== undefined) {
    const readsAcl = await role.allows({ ...place, action: "s3:GetObjectVersionAcl" });
    if (!readsAcl) throw new ReplicationRefusedError("SrcGetAclNotPermitted");
  }
  // Without it S3 "replicates the objects, but not the object tags".
  const keepsTags =
    record.attributes.tags === undefined ||
    (await role.allows({ ...place, action: "s3:GetObjectVersionTagging" }));
  return { keepsTags };
}

/** Throws ReplicationRefusedError. */
export async function demand(
  role: ReplicationRole,
  reason: FailureReason,
  wanted: RoleDemand,
): Promise<void> {
  if (await role.allows(wanted)) return;
  throw new ReplicationRefusedError(reason, `the role may not ${wanted.action}`);
}
