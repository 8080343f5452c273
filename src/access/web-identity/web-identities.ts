// Tokens of OpenID Connect providers: who they say somebody is, once the provider's signature, the
// audience and the times hold. Whether that somebody may assume a role is for its trust policy to say.

import type { Clock } from "../../base/clock.ts";
import type { PolicyPrincipal } from "../policy/evaluate.ts";
import { IdentityError } from "../identities/identity-error.ts";
import type { OidcProviderRecord, Tag } from "../identities/identity-records.ts";
import { isSignedByAny, parseToken, type ParsedToken } from "./json-web-token.ts";
import { IssuerKeys, type Fetch } from "./issuer-keys.ts";
import type { IdentityStore } from "../identities/identity-store.ts";
import { providerArnOf } from "../identities/oidc-providers.ts";

/** What a token proves. */
export interface WebIdentity {
  readonly providerArn: string;
  /** The `iss` claim. */
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
  /** How trust policies name the bearer. */
  readonly principal: PolicyPrincipal;
  /** Condition keys for the trust policy, in lower case: `<issuer without scheme>:sub`, … */
  readonly contextKeys: ReadonlyMap<string, readonly string[]>;
  /** Those of them that stay with the session. */
  readonly federatedKeys: Readonly<Record<string, string>>;
  readonly tags: readonly Tag[];
  readonly transitiveTagKeys: readonly string[];
  readonly sourceIdentity: string | undefined;
}

/** How far an issuer's clock may be ahead of ours. */
const skewMilliseconds = 300_000;
/** Of a claim that becomes a condition key. */
const longestClaimCharacters = 2048;
const tagsClaim = "https://aws.amazon.com/tags";
const sourceIdentityClaim = "https://aws.amazon.com/source_identity";

export class WebIdentities {
  readonly #identities: IdentityStore;
  readonly #clock: Clock;
  readonly #keys: IssuerKeys;

  constructor(identities: IdentityStore, clock: Clock, fetch: Fetch = globalThis.fetch) {
    this.#identities = identities;
    this.#clock = clock;
    this.#keys = new IssuerKeys(clock, fetch);
  }

  /**
   * `accountId`: of the role, whose account must trust the issuer. Throws IdentityError
   * InvalidIdentityToken, ExpiredTokenException, IDPCommunicationError.
   */
  async verify(text: string, accountId: string): Promise<WebIdentity> {
    const token = parseToken(text);
    if (token === undefined) {
      throw invalid(
        "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
      );
    }
    const { iss, sub } = token.claims;
    if (typeof iss !== "string" || iss === "") throw missingClaim("iss");
    if (typeof sub !== "string" || sub === "") throw missingClaim("sub");
    const provider = await this.#findProvider(accountId, iss);
    const audience = checkAudience(token, provider);
    this.#checkTimes(token);
    const keys = await this.#keys.keysFor(provider, token);
    if (!isSignedByAny(token, keys))
      throw invalid("The signature of the provided token is not valid");
    return describe(provider, token, { issuer: iss, subject: sub, audience });
  }

  async #findProvider(accountId: string, issuer: string): Promise<OidcProviderRecord> {
    const scheme = /^https?(?=:\/\/)/.exec(issuer)?.[0];
    // Google's tokens name their issuer without a scheme in some of its libraries.
    const url = scheme === undefined ? issuer : issuer.slice(`${scheme}://`.length);
    const provider = await this.#identities.oidcProviders.find(accountId, url);
    if (provider !== undefined && (scheme ?? "https") === provider.scheme) return provider;
    throw invalid(`No OpenIDConnect provider found in your account for ${issuer}`);
  }

  #checkTimes({ claims: { exp, nbf, iat } }: ParsedToken): void {
    const now = this.#clock.now();
    const seconds = Math.floor(now / 1000);
    if (typeof exp !== "number") throw missingClaim("exp");
    if (typeof iat !== "number") throw missingClaim("iat");
    if (seconds >= exp) {
      throw new IdentityError(
        "ExpiredTokenException",
        `Token expired: current date/time ${seconds} must be before the expiration date/time ${Math.floor(exp)}`,
      );
    }
    const notBefore = Math.max(typeof nbf === "number" ? nbf : 0, iat);
    if (notBefore * 1000 > now + skewMilliseconds) throw invalid("Token is not valid yet");
  }
}

