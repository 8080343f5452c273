// `x-amz-bypass-governance-retention`: the wish and the permission, which GOVERNANCE retention asks
// for together.

import { S3Error } from "../../model/errors.ts";
import type { OperationContext } from "../operation.ts";

export interface BypassMembers {
  readonly Bucket: string;
  readonly BypassGovernanceRetention?: boolean | undefined;
}

/** Throws S3Error InvalidArgument where there is nothing to bypass, NoSuchBucket. */
export async function readBypass(
  input: BypassMembers,
  key: string,
  versionId: string | undefined,
  context: OperationContext,
): Promise<boolean> {
  if (!(await wantsBypass(input, context))) return false;
  return mayBypass(input.Bucket, key, versionId, context);
}

/** The wish, for requests that name many keys. Throws as `readBypass`. */
export async function wantsBypass(
  input: BypassMembers,
  { store }: OperationContext,
): Promise<boolean> {
  if (input.BypassGovernanceRetention !== true) return false;
  const { objectLockEnabled } = await store.buckets.get(input.Bucket);
  if (objectLockEnabled) return true;
  throw new S3Error("InvalidArgument", {
    message: "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.",
    fields: { ArgumentName: "x-amz-bypass-governance-retention" },
  });
}

export function mayBypass(
  bucketName: string,
  key: string,
  versionId: string | undefined,
  { access }: OperationContext,
): Promise<boolean> {
  return access.allows({ action: "s3:BypassGovernanceRetention", bucketName, key, versionId });
}
