// Block Public Access: four switches, on a bucket and on its owner's account, of which the stricter
// counts. What they refuse when a list is written is judged here; what they hold back when somebody
// reads is authorization's business.

import type { AclGrants, PublicAccessBlock } from "../model/access-control-list.ts";
import { S3Error } from "../model/errors.ts";
import { isPublicAcl } from "./acl/acl-evaluation.ts";
import type { Caller } from "./caller.ts";

/** What AWS sets on every new bucket since April 2023. */
export const everythingBlocked: PublicAccessBlock = {
  blockPublicAcls: true,
  ignorePublicAcls: true,
  blockPublicPolicy: true,
  restrictPublicBuckets: true,
};

/** "Amazon S3 applies the most restrictive combination of the bucket-level and account-level settings." */
export function effectivePublicAccessBlock(
  bucket: PublicAccessBlock | undefined,
  account: PublicAccessBlock | undefined,
): PublicAccessBlock | undefined {
  if (account === undefined) return bucket;
  if (bucket === undefined) return account;
  return {
    blockPublicAcls: bucket.blockPublicAcls || account.blockPublicAcls,
    ignorePublicAcls: bucket.ignorePublicAcls || account.ignorePublicAcls,
    blockPublicPolicy: bucket.blockPublicPolicy || account.blockPublicPolicy,
    restrictPublicBuckets: bucket.restrictPublicBuckets || account.restrictPublicBuckets,
  };
}

/** A list that somebody is about to store. */
export interface NewAcl {
  readonly grants: AclGrants | undefined;
  readonly caller: Caller;
  /** As the denial names what was asked for. */
  readonly action: `s3:${string}`;
  readonly resource: string;
  readonly ownerAccountId: string;
}

/** Throws S3Error AccessDenied for a public list where BlockPublicAcls is on. */
export function refusePublicAcl(acl: NewAcl, block: PublicAccessBlock | undefined): void {
  if (block?.blockPublicAcls !== true || !isPublicAcl(acl.grants)) return;
  const { caller, action, resource, ownerAccountId } = acl;
  // Only the owner's account is told why ("Access denied error messages", User Guide).
  if (caller.kind === "anonymous" || caller.accountId !== ownerAccountId) {
    throw new S3Error("AccessDenied");
  }
  throw new S3Error("AccessDenied", {
    message: `User: ${caller.principal.arn} is not authorized to perform: ${action} on resource: "${resource}" because public access control lists (ACLs) are blocked by the BlockPublicAcls block public access setting.`,
  });
}
