// What the data keys of streams are wrapped with: the server's master keys, or a key of the object,
// which in turn a key management service or the customer keeps. Wrapping anew moves no blobs.

import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
  type KeyObject,
} from "node:crypto";
import { KeySealError, type WrappingKey } from "../../keys/sealer.ts";
import { nonceBytes, tagBytes } from "./sealed-form.ts";

/** Synchronous, because it is used within transactions: what takes time was done before. */
export interface KeyWrap {
  wrap(dataKey: Uint8Array): string;
  /** Throws KeySealError. */
  unwrap(wrapped: string): Uint8Array;
}

const dataKeyContext = "data key of an object";

/** SSE-S3: straight under the server's master keys. */
export class MasterKeyWrap implements KeyWrap {
  readonly #keys: WrappingKey;

  constructor(keys: WrappingKey) {
    this.#keys = keys;
  }

  wrap(dataKey: Uint8Array): string {
    return this.#keys.wrap(dataKey, dataKeyContext);
  }

  unwrap(wrapped: string): Uint8Array {
    return this.#keys.unwrap(wrapped, dataKeyContext);
  }
}

/**
 * Under a key of one object, or of one bucket for a while: AES-256-GCM with random nonces, so not for
 * more than 2^32 uses.
 */
export class ObjectKeyWrap implements KeyWrap {
  readonly #key: KeyObject;

  /** 32 bytes. */
  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key);
  }

  wrap(dataKey: Uint8Array): string {
    return this.seal(dataKey).toString("base64");
  }

  unwrap(wrapped: string): Uint8Array {
    return this.open(Buffer.from(wrapped, "base64"));
  }

  /** For a few bytes of any length, such as the digest of the object's content. */
  seal(plain: Uint8Array): Buffer {
    const nonce = randomBytes(nonceBytes);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce);
    const sealed = cipher.update(plain);
    cipher.final();
    return Buffer.concat([nonce, sealed, cipher.getAuthTag()]);
  }

  /** The same for the same bytes under the same key; says nothing about them to who has not the key. */
  fingerprint(bytes: Uint8Array): Buffer {
    return createHmac("sha256", this.#key).update("holdfast: fingerprint").update(bytes).digest();
  }

  /** Throws KeySealError. */
  open(sealed: Uint8Array): Uint8Array {
    const end = sealed.byteLength - tagBytes;
    if (end < nonceBytes) throw new KeySealError("this was not sealed by an object's key");
    const nonce = sealed.subarray(0, nonceBytes);
    const decipher = createDecipheriv("aes-256-gcm", this.#key, nonce);
    decipher.setAuthTag(sealed.subarray(end));
    const plain = decipher.update(sealed.subarray(nonceBytes, end));
    try {
      decipher.final();
    } catch (error) {
      throw new KeySealError("this was not sealed by this object's key", { cause: error });
    }
    return plain;
  }
}

/** What is kept of a customer's key: enough to know it again, and nothing to find it by. */
export interface CustomerKeyTrace {
  /** Base64. */
  readonly salt: string;
  /** Base64. */
  readonly verifier: string;
}

export function newCustomerKeyTrace(customerKey: Uint8Array): CustomerKeyTrace {
  const salt = randomBytes(16).toString("base64");
  return { salt, verifier: verifierOf(customerKey, salt).toString("base64") };
}

export function isCustomerKey(customerKey: Uint8Array, trace: CustomerKeyTrace): boolean {
  const verifier = Buffer.from(trace.verifier, "base64");
  const actual = verifierOf(customerKey, trace.salt);
  return verifier.byteLength === actual.byteLength && timingSafeEqual(verifier, actual);
}

/** The key of the object: the customer's own key encrypts nothing. */
export function customerKeyWrap(
  customerKey: Uint8Array,
  { salt }: CustomerKeyTrace,
): ObjectKeyWrap {
  const info = "holdfast: key of an object";
  const key = hkdfSync("sha256", customerKey, Buffer.from(salt, "base64"), info, 32);
  return new ObjectKeyWrap(new Uint8Array(key));
}

function verifierOf(customerKey: Uint8Array, salt: string): Buffer {
  return createHmac("sha256", customerKey)
    .update("holdfast: verifier of a customer's key")
    .update(salt)
    .digest();
}
