// Encrypts and decrypts single chunks of a sealed stream with AES-256-GCM, in one layer or two.

import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  randomFillSync,
  type CipherGCM,
  type KeyObject,
} from "node:crypto";
import { BlobCorruptError } from "../../storage/storage-errors.ts";
import { nonceBytes, sealedForm, tagBytes, writeNonce, type SealedForm } from "./sealed-form.ts";

export const dataKeyBytes = 32;

/** The keys of one stream, from the layer next to the plain bytes outwards, and the form it has. */
export class StreamKeys {
  readonly form: SealedForm;
  readonly keys: readonly KeyObject[];

  /** As objects, because Node.js 24 takes longer to begin with a key that is handed over as bytes. */
  constructor(keys: readonly Uint8Array[], sealForm: number | undefined) {
    this.form = sealedForm(keys.length === 2 ? 2 : 1, sealForm);
    this.keys = keys.map((key) => createSecretKey(key));
  }
}

// Drawing many at once costs a fifth of drawing each.
const randomPool = Buffer.alloc(64 * dataKeyBytes);
let randomOffset = randomPool.byteLength;

export function newDataKey(): Uint8Array {
  if (randomOffset === randomPool.byteLength) {
    randomFillSync(randomPool);
    randomOffset = 0;
  }
  const end = randomOffset + dataKeyBytes;
  const key = new Uint8Array(randomPool.subarray(randomOffset, end));
  // What was given out is nowhere but with its owner.
  randomPool.fill(0, randomOffset, end);
  randomOffset = end;
  return key;
}

/** Seals the chunks of one stream, one after the other, each piece by piece. */
export class ChunkSealer {
  readonly #keys: readonly KeyObject[];
  readonly #nonce = Buffer.alloc(nonceBytes);
  #ciphers: readonly CipherGCM[] = [];
  #nextChunk = 0;

  constructor(keys: StreamKeys) {
    this.#keys = keys.keys;
  }

  begin(isLast: boolean): void {
    writeNonce(this.#nonce, this.#nextChunk, isLast);
    this.#nextChunk += 1;
    this.#ciphers = this.#keys.map((key) => createCipheriv("aes-256-gcm", key, this.#nonce));
  }

  /** In memory of its own, which the caller may free. */
  update(piece: Uint8Array): Buffer {
    return through(this.#ciphers, piece);
  }

  /** What follows the chunk's bytes. */
  end(): Uint8Array {
    const tags: Buffer[] = [];
    for (const [layer, cipher] of this.#ciphers.entries()) {
      cipher.final();
      // An inner layer's tag is sealed by the layers around it.
      const outer = this.#ciphers.slice(layer + 1);
      if (layer === 0) tags.push(through(outer, cipher.getAuthTag()));
      else tags.push(cipher.getAuthTag());
    }
    return tags.length === 1 ? (tags[0] as Buffer) : Buffer.concat(tags);
  }
}

function through(ciphers: readonly CipherGCM[], piece: Uint8Array): Buffer {
  let bytes: Uint8Array = piece;
  for (const cipher of ciphers) {
    const sealed = cipher.update(bytes);
    if (bytes !== piece) freeBytes(bytes);
    bytes = sealed;
  }
  return bytes as Buffer; // at least one cipher, or a tag that is a Buffer
}

/**
 * The plain bytes of one whole sealed chunk, in pieces in memory of their own. Throws BlobCorruptError
 * when a bit of it is not as it was sealed, or it was not sealed for this place by these keys.
 */
export function openChunk(
  pieces: readonly Uint8Array[],
  keys: StreamKeys,
  chunk: number,
  isLast: boolean,
): readonly Uint8Array[] {
  const nonce = Buffer.allocUnsafe(nonceBytes).fill(0);
  writeNonce(nonce, chunk, isLast);
  let sealed = pieces;
  for (let layer = keys.keys.length - 1; layer >= 0; layer -= 1) {
    const opened = openLayer(sealed, keys.keys[layer] as KeyObject, nonce);
    if (sealed !== pieces) for (const piece of sealed) freeBytes(piece);
    sealed = opened;
  }
  return sealed;
}

function openLayer(pieces: readonly Uint8Array[], key: KeyObject, nonce: Uint8Array): Uint8Array[] {
  const decipher = createDecipheriv("aes-256-gcm", key, nonce);
  let rest = pieces.reduce((sum, piece) => sum + piece.byteLength, 0) - tagBytes;
  if (rest < 0) throw brokenSeal();
  const opened: Uint8Array[] = [];
  const tag: Uint8Array[] = [];
  for (const piece of pieces) {
    const content = Math.min(rest, piece.byteLength);
    if (content > 0) opened.push(decipher.update(piece.subarray(0, content)));
    if (content < piece.byteLength) tag.push(piece.subarray(content));
    rest -= content;
  }
  decipher.setAuthTag(tag.length === 1 ? (tag[0] as Uint8Array) : Buffer.concat(tag));
  try {
    decipher.final();
  } catch {
    for (const piece of opened) freeBytes(piece);
    throw brokenSeal();
  }
  return opened;
}

/** One chunk, in one layer, with the nonce that is given. */
export function sealAlone(plain: Uint8Array, key: KeyObject, nonce: Uint8Array): Uint8Array {
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  const encrypted = cipher.update(plain);
  cipher.final();
  const sealed = Buffer.concat([encrypted, cipher.getAuthTag()]);
  freeBytes(encrypted);
  return sealed;
}

/** The plain bytes of `sealAlone`. Throws BlobCorruptError. */
export function openAlone(sealed: Uint8Array, key: KeyObject, nonce: Uint8Array): Uint8Array {
  const end = sealed.byteLength - tagBytes;
  if (end < 0 || nonce.byteLength !== nonceBytes) throw brokenSeal();
  const decipher = createDecipheriv("aes-256-gcm", key, nonce);
  decipher.setAuthTag(sealed.subarray(end));
  const opened = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
  } catch {
    freeBytes(opened);
    throw brokenSeal();
  }
  return opened;
}

/**
 * Gives memory back that a cipher made. Left to the collector, encrypting takes three times as long,
 * because what lies outside of the heap makes V8 collect.
 */
export function freeBytes({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

export function brokenSeal(): BlobCorruptError {
  return new BlobCorruptError("stored bytes are not as they were sealed");
}
