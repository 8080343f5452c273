// The ten checksums of S3: computed while bytes pass, parsed and named as the headers have them.
// Loading this module prepares the WebAssembly ones, so that everything here is synchronous.

import { createHash, hash } from "node:crypto";
import type { Hash } from "node:crypto";
import { crc32 as builtInCrc32 } from "node:zlib";
import {
  createCRC32,
  createCRC64,
  createXXHash128,
  createXXHash3,
  createXXHash64,
} from "hash-wasm";
import type { IHasher } from "hash-wasm";

import { unreachable } from "../base/assert.ts";

export type ChecksumAlgorithm =
  | "CRC32"
  | "CRC32C"
  | "CRC64NVME"
  | "SHA1"
  | "SHA256"
  | "SHA512"
  | "MD5"
  | "XXHASH64"
  | "XXHASH3"
  | "XXHASH128";

export interface RunningChecksum {
  update(bytes: Uint8Array): void;
  /** The value in the byte order that S3 encodes in base64. Ends the computation: call it once. */
  digest(): Uint8Array;
}

export const checksumHeaderNames: Readonly<Record<ChecksumAlgorithm, string>> = {
  CRC32: "x-amz-checksum-crc32",
  CRC32C: "x-amz-checksum-crc32c",
  CRC64NVME: "x-amz-checksum-crc64nvme",
  SHA1: "x-amz-checksum-sha1",
  SHA256: "x-amz-checksum-sha256",
  SHA512: "x-amz-checksum-sha512",
  MD5: "x-amz-checksum-md5",
  XXHASH64: "x-amz-checksum-xxhash64",
  XXHASH3: "x-amz-checksum-xxhash3",
  XXHASH128: "x-amz-checksum-xxhash128",
};

export const checksumLengthBytes: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
  SHA512: 64,
  MD5: 16,
  XXHASH64: 8,
  XXHASH3: 8,
  XXHASH128: 16,
};

const algorithmByHeader: ReadonlyMap<string, ChecksumAlgorithm> = new Map(
  Object.entries(checksumHeaderNames).map(([algorithm, name]) => [
    name,
    algorithm as ChecksumAlgorithm, // Object.entries forgets the key type.
  ]),
);

/** The algorithm that a header (or trailing field) carries the value of, by lower-case name. */
export function checksumAlgorithmOfHeader(name: string): ChecksumAlgorithm | undefined {
  return algorithmByHeader.get(name);
}

/** Whether `text` names an algorithm, in the upper case of the S3 model. */
export function isChecksumAlgorithm(text: string): text is ChecksumAlgorithm {
  return Object.hasOwn(checksumHeaderNames, text);
}

export function createChecksum(algorithm: ChecksumAlgorithm): RunningChecksum {
  switch (algorithm) {
    case "CRC32":
      return new RunningCrc(updateCrc32);
    case "CRC32C":
      return updateCrc32c === undefined
        ? new WasmChecksum(wasmHashers.CRC32C)
        : new RunningCrc(updateCrc32c);
    case "SHA1":
    case "SHA256":
    case "SHA512":
    case "MD5":
      return new CryptoChecksum(createHash(cryptoNames[algorithm]));
    case "CRC64NVME":
    case "XXHASH64":
    case "XXHASH3":
    case "XXHASH128":
      return new WasmChecksum(wasmHashers[algorithm]);
    default:
      return unreachable(algorithm);
  }
}

/** The checksum of bytes that are all there already. */
export function computeChecksum(algorithm: ChecksumAlgorithm, bytes: Uint8Array): Uint8Array {
  switch (algorithm) {
    case "SHA1":
    case "SHA256":
    case "SHA512":
    case "MD5":
      return hash(cryptoNames[algorithm], bytes, "buffer");
    default: {
      const checksum = createChecksum(algorithm);
      checksum.update(bytes);
      return checksum.digest();
    }
  }
}

/** The value of a checksum header: base64 of exactly the algorithm's length, otherwise `undefined`. */
export function parseChecksumValue(
  algorithm: ChecksumAlgorithm,
  text: string,
): Uint8Array | undefined {
  return parseBase64(text, checksumLengthBytes[algorithm]);
}

/** Bytes of exactly `lengthBytes` from strict base64: padded, nothing around it, no unused bits. */
export function parseBase64(text: string, lengthBytes: number): Uint8Array | undefined {
  if (text.length !== Math.ceil(lengthBytes / 3) * 4) return undefined;
  const bytes = Buffer.from(text, "base64");
  return bytes.byteLength === lengthBytes && bytes.toString("base64") === text ? bytes : undefined;
}

const cryptoNames = { SHA1: "sha1", SHA256: "sha256", SHA512: "sha512", MD5: "md5" } as const;

type CrcUpdate = (bytes: Uint8Array, state: number) => number;

class RunningCrc implements RunningChecksum {
  readonly #update: CrcUpdate;
  #state = 0;

  constructor(update: CrcUpdate) {
    this.#update = update;
  }

  update(bytes: Uint8Array): void {
    this.#state = this.#update(bytes, this.#state);
  }

  digest(): Uint8Array {
    const result = Buffer.allocUnsafe(4);
    result.writeUInt32BE(this.#state);
    return result;
  }
}

class CryptoChecksum implements RunningChecksum {
  readonly #hash: Hash;

  constructor(running: Hash) {
    this.#hash = running;
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  digest(): Uint8Array {
    return this.#hash.digest();
  }
}

/**
 * A hasher of its own would cost 60 to 90 microseconds and cannot be made synchronously, so all running
 * checksums of one algorithm share one: whoever updates next puts the other's state aside.
 */
class WasmChecksum implements RunningChecksum {
  readonly #shared: SharedHasher;
  /** The state so far, while another checksum has the hasher. */
  #state: Uint8Array | undefined;

  constructor(shared: SharedHasher) {
    this.#shared = shared;
  }

  update(bytes: Uint8Array): void {
    this.#acquire().update(bytes);
  }

  digest(): Uint8Array {
    const value = this.#acquire().digest("binary");
    this.#shared.user = undefined;
    return value;
  }

  #acquire(): IHasher {
    const { hasher, user } = this.#shared;
    if (user === this) return hasher;
    if (user !== undefined) user.#state = hasher.save();
    if (this.#state === undefined) hasher.init();
    else hasher.load(this.#state);
    this.#state = undefined;
    this.#shared.user = this;
    return hasher;
  }
}

interface SharedHasher {
  readonly hasher: IHasher;
  user: WasmChecksum | undefined;
}

/** Bits reversed, as hash-wasm wants them. */
const crc32cPolynomial = 0x82f6_3b78;
const crc64NvmePolynomial = "9a6c9329ac4bc9b5";

const wasmHashers = {
  CRC32C: share(await createCRC32(crc32cPolynomial)),
  CRC64NVME: share(await createCRC64(crc64NvmePolynomial)),
  XXHASH64: share(await createXXHash64()),
  XXHASH3: share(await createXXHash3()),
  XXHASH128: share(await createXXHash128()),
};

function share(hasher: IHasher): SharedHasher {
  return { hasher, user: undefined };
}

/** The native CRCs are three times faster, but have no build for every platform. */
const nativeCrcs = await import("@node-rs/crc32").catch(() => undefined);

const updateCrc32: CrcUpdate = nativeCrcs?.crc32 ?? builtInCrc32;
const updateCrc32c: CrcUpdate | undefined = nativeCrcs?.crc32c;
