// Access keys of users and of accounts' roots, and the narrowed ones that are service accounts. A secret
// leaves this file once, when it is made; it is stored sealed.

import { timingSafeEqual } from "node:crypto";

import type { Transaction } from "../../storage/key-value/transaction.ts";
import { encodeRecord } from "../../storage/record-codec.ts";
import type { AccountId } from "../caller.ts";
import { findEntityById, getEntity } from "./entities.ts";
import { pageOf, type IdentityDatabase, type Page, type PageRequest } from "./identity-database.ts";
import { IdentityError } from "./identity-error.ts";
import { identityKeys, identityRanges, lastPartOf } from "./identity-keys.ts";
import { checkLength } from "./identity-names.ts";
import {
  decodeAccessKey,
  decodeLastUsed,
  type AccessKeyRecord,
  type AccessKeyStatus,
  type LastUsedRecord,
  type ServiceAccountFacts,
} from "./identity-records.ts";
import { countPolicyCharacters } from "../policy/policy-limits.ts";
import { checkPolicyDocument } from "./policy-checks.ts";

/** Whose keys: a user's by name, or with `undefined` those of the account's root. */
export interface AccessKeyOwner {
  readonly accountId: AccountId;
  readonly userName: string | undefined;
}

export type AccessKey = Omit<AccessKeyRecord, "sealedSecret">;

export interface NewAccessKey {
  readonly key: AccessKey;
  readonly secret: string;
}

/** A pair that somebody chose, as provisioning and imports bring it. */
export interface ChosenPair {
  readonly accessKeyId: string;
  readonly secret: string;
}

export interface AccessKeyUse {
  readonly userName: string | undefined;
  readonly accountId: AccountId;
  /** Absent: never used. */
  readonly lastUsed: LastUsedRecord | undefined;
}

export const keysPerOwner = 2;
const serviceAccountsPerOwner = 100;
/** As a managed policy's. */
const servicePolicySize = 6144;

export const secretContext = (accessKeyId: string): string => `access-key/${accessKeyId}`;

export class AccessKeys {
  readonly #database: IdentityDatabase;

  constructor(database: IdentityDatabase) {
    this.#database = database;
  }

  /** Throws IdentityError LimitExceeded, NoSuchEntity; EntityAlreadyExists for a chosen pair. */
  async create(owner: AccessKeyOwner, chosen?: ChosenPair): Promise<NewAccessKey> {
    return this.#create(owner, undefined, chosen);
  }

  /**
   * A key of a user or root, narrowed by `facts.policy`. Throws as `create`, and IdentityError
   * MalformedPolicyDocument, ValidationError.
   */
  async createServiceAccount(
    owner: AccessKeyOwner,
    facts: ServiceAccountFacts,
    chosen?: ChosenPair,
  ): Promise<NewAccessKey> {
    checkFacts(facts);
    return this.#create(owner, facts, chosen);
  }

  /** Plain access keys by id. */
  async list(owner: AccessKeyOwner, request: PageRequest = {}): Promise<Page<AccessKey>> {
    const keys = await this.#database.run((transaction) => this.#keysOf(transaction, owner));
    return pageOf(
      request,
      keys.filter(({ service }) => service === undefined),
      ({ accessKeyId }) => accessKeyId,
    );
  }

  async listServiceAccounts(
    owner: AccessKeyOwner,
    request: PageRequest = {},
  ): Promise<Page<AccessKey>> {
    const keys = await this.#database.run((transaction) => this.#keysOf(transaction, owner));
    return pageOf(
      request,
      keys.filter(({ service }) => service !== undefined),
      ({ accessKeyId }) => accessKeyId,
    );
  }

  /** Of whatever kind; `undefined` where there is none in any account. */
  async find(accessKeyId: string): Promise<AccessKey | undefined> {
    const { store } = this.#database;
    const { gets } = await store.read({ gets: [identityKeys.accessKey(accessKeyId)] });
    return gets[0] === undefined ? undefined : withoutSecret(decodeAccessKey(gets[0].value));
  }

