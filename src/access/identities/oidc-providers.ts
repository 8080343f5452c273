// The OpenID Connect providers that an account trusts: whose tokens AssumeRoleWithWebIdentity takes.

import type { Transaction } from "../../storage/key-value/transaction.ts";
import { encodeRecord } from "../../storage/record-codec.ts";
import type { AccountId } from "../caller.ts";
import type { IdentityDatabase } from "./identity-database.ts";
import { IdentityError } from "./identity-error.ts";
import { identityKeys, identityRanges } from "./identity-keys.ts";
import { checkLength, oidcProviderArn } from "./identity-names.ts";
import { decodeOidcProvider, type OidcProviderRecord, type Tag } from "./identity-records.ts";
import { addTags, checkTags, removeTags } from "./tags.ts";

const providersPerAccount = 100;
const clientIdsPerProvider = 100;
const thumbprintsPerProvider = 5;

export class OidcProviders {
  readonly #database: IdentityDatabase;

  constructor(database: IdentityDatabase) {
    this.#database = database;
  }

  /** Throws IdentityError EntityAlreadyExists, InvalidInput, LimitExceeded, ValidationError. */
  async create(
    accountId: AccountId,
    provider: {
      readonly url: string;
      readonly clientIds?: readonly string[] | undefined;
      readonly thumbprints?: readonly string[] | undefined;
      readonly tags?: readonly Tag[] | undefined;
    },
  ): Promise<OidcProviderRecord> {
    const { scheme, url } = parseProviderUrl(provider.url);
    const clientIds = checkClientIds(provider.clientIds ?? []);
    const thumbprints = checkThumbprints(provider.thumbprints ?? []);
    const tags = checkTags(provider.tags ?? []);
    return this.#database.change(accountId, async (transaction) => {
      const key = identityKeys.oidcProvider(accountId, url);
      if ((await transaction.get(key)) !== undefined) {
        throw new IdentityError(
          "EntityAlreadyExists",
          `Provider with url ${provider.url} already exists.`,
        );
      }
      if ((await this.#all(transaction, accountId)).length >= providersPerAccount) {
        throw new IdentityError(
          "LimitExceeded",
          `Cannot exceed quota for OpenIdConnectProvidersPerAccount: ${providersPerAccount}`,
        );
      }
      const record: OidcProviderRecord = {
        v: 1,
        accountId,
        url,
        scheme,
        clientIds,
        thumbprints,
        createdMilliseconds: this.#database.clock.now(),
        tags,
      };
      transaction.set(key, encodeRecord(record));
      return record;
    });
  }

  /** By URL without scheme; IAM lists all at once. */
  async list(accountId: AccountId): Promise<readonly OidcProviderRecord[]> {
    return this.#database.run((transaction) => this.#all(transaction, accountId));
  }

  /** Throws IdentityError NoSuchEntity. */
  async get(accountId: AccountId, arn: string): Promise<OidcProviderRecord> {
    return this.#database.run((transaction) => load(transaction, accountId, arn));
  }

  /** `url` without scheme. */
  async find(accountId: string, url: string): Promise<OidcProviderRecord | undefined> {
    const { store } = this.#database;
    const { gets } = await store.read({ gets: [identityKeys.oidcProvider(accountId, url)] });
    return gets[0] === undefined ? undefined : decodeOidcProvider(gets[0].value);
  }

  /** Deleting one that is not there is no error in IAM: "This operation is idempotent". */
  async delete(accountId: AccountId, arn: string): Promise<void> {
    const url = parseProviderArn(accountId, arn);
    await this.#database.change(accountId, async (transaction) => {
      transaction.delete(identityKeys.oidcProvider(accountId, url));
    });
  }

  /** Adding a client id that is there changes nothing. */
  async addClientId(accountId: AccountId, arn: string, clientId: string): Promise<void> {
    await this.#change(accountId, arn, (provider) => {
      if (provider.clientIds.includes(clientId)) return provider;
      return { ...provider, clientIds: checkClientIds([...provider.clientIds, clientId]) };
    });
  }

  async removeClientId(accountId: AccountId, arn: string, clientId: string): Promise<void> {
    await this.#change(accountId, arn, (provider) => ({
      ...provider,
      clientIds: provider.clientIds.filter((each) => each !== clientId),
    }));
  }

  async setThumbprints(
    accountId: AccountId,
    arn: string,
    thumbprints: readonly string[],
  ): Promise<void> {
    const checked = checkThumbprints(thumbprints);
    await this.#change(accountId, arn, (provider) => ({ ...provider, thumbprints: checked }));
  }

  async tag(accountId: AccountId, arn: string, tags: readonly Tag[]): Promise<void> {
    await this.#change(accountId, arn, (provider) => ({
      ...provider,
      tags: addTags(provider.tags, tags),
    }));
  }

  async untag(accountId: AccountId, arn: string, keys: readonly string[]): Promise<void> {
    await this.#change(accountId, arn, (provider) => ({
      ...provider,
      tags: removeTags(provider.tags, keys),
    }));
  }

  async #all(transaction: Transaction, accountId: string): Promise<readonly OidcProviderRecord[]> {
    const range = identityRanges.named("oidcProvider", accountId, undefined);
    const entries = await this.#database.entriesOf(transaction, range);
    return entries.map(({ value }) => decodeOidcProvider(value));
  }

  async #change(
    accountId: AccountId,
    arn: string,
    change: (provider: OidcProviderRecord) => OidcProviderRecord,
  ): Promise<void> {
    await this.#database.change(accountId, async (transaction) => {
      const after = change(await load(transaction, accountId, arn));
      transaction.set(identityKeys.oidcProvider(accountId, after.url), encodeRecord(after));
    });
  }
}

