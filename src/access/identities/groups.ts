// The groups of accounts, and who is in them.

import type { AccountId } from "../caller.ts";
import {
  checkHoldsNoPolicies,
  checkNameIsFree,
  deleteConflict,
  deleteEntity,
  findEntityById,
  foldedName,
  getEntity,
  setEntity,
  sortByName,
} from "./entities.ts";
import { listEntities, renameEntity, type EntityListRequest } from "./entity-changes.ts";
import { pageOf, type IdentityDatabase, type Page, type PageRequest } from "./identity-database.ts";
import { IdentityError } from "./identity-error.ts";
import { identityKeys, identityRanges, lastPartOf } from "./identity-keys.ts";
import { checkName, checkPath, groupNameLength } from "./identity-names.ts";
import type { GroupRecord, UserRecord } from "./identity-records.ts";

export const groupsPerUser = 10;

export class Groups {
  readonly #database: IdentityDatabase;

  constructor(database: IdentityDatabase) {
    this.#database = database;
  }

  /** Throws IdentityError EntityAlreadyExists, ValidationError. */
  async create(
    accountId: AccountId,
    group: { readonly groupName: string; readonly path?: string | undefined },
  ): Promise<GroupRecord> {
    checkName(group.groupName, "groupName", groupNameLength);
    const path = checkPath(group.path);
    return this.#database.change(accountId, async (transaction) => {
      await checkNameIsFree(transaction, "group", accountId, group.groupName);
      const record: GroupRecord = {
        v: 1,
        kind: "group",
        accountId,
        id: this.#database.ids.uniqueId("AGPA"),
        name: group.groupName,
        path,
        createdMilliseconds: this.#database.clock.now(),
        attachedPolicyArns: [],
        inlinePolicies: {},
      };
      setEntity(transaction, record);
      return record;
    });
  }

  /** Throws IdentityError NoSuchEntity. */
  async get(accountId: AccountId, groupName: string): Promise<GroupRecord> {
    return this.#database.run((transaction) =>
      getEntity(transaction, "group", accountId, groupName),
    );
  }

  async list(accountId: AccountId, request: EntityListRequest = {}): Promise<Page<GroupRecord>> {
    return listEntities(this.#database, "group", accountId, request);
  }

  async update(
    accountId: AccountId,
    groupName: string,
    change: { readonly newGroupName?: string | undefined; readonly newPath?: string | undefined },
  ): Promise<GroupRecord> {
    if (change.newGroupName !== undefined) {
      checkName(change.newGroupName, "newGroupName", groupNameLength);
    }
    const { newGroupName: newName, newPath } = change;
    return renameEntity(this.#database, "group", accountId, groupName, { newName, newPath });
  }

  /** Throws IdentityError DeleteConflict while the group has members or policies. */
  async delete(accountId: AccountId, groupName: string): Promise<void> {
    await this.#database.change(accountId, async (transaction) => {
      const group = await getEntity(transaction, "group", accountId, groupName);
      const range = identityRanges.members(accountId, group.id);
      const members = await transaction.range({ ...range, limit: 1 });
      if (members.length > 0) throw deleteConflict("must remove users from group first");
      checkHoldsNoPolicies(group);
      deleteEntity(transaction, group);
    });
  }

  /** Adding a member again changes nothing, as in IAM. */
  async addUser(accountId: AccountId, groupName: string, userName: string): Promise<void> {
    await this.#database.change(accountId, async (transaction) => {
      const group = await getEntity(transaction, "group", accountId, groupName);
      const user = await getEntity(transaction, "user", accountId, userName);
      if (user.groupIds.includes(group.id)) return;
      if (user.groupIds.length >= groupsPerUser) {
        throw new IdentityError(
          "LimitExceeded",
          `Cannot exceed quota for GroupsPerUser: ${groupsPerUser}`,
        );
      }
      setEntity(transaction, { ...user, groupIds: [...user.groupIds, group.id] });
      transaction.set(identityKeys.membership(accountId, group.id, user.id), new Uint8Array(0));
    });
  }

  /** Removing who is no member changes nothing. */
  async removeUser(accountId: AccountId, groupName: string, userName: string): Promise<void> {
    await this.#database.change(accountId, async (transaction) => {
      const group = await getEntity(transaction, "group", accountId, groupName);
      const user = await getEntity(transaction, "user", accountId, userName);
      setEntity(transaction, {
        ...user,
        groupIds: user.groupIds.filter((id) => id !== group.id),
      });
      transaction.delete(identityKeys.membership(accountId, group.id, user.id));
    });
  }

  /** The group's users by name. */
  async listUsers(
    accountId: AccountId,
    groupName: string,
    request: PageRequest = {},
  ): Promise<Page<UserRecord>> {
    const users = await this.#database.run(async (transaction) => {
      const group = await getEntity(transaction, "group", accountId, groupName);
      const range = identityRanges.members(accountId, group.id);
      const found: UserRecord[] = [];
      for (const { key } of await this.#database.entriesOf(transaction, range)) {
        const user = await findEntityById(transaction, accountId, lastPartOf(key));
        if (user?.kind === "user") found.push(user);
      }
      return found;
    });
    return pageOf(request, sortByName(users), foldedName);
  }
}