  /** Whether it is the configuration's own key, which is found before any that is stored. */
  isOfConfiguration(accessKeyId: string): boolean {
    return accessKeyId === this.#database.rootAccessKeyId;
  }

  /** Whether a key has this secret, in a time that says nothing about where another differs. */
  async hasSecret(accessKeyId: string, secret: string): Promise<boolean> {
    const { store, sealer } = this.#database;
    const { gets } = await store.read({ gets: [identityKeys.accessKey(accessKeyId)] });
    if (gets[0] === undefined) return false;
    const { sealedSecret } = decodeAccessKey(gets[0].value);
    const known = sealer.open(sealedSecret, secretContext(accessKeyId));
    const given = Buffer.from(secret, "utf8");
    return known.byteLength === given.byteLength && timingSafeEqual(known, given);
  }

  /** Throws IdentityError NoSuchEntity. */
  async setStatus(
    owner: AccessKeyOwner,
    accessKeyId: string,
    status: AccessKeyStatus,
  ): Promise<void> {
    await this.#change(owner, accessKeyId, (key) => ({ ...key, status }));
  }

  /** Throws IdentityError NoSuchEntity. */
  async updateServiceAccount(
    owner: AccessKeyOwner,
    accessKeyId: string,
    facts: ServiceAccountFacts,
  ): Promise<void> {
    checkFacts(facts);
    await this.#change(owner, accessKeyId, (key) => {
      if (key.service === undefined) throw noSuchKey(accessKeyId);
      return { ...key, service: facts };
    });
  }

  /** Throws IdentityError NoSuchEntity. */
  async delete(owner: AccessKeyOwner, accessKeyId: string): Promise<void> {
    await this.#database.change(owner.accountId, async (transaction) => {
      const key = await this.#load(transaction, owner, accessKeyId);
      transaction.delete(identityKeys.accessKey(accessKeyId));
      transaction.delete(identityKeys.ownedAccessKey(key.accountId, key.ownerId, key.accessKeyId));
      transaction.delete(identityKeys.lastUsed(accessKeyId));
    });
  }

  /** Throws IdentityError NoSuchEntity where the account has no such key. */
  async lastUsed(accountId: AccountId, accessKeyId: string): Promise<AccessKeyUse> {
    return this.#database.run(async (transaction) => {
      const [value, used] = await transaction.getMany([
        identityKeys.accessKey(accessKeyId),
        identityKeys.lastUsed(accessKeyId),
      ]);
      const key = value === undefined ? undefined : decodeAccessKey(value);
      if (key?.accountId !== accountId) throw noSuchKey(accessKeyId);
      const user = await findEntityById(transaction, accountId, key.ownerId);
      return {
        accountId,
        userName: user?.name,
        lastUsed: used === undefined ? undefined : decodeLastUsed(used),
      };
    });
  }

  async #create(
    owner: AccessKeyOwner,
    service: ServiceAccountFacts | undefined,
    chosen: ChosenPair | undefined,
  ): Promise<NewAccessKey> {
    if (chosen !== undefined) checkPair(chosen);
    const { ids, sealer, clock } = this.#database;
    return this.#database.change(owner.accountId, async (transaction) => {
      const ownerId = await this.#ownerId(transaction, owner);
      const keys = await this.#keysOf(transaction, owner);
      const sameKind = keys.filter(
        (key) => (key.service === undefined) === (service === undefined),
      );
      const quota = service === undefined ? keysPerOwner : serviceAccountsPerOwner;
      if (sameKind.length >= quota) {
        const name = service === undefined ? "AccessKeysPerUser" : "ServiceAccountsPerUser";
        throw new IdentityError("LimitExceeded", `Cannot exceed quota for ${name}: ${quota}`);
      }
      const accessKeyId = chosen?.accessKeyId ?? ids.accessKeyId("AKIA");
      const secret = chosen?.secret ?? ids.secret();
      const isTaken =
        this.isOfConfiguration(accessKeyId) ||
        (await transaction.get(identityKeys.accessKey(accessKeyId))) !== undefined;
      if (isTaken) {
        throw new IdentityError(
          "EntityAlreadyExists",
          `Access Key with id ${accessKeyId} already exists.`,
        );
      }
      const record: AccessKeyRecord = {
        v: 1,
        accessKeyId,
        accountId: owner.accountId,
        ownerId,
        status: "Active",
        createdMilliseconds: clock.now(),
        sealedSecret: sealer.seal(Buffer.from(secret, "utf8"), secretContext(accessKeyId)),
        ...(service === undefined ? {} : { service }),
      };
      transaction.set(identityKeys.accessKey(accessKeyId), encodeRecord(record));
      transaction.set(
        identityKeys.ownedAccessKey(owner.accountId, ownerId, accessKeyId),
        new Uint8Array(0),
      );
      return { key: withoutSecret(record), secret };
    });
  }

  async #ownerId(transaction: Transaction, { accountId, userName }: AccessKeyOwner) {
    if (userName === undefined) return accountId;
    return (await getEntity(transaction, "user", accountId, userName)).id;
  }

  async #keysOf(transaction: Transaction, owner: AccessKeyOwner): Promise<readonly AccessKey[]> {
    const ownerId = await this.#ownerId(transaction, owner);
    const range = identityRanges.ownedAccessKeys(owner.accountId, ownerId);
    const entries = await this.#database.entriesOf(transaction, range);
    const keys = entries.map(({ key }) => identityKeys.accessKey(lastPartOf(key)));
    const values = await transaction.getMany(keys);
    return values
      .filter((value) => value !== undefined)
      .map((value) => withoutSecret(decodeAccessKey(value)));
  }

  async #load(
    transaction: Transaction,
    owner: AccessKeyOwner,
    accessKeyId: string,
  ): Promise<AccessKeyRecord> {
    const ownerId = await this.#ownerId(transaction, owner);
    const value = await transaction.get(identityKeys.accessKey(accessKeyId));
    const key = value === undefined ? undefined : decodeAccessKey(value);
    if (key?.accountId !== owner.accountId || key.ownerId !== ownerId) {
      throw noSuchKey(accessKeyId);
    }
    return key;
  }

  async #change(
    owner: AccessKeyOwner,
    accessKeyId: string,
    change: (key: AccessKeyRecord) => AccessKeyRecord,
  ): Promise<void> {
    await this.#database.change(owner.accountId, async (transaction) => {
      const after = change(await this.#load(transaction, owner, accessKeyId));
      transaction.set(identityKeys.accessKey(accessKeyId), encodeRecord(after));
    });
  }
}

