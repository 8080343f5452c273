// What each action of IAM is about: the ARN that policies must cover, and the condition keys that come
// with it. After "Actions, resources, and condition keys for AWS Identity and Access Management"
// (Service Authorization Reference) and the resources that IAM names in its denials.

import type { ServiceFacts } from "../../access/service-authorization.ts";
import { arnOf, findEntity } from "../../access/identities/entities.ts";
import {
  identityArn,
  mfaDeviceArn,
  oidcProviderArn,
  rootArn,
} from "../../access/identities/identity-names.ts";
import { findPolicy } from "../../access/identities/policy-places.ts";
import type { IamActions, Tag } from "../../model/iam.generated.ts";
import { ownUserName, type IamActionName, type IamContext } from "./iam-action.ts";
import { storedTags } from "./iam-shapes.ts";

export interface ActionSubject {
  /** ARN, or `*`. */
  readonly resource: string;
  readonly facts: ServiceFacts;
}

export async function subjectOf<Name extends IamActionName>(
  action: Name,
  input: IamActions[Name]["input"],
  context: IamContext,
): Promise<ActionSubject> {
  const findSubject = subjects[action] as Finder<Name>;
  const { resource, facts } = await findSubject(input, context);
  // Members of these names mean the same in every action.
  const telling = input as TellingInput;
  return { resource, facts: { ...requestFacts(telling), ...facts, keys: keysOf(telling, facts) } };
}

type Found = Promise<ActionSubject> | ActionSubject;

type Finder<Name extends IamActionName> = (
  input: IamActions[Name]["input"],
  context: IamContext,
) => Found;

/** Members that are condition keys wherever they stand. */
interface TellingInput {
  readonly Tags?: readonly Tag[] | undefined;
  readonly TagKeys?: readonly string[] | undefined;
  readonly PolicyArn?: string | undefined;
  readonly PermissionsBoundary?: string | undefined;
  readonly AWSServiceName?: string | undefined;
}

function requestFacts({ Tags, TagKeys }: TellingInput): ServiceFacts {
  return {
    requestTags: storedTags(Tags),
    ...(TagKeys === undefined ? {} : { tagKeys: TagKeys }),
  };
}

function keysOf(input: TellingInput, facts: ServiceFacts): NonNullable<ServiceFacts["keys"]> {
  return {
    ...facts.keys,
    ...(input.PolicyArn === undefined ? {} : { "iam:policyarn": input.PolicyArn }),
    ...(input.PermissionsBoundary === undefined
      ? {}
      : { "iam:permissionsboundary": input.PermissionsBoundary }),
    ...(input.AWSServiceName === undefined ? {} : { "iam:awsservicename": input.AWSServiceName }),
  };
}

interface NamedUser {
  readonly UserName?: string | undefined;
}
interface NamedGroup {
  readonly GroupName: string;
}
interface NamedRole {
  readonly RoleName: string;
}
interface NamedPath {
  readonly Path?: string | undefined;
}
interface PathPrefixed {
  readonly PathPrefix?: string | undefined;
}

function find<Kind extends "user" | "group" | "role">(
  kind: Kind,
  name: string,
  { identities, accountId }: IamContext,
) {
  return identities.database.run((transaction) => findEntity(transaction, kind, accountId, name));
}

/** Where nothing of that name is, policies see the ARN that it would have at the root path. */
async function user({ UserName }: NamedUser, context: IamContext): Promise<ActionSubject> {
  const { accountId, caller } = context;
  const name = UserName ?? ownUserName(caller);
  if (name === undefined) return about(rootArn(accountId));
  const found = await find("user", name, context);
  if (found === undefined) return about(identityArn(accountId, "user", "/", name));
  return entitySubject(arnOf(found), found);
}

async function group({ GroupName }: NamedGroup, context: IamContext): Promise<ActionSubject> {
  const { accountId } = context;
  const found = await find("group", GroupName, context);
  return about(
    found === undefined ? identityArn(accountId, "group", "/", GroupName) : arnOf(found),
  );
}

