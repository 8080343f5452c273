// The public keys of OpenID Connect issuers: found by discovery, remembered, and asked for again when a
// token names a key that is not known, so that an issuer can rotate its keys.

import type { Clock } from "../../base/clock.ts";
import { IdentityError } from "../identities/identity-error.ts";
import { parseIssuerKey, type IssuerKey } from "./json-web-token.ts";

/** Fetches a JSON document. Throws whatever went wrong. */
export type FetchJson = (url: string) => Promise<unknown>;

interface KnownKeys {
  readonly keys: readonly IssuerKey[];
  readonly fetchedMilliseconds: number;
}

const freshMilliseconds = 3_600_000;
/** A stranger who invents key ids makes us ask the issuer no more often than this. */
const pauseMilliseconds = 30_000;
const rememberedIssuers = 200;

export class IssuerKeys {
  readonly #clock: Clock;
  readonly #fetchJson: FetchJson;
  readonly #known = new Map<string, KnownKeys>();
  readonly #fetching = new Map<string, Promise<KnownKeys>>();

  constructor(clock: Clock, fetchJson: FetchJson = fetchBoundedJson) {
    this.#clock = clock;
    this.#fetchJson = fetchJson;
  }

  /**
   * The keys that a token of this issuer may be signed with. Throws IdentityError
   * IDPCommunicationError, InvalidIdentityToken.
   */
  async find(issuer: string, keyId: string | undefined): Promise<readonly IssuerKey[]> {
    const known = this.#known.get(issuer);
    const age = known === undefined ? Infinity : this.#clock.now() - known.fetchedMilliseconds;
    const isFresh = age >= 0 && age < freshMilliseconds;
    if (known !== undefined && isFresh) {
      const found = keysFor(known, keyId);
      if (found.length > 0 || age < pauseMilliseconds) return found;
    }
    return keysFor(await this.#refresh(issuer), keyId);
  }

  async #refresh(issuer: string): Promise<KnownKeys> {
    const running = this.#fetching.get(issuer);
    if (running !== undefined) return running;
    const fetching = this.#fetch(issuer);
    this.#fetching.set(issuer, fetching);
    try {
      return await fetching;
    } finally {
      this.#fetching.delete(issuer);
    }
  }

  async #fetch(issuer: string): Promise<KnownKeys> {
    const base = issuer.endsWith("/") ? issuer.slice(0, -1) : issuer;
    const configuration = await this.#get(`${base}/.well-known/openid-configuration`);
    const { issuer: named, jwks_uri: uri } = configuration as Readonly<Record<string, unknown>>;
    const sameScheme = issuer.startsWith("https:") ? "https:" : "http:";
    const isUsable = typeof uri === "string" && uri.startsWith(sameScheme);
    if (named !== issuer || !isUsable) throw noVerificationKey();
    const set = (await this.#get(uri)) as { readonly keys?: unknown };
    if (!Array.isArray(set.keys)) throw noVerificationKey();
    const keys = set.keys.map(parseIssuerKey).filter((key) => key !== undefined);
    const known = { keys, fetchedMilliseconds: this.#clock.now() };
    this.#known.delete(issuer);
    if (this.#known.size >= rememberedIssuers) {
      this.#known.delete(this.#known.keys().next().value as string);
    }
    this.#known.set(issuer, known);
    return known;
  }

  async #get(url: string): Promise<object> {
    let value: unknown;
    try {
      value = await this.#fetchJson(url);
    } catch (error) {
      throw new IdentityError(
        "IDPCommunicationError",
        "The identity provider could not be reached, or did not answer as OpenID Connect asks.",
        { cause: error },
      );
    }
    if (typeof value === "object" && value !== null) return value;
    throw noVerificationKey();
  }
}

function keysFor({ keys }: KnownKeys, keyId: string | undefined): readonly IssuerKey[] {
  return keyId === undefined ? keys : keys.filter((key) => key.keyId === keyId);
}

export function noVerificationKey(): IdentityError {
  return new IdentityError(
    "InvalidIdentityToken",
    "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements",
  );
}

const longestDocumentBytes = 256 * 1024;
const timeoutMilliseconds = 5000;

async function fetchBoundedJson(url: string): Promise<unknown> {
  const response = await fetch(url, {
    redirect: "error",
    headers: { accept: "application/json" },
    signal: AbortSignal.timeout(timeoutMilliseconds),
  });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new Error(`the identity provider answered ${response.status}`);
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body) {
    length += part.byteLength;
    if (length > longestDocumentBytes)
      throw new Error("the identity provider's answer is too long");
    parts.push(part);
  }
  return JSON.parse(Buffer.concat(parts).toString("utf8"));
}
