// The roles of accounts: who may assume them is in their trust policies.

import { encodeRecord } from "../../storage/record-codec.ts";
import type { AccountId } from "../caller.ts";
import { checkBoundary, releaseBoundary } from "./boundaries.ts";
import {
  checkHoldsNoPolicies,
  checkNameIsFree,
  deleteEntity,
  getEntity,
  setEntity,
} from "./entities.ts";
import { listEntities, type EntityListRequest } from "./entity-changes.ts";
import type { IdentityDatabase, Page } from "./identity-database.ts";
import { IdentityError } from "./identity-error.ts";
import { identityKeys, identityRanges } from "./identity-keys.ts";
import {
  checkLength,
  checkName,
  checkPath,
  roleNameLength,
  validationError,
} from "./identity-names.ts";
import {
  decodeLastUsed,
  decodeRevokedSession,
  type LastUsedRecord,
  type RevokedSessionRecord,
  type RoleRecord,
  type Tag,
} from "./identity-records.ts";
import { countPolicyCharacters, iamPolicyCharacters } from "../policy/policy-limits.ts";
import { checkPolicyDocument } from "./policy-checks.ts";
import { addTags, checkTags, removeTags } from "./tags.ts";

export interface NewRole {
  readonly roleName: string;
  readonly path?: string | undefined;
  /** The trust policy. */
  readonly assumeRolePolicyDocument: string;
  readonly description?: string | undefined;
  /** In seconds; 3600 to 43200. */
  readonly maxSessionDuration?: number | undefined;
  readonly permissionsBoundary?: string | undefined;
  readonly tags?: readonly Tag[] | undefined;
}

const shortestMaximumSeconds = 3600;
const longestMaximumSeconds = 43_200;

export class Roles {
  readonly #database: IdentityDatabase;

  constructor(database: IdentityDatabase) {
    this.#database = database;
  }

