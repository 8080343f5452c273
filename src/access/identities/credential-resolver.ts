// Finds out who an access key belongs to. The key of the configuration costs nothing; any other costs one
// read, of its account's revision: as long as that is unchanged, everything else is known already.

import { createSecretKey } from "node:crypto";
import { expiredToken, unknownToken } from "../authentication-errors.ts";
import type { Credential, CredentialLookup } from "../signed-request.ts";
import { CompiledPolicies } from "./compiled-policies.ts";
import type { IdentityDatabase } from "./identity-database.ts";
import { secretContext } from "./access-keys.ts";
import { identityKeys } from "./identity-keys.ts";
import { decodeAccessKey } from "./identity-records.ts";
import type { LastUsed } from "./last-used.ts";
import { findKeyCaller, findSessionCaller } from "./principals.ts";
import { openSessionToken, type SessionToken } from "./session-tokens.ts";

const rememberedCredentials = 8192;

interface Known {
  readonly accountId: string;
  /** Of the account, when this was loaded or before: `undefined` for one that never changed. */
  readonly revision: number | undefined;
  /** `undefined`: an inactive key, or one whose principal is gone. */
  readonly credential: Credential | undefined;
  /** Sealed secret or session token that `credential.secretKey` was made of. */
  readonly sealed: string;
  readonly expiresMilliseconds: number | undefined;
}

export interface CredentialResolverOptions {
  readonly database: IdentityDatabase;
  /** Knows the key of the configuration. */
  readonly root: CredentialLookup;
  readonly rootAccessKeyId: string;
  readonly lastUsed: LastUsed;
}

export class CredentialResolver implements CredentialLookup {
  readonly #database: IdentityDatabase;
  readonly #root: CredentialLookup;
  readonly #rootAccessKeyId: string;
  readonly #lastUsed: LastUsed;
  readonly #compiled = new CompiledPolicies();
  /** By access key id, the longest unused first. */
  readonly #known = new Map<string, Known>();

  constructor(options: CredentialResolverOptions) {
    this.#database = options.database;
    this.#root = options.root;
    this.#rootAccessKeyId = options.rootAccessKeyId;
    this.#lastUsed = options.lastUsed;
  }

  find(
    accessKeyId: string,
    sessionToken: string | undefined,
  ): Credential | undefined | Promise<Credential | undefined> {
    if (accessKeyId === this.#rootAccessKeyId) return this.#root.find(accessKeyId, sessionToken);
    return sessionToken === undefined
      ? this.#findKey(accessKeyId)
      : this.#findSession(accessKeyId, sessionToken);
  }

  async #findKey(accessKeyId: string): Promise<Credential | undefined> {
    const known = await this.#findKnown(accessKeyId, undefined);
    if (known !== undefined) return this.#isExpired(known) ? undefined : known.credential;
    const loaded = await this.#loadKey(accessKeyId);
    return loaded === undefined || this.#isExpired(loaded) ? undefined : loaded.credential;
  }