/** "If the token has an azp claim, it is the audience" (IAM User Guide, keys for web identities). */
function checkAudience({ claims }: ParsedToken, { clientIds }: OidcProviderRecord): string {
  const { aud, azp } = claims;
  const audiences = textsOf(azp) ?? textsOf(aud);
  if (audiences === undefined || textsOf(aud) === undefined) throw missingClaim("aud");
  const audience = audiences.find((each) => clientIds.includes(each));
  if (audience === undefined) throw invalid("Incorrect token audience");
  return audience;
}

function describe(
  provider: OidcProviderRecord,
  { claims }: ParsedToken,
  facts: { readonly issuer: string; readonly subject: string; readonly audience: string },
): WebIdentity {
  const providerArn = providerArnOf(provider);
  const prefix = `${provider.url.toLowerCase()}:`;
  const contextKeys = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(claims)) {
    const texts = textsOf(value);
    if (texts !== undefined) contextKeys.set(prefix + name.toLowerCase(), texts);
  }
  // The audience that counted; what the claim itself said is `oaud`.
  const original = contextKeys.get(`${prefix}aud`);
  if (original !== undefined) contextKeys.set(`${prefix}oaud`, original);
  contextKeys.set(`${prefix}aud`, [facts.audience]);
  contextKeys.set("aws:federatedprovider", [providerArn]);
  const federatedKeys: Record<string, string> = { "aws:federatedprovider": providerArn };
  for (const name of ["sub", "aud", "oaud", "amr"]) {
    const [value, ...others] = contextKeys.get(prefix + name) ?? [];
    if (value !== undefined && others.length === 0) federatedKeys[prefix + name] = value;
  }
  const sourceIdentity = claims[sourceIdentityClaim];
  return {
    ...facts,
    providerArn,
    principal: {
      kind: "web-identity",
      accountId: "",
      canonicalId: "",
      arn: "",
      userId: `${provider.url}:${facts.subject}`,
      federatedProvider: providerArn,
    },
    contextKeys,
    federatedKeys,
    ...tagsOf(claims[tagsClaim]),
    sourceIdentity: typeof sourceIdentity === "string" ? sourceIdentity : undefined,
  };
}

/**
 * "Passing session tags using AssumeRoleWithWebIdentity": `principal_tags` has one value in a list, or
 * a text, for each key.
 */
function tagsOf(claim: unknown): Pick<WebIdentity, "tags" | "transitiveTagKeys"> {
  if (typeof claim !== "object" || claim === null) return { tags: [], transitiveTagKeys: [] };
  const { principal_tags: principalTags, transitive_tag_keys: transitive } = claim as {
    readonly principal_tags?: unknown;
    readonly transitive_tag_keys?: unknown;
  };
  const tags: Tag[] = [];
  if (typeof principalTags === "object" && principalTags !== null) {
    for (const [key, value] of Object.entries(principalTags)) {
      const [text, ...others] = textsOf(value) ?? [];
      if (text === undefined || others.length > 0) throw invalid("Invalid session tags in token");
      tags.push([key, text]);
    }
  }
  return { tags, transitiveTagKeys: textsOf(transitive) ?? [] };
}

/** A claim as values of a condition key; `undefined` for what has no such form. */
function textsOf(value: unknown): readonly string[] | undefined {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  const texts: string[] = [];
  for (const each of values) {
    const isScalar =
      typeof each === "string" || typeof each === "number" || typeof each === "boolean";
    const text = isScalar ? String(each) : "";
    if (!isScalar || text.length > longestClaimCharacters) return undefined;
    texts.push(text);
  }
  return texts.length === 0 ? undefined : texts;
}

function missingClaim(name: string): IdentityError {
  return invalid(`Missing a required claim: ${name}`);
}

function invalid(message: string): IdentityError {
  return new IdentityError("InvalidIdentityToken", message);
}