async function role({ RoleName }: NamedRole, context: IamContext): Promise<ActionSubject> {
  const { accountId } = context;
  const found = await find("role", RoleName, context);
  if (found === undefined) return about(identityArn(accountId, "role", "/", RoleName));
  return entitySubject(arnOf(found), found);
}

function entitySubject(
  resource: string,
  entity: {
    readonly tags: readonly (readonly [string, string])[];
    readonly boundaryArn?: string;
  },
): ActionSubject {
  const { tags, boundaryArn } = entity;
  const keys = boundaryArn === undefined ? {} : { "iam:permissionsboundary": boundaryArn };
  return about(resource, { resourceTags: tags, keys });
}

async function policy(
  { PolicyArn }: { readonly PolicyArn: string },
  { identities, accountId }: IamContext,
): Promise<ActionSubject> {
  const found = await identities.database.run((transaction) =>
    findPolicy(transaction, accountId, PolicyArn),
  );
  return about(PolicyArn, found === undefined ? {} : { resourceTags: found.tags });
}

async function provider(
  { OpenIDConnectProviderArn }: { readonly OpenIDConnectProviderArn: string },
  { identities, accountId }: IamContext,
): Promise<ActionSubject> {
  const url = OpenIDConnectProviderArn.slice(oidcProviderArn(accountId, "").length);
  const found = await identities.oidcProviders.find(accountId, url);
  const facts = found === undefined ? {} : { resourceTags: found.tags };
  return about(OpenIDConnectProviderArn, facts);
}

const newEntity =
  (kind: "user" | "group" | "role" | "policy", nameMember: string) =>
  (input: NamedPath, { accountId }: IamContext): ActionSubject => {
    const name = (input as Readonly<Record<string, string | undefined>>)[nameMember] ?? "";
    return about(identityArn(accountId, kind, input.Path ?? "/", name));
  };

const entitiesBelow =
  (kind: "user" | "group" | "role" | "policy") =>
  ({ PathPrefix = "/" }: PathPrefixed, { accountId }: IamContext): ActionSubject =>
    about(identityArn(accountId, kind, PathPrefix, ""));

const everything = (): ActionSubject => about("*");

function source({ PolicySourceArn }: { readonly PolicySourceArn: string }): ActionSubject {
  return about(PolicySourceArn);
}

async function keyOwner(
  { AccessKeyId }: { readonly AccessKeyId: string },
  context: IamContext,
): Promise<ActionSubject> {
  const { identities, accountId } = context;
  const key = await identities.accessKeys.find(AccessKeyId);
  if (key?.accountId !== accountId) return about("*");
  if (key.ownerId === accountId) return about(rootArn(accountId));
  const owner = await identities.users.findById(accountId, key.ownerId);
  return owner === undefined ? about("*") : entitySubject(arnOf(owner), owner);
}

/** A serial number is an ARN; hardware devices, whose numbers are none, there are not. */
function device({ SerialNumber }: { readonly SerialNumber: string }): ActionSubject {
  return about(SerialNumber);
}

function about(resource: string, facts: ServiceFacts = {}): ActionSubject {
  return { resource, facts };
}

