// IAM's actions on the policies of users, groups and roles: attached, inline, and boundaries. Nearly
// the same three times, so that each is made once for all kinds.

import type { EntityReference } from "../../access/identities/entities.ts";
import type { AttachedPolicy } from "../../model/iam.generated.ts";
import {
  pageMembers,
  pageRequestOf,
  type IamActionTable,
  type IamContext,
  type PagedInput,
} from "./iam-action.ts";
import { encodeDocument } from "./iam-shapes.ts";

export const entityPolicyActions: IamActionTable<
  | "AttachUserPolicy"
  | "AttachGroupPolicy"
  | "AttachRolePolicy"
  | "DetachUserPolicy"
  | "DetachGroupPolicy"
  | "DetachRolePolicy"
  | "ListAttachedUserPolicies"
  | "ListAttachedGroupPolicies"
  | "ListAttachedRolePolicies"
  | "PutUserPolicy"
  | "PutGroupPolicy"
  | "PutRolePolicy"
  | "GetUserPolicy"
  | "GetGroupPolicy"
  | "GetRolePolicy"
  | "DeleteUserPolicy"
  | "DeleteGroupPolicy"
  | "DeleteRolePolicy"
  | "ListUserPolicies"
  | "ListGroupPolicies"
  | "ListRolePolicies"
  | "PutUserPermissionsBoundary"
  | "DeleteUserPermissionsBoundary"
  | "PutRolePermissionsBoundary"
  | "DeleteRolePermissionsBoundary"
> = {
  AttachUserPolicy: (input, context) => attach(user(input, context), input, context),
  AttachGroupPolicy: (input, context) => attach(group(input, context), input, context),
  AttachRolePolicy: (input, context) => attach(role(input, context), input, context),

  DetachUserPolicy: (input, context) => detach(user(input, context), input, context),
  DetachGroupPolicy: (input, context) => detach(group(input, context), input, context),
  DetachRolePolicy: (input, context) => detach(role(input, context), input, context),

  ListAttachedUserPolicies: (input, context) => listAttached(user(input, context), input, context),
  ListAttachedGroupPolicies: (input, context) =>
    listAttached(group(input, context), input, context),
  ListAttachedRolePolicies: (input, context) => listAttached(role(input, context), input, context),

  PutUserPolicy: (input, context) => putInline(user(input, context), input, context),
  PutGroupPolicy: (input, context) => putInline(group(input, context), input, context),
  PutRolePolicy: (input, context) => putInline(role(input, context), input, context),

  GetUserPolicy: async (input, context) => ({
    UserName: input.UserName,
    ...(await getInline(user(input, context), input, context)),
  }),
  GetGroupPolicy: async (input, context) => ({
    GroupName: input.GroupName,
    ...(await getInline(group(input, context), input, context)),
  }),
  GetRolePolicy: async (input, context) => ({
    RoleName: input.RoleName,
    ...(await getInline(role(input, context), input, context)),
  }),

  DeleteUserPolicy: (input, context) => deleteInline(user(input, context), input, context),
  DeleteGroupPolicy: (input, context) => deleteInline(group(input, context), input, context),
  DeleteRolePolicy: (input, context) => deleteInline(role(input, context), input, context),

  ListUserPolicies: (input, context) => listInline(user(input, context), input, context),
  ListGroupPolicies: (input, context) => listInline(group(input, context), input, context),
  ListRolePolicies: (input, context) => listInline(role(input, context), input, context),

  async PutUserPermissionsBoundary(input, context) {
    const { entityPolicies } = context.identities;
    await entityPolicies.putBoundary(user(input, context), input.PermissionsBoundary);
  },
  async DeleteUserPermissionsBoundary(input, context) {
    await context.identities.entityPolicies.deleteBoundary(user(input, context));
  },
  async PutRolePermissionsBoundary(input, context) {
    const { entityPolicies } = context.identities;
    await entityPolicies.putBoundary(role(input, context), input.PermissionsBoundary);
  },
  async DeleteRolePermissionsBoundary(input, context) {
    await context.identities.entityPolicies.deleteBoundary(role(input, context));
  },
};

type Reference<Kind extends EntityReference["kind"]> = EntityReference & { readonly kind: Kind };

function user(input: { readonly UserName: string }, { accountId }: IamContext): Reference<"user"> {
  return { kind: "user", accountId, name: input.UserName };
}

function group(
  input: { readonly GroupName: string },
  { accountId }: IamContext,
): Reference<"group"> {
  return { kind: "group", accountId, name: input.GroupName };
}

function role(input: { readonly RoleName: string }, { accountId }: IamContext): Reference<"role"> {
  return { kind: "role", accountId, name: input.RoleName };
}

async function attach(
  entity: EntityReference,
  { PolicyArn }: { readonly PolicyArn: string },
  { identities }: IamContext,
): Promise<void> {
  await identities.entityPolicies.attach(entity, PolicyArn);
}

async function detach(
  entity: EntityReference,
  { PolicyArn }: { readonly PolicyArn: string },
  { identities }: IamContext,
): Promise<void> {
  await identities.entityPolicies.detach(entity, PolicyArn);
}

async function listAttached(
  entity: EntityReference,
  input: PagedInput & { readonly PathPrefix?: string | undefined },
  { identities }: IamContext,
): Promise<{
  AttachedPolicies: readonly AttachedPolicy[];
  IsTruncated: boolean;
  Marker?: string;
}> {
  const page = await identities.entityPolicies.listAttached(entity, {
    ...pageRequestOf(input),
    pathPrefix: input.PathPrefix,
  });
  const AttachedPolicies = page.items.map(({ name, arn }) => ({
    PolicyName: name,
    PolicyArn: arn,
  }));
  return { AttachedPolicies, ...pageMembers(page) };
}

async function putInline(
  entity: EntityReference,
  { PolicyName, PolicyDocument }: { readonly PolicyName: string; readonly PolicyDocument: string },
  { identities }: IamContext,
): Promise<void> {
  await identities.entityPolicies.putInline(entity, PolicyName, PolicyDocument);
}

async function getInline(
  entity: EntityReference,
  { PolicyName }: { readonly PolicyName: string },
  { identities }: IamContext,
): Promise<{ PolicyName: string; PolicyDocument: string }> {
  const document = await identities.entityPolicies.getInline(entity, PolicyName);
  return { PolicyName, PolicyDocument: encodeDocument(document) };
}

async function deleteInline(
  entity: EntityReference,
  { PolicyName }: { readonly PolicyName: string },
  { identities }: IamContext,
): Promise<void> {
  await identities.entityPolicies.deleteInline(entity, PolicyName);
}

async function listInline(
  entity: EntityReference,
  input: PagedInput,
  { identities }: IamContext,
): Promise<{ PolicyNames: readonly string[]; IsTruncated: boolean; Marker?: string }> {
  const page = await identities.entityPolicies.listInline(entity, pageRequestOf(input));
  return { PolicyNames: page.items, ...pageMembers(page) };
}
