// The server's master keys: one is current and seals what is new, the others open what was sealed
// before. What a ring looks like in a file is in master-key-document.ts; the file itself is the
// business of start-up.

import { hkdfSync, randomFillSync } from "node:crypto";
import { KeySealError, type Sealer, type WrappingKey } from "./sealer.ts";
import { masterKeyIdOf, type MasterKey, type MasterKeys } from "./master-key.ts";
import { nonceBytes, prefixBytes, Xaes256Gcm } from "./xaes-256-gcm.ts";

export interface MasterKeyRingOptions {
  /**
   * Looks for keys that another process has added. Called for an unknown key id, and answers
   * `undefined`, fast, where nothing has changed since its last call.
   */
  readonly reload?: () => MasterKeys | undefined;
  readonly fillRandom?: (bytes: Uint8Array) => void;
}

/** What is made of one master key when it is loaded; the key itself is used for nothing else. */
interface LoadedKey {
  readonly id: string;
  readonly idBytes: Buffer;
  readonly sealing: Xaes256Gcm;
  readonly wrapping: Xaes256Gcm;
}

const sealPrefix = "hf1";
/** The first byte of a wrapped key. */
const wrapFormat = 1;
const idLengthBytes = 4;
const dataKeyBytes = 32;
const wrappedBytes = 1 + idLengthBytes + nonceBytes + dataKeyBytes + 16;
/** Nonces are public: drawing many at once costs a tenth of drawing each. */
const randomPoolBytes = 256 * (nonceBytes - prefixBytes);
/**
 * Messages whose nonces begin alike share a derived key, which saves half of the time. The rest of a
 * nonce is 96 random bits: so few messages meet the same twice with a probability of 2^-57.
 */
const messagesPerPrefix = 2 ** 20;

export class MasterKeyRing implements Sealer, WrappingKey {
  readonly #reload: (() => MasterKeys | undefined) | undefined;
  readonly #fillRandom: (bytes: Uint8Array) => void;
  readonly #keys = new Map<string, LoadedKey>();
  readonly #randomPool = Buffer.alloc(randomPoolBytes);
  #randomOffset = randomPoolBytes;
  readonly #nonce = Buffer.alloc(nonceBytes);
  #messagesLeft = 0;
  #current: LoadedKey;

  constructor(keys: MasterKeys, options: MasterKeyRingOptions = {}) {
    this.#reload = options.reload;
    this.#fillRandom = options.fillRandom ?? ((bytes) => void randomFillSync(bytes));
    this.#current = this.#add(keys);
  }

  /** The id of the key that seals what is new. */
  get currentId(): string {
    return this.#current.id;
  }

  hasKey(id: string): boolean {
    return this.#find(id) !== undefined;
  }

  /** Takes over keys that another process has added; the server calls it now and then. */
  refresh(): void {
    const keys = this.#reload?.();
    if (keys !== undefined) this.#current = this.#add(keys);
  }

  seal(plain: Uint8Array, context: string): string {
    const { id, sealing } = this.#current;
    const sealed = sealing.encrypt(plain, this.#nextNonce(), Buffer.from(context));
    return `${sealPrefix}.${id}.${sealed.toString("base64url")}`;
  }

  open(sealed: string, context: string): Uint8Array {
    const [prefix, id = "", body = "", ...rest] = sealed.split(".");
    if (prefix !== sealPrefix || body === "" || rest.length > 0) {
      throw new KeySealError("this is not a sealed text");
    }
    const { sealing } = this.#get(id);
    const message = Buffer.from(body, "base64url");
    // Base64 leaves room for other texts of the same bytes: a sealed text is one text.
    if (message.toString("base64url") !== body) throw new KeySealError("this is not a sealed text");
    const plain = sealing.decrypt(message, Buffer.from(context));
    if (plain === undefined) throw unopened(id);
    return plain;
  }

  wrap(dataKey: Uint8Array, context: string): string {
    if (dataKey.byteLength !== dataKeyBytes) throw new RangeError("a data key has 32 bytes");
    const { idBytes, wrapping } = this.#current;
    const message = wrapping.encrypt(dataKey, this.#nextNonce(), Buffer.from(context));
    return Buffer.concat([Buffer.of(wrapFormat), idBytes, message]).toString("base64");
  }

  unwrap(wrapped: string, context: string): Uint8Array {
    const bytes = Buffer.from(wrapped, "base64");
    if (bytes.byteLength !== wrappedBytes || bytes[0] !== wrapFormat) {
      throw new KeySealError("this is not a wrapped key");
    }
    const id = bytes.toString("hex", 1, 1 + idLengthBytes);
    const { wrapping } = this.#get(id);
    const plain = wrapping.decrypt(bytes.subarray(1 + idLengthBytes), Buffer.from(context));
    if (plain === undefined) throw unopened(id);
    return plain;
  }

  #get(id: string): LoadedKey {
    const key = this.#find(id);
    if (key !== undefined) return key;
    throw new KeySealError(`sealed by master key ${nameOf(id)}, which this server does not have`);
  }

  #find(id: string): LoadedKey | undefined {
    const known = this.#keys.get(id);
    if (known !== undefined) return known;
    this.refresh();
    return this.#keys.get(id);
  }

  #add({ currentId, keys }: MasterKeys): LoadedKey {
    for (const key of keys) {
      if (!this.#keys.has(key.id)) this.#keys.set(key.id, load(key));
    }
    const current = this.#keys.get(currentId);
    if (current === undefined) throw new RangeError("the current master key is not in the ring");
    return current;
  }

  /** To be used before the next one is asked for: it stands in the same memory. */
  #nextNonce(): Uint8Array {
    if (this.#messagesLeft === 0) {
      this.#fillRandom(this.#nonce.subarray(0, prefixBytes));
      this.#messagesLeft = messagesPerPrefix;
    }
    this.#messagesLeft -= 1;
    if (this.#randomOffset === randomPoolBytes) {
      this.#fillRandom(this.#randomPool);
      this.#randomOffset = 0;
    }
    const start = this.#randomOffset;
    this.#randomOffset += nonceBytes - prefixBytes;
    this.#randomPool.copy(this.#nonce, prefixBytes, start, this.#randomOffset);
    return this.#nonce;
  }
}

function load(key: MasterKey): LoadedKey {
  if (masterKeyIdOf(key.bytes) !== key.id) throw new RangeError("the id is not this key's");
  return {
    id: key.id,
    idBytes: Buffer.from(key.id, "hex"),
    sealing: new Xaes256Gcm(derive(key.bytes, "holdfast: secrets")),
    wrapping: new Xaes256Gcm(derive(key.bytes, "holdfast: data keys")),
  };
}

function derive(key: Uint8Array, purpose: string): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", key, "", purpose, 32));
}

function unopened(id: string): KeySealError {
  return new KeySealError(`not sealed by master key ${id} in this context, or damaged`);
}

/** What stands in a damaged text could be anything. */
function nameOf(id: string): string {
  return /^[0-9a-f]{8}$/.test(id) ? id : "of an unreadable name";
}
