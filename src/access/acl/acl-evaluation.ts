// What an access control list gives to a caller. Knows nothing of policies, nor of what an action needs:
// that is authorization's business, which asks here for one permission at a time.

import {
  aclGroups,
  type AclGrant,
  type AclGrantee,
  type AclGrants,
  type AclPermission,
} from "../../model/access-control-list.ts";
import { canonicalIdOf, type Caller } from "../caller.ts";

export interface AclVerdict {
  readonly allowed: boolean;
  /** Whom the list names in the grant that decided; absent when nothing is granted. */
  readonly grantee?: AclGrantee;
}

export interface AclOptions {
  /** Block Public Access, IgnorePublicAcls: grants to everybody count as if they were not there. */
  readonly ignorePublic: boolean;
}

const refused: AclVerdict = { allowed: false };

/**
 * Whether a list gives a permission. Without a list the owner has FULL_CONTROL and nobody else anything.
 * Owners may always read and write the list itself, so that nobody can lock himself out ("ACL overview",
 * and ceph/s3-tests' test_bucket_acl_no_grants, which passes on AWS).
 */
export function aclAllows(
  grants: AclGrants | undefined,
  ownerCanonicalId: string,
  caller: Caller,
  permission: AclPermission,
  { ignorePublic }: AclOptions,
): AclVerdict {
  const isOwner = canonicalIdOf(caller) === ownerCanonicalId;
  if (isOwner && (grants === undefined || isAboutTheList(permission))) {
    return { allowed: true, grantee: { kind: "canonical-user", id: ownerCanonicalId } };
  }
  if (grants === undefined) return refused;
  for (const grant of grants) {
    if (!gives(grant, permission)) continue;
    if (ignorePublic && isPublicGrantee(grant.grantee)) continue;
    if (names(grant.grantee, caller)) return { allowed: true, grantee: grant.grantee };
  }
  return refused;
}

/** Whether a list gives a permission to a group by name: what S3's own log delivery asks for. */
export function aclAllowsGroup(
  grants: AclGrants | undefined,
  uri: string,
  permission: AclPermission,
): boolean {
  return (grants ?? []).some(
    (grant) =>
      grant.grantee.kind === "group" && grant.grantee.uri === uri && gives(grant, permission),
  );
}

/**
 * What Block Public Access calls public: any permission for everybody, or for every AWS account, which
 * anybody may have ("Blocking public access", The meaning of "public").
 */
export function isPublicAcl(grants: AclGrants | undefined): boolean {
  return (grants ?? []).some(({ grantee }) => isPublicGrantee(grantee));
}

/** Whether a list gives anything to anybody but its owner. */
export function isSharedAcl(grants: AclGrants | undefined, ownerCanonicalId: string): boolean {
  return (grants ?? []).some(
    ({ grantee }) => grantee.kind === "group" || grantee.id !== ownerCanonicalId,
  );
}

function gives(grant: AclGrant, permission: AclPermission): boolean {
  return grant.permission === permission || grant.permission === "FULL_CONTROL";
}

function names(grantee: AclGrantee, caller: Caller): boolean {
  if (grantee.kind === "canonical-user") {
    return grantee.id === canonicalIdOf(caller);
  }
  switch (grantee.uri) {
    case aclGroups.allUsers:
      return true;
    case aclGroups.authenticatedUsers:
      return caller.kind === "identified";
    // Log delivery is a service of S3's own: no caller is a member.
    default:
      return false;
  }
}

function isAboutTheList(permission: AclPermission): boolean {
  return permission === "READ_ACP" || permission === "WRITE_ACP";
}

function isPublicGrantee(grantee: AclGrantee): boolean {
  return (
    grantee.kind === "group" &&
    (grantee.uri === aclGroups.allUsers || grantee.uri === aclGroups.authenticatedUsers)
  );
}
