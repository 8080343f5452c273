// Owner and list that count for a bucket or an object: what is stored, seen through the bucket's object
// ownership. Where the bucket's owner is enforced, lists are kept but mean nothing, and everything is the
// bucket owner's; they count again when the enforcement is taken away (Guide, "Disabling ACLs").

import type { AclGrants } from "../../model/access-control-list.ts";
import type { AclPerson } from "./canned-acl.ts";
import { userGrant } from "./canned-acl.ts";

/** What of a bucket's record this is about. */
export interface OwnedBucket {
  readonly ownerId: string;
  readonly ownerName: string;
  readonly objectOwnership: string;
  readonly acl?: AclGrants;
}

/** What of a version's record this is about. */
export interface OwnedVersion {
  readonly owner?: AclPerson;
  readonly acl?: AclGrants;
}

export interface EffectiveAcl {
  readonly owner: AclPerson;
  /** Absent: the owner has FULL_CONTROL and nobody else anything. */
  readonly grants: AclGrants | undefined;
}

export function effectiveBucketAcl(bucket: OwnedBucket): EffectiveAcl {
  const grants = hasAclsDisabled(bucket) ? undefined : bucket.acl;
  return { owner: bucketOwner(bucket), grants };
}

export function effectiveObjectAcl(bucket: OwnedBucket, version: OwnedVersion): EffectiveAcl {
  if (hasAclsDisabled(bucket)) return { owner: bucketOwner(bucket), grants: undefined };
  return { owner: version.owner ?? bucketOwner(bucket), grants: version.acl };
}

export function hasAclsDisabled(bucket: Pick<OwnedBucket, "objectOwnership">): boolean {
  return bucket.objectOwnership === "BucketOwnerEnforced";
}

/** The grants as a client may see them. */
export function shownGrants({ owner, grants }: EffectiveAcl): AclGrants {
  return grants ?? [userGrant(owner, "FULL_CONTROL")];
}

/** Whether a list says no more than what holds without one. */
export function isOwnersAlone(grants: AclGrants, ownerId: string): boolean {
  const [grant, ...others] = grants;
  return (
    grant?.permission === "FULL_CONTROL" &&
    grant.grantee.kind === "canonical-user" &&
    grant.grantee.id === ownerId &&
    others.length === 0
  );
}

/** The owner of a version where it is another than the bucket's. */
export function foreignOwner(
  bucket: Pick<OwnedBucket, "objectOwnership">,
  version: Pick<OwnedVersion, "owner">,
): AclPerson | undefined {
  return hasAclsDisabled(bucket) ? undefined : version.owner;
}

export function bucketOwner(bucket: Pick<OwnedBucket, "ownerId" | "ownerName">): AclPerson {
  return { id: bucket.ownerId, name: bucket.ownerName };
}
