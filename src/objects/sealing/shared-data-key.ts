// The data key that small objects share. Wrapping a key for each of them, and unwrapping it for each
// read, costs more than to seal 4 KiB; so a process makes a key, wraps it once and seals many under it.
//
// Every one has a nonce of its own of 96 random bits, which its extent holds. That two of the 2^20 under
// one key are alike has a probability of 2^-57. No key is used by two processes, nor after a restart: it
// is made here and nowhere read back to seal with. These keys seal nothing in chunks, so that no counted
// nonce meets a random one.

import { randomFillSync, type KeyObject } from "node:crypto";
import type { WrappingKey } from "../../keys/sealer.ts";
import { brokenSeal, newDataKey, openAlone, sealAlone, StreamKeys } from "./chunk-cipher.ts";
import { MasterKeyWrap } from "./key-wrap.ts";
import type { ExtentSeal } from "./object-seal.ts";
import { nonceBytes, tagBytes } from "./sealed-form.ts";

/** What is longer gets a key of its own. */
export const sharedMessageBytes = 64 * 1024 - tagBytes;
/** With 64 KiB each these are 2^32 blocks: far below what AES-GCM allows for one key. */
const messagesPerKey = 2 ** 20;
/** Drawing many at once costs a tenth of drawing each. */
const noncesPerDraw = 256;

export interface SharedSeal {
  /** Ciphertext and tag. */
  readonly inline: Uint8Array;
  readonly keys: StreamKeys;
  readonly wrapped: ExtentSeal;
  /** Base64. */
  readonly nonce: string;
}

interface CurrentKey {
  readonly keys: StreamKeys;
  readonly wrapped: ExtentSeal;
  /** Of the master key: after a rotation nothing new is sealed under the old one. */
  readonly masterKeyId: string;
  messagesLeft: number;
}

export class SharedDataKey {
  readonly #masterKeys: WrappingKey;
  readonly #messagesPerKey: number;
  readonly #nonces = Buffer.alloc(noncesPerDraw * nonceBytes);
  #nonceOffset = this.#nonces.byteLength;
  #current: CurrentKey | undefined;

  constructor(masterKeys: WrappingKey, options: { readonly messagesPerKey?: number } = {}) {
    this.#masterKeys = masterKeys;
    this.#messagesPerKey = options.messagesPerKey ?? messagesPerKey;
  }

  /** At most `sharedMessageBytes`. */
  seal(plain: Uint8Array): SharedSeal {
    const { keys, wrapped } = this.#take();
    const nonce = this.#nextNonce();
    const inline = sealAlone(plain, keyOf(keys), nonce);
    return { inline, keys, wrapped, nonce: nonce.toString("base64") };
  }

  /** The key for one message. */
  #take(): CurrentKey {
    let current = this.#current;
    const masterKeyId = this.#masterKeys.currentId;
    if (
      current === undefined ||
      current.messagesLeft === 0 ||
      current.masterKeyId !== masterKeyId
    ) {
      const dataKey = newDataKey();
      current = {
        keys: new StreamKeys([dataKey], undefined),
        wrapped: { seal: new MasterKeyWrap(this.#masterKeys).wrap(dataKey) },
        masterKeyId,
        messagesLeft: this.#messagesPerKey,
      };
      dataKey.fill(0);
      this.#current = current;
    }
    current.messagesLeft -= 1;
    return current;
  }

  /** To be used before the next one is asked for. */
  #nextNonce(): Buffer {
    if (this.#nonceOffset === this.#nonces.byteLength) {
      randomFillSync(this.#nonces);
      this.#nonceOffset = 0;
    }
    const start = this.#nonceOffset;
    this.#nonceOffset += nonceBytes;
    return this.#nonces.subarray(start, this.#nonceOffset);
  }
}

/** The plain bytes of what `SharedDataKey` sealed. Throws BlobCorruptError. */
export function openShared(sealed: Uint8Array, keys: StreamKeys, nonce: string): Uint8Array {
  return openAlone(sealed, keyOf(keys), Buffer.from(nonce, "base64"));
}

function keyOf({ keys }: StreamKeys): KeyObject {
  const [key] = keys;
  if (key === undefined || keys.length !== 1) throw brokenSeal();
  return key;
}
