// Checksums of a whole from the checksums of its parts, without reading a byte again.

import type { ChecksumAlgorithm } from "./checksum.ts";

/** The algorithms whose value for a whole follows from the values of its parts. */
export type CombinableAlgorithm = "CRC32" | "CRC32C" | "CRC64NVME";

/** The checksum of `left`'s bytes followed by `right`'s, of which there are `rightLengthBytes`. */
export function combineCrc(
  _algorithm: CombinableAlgorithm,
  _left: Uint8Array,
  _right: Uint8Array,
  _rightLengthBytes: number,
): Uint8Array {
  throw new Error("being written");
}

/** The COMPOSITE checksum of a multipart upload: the checksum of its parts' binary checksums. */
export function compositeChecksum(
  _algorithm: ChecksumAlgorithm,
  _partChecksums: readonly Uint8Array[],
): Uint8Array {
  throw new Error("being written");
}