function withoutSecret(record: AccessKeyRecord): AccessKey {
  const { sealedSecret: _, ...key } = record;
  return key;
}

function checkFacts({ name, description, policy }: ServiceAccountFacts): void {
  if (name !== undefined) checkLength(name, "name", 1, 128);
  if (description !== undefined) checkLength(description, "description", 0, 1000);
  if (policy === undefined) return;
  checkPolicyDocument(policy, "identity");
  if (countPolicyCharacters(policy) <= servicePolicySize) return;
  throw new IdentityError(
    "LimitExceeded",
    `Cannot exceed quota for PolicySize: ${servicePolicySize}`,
  );
}

/** Long enough to be no guess, and nothing that a signature's scope or a form would take apart. */
function checkPair({ accessKeyId, secret }: ChosenPair): void {
  checkLength(accessKeyId, "accessKeyId", 3, 128);
  checkLength(secret, "secretAccessKey", 8, 128);
  if (/^[\w.@-]+$/.test(accessKeyId) && !accessKeyId.startsWith("ASIA")) return;
  throw new IdentityError(
    "ValidationError",
    "The specified value for accessKeyId is invalid. It must contain only alphanumeric characters and/or the following: .@_- and must not begin with ASIA",
  );
}

function noSuchKey(accessKeyId: string): IdentityError {
  return new IdentityError(
    "NoSuchEntity",
    `The Access Key with id ${accessKeyId} cannot be found.`,
  );
}
