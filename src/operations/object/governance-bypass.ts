// `x-amz-bypass-governance-retention`: the wish and the permission, which GOVERNANCE retention asks
// for together.

import { S3Error } from "../../model/errors.ts";
import type { OperationContext } from "../operation.ts";

export interface BypassMembers {
  readonly Bucket: string;
  readonly BypassGovernanceRetention?: boolean | undefined;
}

/**
 * For a request about one version. Throws S3Error InvalidArgument where there is nothing to bypass (a
 * request about many keys is let through: ceph/s3-tests tidies all kinds of buckets with the header).
 */
export async function readBypass(
  input: BypassMembers,
  key: string,
  versionId: string | undefined,
  context: OperationContext,
): Promise<boolean> {
  if (input.BypassGovernanceRetention !== true) return false;
  const { objectLockEnabled } = await context.store.buckets.get(input.Bucket);
  if (objectLockEnabled) return mayBypass(input.Bucket, key, versionId, context);
  throw new S3Error("InvalidArgument", {
    message: "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.",
    fields: { ArgumentName: "x-amz-bypass-governance-retention" },
  });
}

/** Whether the caller may, for one of many keys. */
export function mayBypass(
  bucketName: string,
  key: string,
  versionId: string | undefined,
  { access }: OperationContext,
): Promise<boolean> {
  return access.allows({ action: "s3:BypassGovernanceRetention", bucketName, key, versionId });
}
