// One pass over an upload's bytes for everything that it needs: length, MD5, the checksum that the
// client announced or that the server adds, and their comparison with what was promised.

import type { ByteStream } from "../base/bytes.ts";
import type { ChecksumAlgorithm } from "./checksum.ts";
import type { RequestPayload } from "./request-payload.ts";

export interface DigestOptions {
  /** The Content-MD5 header. */
  readonly contentMd5: string | undefined;
  /** The values of the x-amz-checksum-* headers that were sent. */
  readonly checksums: Readonly<Partial<Record<ChecksumAlgorithm, string>>>;
  /** The x-amz-sdk-checksum-algorithm header. */
  readonly sdkAlgorithm: string | undefined;
  /** Computed when the client names no algorithm. */
  readonly defaultAlgorithm: ChecksumAlgorithm | undefined;
  /** The algorithm that a part must come with: the one its upload was created with. */
  readonly requiredAlgorithm?: ChecksumAlgorithm | undefined;
  readonly needsMd5: boolean;
  readonly maximumBytes: number;
}

export interface ObjectDigests {
  readonly lengthBytes: number;
  readonly md5Hex: string | undefined;
  readonly checksum:
    | { readonly algorithm: ChecksumAlgorithm; /** base64 */ readonly value: string }
    | undefined;
}

export interface DigestedPayload {
  /** The payload's bytes; throws BadDigest, EntityTooLarge and whatever the payload's stream throws. */
  readonly stream: ByteStream;
  /** Only after `stream` has ended. */
  result(): ObjectDigests;
}

/** Throws at once for what the headers alone give away. */
export function digestPayload(_payload: RequestPayload, _options: DigestOptions): DigestedPayload {
  throw new Error("being written");
}
