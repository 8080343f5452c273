// JSON Web Tokens (RFC 7519) with a signature (RFC 7515) by one of a provider's public keys (RFC 7517).
// Only asymmetric algorithms: `none` and shared secrets are no proof of who issued a token.

import { constants, createPublicKey, verify, type JsonWebKey, type KeyObject } from "node:crypto";

export interface ParsedToken {
  readonly algorithm: string;
  /** Which of the issuer's keys signed; absent where it has but one. */
  readonly keyId: string | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
  /** What is signed, and the signature. */
  readonly signedText: string;
  readonly signature: Uint8Array;
}

/** A key of a provider's key set as it is published. */
export interface PublishedKey extends JsonWebKey {
  readonly kid?: string;
  readonly alg?: string;
  readonly use?: string;
}

interface Algorithm {
  readonly keyType: "RSA" | "EC" | "OKP";
  readonly hash: string | null;
  readonly curves?: readonly string[];
  readonly isPss?: true;
}

/** RFC 7518 (3.1) and RFC 8037. */
const algorithms: Readonly<Record<string, Algorithm>> = {
  RS256: { keyType: "RSA", hash: "sha256" },
  RS384: { keyType: "RSA", hash: "sha384" },
  RS512: { keyType: "RSA", hash: "sha512" },
  PS256: { keyType: "RSA", hash: "sha256", isPss: true },
  PS384: { keyType: "RSA", hash: "sha384", isPss: true },
  PS512: { keyType: "RSA", hash: "sha512", isPss: true },
  ES256: { keyType: "EC", hash: "sha256", curves: ["P-256"] },
  ES384: { keyType: "EC", hash: "sha384", curves: ["P-384"] },
  ES512: { keyType: "EC", hash: "sha512", curves: ["P-521"] },
  EdDSA: { keyType: "OKP", hash: null, curves: ["Ed25519", "Ed448"] },
};

/** "A key of size 2048 bits or larger MUST be used" (RFC 7518, 3.3). */
const smallestRsaBits = 2048;

/** `undefined` for what is no signed token, or is signed in a way that proves nothing. */
export function parseToken(text: string): ParsedToken | undefined {
  const parts = text.split(".");
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || !header || !payload || !signature) return undefined;
  if (!/^[\w-]+$/.test(signature)) return undefined;
  const fields = decodeObject(header);
  const claims = decodeObject(payload);
  if (fields === undefined || claims === undefined) return undefined;
  const { alg, kid, crit } = fields;
  if (typeof alg !== "string" || !Object.hasOwn(algorithms, alg)) return undefined;
  // "If any of the listed extension parameters are not understood, then the JWS is invalid."
  if (crit !== undefined) return undefined;
  if (kid !== undefined && typeof kid !== "string") return undefined;
  return {
    algorithm: alg,
    keyId: kid,
    claims,
    signedText: `${header}.${payload}`,
    signature: Buffer.from(signature, "base64url"),
  };
}

/** Whether one of these keys has signed the token. */
export function isSignedByAny(token: ParsedToken, keys: readonly PublishedKey[]): boolean {
  return keys.some((key) => isKeyFor(token, key) && isSignedBy(token, key));
}

/** Whether the token names a key that is among these, or none where a key of its kind is. */
export function hasKeyFor(token: ParsedToken, keys: readonly PublishedKey[]): boolean {
  return keys.some((key) => isKeyFor(token, key));
}

function isKeyFor({ algorithm: name, keyId }: ParsedToken, key: PublishedKey): boolean {
  const algorithm = algorithms[name];
  if (algorithm === undefined || key.kty !== algorithm.keyType) return false;
  if (keyId !== undefined && key.kid !== keyId) return false;
  if (key.alg !== undefined && key.alg !== name) return false;
  if (key.use !== undefined && key.use !== "sig") return false;
  return algorithm.curves === undefined || algorithm.curves.includes(key.crv ?? "");
}

function isSignedBy(token: ParsedToken, published: PublishedKey): boolean {
  const algorithm = algorithms[token.algorithm];
  const key = importKey(published);
  if (algorithm === undefined || key === undefined) return false;
  if (algorithm.keyType === "RSA") {
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    if (bits < smallestRsaBits) return false;
  }
  const { isPss, keyType, hash } = algorithm;
  return verify(
    hash,
    Buffer.from(token.signedText, "ascii"),
    {
      key,
      ...(isPss
        ? {
            padding: constants.RSA_PKCS1_PSS_PADDING,
            saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
          }
        : {}),
      // "The concatenation R || S" (RFC 7518, 3.4), where OpenSSL would expect DER.
      ...(keyType === "EC" ? { dsaEncoding: "ieee-p1363" as const } : {}),
    },
    token.signature,
  );
}

function importKey(published: PublishedKey): KeyObject | undefined {
  try {
    return createPublicKey({ key: published, format: "jwk" });
  } catch {
    // A key that is damaged is as good as one that is not there.
    return undefined;
  }
}

function decodeObject(part: string): Readonly<Record<string, unknown>> | undefined {
  if (!/^[\w-]+$/.test(part)) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
