// Accounts: who owns buckets and objects, and whose identities the rest of this folder keeps.

import type { Transaction } from "../../storage/key-value/transaction.ts";
import { encodeRecord } from "../../storage/record-codec.ts";
import type { Account, AccountDirectory } from "../accounts.ts";
import type { AccountId, CanonicalId } from "../caller.ts";
import { findEntity } from "./entities.ts";
import type { IdentityDatabase, Page, PageRequest } from "./identity-database.ts";
import { IdentityError } from "./identity-error.ts";
import { identityKeys, identityRanges, lastPartOf } from "./identity-keys.ts";
import { checkLength } from "./identity-names.ts";
import { decodeAccount, type AccountRecord } from "./identity-records.ts";

export interface NewAccount {
  readonly displayName: string;
  readonly email?: string;
  /** Twelve digits; default: random. */
  readonly accountId?: string;
  /** 64 hexadecimal digits; default: random. */
  readonly canonicalId?: string;
}

const text = (value: string): Uint8Array => Buffer.from(value, "utf8");
const nothing = new Uint8Array(0);
const principalArn =
  /^arn:aws[\w-]*:(iam|sts)::(\d{12}):(user|role|assumed-role|federated-user)\/(.+)$/;

export class Accounts implements AccountDirectory {
  readonly #database: IdentityDatabase;

  constructor(database: IdentityDatabase) {
    this.#database = database;
  }

