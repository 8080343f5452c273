// How server access logs tell of what lifecycle rules do ("S3 Lifecycle and logging", User Guide,
// lifecycle-and-other-bucket-config.html): requests of the service itself, without an address or a line.

import type { AccessEntry } from "../../objects/access-log.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { ChangeCause } from "../../objects/records/change-record.ts";

const transitionOperations: Readonly<Record<string, string>> = {
  STANDARD_IA: "S3.TRANSITION_SIA.OBJECT",
  ONEZONE_IA: "S3.TRANSITION_ZIA.OBJECT",
  INTELLIGENT_TIERING: "S3.TRANSITION_INT.OBJECT",
  GLACIER_IR: "S3.TRANSITION_GIR.OBJECT",
  GLACIER: "S3.TRANSITION.OBJECT",
  DEEP_ARCHIVE: "S3.TRANSITION_GDA.OBJECT",
};

export const loggedActions = {
  expired: "S3.EXPIRE.OBJECT",
  hidden: "S3.CREATE.DELETEMARKER",
  aborted: "S3.DELETE.UPLOAD",
} as const;

export function loggedTransition(storageClass: string): string {
  return transitionOperations[storageClass] ?? "S3.TRANSITION.OBJECT";
}

export interface LoggedAction {
  readonly operation: string;
  readonly key: string;
  readonly versionId?: string | undefined;
  readonly objectBytes?: number | undefined;
}

/** `undefined`: the bucket is not logged. */
export function lifecycleAccessEntry(
  bucket: BucketRecord,
  { requestId, timeMilliseconds }: ChangeCause,
  { operation, key, versionId, objectBytes }: LoggedAction,
): AccessEntry | undefined {
  if (bucket.logging === undefined) return undefined;
  const isVersioned = bucket.versioning !== "Unversioned";
  return {
    requestId,
    receivedMilliseconds: timeMilliseconds,
    bucket: bucket.name,
    bucketOwner: bucket.ownerId,
    bucketOwnerAccount: bucket.ownerAccountId,
    target: bucket.logging,
    requester: "AmazonS3",
    operation,
    key,
    ...(objectBytes === undefined ? {} : { objectBytes }),
    ...(versionId === undefined || !isVersioned ? {} : { versionId }),
  };
}