  async #findSession(accessKeyId: string, token: string): Promise<Credential | undefined> {
    let known = await this.#findKnown(accessKeyId, token);
    if (known === undefined) {
      const opened = openSessionToken(this.#database.sealer, token);
      if (opened?.accessKeyId !== accessKeyId) {
        // AWS looks for the key first: of one that nobody has, the token does not matter.
        const isKey = isTemporary(accessKeyId) || (await this.#isStored(accessKeyId));
        if (isKey) throw unknownToken(token);
        return undefined;
      }
      known = await this.#loadSession(opened, token);
    }
    if (this.#isExpired(known)) throw expiredToken(token);
    // Whose role or user is gone, or whose session was revoked.
    if (known.credential === undefined) throw unknownToken(token);
    return known.credential;
  }

  /** What is known and still holds, by one read of the account's revision. */
  async #findKnown(accessKeyId: string, token: string | undefined): Promise<Known | undefined> {
    const known = this.#known.get(accessKeyId);
    if (known === undefined) return undefined;
    if (token !== undefined && known.sealed !== token) return undefined;
    if (token === undefined && isTemporary(accessKeyId)) return undefined;
    const revision = await this.#revisionOf(known.accountId);
    if (revision !== known.revision) return undefined;
    this.#known.delete(accessKeyId);
    this.#known.set(accessKeyId, known);
    return known;
  }

  async #loadKey(accessKeyId: string): Promise<Known | undefined> {
    const { store } = this.#database;
    const { gets } = await store.read({ gets: [identityKeys.accessKey(accessKeyId)] });
    if (gets[0] === undefined) return undefined;
    const { accountId } = decodeAccessKey(gets[0].value);
    // Read before the rest: what is loaded is as new as this revision, or newer.
    const revision = await this.#revisionOf(accountId);
    const loaded = await this.#database.run(async (transaction) => {
      const value = await transaction.get(identityKeys.accessKey(accessKeyId));
      const key = value === undefined ? undefined : decodeAccessKey(value);
      if (key?.accountId !== accountId) return undefined;
      const caller =
        key.status === "Active" ? await findKeyCaller(transaction, this.#compiled, key) : undefined;
      return { key, caller };
    });
    if (loaded === undefined) return undefined;
    const { key, caller } = loaded;
    const secretKey = this.#secretKey(accessKeyId, key.sealedSecret, () =>
      this.#database.sealer.open(key.sealedSecret, secretContext(accessKeyId)),
    );
    return this.#remember(accessKeyId, {
      accountId,
      revision,
      sealed: key.sealedSecret,
      expiresMilliseconds: key.service?.expiresMilliseconds,
      credential: caller && {
        accessKeyId,
        secretKey,
        caller,
        onUse: (service, region) => this.#lastUsed.note(accessKeyId, service, region),
      },
    });
  }

  async #loadSession(session: SessionToken, token: string): Promise<Known> {
    const { accessKeyId, accountId, expiresMilliseconds } = session;
    const revision = await this.#revisionOf(accountId);
    const caller = await this.#database.run((transaction) =>
      findSessionCaller(transaction, this.#compiled, session),
    );
    const secretKey = this.#secretKey(accessKeyId, token, () => Buffer.from(session.secret));
    const { principalId } = session;
    const isRole = session.kind === "role-session";
    return this.#remember(accessKeyId, {
      accountId,
      revision,
      sealed: token,
      expiresMilliseconds,
      credential: caller && {
        accessKeyId,
        secretKey,
        caller,
        ...(isRole
          ? { onUse: (service, region) => this.#lastUsed.note(principalId, service, region) }
          : {}),
      },
    });
  }

  /** The object that is known for the same secret: signing keys are cached by it. */
  #secretKey(accessKeyId: string, sealed: string, open: () => Uint8Array) {
    const known = this.#known.get(accessKeyId);
    if (known?.sealed === sealed && known.credential !== undefined) {
      return known.credential.secretKey;
    }
    return createSecretKey(open());
  }

  #remember(accessKeyId: string, known: Known): Known {
    this.#known.delete(accessKeyId);
    if (this.#known.size >= rememberedCredentials) {
      this.#known.delete(this.#known.keys().next().value as string);
    }
    this.#known.set(accessKeyId, known);
    return known;
  }

  async #revisionOf(accountId: string): Promise<number | undefined> {
    const { store } = this.#database;
    const { gets } = await store.read({ gets: [identityKeys.revision(accountId)] });
    return gets[0]?.revision;
  }

  async #isStored(accessKeyId: string): Promise<boolean> {
    const { store } = this.#database;
    const { gets } = await store.read({ gets: [identityKeys.accessKey(accessKeyId)] });
    return gets[0] !== undefined;
  }

  #isExpired({ expiresMilliseconds }: Known): boolean {
    return expiresMilliseconds !== undefined && this.#database.clock.now() >= expiresMilliseconds;
  }
}

/** Temporary keys are in no store: without their token there is no such key. */
function isTemporary(accessKeyId: string): boolean {
  return accessKeyId.startsWith("ASIA");
}
