// What a whole object's ETag and checksum are, from those of its parts, without reading any bytes.

import { createHash } from "node:crypto";
import type { ChecksumAlgorithm } from "../../body/checksum.ts";
import { combineCrc, compositeChecksum } from "../../body/checksum-combine.ts";
import type { StoredChecksum } from "../../objects/records/object-record.ts";
import type { PartRecord, UploadRecord } from "../../objects/records/upload-record.ts";
import { parseChecksumAlgorithm } from "../object/checksum-members.ts";

/** MD5 of the parts' MD5s, and how many there are: what every S3 client knows it as. */
export function multipartEtag(parts: readonly PartRecord[]): string {
  const hash = createHash("md5");
  for (const part of parts) hash.update(part.etag, "hex");
  return `${hash.digest("hex")}-${parts.length}`;
}

/**
 * FULL_OBJECT: the checksum of all bytes, by arithmetic on those of the parts. COMPOSITE: the checksum
 * of the parts' checksums, with their number. `undefined` when the parts have no common algorithm.
 */
export function combineParts(
  upload: UploadRecord,
  parts: readonly PartRecord[],
): StoredChecksum | undefined {
  const first = parts[0]?.checksum?.algorithm;
  const algorithm = parseChecksumAlgorithm(upload.checksumAlgorithm ?? first);
  if (algorithm === undefined) return undefined;
  if (parts.some((part) => part.checksum?.algorithm !== algorithm)) return undefined;
  const values = parts.map((part) => Buffer.from(part.checksum?.value ?? "", "base64"));
  const type = upload.checksumType ?? (isCombinable(algorithm) ? "FULL_OBJECT" : "COMPOSITE");
  if (type === "FULL_OBJECT" && isCombinable(algorithm)) {
    let whole: Uint8Array = values[0] ?? Buffer.alloc(0);
    for (const [index, part] of parts.entries()) {
      const value = values[index];
      if (index > 0 && value !== undefined) {
        whole = combineCrc(algorithm, whole, value, part.sizeBytes);
      }
    }
    return { algorithm, value: Buffer.from(whole).toString("base64"), type };
  }
  const composite = Buffer.from(compositeChecksum(algorithm, values)).toString("base64");
  return { algorithm, value: `${composite}-${parts.length}`, type: "COMPOSITE" };
}

function isCombinable(algorithm: ChecksumAlgorithm): algorithm is "CRC32" | "CRC32C" | "CRC64NVME" {
  return algorithm === "CRC32" || algorithm === "CRC32C" || algorithm === "CRC64NVME";
}
