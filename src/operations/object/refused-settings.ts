// Settings of an upload that would have to act and do not yet: refused with S3's own errors rather
// than stored without effect.

import { S3Error } from "../../model/errors.ts";
import type { CreateBucketInput, PutObjectInput } from "../../model/types.generated.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";

export type EncryptionMembers = Partial<
  Pick<
    PutObjectInput,
    | "ServerSideEncryption"
    | "SSECustomerAlgorithm"
    | "SSECustomerKey"
    | "SSEKMSKeyId"
    | "SSEKMSEncryptionContext"
  >
>;

export type LockMembers = Pick<
  PutObjectInput,
  | "ObjectLockMode"
  | "ObjectLockRetainUntilDate"
  | "ObjectLockLegalHoldStatus"
  | "ObjectLockEventHold"
>;

export type GrantMembers = Pick<
  CreateBucketInput,
  "ACL" | "GrantFullControl" | "GrantRead" | "GrantReadACP" | "GrantWrite" | "GrantWriteACP"
>;

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
  const isPlain =
    input.ACL === undefined || input.ACL === "private" || input.ACL === "bucket-owner-full-control";
  if (isPlain && !hasGrants(input)) return;
  if (bucket.objectOwnership === "BucketOwnerEnforced") {
    throw new S3Error("AccessControlListNotSupported");
  }
  throw notImplementedAcl(input);
}

/** Whether a grant is given in a header of its own. */
export function hasGrants(input: GrantMembers): boolean {
  const grants =
    input.GrantFullControl ??
    input.GrantRead ??
    input.GrantReadACP ??
    input.GrantWrite ??
    input.GrantWriteACP;
  return grants !== undefined;
}

export function notImplementedAcl(input: GrantMembers): S3Error {
  return notImplemented(hasGrants(input) ? "x-amz-grant" : "x-amz-acl");
}

export function notImplemented(header: string): S3Error {
  return new S3Error("NotImplemented", { fields: { Header: header } });
}
