// The users of accounts.

import type { AccountId } from "../caller.ts";
import type { GroupRecord, Tag, UserRecord } from "./identity-records.ts";
import { checkBoundary, releaseBoundary } from "./boundaries.ts";
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
import type { IdentityDatabase, Page, PageRequest } from "./identity-database.ts";
import { pageOf } from "./identity-database.ts";
import { identityRanges } from "./identity-keys.ts";
import { checkName, checkPath, userNameLength } from "./identity-names.ts";
import { findDeviceOf } from "./mfa-device-records.ts";
import { addTags, checkTags, removeTags } from "./tags.ts";

export interface NewUser {
  readonly userName: string;
  readonly path?: string | undefined;
  readonly tags?: readonly Tag[] | undefined;
  /** ARN of a managed policy. */
  readonly permissionsBoundary?: string | undefined;
}

export class Users {
  readonly #database: IdentityDatabase;

  constructor(database: IdentityDatabase) {
    this.#database = database;
  }

  /** Throws IdentityError EntityAlreadyExists, NoSuchEntity (of the boundary), ValidationError. */
  async create(accountId: AccountId, user: NewUser): Promise<UserRecord> {
    checkName(user.userName, "userName", userNameLength);
    const path = checkPath(user.path);
    const tags = checkTags(user.tags ?? []);
    const boundaryArn = user.permissionsBoundary;
    return this.#database.change(accountId, async (transaction) => {
      await checkNameIsFree(transaction, "user", accountId, user.userName);
      const record: UserRecord = {
        v: 1,
        kind: "user",
        accountId,
        id: this.#database.ids.uniqueId("AIDA"),
        name: user.userName,
        path,
        createdMilliseconds: this.#database.clock.now(),
        attachedPolicyArns: [],
        inlinePolicies: {},
        groupIds: [],
        tags,
        ...(boundaryArn === undefined ? {} : { boundaryArn }),
      };
      await checkBoundary(transaction, record);
      setEntity(transaction, record);
      return record;
    });
  }

  /** Throws IdentityError NoSuchEntity. */
  async get(accountId: AccountId, userName: string): Promise<UserRecord> {
    return this.#database.run((transaction) => getEntity(transaction, "user", accountId, userName));
  }

  async findById(accountId: AccountId, userId: string): Promise<UserRecord | undefined> {
    const found = await this.#database.run((transaction) =>
      findEntityById(transaction, accountId, userId),
    );
    return found?.kind === "user" ? found : undefined;
  }

  async list(accountId: AccountId, request: EntityListRequest = {}): Promise<Page<UserRecord>> {
    return listEntities(this.#database, "user", accountId, request);
  }

  async update(
    accountId: AccountId,
    userName: string,
    change: { readonly newUserName?: string | undefined; readonly newPath?: string | undefined },
  ): Promise<UserRecord> {
    if (change.newUserName !== undefined) {
      checkName(change.newUserName, "newUserName", userNameLength);
    }
    const { newUserName: newName, newPath } = change;
    return renameEntity(this.#database, "user", accountId, userName, { newName, newPath });
  }

  /** Throws IdentityError DeleteConflict while anything still belongs to the user. */
  async delete(accountId: AccountId, userName: string): Promise<void> {
    await this.#database.change(accountId, async (transaction) => {
      const user = await getEntity(transaction, "user", accountId, userName);
      const keys = await transaction.range({
        ...identityRanges.ownedAccessKeys(accountId, user.id),
        limit: 1,
      });
      if (keys.length > 0) throw deleteConflict("must delete access keys first");
      const device = await findDeviceOf(this.#database, transaction, { accountId, id: user.id });
      if (device !== undefined) throw deleteConflict("must delete MFA device first");
      checkHoldsNoPolicies(user);
      if (user.groupIds.length > 0) throw deleteConflict("must remove users from group first");
      releaseBoundary(transaction, user);
      deleteEntity(transaction, user);
    });
  }

  async tag(accountId: AccountId, userName: string, tags: readonly Tag[]): Promise<void> {
    await this.#change(accountId, userName, (user) => ({
      ...user,
      tags: addTags(user.tags, tags),
    }));
  }

  async untag(accountId: AccountId, userName: string, keys: readonly string[]): Promise<void> {
    await this.#change(accountId, userName, (user) => ({
      ...user,
      tags: removeTags(user.tags, keys),
    }));
  }

  async listGroups(
    accountId: AccountId,
    userName: string,
    request: PageRequest = {},
  ): Promise<Page<GroupRecord>> {
    const groups = await this.#database.run(async (transaction) => {
      const user = await getEntity(transaction, "user", accountId, userName);
      const found: GroupRecord[] = [];
      for (const id of user.groupIds) {
        const group = await findEntityById(transaction, accountId, id);
        if (group?.kind === "group") found.push(group);
      }
      return found;
    });
    return pageOf(request, sortByName(groups), foldedName);
  }

  /** Sessions of the user that were issued before now are refused from now on. */
  async revokeSessions(accountId: AccountId, userName: string): Promise<void> {
    const sessionsRevokedMilliseconds = this.#database.clock.now();
    await this.#change(accountId, userName, (user) => ({ ...user, sessionsRevokedMilliseconds }));
  }

  async #change(
    accountId: AccountId,
    userName: string,
    change: (user: UserRecord) => UserRecord,
  ): Promise<void> {
    await this.#database.change(accountId, async (transaction) => {
      setEntity(transaction, change(await getEntity(transaction, "user", accountId, userName)));
    });
  }
}
