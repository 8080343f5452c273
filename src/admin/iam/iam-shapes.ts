// Records of identities in the words of IAM.

import { arnOf } from "../../access/identities/entities.ts";
import { rootArn } from "../../access/identities/identity-names.ts";
import type {
  AccountRecord,
  GroupRecord,
  RoleRecord,
  Tag as StoredTag,
  UserRecord,
} from "../../access/identities/identity-records.ts";
import type {
  AttachedPermissionsBoundary,
  AttachedPolicy,
  Group,
  Role,
  Tag,
  User,
} from "../../model/iam.generated.ts";

export function userOf(user: UserRecord): User {
  const { path, name, id, createdMilliseconds, boundaryArn, tags } = user;
  return {
    Path: path,
    UserName: name,
    UserId: id,
    Arn: arnOf(user),
    CreateDate: new Date(createdMilliseconds),
    ...boundaryMember(boundaryArn),
    ...tagsMember(tags),
  };
}

/** Lists of users leave out boundary and tags ("ListUsers", IAM API Reference). */
export function listedUserOf(user: UserRecord): User {
  return userOf({ ...withoutBoundary(user), tags: [] });
}

/** What GetUser answers to the account's root: it has no name. */
export function rootUserOf({ accountId, createdMilliseconds }: AccountRecord): Partial<User> {
  return {
    UserId: accountId,
    Arn: rootArn(accountId),
    CreateDate: new Date(createdMilliseconds),
  };
}

export function groupOf(group: GroupRecord): Group {
  const { path, name, id, createdMilliseconds } = group;
  return {
    Path: path,
    GroupName: name,
    GroupId: id,
    Arn: arnOf(group),
    CreateDate: new Date(createdMilliseconds),
  };
}

export function roleOf(role: RoleRecord): Role {
  const { path, name, id, createdMilliseconds, description, boundaryArn, tags } = role;
  return {
    Path: path,
    RoleName: name,
    RoleId: id,
    Arn: arnOf(role),
    CreateDate: new Date(createdMilliseconds),
    AssumeRolePolicyDocument: encodeDocument(role.trustPolicy),
    ...(description === undefined ? {} : { Description: description }),
    MaxSessionDuration: role.maximumSessionSeconds,
    ...boundaryMember(boundaryArn),
    ...tagsMember(tags),
  };
}

/** Lists of roles leave out boundary and tags ("ListRoles", IAM API Reference). */
export function listedRoleOf(role: RoleRecord): Role {
  return roleOf({ ...withoutBoundary(role), tags: [] });
}

function boundaryMember(arn: string | undefined): {
  readonly PermissionsBoundary?: AttachedPermissionsBoundary;
} {
  if (arn === undefined) return {};
  return {
    // The API Reference names `Policy`; what IAM sends is the name of the enumeration's only member.
    PermissionsBoundary: {
      PermissionsBoundaryType: "PermissionsBoundaryPolicy",
      PermissionsBoundaryArn: arn,
    },
  };
}

export function tagsOf(tags: readonly StoredTag[]): readonly Tag[] {
  return tags.map(([Key, Value]) => ({ Key, Value }));
}

function tagsMember(tags: readonly StoredTag[]): { readonly Tags?: readonly Tag[] } {
  return tags.length === 0 ? {} : { Tags: tagsOf(tags) };
}

export function storedTags(tags: readonly Tag[] | undefined): readonly StoredTag[] {
  return (tags ?? []).map(({ Key, Value }) => [Key, Value]);
}

export function attachedPolicyOf(arn: string): AttachedPolicy {
  return { PolicyName: arn.slice(arn.lastIndexOf("/") + 1), PolicyArn: arn };
}

/** "Policies returned by this operation are URL-encoded compliant with RFC 3986." */
export function encodeDocument(document: string): string {
  return encodeURIComponent(document).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function withoutBoundary<Record extends { readonly boundaryArn?: string }>(
  record: Record,
): Omit<Record, "boundaryArn"> {
  const { boundaryArn: _, ...rest } = record;
  return rest;
}
