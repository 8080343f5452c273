// What an operation may ask of authorization beside the action that let the request in: the reading of
// a copy's source, the tags behind a count, the bypass of a retention.

import type { AclPermission, PublicAccessBlock } from "../model/access-control-list.ts";
import type { ProtectedKey } from "./key-authorization.ts";
import type { CompiledPolicy } from "./policy/compile-policy.ts";

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

/** What S3 does with a KMS key for the caller, who must be allowed to do it with the key. */
export interface KeyDemand {
  readonly action: "kms:GenerateDataKey" | "kms:Decrypt";
  readonly key: ProtectedKey;
  readonly encryptionContext: Readonly<Record<string, string>>;
}

/** Answers for the caller of one request. */
export interface RequestAccess {
  /** Throws S3Error AccessDenied, NoSuchBucket. */
  demand(demand: AccessDemand): Promise<void>;
  allows(demand: AccessDemand): Promise<boolean>;
  /** Throws S3Error AccessDenied. */
  demandKey(demand: KeyDemand): void;
  /** Whether the caller may give a role to S3. Throws S3Error AccessDenied. */
  demandPassRole(roleArn: string): void;
  /** The switches that hold for a bucket: its own and those of its account. */
  publicAccessBlockOf(bucketName: string): Promise<PublicAccessBlock | undefined>;
  /** Whether a demand would be allowed if the bucket had this policy. */
  wouldAllow(policy: CompiledPolicy, demand: AccessDemand): Promise<boolean>;
  /** Whether the caller may know which keys a bucket holds and which it does not. */
  mayList(bucketName: string): Promise<boolean>;
}
