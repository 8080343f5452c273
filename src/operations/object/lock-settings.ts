// Retention and holds of a new version, from the x-amz-object-lock headers and the bucket's default.

import { S3Error } from "../../model/errors.ts";
import type { PutObjectInput } from "../../model/types.generated.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { VersionSettings } from "../../objects/records/object-record.ts";
import type { OperationContext } from "../operation.ts";
import { notImplemented } from "./refused-settings.ts";

export type LockMembers = Pick<
  PutObjectInput,
  | "ObjectLockMode"
  | "ObjectLockRetainUntilDate"
  | "ObjectLockLegalHoldStatus"
  | "ObjectLockEventHold"
>;

/** Throws S3Error InvalidRequest on a bucket without object lock (S3's words), else NotImplemented. */
export function readLockSettings(
  input: LockMembers,
  bucket: BucketRecord,
  _context: OperationContext,
): (bucket: BucketRecord) => VersionSettings {
  const asks =
    input.ObjectLockMode ??
    input.ObjectLockRetainUntilDate ??
    input.ObjectLockLegalHoldStatus ??
    input.ObjectLockEventHold;
  if (asks === undefined) return () => ({});
  if (!bucket.objectLockEnabled) {
    throw new S3Error("InvalidRequest", {
      message: "Bucket is missing Object Lock Configuration",
    });
  }
  throw notImplemented("x-amz-object-lock-mode");
}
