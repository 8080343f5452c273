// What an operation may ask of authorization beside the action that let the request in: the reading of
// a copy's source, the tags behind a count, the bypass of a retention.

import type { AclPermission } from "../model/access-control-list.ts";

/** One thing that the caller must be allowed to do. */
export interface AccessDemand {
  /** As policies name it: `s3:GetObject`. */
  readonly action: `s3:${string}`;
  readonly bucketName: string;
  /** Absent: the demand is on the bucket. */
  readonly key?: string;
  readonly versionId?: string | undefined;
  /** The permission of an access control list that gives it; absent: lists give it to nobody. */
  readonly acl?: { readonly of: "bucket" | "object"; readonly permission: AclPermission };
}

/** Answers for the caller of one request. */
export interface RequestAccess {
  /** Throws S3Error AccessDenied, NoSuchBucket. */
  demand(demand: AccessDemand): Promise<void>;
  allows(demand: AccessDemand): Promise<boolean>;
}
