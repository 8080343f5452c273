// Settings of an upload that would have to act and do not yet: refused with S3's own errors rather
// than stored without effect.

import { S3Error } from "../../model/errors.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";

export interface EncryptionMembers {
  readonly ServerSideEncryption?: string | undefined;
  readonly SSECustomerAlgorithm?: string | undefined;
  readonly SSECustomerKey?: string | undefined;
  readonly SSEKMSKeyId?: string | undefined;
  readonly SSEKMSEncryptionContext?: string | undefined;
}

export interface LockMembers {
  readonly ObjectLockMode?: string | undefined;
  readonly ObjectLockRetainUntilDate?: Date | undefined;
  readonly ObjectLockLegalHoldStatus?: string | undefined;
  readonly ObjectLockEventHold?: string | undefined;
}

export interface GrantMembers {
  readonly ACL?: string | undefined;
  readonly GrantFullControl?: string | undefined;
  readonly GrantRead?: string | undefined;
  readonly GrantReadACP?: string | undefined;
  readonly GrantWrite?: string | undefined;
  readonly GrantWriteACP?: string | undefined;
}

/** Throws S3Error NotImplemented when the client asks for encryption. */
export function refuseEncryption(input: EncryptionMembers): void {
  const asks =
    input.ServerSideEncryption ??
    input.SSECustomerAlgorithm ??
    input.SSECustomerKey ??
    input.SSEKMSKeyId ??
    input.SSEKMSEncryptionContext;
  if (asks !== undefined) throw notImplemented("x-amz-server-side-encryption");
}

/** Throws S3Error InvalidRequest on a bucket without object lock (S3's words), else NotImplemented. */
export function refuseLock(input: LockMembers, bucket: BucketRecord): void {
  const asks =
    input.ObjectLockMode ??
    input.ObjectLockRetainUntilDate ??
    input.ObjectLockLegalHoldStatus ??
    input.ObjectLockEventHold;
  if (asks === undefined) return;
  if (!bucket.objectLockEnabled) {
    throw new S3Error("InvalidRequest", {
      message: "Bucket is missing Object Lock Configuration",
    });
  }
  throw notImplemented("x-amz-object-lock-mode");
}

/**
 * ACLs of objects: where the bucket owner owns everything, only `bucket-owner-full-control` (and the
 * default `private`) may be named (Guide, "Controlling ownership of objects").
 */
export function refuseGrants(input: GrantMembers, bucket: BucketRecord): void {
  const grants =
    input.GrantFullControl ??
    input.GrantRead ??
    input.GrantReadACP ??
    input.GrantWrite ??
    input.GrantWriteACP;
  const isPlain =
    input.ACL === undefined || input.ACL === "private" || input.ACL === "bucket-owner-full-control";
  if (isPlain && grants === undefined) return;
  if (bucket.objectOwnership === "BucketOwnerEnforced") {
    throw new S3Error("AccessControlListNotSupported");
  }
  throw notImplemented(grants === undefined ? "x-amz-acl" : "x-amz-grant");
}

export function notImplemented(header: string): S3Error {
  return new S3Error("NotImplemented", { fields: { Header: header } });
}
