// Keys of objects from a key management service. With an S3 Bucket Key one key is asked for and used for
// all of a bucket's objects for some minutes, on one requester's behalf; without one every write and
// every read asks.

import type { Clock } from "../../base/clock.ts";
import type { EncryptionContext, KeyProvider } from "../../keys/key-provider.ts";

export interface KeyPurpose {
  /** For whom: a key that somebody else was given is not handed out. */
  readonly principal: string;
  readonly encryptionContext: EncryptionContext;
  /** Wrapped for the bucket rather than for the object. */
  readonly isBucketKey: boolean;
  readonly signal: AbortSignal;
}

export interface NewKeyPurpose extends KeyPurpose {
  readonly keyId: string | undefined;
  readonly accountId: string;
}

export interface StoredKey {
  readonly wrapped: string;
  readonly keyArn: string;
}

export interface GeneratedKey extends StoredKey {
  readonly plaintext: Uint8Array;
}

/** User Guide, "Reducing the cost of SSE-KMS": "time-limited"; so long also after a key was disabled. */
const bucketKeyMilliseconds = 5 * 60 * 1000;
/** Random nonces allow 2^32 uses of a key; each object may take 10,000 of them for its parts. */
const bucketKeyUses = 100_000;
const keptKeys = 1000;

interface Kept<Value> {
  readonly value: Value;
  readonly untilMilliseconds: number;
  uses: number;
}

export class ObjectKeys {
  readonly #provider: KeyProvider;
  readonly #clock: Clock;
  readonly #generated = new Map<string, Kept<GeneratedKey>>();
  readonly #opened = new Map<string, Kept<Uint8Array>>();

  constructor(options: { readonly provider: KeyProvider; readonly clock: Clock }) {
    this.#provider = options.provider;
    this.#clock = options.clock;
  }

  /** What KMS itself is told of a key by its name, for configurations that name one. */
  get provider(): KeyProvider {
    return this.#provider;
  }

  /** Throws S3Error, as the provider does. */
  async generate(purpose: NewKeyPurpose): Promise<GeneratedKey> {
    const { keyId, accountId, encryptionContext, signal } = purpose;
    const request = { keyId, accountId, encryptionContext, signal };
    if (!purpose.isBucketKey) return this.#provider.generateDataKey(request);
    const name = JSON.stringify([purpose.principal, keyId, accountId, encryptionContext]);
    return this.#kept(this.#generated, name, () => this.#provider.generateDataKey(request));
  }

  /** Throws S3Error, as the provider does, and KeySealError. */
  async open(key: StoredKey, purpose: KeyPurpose): Promise<Uint8Array> {
    const { encryptionContext, signal } = purpose;
    const request = { ...key, encryptionContext, signal };
    if (!purpose.isBucketKey) return this.#provider.decrypt(request);
    const name = JSON.stringify([purpose.principal, key.keyArn, key.wrapped, encryptionContext]);
    return this.#kept(this.#opened, name, () => this.#provider.decrypt(request));
  }

  async #kept<Value>(
    among: Map<string, Kept<Value>>,
    name: string,
    make: () => Promise<Value>,
  ): Promise<Value> {
    const now = this.#clock.now();
    const known = among.get(name);
    if (known !== undefined && known.untilMilliseconds > now && known.uses < bucketKeyUses) {
      known.uses += 1;
      return known.value;
    }
    const value = await make();
    if (among.size >= keptKeys) {
      const oldest = among.keys().next();
      if (oldest.done !== true) among.delete(oldest.value);
    }
    among.delete(name);
    among.set(name, { value, untilMilliseconds: now + bucketKeyMilliseconds, uses: 1 });
    return value;
  }
}
