// The canned access control lists of S3: names for lists that many want.

import {
  aclGroups,
  type AclGrant,
  type AclGrants,
  type AclPermission,
} from "../../model/access-control-list.ts";
import { S3Error } from "../../model/errors.ts";

/** An account as records and lists name it. */
export interface AclPerson {
  readonly id: string;
  readonly name: string;
}

/** EC2's bundle reader, whom `aws-exec-read` lets read (Guide, "Canned ACL"). */
const bundleReader: AclPerson = {
  id: "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c",
  name: "za-team",
};

type Expansion = (bucketOwner: AclPerson) => readonly AclGrant[];

const common: Readonly<Record<string, Expansion>> = {
  private: () => [],
  "public-read": () => [groupGrant(aclGroups.allUsers, "READ")],
  "public-read-write": () => [
    groupGrant(aclGroups.allUsers, "READ"),
    groupGrant(aclGroups.allUsers, "WRITE"),
  ],
  "authenticated-read": () => [groupGrant(aclGroups.authenticatedUsers, "READ")],
  "aws-exec-read": () => [userGrant(bundleReader, "READ")],
};

const ofBuckets: Readonly<Record<string, Expansion>> = {
  ...common,
  "log-delivery-write": () => [
    groupGrant(aclGroups.logDelivery, "WRITE"),
    groupGrant(aclGroups.logDelivery, "READ_ACP"),
  ],
  // Guide: "If you specify this canned ACL when creating a bucket, Amazon S3 ignores it."
  "bucket-owner-read": () => [],
  "bucket-owner-full-control": () => [],
};

const ofObjects: Readonly<Record<string, Expansion>> = {
  ...common,
  "bucket-owner-read": (bucketOwner) => [userGrant(bucketOwner, "READ")],
  "bucket-owner-full-control": (bucketOwner) => [userGrant(bucketOwner, "FULL_CONTROL")],
};

/** Throws S3Error InvalidArgument for a name that S3 does not know. */
export function expandBucketCannedAcl(name: string, owner: AclPerson): AclGrants {
  return expand(ofBuckets, name, owner, owner);
}

/** Throws S3Error InvalidArgument for a name that S3 does not know. */
export function expandObjectCannedAcl(
  name: string,
  people: { readonly owner: AclPerson; readonly bucketOwner: AclPerson },
): AclGrants {
  return expand(ofObjects, name, people.owner, people.bucketOwner);
}

/** Throws S3Error InvalidArgument. */
export function checkCannedAcl(name: string, kind: "bucket" | "object"): void {
  const table = kind === "bucket" ? ofBuckets : ofObjects;
  if (!Object.hasOwn(table, name)) throw unknownCannedAcl(name);
}

export function userGrant({ id, name }: AclPerson, permission: AclPermission): AclGrant {
  return { grantee: { kind: "canonical-user", id, displayName: name }, permission };
}

function groupGrant(uri: string, permission: AclPermission): AclGrant {
  return { grantee: { kind: "group", uri }, permission };
}

function expand(
  table: Readonly<Record<string, Expansion>>,
  name: string,
  owner: AclPerson,
  bucketOwner: AclPerson,
): AclGrants {
  const expansion = Object.hasOwn(table, name) ? table[name] : undefined;
  if (expansion === undefined) throw unknownCannedAcl(name);
  // The owner of both is named once, with all that he has.
  const others = expansion(bucketOwner).filter(
    ({ grantee }) => grantee.kind === "group" || grantee.id !== owner.id,
  );
  return [userGrant(owner, "FULL_CONTROL"), ...others];
}

function unknownCannedAcl(name: string): S3Error {
  return new S3Error("InvalidArgument", {
    fields: { ArgumentName: "x-amz-acl", ArgumentValue: name },
  });
}
