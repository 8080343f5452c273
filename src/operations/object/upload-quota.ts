// The look at quotas before an upload's bytes are read; the commit looks again.

import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { OperationContext } from "../operation.ts";

/**
 * Throws S3Error QuotaExceeded. `undefined`: no quota is known of, and nothing was read.
 * `sizeBytes`: what is known of the object's size.
 */
export function checkUploadQuota(
  bucket: BucketRecord,
  key: string,
  sizeBytes: number,
  { store }: OperationContext,
): Promise<void> | undefined {
  const growth = { objects: 1, bytes: sizeBytes };
  if (bucket.versioning === "Enabled") return store.quotas.checkEarly(bucket, growth);
  return store.quotas.checkEarly(bucket, growth, async () => {
    const replaced = await store.versions.findIfPresent(bucket.name, key);
    return replaced?.versionId === "null" ? { objects: 1, bytes: replaced.sizeBytes } : undefined;
  });
}
