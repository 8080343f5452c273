// The look at quotas before an upload's bytes are read; the commit looks again.

import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { OperationContext } from "../operation.ts";

/**
 * Throws S3Error QuotaExceeded. `undefined`: there is no quota, and nothing was read.
 * `sizeBytes`: what is known of the object's size.
 */
export function checkUploadQuota(
  bucket: BucketRecord,
  key: string,
  sizeBytes: number,
  { store }: OperationContext,
): Promise<void> | undefined {
  const growth = { objects: 1, bytes: sizeBytes };
  if (bucket.versioning === "Enabled") return store.quotas.check(bucket, growth);
  return store.quotas.check(bucket, growth, async () => {
    const replaced = await store.versions.findIfPresent(bucket.name, key);
    return replaced?.versionId === "null" ? { objects: 1, bytes: replaced.sizeBytes } : undefined;
  });
}
