// Encryption by a KMS key of the server's own, and what its ciphertexts look like: format, key id and
// number of the material, then an authenticated message that is bound to all of these and to the
// encryption context. So Decrypt needs no more than the ciphertext, as in AWS KMS.

import { randomBytes } from "node:crypto";
import { canonicalContext } from "./encryption-context.ts";
import type { KmsKeyMaterial, KmsKeyRecord } from "./key-records.ts";
import type { EncryptionContext } from "./key-provider.ts";
import { KmsError } from "./kms-error.ts";
import { KeySealError, type Sealer } from "./sealer.ts";
import { nonceBytes, Xaes256Gcm } from "./xaes-256-gcm.ts";

export interface CiphertextHeader {
  readonly keyId: string;
  readonly materialNumber: number;
}

const format = 1;
const headerBytes = 1 + 16 + 4;
const materialBytes = 32;
/** Of materials that are in use; the least recently used are opened anew. */
const maximumCiphers = 256;

export class KmsCiphers {
  readonly #sealer: Sealer;
  readonly #fillRandom: (length: number) => Uint8Array;
  /** By the material's id: a material never changes. */
  readonly #ciphers = new Map<string, Xaes256Gcm>();

  constructor(sealer: Sealer, fillRandom: (length: number) => Uint8Array = randomBytes) {
    this.#sealer = sealer;
    this.#fillRandom = fillRandom;
  }

  createMaterial(
    keyId: string,
    number: number,
    nowMilliseconds: number,
  ): Omit<KmsKeyMaterial, "rotation"> {
    const bytes = this.#fillRandom(materialBytes);
    const sealed = this.#sealer.seal(bytes, contextOf(keyId, number));
    bytes.fill(0);
    const id = Buffer.from(this.#fillRandom(32)).toString("hex");
    return { number, id, createdMilliseconds: nowMilliseconds, sealed };
  }

  encrypt(record: KmsKeyRecord, plain: Uint8Array, context: EncryptionContext): Buffer {
    const material = currentMaterialOf(record);
    const header = encodeHeader({ keyId: record.keyId, materialNumber: material.number });
    const nonce = this.#fillRandom(nonceBytes);
    const cipher = this.#cipherOf(record.keyId, material);
    const message = cipher.encrypt(plain, nonce, additionalData(header, context));
    return Buffer.concat([header, message]);
  }

  /** Throws KmsError InvalidCiphertextException. */
  decrypt(record: KmsKeyRecord, ciphertext: Uint8Array, context: EncryptionContext): Buffer {
    const { materialNumber } = decodeHeader(ciphertext);
    const material = record.materials.find(({ number }) => number === materialNumber);
    if (material === undefined) throw invalidCiphertext();
    const header = ciphertext.subarray(0, headerBytes);
    const message = ciphertext.subarray(headerBytes);
    const cipher = this.#cipherOf(record.keyId, material);
    const plain = cipher.decrypt(message, additionalData(header, context));
    if (plain === undefined) throw invalidCiphertext();
    return plain;
  }

  #cipherOf(keyId: string, material: KmsKeyMaterial): Xaes256Gcm {
    let cipher = this.#ciphers.get(material.id);
    if (cipher === undefined) {
      cipher = this.#open(keyId, material);
      if (this.#ciphers.size >= maximumCiphers) {
        this.#ciphers.delete(this.#ciphers.keys().next().value as string);
      }
    } else {
      this.#ciphers.delete(material.id);
    }
    this.#ciphers.set(material.id, cipher);
    return cipher;
  }

  #open(keyId: string, material: KmsKeyMaterial): Xaes256Gcm {
    try {
      const bytes = this.#sealer.open(material.sealed, contextOf(keyId, material.number));
      const cipher = new Xaes256Gcm(bytes);
      bytes.fill(0);
      return cipher;
    } catch (error) {
      if (!(error instanceof KeySealError)) throw error;
      throw new KmsError("KMSInternalException", "The key's material cannot be opened.", {
        cause: error,
      });
    }
  }
}

/** Throws KmsError InvalidCiphertextException. */
export function decodeHeader(ciphertext: Uint8Array): CiphertextHeader {
  const bytes = Buffer.from(ciphertext.buffer, ciphertext.byteOffset, ciphertext.byteLength);
  if (bytes.byteLength < headerBytes || bytes[0] !== format) throw invalidCiphertext();
  const id = bytes.toString("hex", 1, 17);
  const keyId = id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return { keyId, materialNumber: bytes.readUInt32BE(17) };
}

export function currentMaterialOf(record: KmsKeyRecord): KmsKeyMaterial {
  return record.materials.at(-1) as KmsKeyMaterial; // never empty
}

function encodeHeader({ keyId, materialNumber }: CiphertextHeader): Buffer {
  const header = Buffer.alloc(headerBytes);
  header[0] = format;
  header.write(keyId.replaceAll("-", ""), 1, "hex");
  header.writeUInt32BE(materialNumber, 17);
  return header;
}

function additionalData(header: Uint8Array, context: EncryptionContext): Buffer {
  return Buffer.concat([header, Buffer.from(canonicalContext(context))]);
}

function contextOf(keyId: string, number: number): string {
  return `kms-key/${keyId}/${number}`;
}

/** KMS says nothing more: the error has no text. */
function invalidCiphertext(): KmsError {
  return new KmsError("InvalidCiphertextException", "");
}
