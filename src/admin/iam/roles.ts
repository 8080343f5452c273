// IAM's actions on roles.

import { pageOf } from "../../access/identities/identity-database.ts";
import type { RoleRecord } from "../../access/identities/identity-records.ts";
import type { Role } from "../../model/iam.generated.ts";
import { QueryError } from "../query/query-error.ts";
import { pageMembers, pageRequestOf, type IamActionTable, type IamContext } from "./iam-action.ts";
import { listedRoleOf, roleOf, storedTags, tagsOf } from "./iam-shapes.ts";
import { byKey } from "./users.ts";

export const roleActions: IamActionTable<
  | "CreateRole"
  | "GetRole"
  | "ListRoles"
  | "UpdateRole"
  | "UpdateRoleDescription"
  | "UpdateAssumeRolePolicy"
  | "DeleteRole"
  | "TagRole"
  | "UntagRole"
  | "ListRoleTags"
  | "CreateServiceLinkedRole"
  | "ListInstanceProfilesForRole"
> = {
  async CreateRole(input, { identities, accountId }) {
    const role = await identities.roles.create(accountId, {
      roleName: input.RoleName,
      path: input.Path,
      assumeRolePolicyDocument: input.AssumeRolePolicyDocument,
      description: input.Description,
      maxSessionDuration: input.MaxSessionDuration,
      permissionsBoundary: input.PermissionsBoundary,
      tags: storedTags(input.Tags),
    });
    return { Role: roleOf(role) };
  },

  async GetRole(input, context) {
    const role = await context.identities.roles.get(context.accountId, input.RoleName);
    return { Role: await usedRoleOf(role, context) };
  },

  async ListRoles(input, { identities, accountId }) {
    const page = await identities.roles.list(accountId, {
      ...pageRequestOf(input),
      pathPrefix: input.PathPrefix,
    });
    return { Roles: page.items.map(listedRoleOf), ...pageMembers(page) };
  },

  async UpdateRole(input, { identities, accountId }) {
    await identities.roles.update(accountId, input.RoleName, {
      description: input.Description,
      maxSessionDuration: input.MaxSessionDuration,
    });
    return {};
  },

  async UpdateRoleDescription(input, { identities, accountId }) {
    const role = await identities.roles.update(accountId, input.RoleName, {
      description: input.Description,
    });
    return { Role: roleOf(role) };
  },

  async UpdateAssumeRolePolicy(input, { identities, accountId }) {
    const { RoleName, PolicyDocument } = input;
    await identities.roles.updateTrustPolicy(accountId, RoleName, PolicyDocument);
  },

  async DeleteRole(input, { identities, accountId }) {
    await identities.roles.delete(accountId, input.RoleName);
  },

  async TagRole(input, { identities, accountId }) {
    await identities.roles.tag(accountId, input.RoleName, storedTags(input.Tags));
  },

  async UntagRole(input, { identities, accountId }) {
    await identities.roles.untag(accountId, input.RoleName, input.TagKeys);
  },

  async ListRoleTags(input, { identities, accountId }) {
    const { tags } = await identities.roles.get(accountId, input.RoleName);
    const page = pageOf(pageRequestOf(input), tags.toSorted(byKey), ([key]) => key);
    return { Tags: tagsOf(page.items), ...pageMembers(page) };
  },

  /** No service of this server works with a role of its own. */
  async CreateServiceLinkedRole({ AWSServiceName }) {
    throw new QueryError(
      "InvalidInput",
      `Service ${AWSServiceName} does not support service-linked roles on this server.`,
    );
  },

  /** There are no instances, and so no profiles; Terraform asks before it deletes a role. */
  async ListInstanceProfilesForRole(input, { identities, accountId }) {
    await identities.roles.get(accountId, input.RoleName);
    return { InstanceProfiles: [], IsTruncated: false };
  },
};

/** With when it was used last, which lists leave out. */
export async function usedRoleOf(
  role: RoleRecord,
  { identities }: Pick<IamContext, "identities">,
): Promise<Role> {
  const used = await identities.roles.lastUsed(role);
  return {
    ...roleOf(role),
    RoleLastUsed:
      used === undefined
        ? {}
        : { LastUsedDate: new Date(used.usedMilliseconds), Region: used.region },
  };
}
