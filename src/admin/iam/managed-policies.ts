// IAM's actions on managed policies.

import { pageOf } from "../../access/identities/identity-database.ts";
import type {
  ManagedPolicy,
  ManagedPolicyVersion,
  PolicyEntity,
} from "../../access/identities/managed-policies.ts";
import type {
  ListEntitiesForPolicyInput,
  Policy,
  PolicyVersion,
} from "../../model/iam.generated.ts";
import { pageMembers, pageRequestOf, type IamActionTable } from "./iam-action.ts";
import { encodeDocument, storedTags, tagsOf } from "./iam-shapes.ts";
import { byKey } from "./users.ts";

export const managedPolicyActions: IamActionTable<
  | "CreatePolicy"
  | "GetPolicy"
  | "ListPolicies"
  | "DeletePolicy"
  | "CreatePolicyVersion"
  | "GetPolicyVersion"
  | "ListPolicyVersions"
  | "SetDefaultPolicyVersion"
  | "DeletePolicyVersion"
  | "TagPolicy"
  | "UntagPolicy"
  | "ListPolicyTags"
  | "ListEntitiesForPolicy"
> = {
  async CreatePolicy(input, { identities, accountId }) {
    const policy = await identities.policies.create(accountId, {
      policyName: input.PolicyName,
      path: input.Path,
      policyDocument: input.PolicyDocument,
      description: input.Description,
      tags: storedTags(input.Tags),
    });
    // The answer leaves out the description, as that of IAM does.
    const { Description: _, ...created } = policyOf(policy);
    return { Policy: { ...created, ...policyTags(policy) } };
  },

  async GetPolicy(input, { identities, accountId }) {
    const policy = await identities.policies.get(accountId, input.PolicyArn);
    return { Policy: { ...policyOf(policy), Tags: tagsOf(policy.tags) } };
  },

  async ListPolicies(input, { identities, accountId }) {
    const page = await identities.policies.list(accountId, {
      ...pageRequestOf(input),
      scope: input.Scope,
      onlyAttached: input.OnlyAttached,
      pathPrefix: input.PathPrefix,
      usage: input.PolicyUsageFilter,
    });
    const Policies = page.items.map((policy) => {
      const { Description: _, ...listed } = policyOf(policy);
      return listed;
    });
    return { Policies, ...pageMembers(page) };
  },

  async DeletePolicy(input, { identities, accountId }) {
    await identities.policies.delete(accountId, input.PolicyArn);
  },

  async CreatePolicyVersion(input, { identities, accountId }) {
    const version = await identities.policies.createVersion(accountId, input.PolicyArn, {
      policyDocument: input.PolicyDocument,
      setAsDefault: input.SetAsDefault,
    });
    return { PolicyVersion: listedVersionOf(version) };
  },

  async GetPolicyVersion(input, { identities, accountId }) {
    const { PolicyArn, VersionId } = input;
    const version = await identities.policies.getVersion(accountId, PolicyArn, VersionId);
    return { PolicyVersion: versionOf(version) };
  },

  async ListPolicyVersions(input, { identities, accountId }) {
    const { PolicyArn } = input;
    const page = await identities.policies.listVersions(accountId, PolicyArn, pageRequestOf(input));
    return { Versions: page.items.map(listedVersionOf), ...pageMembers(page) };
  },

  async SetDefaultPolicyVersion(input, { identities, accountId }) {
    await identities.policies.setDefaultVersion(accountId, input.PolicyArn, input.VersionId);
  },

  async DeletePolicyVersion(input, { identities, accountId }) {
    await identities.policies.deleteVersion(accountId, input.PolicyArn, input.VersionId);
  },

  async TagPolicy(input, { identities, accountId }) {
    await identities.policies.tag(accountId, input.PolicyArn, storedTags(input.Tags));
  },

  async UntagPolicy(input, { identities, accountId }) {
    await identities.policies.untag(accountId, input.PolicyArn, input.TagKeys);
  },

  async ListPolicyTags(input, { identities, accountId }) {
    const { tags } = await identities.policies.get(accountId, input.PolicyArn);
    const page = pageOf(pageRequestOf(input), tags.toSorted(byKey), ([key]) => key);
    return { Tags: tagsOf(page.items), ...pageMembers(page) };
  },

  async ListEntitiesForPolicy(input, { identities, accountId }) {
    const entities = await identities.policies.entitiesOf(accountId, input.PolicyArn);
    const wanted = entities.filter((each) => isWanted(each, input));
    const page = pageOf(
      pageRequestOf(input),
      wanted.map((each) => ({ ...each, place: placeOf(each) })).toSorted(byPlace),
      ({ place }) => place,
    );
    const named = page.items.map(({ entity }) => entity);
    return {
      PolicyGroups: named
        .filter(({ kind }) => kind === "group")
        .map(({ name, id }) => ({ GroupName: name, GroupId: id })),
      PolicyUsers: named
        .filter(({ kind }) => kind === "user")
        .map(({ name, id }) => ({ UserName: name, UserId: id })),
      PolicyRoles: named
        .filter(({ kind }) => kind === "role")
        .map(({ name, id }) => ({ RoleName: name, RoleId: id })),
      ...pageMembers(page),
    };
  },
};

export function policyOf(policy: ManagedPolicy): Policy {
  return {
    PolicyName: policy.name,
    PolicyId: policy.id,
    Arn: policy.arn,
    Path: policy.path,
    DefaultVersionId: policy.defaultVersionId,
    AttachmentCount: policy.attachmentCount,
    PermissionsBoundaryUsageCount: policy.boundaryUsageCount,
    IsAttachable: true,
    ...(policy.description === undefined ? {} : { Description: policy.description }),
    CreateDate: new Date(policy.createdMilliseconds),
    UpdateDate: new Date(policy.updatedMilliseconds),
  };
}

function policyTags({ tags }: ManagedPolicy): Pick<Policy, "Tags"> {
  return tags.length === 0 ? {} : { Tags: tagsOf(tags) };
}

export function versionOf(version: ManagedPolicyVersion): PolicyVersion {
  return { Document: encodeDocument(version.document), ...listedVersionOf(version) };
}

function listedVersionOf({
  versionId,
  isDefault,
  createdMilliseconds,
}: ManagedPolicyVersion): PolicyVersion {
  return {
    VersionId: versionId,
    IsDefaultVersion: isDefault,
    CreateDate: new Date(createdMilliseconds),
  };
}

function isWanted(
  { entity, use }: PolicyEntity,
  { EntityFilter, PathPrefix, PolicyUsageFilter }: ListEntitiesForPolicyInput,
): boolean {
  const usage = use === "boundary" ? "PermissionsBoundary" : "PermissionsPolicy";
  if (PolicyUsageFilter !== undefined && PolicyUsageFilter !== usage) return false;
  if (EntityFilter !== undefined && EntityFilter.toLowerCase() !== entity.kind) return false;
  return entity.path.startsWith(PathPrefix ?? "/");
}

function placeOf({ entity, use }: PolicyEntity): string {
  return `${entity.kind}/${entity.name.toLowerCase()}/${use}`;
}

function byPlace(left: { readonly place: string }, right: { readonly place: string }): number {
  return left.place < right.place ? -1 : 1;
}