const subjects: { readonly [Name in IamActionName]: Finder<Name> } = {
  CreateUser: newEntity("user", "UserName"),
  GetUser: user,
  ListUsers: entitiesBelow("user"),
  UpdateUser: user,
  DeleteUser: user,
  TagUser: user,
  UntagUser: user,
  ListUserTags: user,
  ListGroupsForUser: user,
  GetLoginProfile: user,
  DeleteLoginProfile: user,
  ListSigningCertificates: user,
  ListSSHPublicKeys: user,
  ListServiceSpecificCredentials: user,

  CreateAccessKey: user,
  ListAccessKeys: user,
  UpdateAccessKey: user,
  DeleteAccessKey: user,
  GetAccessKeyLastUsed: keyOwner,

  CreateGroup: newEntity("group", "GroupName"),
  GetGroup: group,
  ListGroups: entitiesBelow("group"),
  UpdateGroup: group,
  DeleteGroup: group,
  AddUserToGroup: group,
  RemoveUserFromGroup: group,

  CreateRole: newEntity("role", "RoleName"),
  GetRole: role,
  ListRoles: entitiesBelow("role"),
  UpdateRole: role,
  UpdateRoleDescription: role,
  UpdateAssumeRolePolicy: role,
  DeleteRole: role,
  TagRole: role,
  UntagRole: role,
  ListRoleTags: role,
  ListInstanceProfilesForRole: role,
  CreateServiceLinkedRole: ({ AWSServiceName }, { accountId }) =>
    about(identityArn(accountId, "role", `/aws-service-role/${AWSServiceName}/`, "*")),

  CreatePolicy: newEntity("policy", "PolicyName"),
  GetPolicy: policy,
  ListPolicies: entitiesBelow("policy"),
  DeletePolicy: policy,
  CreatePolicyVersion: policy,
  GetPolicyVersion: policy,
  ListPolicyVersions: policy,
  SetDefaultPolicyVersion: policy,
  DeletePolicyVersion: policy,
  TagPolicy: policy,
  UntagPolicy: policy,
  ListPolicyTags: policy,
  ListEntitiesForPolicy: policy,

  AttachUserPolicy: user,
  AttachGroupPolicy: group,
  AttachRolePolicy: role,
  DetachUserPolicy: user,
  DetachGroupPolicy: group,
  DetachRolePolicy: role,
  ListAttachedUserPolicies: user,
  ListAttachedGroupPolicies: group,
  ListAttachedRolePolicies: role,
  PutUserPolicy: user,
  PutGroupPolicy: group,
  PutRolePolicy: role,
  GetUserPolicy: user,
  GetGroupPolicy: group,
  GetRolePolicy: role,
  DeleteUserPolicy: user,
  DeleteGroupPolicy: group,
  DeleteRolePolicy: role,
  ListUserPolicies: user,
  ListGroupPolicies: group,
  ListRolePolicies: role,
  PutUserPermissionsBoundary: user,
  DeleteUserPermissionsBoundary: user,
  PutRolePermissionsBoundary: role,
  DeleteRolePermissionsBoundary: role,

  CreateOpenIDConnectProvider: ({ Url }, { accountId }) =>
    about(oidcProviderArn(accountId, Url.replace(/^https?:\/\//, ""))),
  GetOpenIDConnectProvider: provider,
  ListOpenIDConnectProviders: (_input, { accountId }) => about(oidcProviderArn(accountId, "*")),
  DeleteOpenIDConnectProvider: provider,
  UpdateOpenIDConnectProviderThumbprint: provider,
  AddClientIDToOpenIDConnectProvider: provider,
  RemoveClientIDFromOpenIDConnectProvider: provider,
  TagOpenIDConnectProvider: provider,
  UntagOpenIDConnectProvider: provider,
  ListOpenIDConnectProviderTags: provider,

  CreateVirtualMFADevice: ({ Path = "/", VirtualMFADeviceName }, { accountId }) =>
    about(mfaDeviceArn(accountId, Path, VirtualMFADeviceName)),
  EnableMFADevice: user,
  DeactivateMFADevice: user,
  DeleteVirtualMFADevice: device,
  ListMFADevices: user,
  ListVirtualMFADevices: (_input, { accountId }) => about(mfaDeviceArn(accountId, "/", "")),
  ResyncMFADevice: user,

  SimulatePrincipalPolicy: source,
  SimulateCustomPolicy: everything,
  GetContextKeysForPrincipalPolicy: source,
  GetContextKeysForCustomPolicy: everything,

  GetAccountSummary: everything,
  GetAccountAuthorizationDetails: everything,
  CreateAccountAlias: everything,
  DeleteAccountAlias: everything,
  ListAccountAliases: everything,
};
