// The ten checksum members that many inputs and outputs share, as one value.

import type { ChecksumAlgorithm } from "../../body/checksum.ts";
import { checksumHeaderNames } from "../../body/checksum.ts";
import { S3Error } from "../../model/errors.ts";
import type { PutObjectInput } from "../../model/types.generated.ts";

export type ChecksumMembers = Pick<PutObjectInput, `Checksum${ChecksumAlgorithm}`>;

export const checksumAlgorithms = Object.keys(checksumHeaderNames) as readonly ChecksumAlgorithm[];

/** The values that a client sent, by algorithm. */
export function readChecksums(
  input: ChecksumMembers,
): Readonly<Partial<Record<ChecksumAlgorithm, string>>> {
  const found: Partial<Record<ChecksumAlgorithm, string>> = {};
  for (const algorithm of checksumAlgorithms) {
    const value = input[`Checksum${algorithm}`];
    if (value !== undefined) found[algorithm] = value;
  }
  return found;
}

/** The one member of an output that carries this checksum. */
export function checksumMember(
  checksum: { readonly algorithm: string; readonly value: string } | undefined,
): ChecksumMembers {
  return checksum === undefined ? {} : { [`Checksum${checksum.algorithm}`]: checksum.value };
}

/** Throws S3Error InvalidRequest for an algorithm that S3 does not have. */
export function parseChecksumAlgorithm(name: string | undefined): ChecksumAlgorithm | undefined {
  if (name === undefined) return undefined;
  const upper = name.toUpperCase();
  const algorithm = checksumAlgorithms.find((each) => each === upper);
  if (algorithm !== undefined) return algorithm;
  throw new S3Error("InvalidRequest", {
    message:
      "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, MD5, SHA1, SHA256, SHA512, XXHASH128, XXHASH3, XXHASH64]",
  });
}