  /** Throws IdentityError EntityAlreadyExists, MalformedPolicyDocument, ValidationError, … */
  async create(accountId: AccountId, role: NewRole): Promise<RoleRecord> {
    checkName(role.roleName, "roleName", roleNameLength);
    const path = checkPath(role.path);
    const tags = checkTags(role.tags ?? []);
    checkTrustPolicy(role.assumeRolePolicyDocument, "assumeRolePolicyDocument");
    const { description, permissionsBoundary: boundaryArn } = role;
    checkDescription(description);
    const maximumSessionSeconds = checkMaximumSession(role.maxSessionDuration);
    return this.#database.change(accountId, async (transaction) => {
      await checkNameIsFree(transaction, "role", accountId, role.roleName);
      const record: RoleRecord = {
        v: 1,
        kind: "role",
        accountId,
        id: this.#database.ids.uniqueId("AROA"),
        name: role.roleName,
        path,
        createdMilliseconds: this.#database.clock.now(),
        attachedPolicyArns: [],
        inlinePolicies: {},
        trustPolicy: role.assumeRolePolicyDocument,
        maximumSessionSeconds,
        tags,
        ...(description === undefined ? {} : { description }),
        ...(boundaryArn === undefined ? {} : { boundaryArn }),
      };
      await checkBoundary(transaction, record);
      setEntity(transaction, record);
      return record;
    });
  }

  /** Throws IdentityError NoSuchEntity. */
  async get(accountId: AccountId, roleName: string): Promise<RoleRecord> {
    return this.#database.run((transaction) => getEntity(transaction, "role", accountId, roleName));
  }

  /** When a session of the role was used last; `undefined`: never. */
  async lastUsed(role: RoleRecord): Promise<LastUsedRecord | undefined> {
    const { gets } = await this.#database.store.read({ gets: [identityKeys.lastUsed(role.id)] });
    return gets[0] === undefined ? undefined : decodeLastUsed(gets[0].value);
  }

  async list(accountId: AccountId, request: EntityListRequest = {}): Promise<Page<RoleRecord>> {
    return listEntities(this.#database, "role", accountId, request);
  }

  /** Only what is given changes. */
  async update(
    accountId: AccountId,
    roleName: string,
    change: {
      readonly description?: string | undefined;
      readonly maxSessionDuration?: number | undefined;
    },
  ): Promise<RoleRecord> {
    checkDescription(change.description);
    return this.#change(accountId, roleName, (role) => ({
      ...role,
      ...(change.description === undefined ? {} : { description: change.description }),
      ...(change.maxSessionDuration === undefined
        ? {}
        : { maximumSessionSeconds: checkMaximumSession(change.maxSessionDuration) }),
    }));
  }

  async updateTrustPolicy(accountId: AccountId, roleName: string, document: string): Promise<void> {
    checkTrustPolicy(document, "policyDocument");
    await this.#change(accountId, roleName, (role) => ({ ...role, trustPolicy: document }));
  }

  /** Sessions of the role end with it. Throws IdentityError DeleteConflict while it has policies. */
  async delete(accountId: AccountId, roleName: string): Promise<void> {
    await this.#database.change(accountId, async (transaction) => {
      const role = await getEntity(transaction, "role", accountId, roleName);
      checkHoldsNoPolicies(role);
      releaseBoundary(transaction, role);
      deleteEntity(transaction, role);
      transaction.delete(identityKeys.lastUsed(role.id));
    });
  }

  async tag(accountId: AccountId, roleName: string, tags: readonly Tag[]): Promise<void> {
    await this.#change(accountId, roleName, (role) => ({
      ...role,
      tags: addTags(role.tags, tags),
    }));
  }

  async untag(accountId: AccountId, roleName: string, keys: readonly string[]): Promise<void> {
    await this.#change(accountId, roleName, (role) => ({
      ...role,
      tags: removeTags(role.tags, keys),
    }));
  }

  /** Sessions of the role that were issued before now are refused from now on. */
  async revokeSessions(accountId: AccountId, roleName: string): Promise<void> {
    const sessionsRevokedMilliseconds = this.#database.clock.now();
    await this.#change(accountId, roleName, (role) => ({ ...role, sessionsRevokedMilliseconds }));
  }

  /** One session, of a role or a user, by its temporary access key; it ends by itself at `expires`. */
  async revokeSession(
    accountId: AccountId,
    accessKeyId: string,
    expiresMilliseconds: number,
  ): Promise<void> {
    const now = this.#database.clock.now();
    await this.#database.change(accountId, async (transaction) => {
      const range = identityRanges.revokedSessions(accountId);
      for (const { key, value } of await this.#database.entriesOf(transaction, range)) {
        if (decodeRevokedSession(value).expiresMilliseconds < now) transaction.delete(key);
      }
      const record: RevokedSessionRecord = { v: 1, expiresMilliseconds };
      transaction.set(identityKeys.revokedSession(accountId, accessKeyId), encodeRecord(record));
    });
  }

  async #change(
    accountId: AccountId,
    roleName: string,
    change: (role: RoleRecord) => RoleRecord,
  ): Promise<RoleRecord> {
    return this.#database.change(accountId, async (transaction) => {
      const after = change(await getEntity(transaction, "role", accountId, roleName));
      setEntity(transaction, after);
      return after;
    });
  }
}

function checkTrustPolicy(document: string, member: string): void {
  checkPolicyDocument(document, "trust", member);
  if (countPolicyCharacters(document) <= iamPolicyCharacters.trust) return;
  throw new IdentityError(
    "LimitExceeded",
    `Cannot exceed quota for ACLSizePerRole: ${iamPolicyCharacters.trust}`,
  );
}

function checkDescription(description: string | undefined): void {
  if (description !== undefined) checkLength(description, "description", 0, 1000);
}

function checkMaximumSession(seconds: number = shortestMaximumSeconds): number {
  const member = "maxSessionDuration";
  if (!(seconds >= shortestMaximumSeconds)) {
    const constraint = `Member must have value greater than or equal to ${shortestMaximumSeconds}`;
    throw validationError(String(seconds), member, constraint);
  }
  if (!(seconds <= longestMaximumSeconds)) {
    const constraint = `Member must have value less than or equal to ${longestMaximumSeconds}`;
    throw validationError(String(seconds), member, constraint);
  }
  return seconds;
}
