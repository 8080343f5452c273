// How an attempt to replicate can fail: the destination is away for now, or it (or the source) refuses.

/**
 * "Amazon S3 replication failure reasons" (User Guide), as far as they can come up here. The last one is
 * ours: what a foreign endpoint says that S3 has no word for.
 */
export type FailureReason =
  | "AssumeRoleNotPermitted"
  | "DstBucketNotFound"
  | "DstBucketObjectLockConfigMissing"
  | "DstBucketUnversioned"
  | "DstDelObjNotPermitted"
  | "DstKmsKeyInvalidState"
  | "DstObjectHardDeleted"
  | "DstPutAclNotPermitted"
  | "DstPutObjectNotPermitted"
  | "DstPutTaggingNotPermitted"
  | "SrcGetAclNotPermitted"
  | "SrcGetObjectNotPermitted"
  | "SrcKmsKeyNotPermitted"
  | "SrcObjectNotEligible"
  | "DstRefused";

/** It will be tried again, but not soon: somebody has to change something. */
export class ReplicationRefusedError extends Error {
  override readonly name = "ReplicationRefusedError";
  readonly reason: FailureReason;
  /** For people, without anything secret. */
  readonly detail: string | undefined;

  constructor(reason: FailureReason, detail?: string, options?: ErrorOptions) {
    super(detail === undefined ? reason : `${reason}: ${detail}`, options);
    this.reason = reason;
    this.detail = detail;
  }
}

/** The destination cannot be reached, or is overloaded: everything that goes there waits. */
export class DestinationAwayError extends Error {
  override readonly name = "DestinationAwayError";
}