export function providerArnOf({ accountId, url }: OidcProviderRecord): string {
  return oidcProviderArn(accountId, url);
}

/** `https` anywhere, `http` only where nobody can listen on the way. */
function parseProviderUrl(text: string): {
  readonly scheme: "https" | "http";
  readonly url: string;
} {
  checkLength(text, "url", 1, 255);
  const parsed = URL.parse(text);
  const isLoopback =
    parsed !== null && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(parsed.hostname);
  const isGood =
    parsed !== null &&
    (parsed.protocol === "https:" || (parsed.protocol === "http:" && isLoopback)) &&
    parsed.username === "" &&
    parsed.search === "" &&
    parsed.hash === "";
  if (!isGood) {
    throw new IdentityError("ValidationError", "Invalid Open ID Connect Provider URL");
  }
  const scheme = parsed.protocol === "https:" ? "https" : "http";
  // As it was written, but for the scheme: it is compared with the issuer that tokens name.
  return { scheme, url: text.slice(text.indexOf("://") + 3) };
}

function parseProviderArn(accountId: string, arn: string): string {
  const prefix = oidcProviderArn(accountId, "");
  if (arn.startsWith(prefix) && arn.length > prefix.length) return arn.slice(prefix.length);
  if (/^arn:aws:iam::\d{12}:oidc-provider\/./.test(arn)) throw noSuchProvider(arn);
  throw new IdentityError("InvalidInput", `ARN ${arn} is not valid.`);
}

async function load(
  transaction: Transaction,
  accountId: string,
  arn: string,
): Promise<OidcProviderRecord> {
  const key = identityKeys.oidcProvider(accountId, parseProviderArn(accountId, arn));
  const value = await transaction.get(key);
  if (value === undefined) throw noSuchProvider(arn);
  return decodeOidcProvider(value);
}

function checkClientIds(clientIds: readonly string[]): readonly string[] {
  for (const clientId of clientIds) checkLength(clientId, "clientIDList", 1, 255);
  if (clientIds.length <= clientIdsPerProvider) return [...new Set(clientIds)];
  throw new IdentityError(
    "LimitExceeded",
    `Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: ${clientIdsPerProvider}`,
  );
}

function checkThumbprints(thumbprints: readonly string[]): readonly string[] {
  if (thumbprints.length > thumbprintsPerProvider) {
    throw new IdentityError(
      "InvalidInput",
      `Thumbprint list must contain at most ${thumbprintsPerProvider} entries.`,
    );
  }
  for (const thumbprint of thumbprints) {
    if (/^[0-9A-Fa-f]{40}$/.test(thumbprint)) continue;
    checkLength(thumbprint, "thumbprintList", 40, 40);
    throw new IdentityError("ValidationError", "Thumbprint must contain only hexadecimal digits.");
  }
  return thumbprints;
}

function noSuchProvider(arn: string): IdentityError {
  return new IdentityError("NoSuchEntity", `OpenIDConnect Provider not found for arn ${arn}`);
}
