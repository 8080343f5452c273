// IAM's actions on groups.

import { pageMembers, pageRequestOf, type IamActionTable } from "./iam-action.ts";
import { groupOf, listedUserOf } from "./iam-shapes.ts";

export const groupActions: IamActionTable<
  | "CreateGroup"
  | "GetGroup"
  | "ListGroups"
  | "UpdateGroup"
  | "DeleteGroup"
  | "AddUserToGroup"
  | "RemoveUserFromGroup"
> = {
  async CreateGroup(input, { identities, accountId }) {
    const group = await identities.groups.create(accountId, {
      groupName: input.GroupName,
      path: input.Path,
    });
    return { Group: groupOf(group) };
  },

  async GetGroup(input, { identities, accountId }) {
    const group = await identities.groups.get(accountId, input.GroupName);
    const page = await identities.groups.listUsers(
      accountId,
      input.GroupName,
      pageRequestOf(input),
    );
    return { Group: groupOf(group), Users: page.items.map(listedUserOf), ...pageMembers(page) };
  },

  async ListGroups(input, { identities, accountId }) {
    const page = await identities.groups.list(accountId, {
      ...pageRequestOf(input),
      pathPrefix: input.PathPrefix,
    });
    return { Groups: page.items.map(groupOf), ...pageMembers(page) };
  },

  async UpdateGroup(input, { identities, accountId }) {
    await identities.groups.update(accountId, input.GroupName, {
      newGroupName: input.NewGroupName,
      newPath: input.NewPath,
    });
  },

  async DeleteGroup(input, { identities, accountId }) {
    await identities.groups.delete(accountId, input.GroupName);
  },

  async AddUserToGroup(input, { identities, accountId }) {
    await identities.groups.addUser(accountId, input.GroupName, input.UserName);
  },

  async RemoveUserFromGroup(input, { identities, accountId }) {
    await identities.groups.removeUser(accountId, input.GroupName, input.UserName);
  },
};
