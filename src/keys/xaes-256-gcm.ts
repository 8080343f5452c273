// XAES-256-GCM (C2SP): AES-256-GCM with a nonce of 192 bits. Random nonces of plain GCM (96 bits) must
// not be used more than 2^32 times with one key, which a busy server does in days; here the bound is
// 2^80. Each message has a key of its own, made of the first half of the nonce by two AES blocks.
// https://github.com/C2SP/C2SP/blob/main/XAES-256-GCM.md

import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type Cipheriv,
  type KeyObject,
} from "node:crypto";

export const nonceBytes = 24;
export const tagBytes = 16;

/** The part of a nonce that makes the message's key; the rest is the nonce of GCM. */
export const prefixBytes = 12;

const keyBytes = 32;
/** Deriving one takes as long as the encryption of a data key. */
const maximumMessageKeys = 64;
const blockBytes = 16;

export class Xaes256Gcm {
  /** AES alone, block for block: it keeps no state from one call to the next. */
  readonly #blockCipher: Cipheriv;
  /** The subkey K1 of CMAC. */
  readonly #subkey: Buffer;
  readonly #blocks = Buffer.alloc(2 * blockBytes);
  /** By the first half of their nonces, which a sender may use again for many messages. */
  readonly #messageKeys = new Map<string, KeyObject>();

  constructor(key: Uint8Array) {
    if (key.byteLength !== keyBytes) throw new RangeError("a key has 32 bytes");
    this.#blockCipher = createCipheriv("aes-256-ecb", key, null).setAutoPadding(false);
    this.#subkey = doubled(this.#blockCipher.update(Buffer.alloc(blockBytes)));
  }

  /** Nonce, ciphertext and tag. The nonce is given by the caller, and never twice. */
  encrypt(plain: Uint8Array, nonce: Uint8Array, additionalData: Uint8Array): Buffer {
    const cipher = createCipheriv("aes-256-gcm", this.#keyOf(nonce), nonce.subarray(prefixBytes));
    cipher.setAAD(additionalData);
    const encrypted = cipher.update(plain);
    cipher.final();
    return Buffer.concat([nonce, encrypted, cipher.getAuthTag()]);
  }

  /** `undefined` when it was not made by this key with this additional data. */
  decrypt(message: Uint8Array, additionalData: Uint8Array): Buffer | undefined {
    const length = message.byteLength;
    if (length < nonceBytes + tagBytes) return undefined;
    const nonce = message.subarray(0, nonceBytes);
    const decipher = createDecipheriv(
      "aes-256-gcm",
      this.#keyOf(nonce),
      nonce.subarray(prefixBytes),
    );
    decipher.setAAD(additionalData);
    decipher.setAuthTag(message.subarray(length - tagBytes));
    const plain = decipher.update(message.subarray(nonceBytes, length - tagBytes));
    try {
      decipher.final();
      return plain;
    } catch {
      plain.fill(0);
      return undefined;
    }
  }

  #keyOf(nonce: Uint8Array): KeyObject {
    if (nonce.byteLength !== nonceBytes) throw new RangeError("a nonce has 24 bytes");
    const name = Buffer.from(nonce.buffer, nonce.byteOffset, prefixBytes).toString("latin1");
    let key = this.#messageKeys.get(name);
    if (key === undefined) {
      key = this.#deriveKey(nonce);
      if (this.#messageKeys.size >= maximumMessageKeys) {
        this.#messageKeys.delete(this.#messageKeys.keys().next().value as string);
      }
      this.#messageKeys.set(name, key);
    }
    return key;
  }

  /**
   * The message's own key: CMAC of a counter, the letter X and the first half of the nonce. As an
   * object, because Node.js 24 takes 10 µs longer to begin with a key that is handed over as bytes.
   */
  #deriveKey(nonce: Uint8Array): KeyObject {
    const blocks = this.#blocks;
    for (const counter of [1, 2]) {
      const start = (counter - 1) * blockBytes;
      blocks[start] = 0;
      blocks[start + 1] = counter;
      blocks[start + 2] = 0x58;
      blocks[start + 3] = 0;
      blocks.set(nonce.subarray(0, prefixBytes), start + 4);
      for (let index = 0; index < blockBytes; index += 1) {
        blocks[start + index] = byteOf(blocks, start + index) ^ byteOf(this.#subkey, index);
      }
    }
    return createSecretKey(this.#blockCipher.update(blocks));
  }
}

/** Multiplication by x in the field of CMAC. */
function doubled(block: Buffer): Buffer {
  const result = Buffer.alloc(blockBytes);
  for (let index = 0; index < blockBytes; index += 1) {
    const next = index + 1 < blockBytes ? byteOf(block, index + 1) : 0;
    result[index] = (byteOf(block, index) << 1) | (next >> 7);
  }
  if ((byteOf(block, 0) & 0x80) !== 0) result[blockBytes - 1] = byteOf(result, 15) ^ 0x87;
  return result;
}

function byteOf(bytes: Uint8Array, index: number): number {
  return bytes[index] as number; // always inside
}
