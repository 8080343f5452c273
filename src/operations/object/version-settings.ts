// What an upload settles about the version that it makes, beside attributes and bytes: owner and access
// control list, object lock. One call for PutObject, CopyObject, CreateMultipartUpload and PostObject.

import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { VersionSettings } from "../../objects/records/object-record.ts";
import type { OperationContext } from "../operation.ts";
import type { AclMembers } from "./acl-settings.ts";
import { readAclSettings } from "./acl-settings.ts";
import type { LockMembers } from "./lock-settings.ts";
import { readLockSettings } from "./lock-settings.ts";

export type SettingMembers = AclMembers & LockMembers;

/**
 * Judges the input against the bucket as it is known now. What it answers settles the version in the
 * transaction that writes it, by the bucket as it is there. Throws S3Error.
 */
export async function readVersionSettings(
  input: SettingMembers,
  bucket: BucketRecord,
  context: OperationContext,
): Promise<(bucket: BucketRecord) => VersionSettings> {
  const settleAcl = await readAclSettings(input, bucket, context);
  const settleLock = readLockSettings(input, bucket, context);
  return (written) => ({ ...settleAcl(written), ...settleLock(written) });
}
