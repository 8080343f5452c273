// Who somebody is by the word of an OpenID Connect provider that an account trusts: verifies the token
// that AssumeRoleWithWebIdentity carries.

import type { Clock } from "../../base/clock.ts";
import { IdentityError } from "../identities/identity-error.ts";
import type { OidcProviderRecord, Tag } from "../identities/identity-records.ts";
import type { IdentityStore } from "../identities/identity-store.ts";
import { providerArnOf } from "../identities/oidc-providers.ts";
import { IssuerKeys, noVerificationKey, type FetchJson } from "./issuer-keys.ts";
import { isSignedBy, parseToken, type JsonWebToken } from "./json-web-token.ts";

export interface WebIdentity {
  readonly providerArn: string;
  readonly subject: string;
  /** The client that the token was made for. */
  readonly audience: string;
  /** Condition keys in lower case: `<issuer without scheme>:sub`, `:aud`, `:oaud`, `:amr`. */
  readonly federatedKeys: Readonly<Record<string, string>>;
  readonly tags: readonly Tag[];
  readonly transitiveTagKeys: readonly string[];
  readonly sourceIdentity: string | undefined;
}

export class WebIdentities {
  readonly #identities: IdentityStore;
  readonly #clock: Clock;
  readonly #keys: IssuerKeys;

  constructor(identities: IdentityStore, clock: Clock, fetchJson?: FetchJson) {
    this.#identities = identities;
    this.#clock = clock;
    this.#keys = new IssuerKeys(clock, fetchJson);
  }

  /**
   * By a provider of this account. Throws IdentityError InvalidIdentityToken, ExpiredTokenException,
   * IDPCommunicationError.
   */
  async verify(text: string, accountId: string): Promise<WebIdentity> {
    const token = parseToken(text);
    if (token === undefined) {
      throw invalidToken(
        "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
      );
    }
    const { iss: issuer, sub: subject } = token.claims;
    if (typeof issuer !== "string" || issuer === "") throw missingClaim("iss");
    if (typeof subject !== "string" || subject === "") throw missingClaim("sub");
    const provider = await this.#findProvider(issuer, accountId);
    await this.#checkSignature(token, issuer);
    this.#checkTimes(token);
    const { audience, originalAudience } = audienceOf(token, provider);
    const prefix = provider.url.toLowerCase();
    return {
      providerArn: providerArnOf(provider),
      subject,
      audience,
      federatedKeys: {
        "aws:federatedprovider": providerArnOf(provider),
        [`${prefix}:sub`]: subject,
        [`${prefix}:aud`]: audience,
        [`${prefix}:oaud`]: originalAudience,
        ...textClaim(`${prefix}:amr`, token.claims["amr"]),
      },
      ...sessionClaims(token),
    };
  }

  async #findProvider(issuer: string, accountId: string): Promise<OidcProviderRecord> {
    const [, scheme, url] = /^(https?):\/\/(.+)$/.exec(issuer) ?? [];
    const provider =
      url === undefined ? undefined : await this.#identities.oidcProviders.find(accountId, url);
    if (provider?.scheme === scheme && provider !== undefined) return provider;
    throw invalidToken(`No OpenIDConnect provider found in your account for ${issuer}`);
  }

  async #checkSignature(token: JsonWebToken, issuer: string): Promise<void> {
    const keys = await this.#keys.find(issuer, token.keyId);
    if (keys.length === 0) throw noVerificationKey();
    if (!keys.some((key) => isSignedBy(token, key))) {
      throw invalidToken("The signature of the provided token is not valid");
    }
  }

  #checkTimes({ claims }: JsonWebToken): void {
    const { exp: expires, nbf: notBefore, iat: issued } = claims;
    const now = Math.floor(this.#clock.now() / 1000);
    if (typeof expires !== "number") throw missingClaim("exp");
    if (typeof issued !== "number") throw missingClaim("iat");
    if (now >= expires) {
      throw new IdentityError(
        "ExpiredTokenException",
        `Token expired: current date/time ${now} must be before the expiration date/time ${Math.floor(expires)}`,
      );
    }
    const latest = Math.max(issued, typeof notBefore === "number" ? notBefore : 0);
    if (latest > now + allowedSkewSeconds) throw invalidToken("The token is not valid yet");
  }
}

/** What clocks of issuers may be ahead of ours. */
const allowedSkewSeconds = 300;

/**
 * "If both azp and aud are in the token, azp is the audience" ("Available keys for AWS web identity
 * federation"): `:oaud` keeps what `aud` said.
 */
function audienceOf(
  { claims }: JsonWebToken,
  { clientIds }: OidcProviderRecord,
): { readonly audience: string; readonly originalAudience: string } {
  const { aud, azp } = claims;
  const audiences = (Array.isArray(aud) ? (aud as readonly unknown[]) : [aud]).filter(
    (value) => typeof value === "string",
  );
  const [first] = audiences;
  if (first === undefined) throw missingClaim("aud");
  const candidates = typeof azp === "string" ? [azp] : audiences;
  const audience = candidates.find((candidate) => clientIds.includes(candidate));
  if (audience === undefined) throw invalidToken("Incorrect token audience");
  return { audience, originalAudience: first };
}

function textClaim(key: string, value: unknown): Readonly<Record<string, string>> {
  const text: unknown = Array.isArray(value) ? (value as readonly unknown[])[0] : value;
  return typeof text === "string" ? { [key]: text } : {};
}

/** "Passing session tags using AssumeRoleWithWebIdentity": claims of these names. */
function sessionClaims({
  claims,
}: JsonWebToken): Pick<WebIdentity, "tags" | "transitiveTagKeys" | "sourceIdentity"> {
  const source = claims["https://aws.amazon.com/source_identity"];
  const given = claims["https://aws.amazon.com/tags"];
  const { principal_tags: tags, transitive_tag_keys: transitive } = (
    typeof given === "object" && given !== null ? given : {}
  ) as Readonly<Record<string, unknown>>;
  const entries = typeof tags === "object" && tags !== null ? Object.entries(tags) : [];
  return {
    tags: entries.map(([key, value]) => [key, String(Array.isArray(value) ? value[0] : value)]),
    transitiveTagKeys: Array.isArray(transitive)
      ? transitive.filter((key) => typeof key === "string")
      : [],
    sourceIdentity: typeof source === "string" ? source : undefined,
  };
}

function invalidToken(message: string): IdentityError {
  return new IdentityError("InvalidIdentityToken", message);
}

function missingClaim(name: string): IdentityError {
  return invalidToken(`Missing a required claim: ${name}`);
}
