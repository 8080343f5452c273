// The public keys of OpenID Connect providers: found through the discovery document, kept for an hour,
// looked up again when a token names a key that is new. Fetched bounded in time, size and number.

import type { Clock } from "../../base/clock.ts";
import { IdentityError } from "../identities/identity-error.ts";
import type { OidcProviderRecord } from "../identities/identity-records.ts";
import { hasKeyFor, type ParsedToken, type PublishedKey } from "./json-web-token.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

interface KnownKeys {
  readonly keys: readonly PublishedKey[];
  readonly fetchedMilliseconds: number;
}

interface Provider {
  known: KnownKeys | undefined;
  /** Begin of the last attempt, good or bad. */
  attemptedMilliseconds: number | undefined;
  /** What the last attempt threw. */
  failure: unknown;
  fetching: Promise<KnownKeys> | undefined;
}

const freshMilliseconds = 60 * 60 * 1000;
/** For how long keys serve whose provider cannot be reached. */
const staleMilliseconds = 24 * 60 * 60 * 1000;
/** A flood of tokens with made-up keys is no flood of requests to the provider. */
const betweenAttemptsMilliseconds = 10_000;
const timeoutMilliseconds = 5000;
const longestDocumentBytes = 512 * 1024;
/** "We recommend no more than 100 keys" (AssumeRoleWithWebIdentity). */
const mostKeys = 100;
const rememberedProviders = 1000;

export class IssuerKeys {
  readonly #clock: Clock;
  readonly #fetch: Fetch;
  readonly #providers = new Map<string, Provider>();

  constructor(clock: Clock, fetch: Fetch) {
    this.#clock = clock;
    this.#fetch = fetch;
  }

  /**
   * Keys that may have signed the token. Throws IdentityError InvalidIdentityToken,
   * IDPCommunicationError.
   */
  async keysFor(record: OidcProviderRecord, token: ParsedToken): Promise<readonly PublishedKey[]> {
    const issuer = `${record.scheme}://${record.url}`;
    const provider = this.#providerOf(issuer);
    const { known } = provider;
    const age = known === undefined ? Infinity : this.#clock.now() - known.fetchedMilliseconds;
    if (known !== undefined && age < freshMilliseconds && hasKeyFor(token, known.keys)) {
      return known.keys;
    }
    const usable = known !== undefined && age < staleMilliseconds ? known.keys : undefined;
    const keys = this.#mayFetch(provider)
      ? await this.#refreshed(issuer, provider, usable)
      : usable;
    if (keys === undefined) throw provider.failure;
    if (!hasKeyFor(token, keys)) throw noVerificationKey();
    return keys;
  }

  #providerOf(issuer: string): Provider {
    const known = this.#providers.get(issuer);
    if (known !== undefined) return known;
    if (this.#providers.size >= rememberedProviders) {
      this.#providers.delete(this.#providers.keys().next().value as string);
    }
    const made: Provider = {
      known: undefined,
      attemptedMilliseconds: undefined,
      failure: undefined,
      fetching: undefined,
    };
    this.#providers.set(issuer, made);
    return made;
  }

  #mayFetch({ fetching, attemptedMilliseconds }: Provider): boolean {
    if (fetching !== undefined || attemptedMilliseconds === undefined) return true;
    // A clock that was set back must not lock a provider out.
    return Math.abs(this.#clock.now() - attemptedMilliseconds) >= betweenAttemptsMilliseconds;
  }

  /** What is usable still when the provider gives nothing new. */
  async #refreshed(
    issuer: string,
    provider: Provider,
    usable: readonly PublishedKey[] | undefined,
  ): Promise<readonly PublishedKey[]> {
    try {
      return (await this.#refresh(issuer, provider)).keys;
    } catch (error) {
      if (usable === undefined) throw error;
      return usable;
    }
  }

  /** Those who ask at the same time share one fetch. */
  async #refresh(issuer: string, provider: Provider): Promise<KnownKeys> {
    provider.fetching ??= (async () => {
      provider.attemptedMilliseconds = this.#clock.now();
      try {
        const keys = await this.#fetchKeys(issuer);
        provider.known = { keys, fetchedMilliseconds: this.#clock.now() };
        return provider.known;
      } catch (error) {
        provider.failure = error;
        throw error;
      } finally {
        provider.fetching = undefined;
      }
    })();
    return provider.fetching;
  }

  async #fetchKeys(issuer: string): Promise<readonly PublishedKey[]> {
    const base = issuer.replace(/\/$/, "");
    const discovery = await this.#fetchJson(`${base}/.well-known/openid-configuration`);
    // "The issuer value MUST be identical to the Issuer URL" (OpenID Connect Discovery, 4.3).
    if (discovery["issuer"] !== issuer) throw noVerificationKey();
    const location = discovery["jwks_uri"];
    if (typeof location !== "string" || !isTrustworthy(location, issuer)) {
      throw noVerificationKey();
    }
    const { keys } = await this.#fetchJson(location);
    if (!Array.isArray(keys)) throw noVerificationKey();
    return keys
      .slice(0, mostKeys)
      .filter((key): key is PublishedKey => typeof key === "object" && key !== null);
  }

  async #fetchJson(url: string): Promise<Readonly<Record<string, unknown>>> {
    let text: string;
    try {
      text = await this.#fetchText(url);
    } catch (error) {
      // Clients try again after this error, as they should.
      throw new IdentityError(
        "IDPCommunicationError",
        "The identity provider could not be reached, or did not answer as OpenID Connect asks.",
        { cause: error },
      );
    }
    const value = parseJson(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as Readonly<Record<string, unknown>>;
    }
    throw noVerificationKey();
  }

  async #fetchText(url: string): Promise<string> {
    const response = await this.#fetch(url, {
      headers: { accept: "application/json" },
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMilliseconds),
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Error(`the provider answered ${response.status}`);
    }
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
      length += chunk.byteLength;
      if (length > longestDocumentBytes) throw new Error("the provider's document is too long");
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString("utf8");
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** In clear only to where the issuer itself is, which for `http` is this machine. */
function isTrustworthy(location: string, issuer: string): boolean {
  const parsed = URL.parse(location);
  if (parsed?.protocol === "https:") return true;
  return parsed?.protocol === "http:" && parsed.origin === new URL(issuer).origin;
}

/** AWS's words for whatever is wrong with what a provider publishes. */
function noVerificationKey(): IdentityError {
  return new IdentityError(
    "InvalidIdentityToken",
    "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements",
  );
}
