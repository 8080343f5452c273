// IAM's actions on users.

import type { User } from "../../model/iam.generated.ts";
import { QueryError } from "../query/query-error.ts";
import { ownUserName, pageMembers, pageRequestOf, type IamActionTable } from "./iam-action.ts";
import { groupOf, listedUserOf, rootUserOf, storedTags, tagsOf, userOf } from "./iam-shapes.ts";
import { pageOf } from "../../access/identities/identity-database.ts";

export const userActions: IamActionTable<
  | "CreateUser"
  | "GetUser"
  | "ListUsers"
  | "UpdateUser"
  | "DeleteUser"
  | "TagUser"
  | "UntagUser"
  | "ListUserTags"
  | "ListGroupsForUser"
  | "GetLoginProfile"
  | "DeleteLoginProfile"
  | "ListSigningCertificates"
  | "ListSSHPublicKeys"
  | "ListServiceSpecificCredentials"
> = {
  async CreateUser(input, { identities, accountId }) {
    const user = await identities.users.create(accountId, {
      userName: input.UserName,
      path: input.Path,
      tags: storedTags(input.Tags),
      permissionsBoundary: input.PermissionsBoundary,
    });
    return { User: userOf(user) };
  },

  async GetUser(input, { identities, accountId, caller }) {
    const name = input.UserName ?? ownUserName(caller);
    if (name !== undefined) return { User: userOf(await identities.users.get(accountId, name)) };
    const root = rootUserOf(await identities.accounts.get(accountId));
    // The model calls the members required; IAM leaves them out for the root all the same.
    return { User: root as User };
  },

  async ListUsers(input, { identities, accountId }) {
    const page = await identities.users.list(accountId, {
      ...pageRequestOf(input),
      pathPrefix: input.PathPrefix,
    });
    return { Users: page.items.map(listedUserOf), ...pageMembers(page) };
  },

  async UpdateUser(input, { identities, accountId }) {
    await identities.users.update(accountId, input.UserName, {
      newUserName: input.NewUserName,
      newPath: input.NewPath,
    });
  },

  async DeleteUser(input, { identities, accountId }) {
    await identities.users.delete(accountId, input.UserName);
  },

  async TagUser(input, { identities, accountId }) {
    await identities.users.tag(accountId, input.UserName, storedTags(input.Tags));
  },

  async UntagUser(input, { identities, accountId }) {
    await identities.users.untag(accountId, input.UserName, input.TagKeys);
  },

  async ListUserTags(input, { identities, accountId }) {
    const { tags } = await identities.users.get(accountId, input.UserName);
    const page = pageOf(pageRequestOf(input), tags.toSorted(byKey), ([key]) => key);
    return { Tags: tagsOf(page.items), ...pageMembers(page) };
  },

  async ListGroupsForUser(input, { identities, accountId }) {
    const page = await identities.users.listGroups(accountId, input.UserName, pageRequestOf(input));
    return { Groups: page.items.map(groupOf), ...pageMembers(page) };
  },

  // There is no console to sign in to with a password, and there are no keys of other services: users
  // have none, which is what tools ask before they delete one.

  async GetLoginProfile(input, { identities, accountId, caller }) {
    throw await noLoginProfile(input.UserName ?? ownUserName(caller), (name) =>
      identities.users.get(accountId, name),
    );
  },

  async DeleteLoginProfile(input, { identities, accountId, caller }) {
    throw await noLoginProfile(input.UserName ?? ownUserName(caller), (name) =>
      identities.users.get(accountId, name),
    );
  },

  async ListSigningCertificates(input, { identities, accountId, caller }) {
    const name = input.UserName ?? ownUserName(caller);
    if (name !== undefined) await identities.users.get(accountId, name);
    return { Certificates: [], IsTruncated: false };
  },

  async ListSSHPublicKeys(input, { identities, accountId, caller }) {
    const name = input.UserName ?? ownUserName(caller);
    if (name !== undefined) await identities.users.get(accountId, name);
    return { SSHPublicKeys: [], IsTruncated: false };
  },

  async ListServiceSpecificCredentials(input, { identities, accountId, caller }) {
    const name = input.UserName ?? ownUserName(caller);
    if (name !== undefined) await identities.users.get(accountId, name);
    return { ServiceSpecificCredentials: [] };
  },
};

/** Order of the names of tags, by code unit as `pageOf` compares them. */
export function byKey(
  [left]: readonly [string, string],
  [right]: readonly [string, string],
): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

async function noLoginProfile(
  userName: string | undefined,
  getUser: (name: string) => Promise<unknown>,
): Promise<QueryError> {
  if (userName !== undefined) await getUser(userName);
  return new QueryError(
    "NoSuchEntity",
    `Login Profile for User ${userName ?? "root"} cannot be found.`,
    { status: 404 },
  );
}
