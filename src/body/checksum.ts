// The ten checksums of S3: computed while bytes pass, parsed and named as the headers have them.

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

/** The algorithm that a header (or trailing field) carries the value of, by lower-case name. */
export function checksumAlgorithmOfHeader(_name: string): ChecksumAlgorithm | undefined {
  throw new Error("being written");
}

export function createChecksum(_algorithm: ChecksumAlgorithm): RunningChecksum {
  throw new Error("being written");
}

/** The checksum of bytes that are all there already. */
export function computeChecksum(_algorithm: ChecksumAlgorithm, _bytes: Uint8Array): Uint8Array {
  throw new Error("being written");
}

/** The value of a checksum header: base64 of exactly the algorithm's length, otherwise `undefined`. */
export function parseChecksumValue(
  _algorithm: ChecksumAlgorithm,
  _text: string,
): Uint8Array | undefined {
  throw new Error("being written");
}
