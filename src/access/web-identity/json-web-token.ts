// Reads JSON Web Tokens (RFC 7519) and verifies their signatures (RFC 7515) with public keys of an
// issuer (RFC 7517). Of the algorithms those that AWS takes from OpenID Connect providers: RSA and
// ECDSA. Never `none`, and nothing symmetric.

import { createPublicKey, verify, type JsonWebKey, type KeyObject } from "node:crypto";

export interface JsonWebToken {
  readonly algorithm: TokenAlgorithm;
  readonly keyId: string | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
  /** What is signed. */
  readonly signedText: string;
  readonly signature: Uint8Array;
}

interface Algorithm {
  readonly keyType: "rsa" | "ec";
  readonly digest: "sha256" | "sha384" | "sha512";
  /** Of ECDSA, as node:crypto names it. */
  readonly curve?: string;
}

const algorithms = {
  RS256: { keyType: "rsa", digest: "sha256" },
  RS384: { keyType: "rsa", digest: "sha384" },
  RS512: { keyType: "rsa", digest: "sha512" },
  ES256: { keyType: "ec", digest: "sha256", curve: "prime256v1" },
  ES384: { keyType: "ec", digest: "sha384", curve: "secp384r1" },
  ES512: { keyType: "ec", digest: "sha512", curve: "secp521r1" },
} as const satisfies Record<string, Algorithm>;

export type TokenAlgorithm = keyof typeof algorithms;

const smallestRsaBits = 2048;

/** `undefined` for what is no signed token of a known algorithm. Verifies nothing. */
export function parseToken(text: string): JsonWebToken | undefined {
  const parts = text.split(".");
  const [headerText, claimsText, signatureText] = parts;
  if (parts.length !== 3 || !parts.every((part) => /^[\w-]+$/.test(part))) return undefined;
  const header = parseObject(headerText as string);
  const claims = parseObject(claimsText as string);
  const algorithm = header?.["alg"];
  if (header === undefined || claims === undefined || !isAlgorithm(algorithm)) return undefined;
  // Extensions that a verifier must understand: this one knows none.
  if (header["crit"] !== undefined) return undefined;
  const keyId = header["kid"];
  return {
    algorithm,
    keyId: typeof keyId === "string" ? keyId : undefined,
    claims,
    signedText: `${headerText}.${claimsText}`,
    signature: Buffer.from(signatureText as string, "base64url"),
  };
}

export interface IssuerKey {
  readonly keyId: string | undefined;
  /** Absent: the key does not say. */
  readonly algorithm: string | undefined;
  readonly key: KeyObject;
}

/** A key of a key set; `undefined` for one that signs no tokens, or that cannot be read. */
export function parseIssuerKey(value: unknown): IssuerKey | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { kid, alg, use, kty } = value as Readonly<Record<string, unknown>>;
  if (use !== undefined && use !== "sig") return undefined;
  if (kty !== "RSA" && kty !== "EC") return undefined;
  try {
    return {
      keyId: typeof kid === "string" ? kid : undefined,
      algorithm: typeof alg === "string" ? alg : undefined,
      key: createPublicKey({ key: value as JsonWebKey, format: "jwk" }),
    };
  } catch {
    return undefined;
  }
}

export function isSignedBy(token: JsonWebToken, { key, algorithm: own }: IssuerKey): boolean {
  const { algorithm, signedText, signature } = token;
  if (own !== undefined && own !== algorithm) return false;
  const { keyType, digest, ...rest }: Algorithm = algorithms[algorithm];
  const details = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType !== keyType) return false;
  if (rest.curve !== undefined && details.namedCurve !== rest.curve) return false;
  if (keyType === "rsa" && (details.modulusLength ?? 0) < smallestRsaBits) return false;
  const data = Buffer.from(signedText, "ascii");
  return keyType === "ec"
    ? verify(digest, data, { key, dsaEncoding: "ieee-p1363" }, signature)
    : verify(digest, data, key, signature);
}

function isAlgorithm(value: unknown): value is TokenAlgorithm {
  return typeof value === "string" && Object.hasOwn(algorithms, value);
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