  /** Makes the account of the server's root unless it is there. */
  async ensureRoot(root: {
    readonly accountId: string;
    readonly canonicalId: string;
  }): Promise<AccountRecord> {
    const known = await this.find(root.accountId);
    if (known !== undefined) return known;
    return this.#database.change(root.accountId, async (transaction) => {
      const value = await transaction.get(identityKeys.account(root.accountId));
      if (value !== undefined) return decodeAccount(value);
      return this.#insert(transaction, { ...root, displayName: "root" });
    });
  }

  /** Throws IdentityError EntityAlreadyExists, ValidationError. */
  async create(account: NewAccount): Promise<AccountRecord> {
    const { ids } = this.#database;
    const accountId = account.accountId ?? ids.accountId();
    const canonicalId = account.canonicalId ?? ids.canonicalId();
    checkAccount({ ...account, accountId, canonicalId });
    return this.#database.change(accountId, async (transaction) => {
      const [byId, byCanonicalId] = await transaction.getMany([
        identityKeys.account(accountId),
        identityKeys.accountByCanonicalId(canonicalId),
      ]);
      if (byId !== undefined || byCanonicalId !== undefined) {
        throw new IdentityError(
          "EntityAlreadyExists",
          `Account with id ${byId === undefined ? canonicalId : accountId} already exists.`,
        );
      }
      return this.#insert(transaction, { ...account, accountId, canonicalId });
    });
  }

  async find(accountId: string): Promise<AccountRecord | undefined> {
    const { store } = this.#database;
    const { gets } = await store.read({ gets: [identityKeys.account(accountId)] });
    return gets[0] === undefined ? undefined : decodeAccount(gets[0].value);
  }

  /** Throws IdentityError NoSuchEntity. */
  async get(accountId: string): Promise<AccountRecord> {
    const found = await this.find(accountId);
    if (found === undefined) throw noSuchAccount(accountId);
    return found;
  }

  /** In order of the id. */
  async list(request: PageRequest = {}): Promise<Page<AccountRecord>> {
    return this.#database.page(request, identityRanges.accounts, ({ value }) =>
      decodeAccount(value),
    );
  }

  async update(
    accountId: string,
    change: { readonly displayName?: string; readonly email?: string | null },
  ): Promise<AccountRecord> {
    return this.#change(accountId, (before, transaction) => {
      const { email: oldEmail, ...rest } = before;
      const email = change.email === undefined ? oldEmail : (change.email ?? undefined);
      const after = {
        ...rest,
        displayName: change.displayName ?? before.displayName,
        ...(email === undefined ? {} : { email }),
      };
      checkAccount(after);
      if (oldEmail !== undefined) {
        transaction.delete(identityKeys.accountByEmail(oldEmail, accountId));
      }
      if (email !== undefined) {
        const key = identityKeys.accountByEmail(email, accountId);
        if (email.toLowerCase() !== oldEmail?.toLowerCase()) transaction.set(key, nothing);
      }
      return after;
    });
  }

  /**
   * Removes an account that has no identities any more; whether it still owns buckets is for the caller
   * to find out. Throws IdentityError DeleteConflict, NoSuchEntity.
   */
  async delete(accountId: string): Promise<void> {
    await this.#database.change(accountId, async (transaction) => {
      const account = await this.#load(transaction, accountId);
      const kinds = ["user", "group", "role", "policy", "mfaDevice", "oidcProvider"] as const;
      const ranges = [
        ...kinds.map((kind) => identityRanges.named(kind, accountId, undefined)),
        identityRanges.accessKeysOfAccount(accountId),
      ];
      for (const range of ranges) {
        const [entry] = await transaction.range({ ...range, limit: 1 });
        if (entry === undefined) continue;
        throw new IdentityError(
          "DeleteConflict",
          "Cannot delete entity, must delete the identities and access keys of the account first.",
        );
      }
      transaction.delete(identityKeys.account(accountId));
      transaction.delete(identityKeys.accountByCanonicalId(account.canonicalId));
      const revoked = identityRanges.revokedSessions(accountId);
      for (const { key } of await this.#database.entriesOf(transaction, revoked)) {
        transaction.delete(key);
      }
      if (account.alias !== undefined) transaction.delete(identityKeys.alias(account.alias));
      if (account.email !== undefined) {
        transaction.delete(identityKeys.accountByEmail(account.email, accountId));
      }
    });
  }

  /** An account has one alias; a new one takes the place of the old one, as in IAM. */
  async setAlias(accountId: string, alias: string): Promise<void> {
    checkLength(alias, "accountAlias", 3, 63);
    if (!/^[a-z0-9](?:[a-z0-9]|-(?!-))*[a-z0-9]$/.test(alias) || /^\d{12}$/.test(alias)) {
      throw new IdentityError(
        "ValidationError",
        `1 validation error detected: Value '${alias}' at 'accountAlias' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$`,
      );
    }
    await this.#change(accountId, async (account, transaction) => {
      const taken = await transaction.get(identityKeys.alias(alias));
      if (taken !== undefined && account.alias !== alias) {
        throw new IdentityError(
          "EntityAlreadyExists",
          `The account alias ${alias} already exists.`,
        );
      }
      if (account.alias !== undefined) transaction.delete(identityKeys.alias(account.alias));
      transaction.set(identityKeys.alias(alias), text(accountId));
      return { ...account, alias };
    });
  }

  /** Throws IdentityError NoSuchEntity. */
  async deleteAlias(accountId: string, alias: string): Promise<void> {
    await this.#change(accountId, (account, transaction) => {
      if (account.alias !== alias) {
        throw new IdentityError("NoSuchEntity", `The account alias ${alias} cannot be found.`);
      }
      transaction.delete(identityKeys.alias(alias));
      const { alias: _, ...rest } = account;
      return rest;
    });
  }

  /** Sessions of the account's root that were issued before now are refused from now on. */
  async revokeRootSessions(accountId: string): Promise<void> {
    await this.#change(accountId, (account) => ({
      ...account,
      sessionsRevokedMilliseconds: this.#database.clock.now(),
    }));
  }

  async findById(accountId: string): Promise<Account | undefined> {
    return this.find(accountId);
  }

  async findByCanonicalId(canonicalId: string): Promise<Account | undefined> {
    return this.#database.run(async (transaction) => {
      const value = await transaction.get(identityKeys.accountByCanonicalId(canonicalId));
      if (value === undefined) return undefined;
      const accountId = Buffer.from(value).toString("utf8");
      const record = await transaction.get(identityKeys.account(accountId));
      return record === undefined ? undefined : decodeAccount(record);
    });
  }

  async findByEmail(email: string): Promise<readonly Account[]> {
    if (email === "") return [];
    return this.#database.run(async (transaction) => {
      const range = identityRanges.accountsByEmail(email);
      const entries = await transaction.range({ ...range, limit: 2 });
      const found: Account[] = [];
      for (const entry of entries) {
        const record = await transaction.get(identityKeys.account(lastPartOf(entry.key)));
        if (record !== undefined) found.push(decodeAccount(record));
      }
      return found;
    });
  }

  async hasPrincipal(arn: string): Promise<boolean> {
    const [, service, accountId = "", kind, path = ""] = principalArn.exec(arn) ?? [];
    if ((await this.find(accountId)) === undefined) return false;
    // Somebody that GetFederationToken names need not be known beforehand.
    if (kind === "federated-user") return true;
    const parts = path.split("/");
    const name = service === "sts" ? parts[0] : parts.at(-1);
    return this.#database.run(async (transaction) => {
      const entityKind = kind === "user" ? "user" : "role";
      return (await findEntity(transaction, entityKind, accountId, name ?? "")) !== undefined;
    });
  }

  #insert(
    transaction: Transaction,
    account: NewAccount & { readonly accountId: string; readonly canonicalId: string },
  ): AccountRecord {
    const { accountId, canonicalId, displayName, email } = account;
    const record: AccountRecord = {
      v: 1,
      accountId: accountId as AccountId,
      canonicalId: canonicalId as CanonicalId,
      displayName,
      createdMilliseconds: this.#database.clock.now(),
      ...(email === undefined ? {} : { email }),
    };
    transaction.set(identityKeys.account(accountId), encodeRecord(record));
    transaction.set(identityKeys.accountByCanonicalId(canonicalId), text(accountId));
    if (email !== undefined) {
      transaction.set(identityKeys.accountByEmail(email, accountId), nothing);
    }
    return record;
  }

  async #load(transaction: Transaction, accountId: string): Promise<AccountRecord> {
    const value = await transaction.get(identityKeys.account(accountId));
    if (value === undefined) throw noSuchAccount(accountId);
    return decodeAccount(value);
  }

  async #change(
    accountId: string,
    change: (
      account: AccountRecord,
      transaction: Transaction,
    ) => AccountRecord | Promise<AccountRecord>,
  ): Promise<AccountRecord> {
    return this.#database.change(accountId, async (transaction) => {
      const after = await change(await this.#load(transaction, accountId), transaction);
      transaction.set(identityKeys.account(accountId), encodeRecord(after));
      return after;
    });
  }
}

function checkAccount(account: {
  readonly accountId: string;
  readonly canonicalId: string;
  readonly displayName: string;
  readonly email?: string;
}): void {
  checkLength(account.displayName, "displayName", 1, 128);
  if (account.email !== undefined) checkLength(account.email, "email", 3, 254);
  const isEmail = account.email === undefined || /^[^\s@]+@[^\s@]+$/.test(account.email);
  const isValid = /^\d{12}$/.test(account.accountId) && /^[0-9a-f]{64}$/.test(account.canonicalId);
  if (isValid && isEmail) return;
  throw new IdentityError(
    "ValidationError",
    "An account has an id of 12 digits, a canonical id of 64 lower-case hexadecimal digits, and an e-mail address or none.",
  );
}

function noSuchAccount(accountId: string): IdentityError {
  return new IdentityError("NoSuchEntity", `The account with id ${accountId} cannot be found.`);
}
