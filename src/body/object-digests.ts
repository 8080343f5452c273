// One pass over an upload's bytes for everything that it needs: length, MD5, the checksum that the
// client announced or that the server adds, and their comparison with what was promised.

import { createHash, hash } from "node:crypto";
import type { Hash } from "node:crypto";
import { assert } from "../base/assert.ts";
import type { ByteStream } from "../base/bytes.ts";
import { S3Error } from "../model/errors.ts";
import {
  checksumAlgorithmOfHeader,
  checksumHeaderNames,
  computeChecksum,
  createChecksum,
  isChecksumAlgorithm,
  parseBase64,
  parseChecksumValue,
} from "./checksum.ts";
import type { ChecksumAlgorithm, RunningChecksum } from "./checksum.ts";
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
  /**
   * The algorithm that a part must come with: the one its upload was created with. A part without any
   * is refused too, unless `defaultAlgorithm` is the same: S3 asks for the parts' checksums in COMPOSITE
   * uploads, and computes them itself in FULL_OBJECT ones (github.com/versity/versitygw/issues/1342).
   */
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
export function digestPayload(payload: RequestPayload, options: DigestOptions): DigestedPayload {
  const plan = planDigests(payload, options);
  if (payload.lengthBytes !== undefined && payload.lengthBytes > options.maximumBytes) {
    throw entityTooLarge(payload.lengthBytes, options.maximumBytes);
  }
  const pass = new DigestPass(payload, plan);
  return { stream: pass.run(), result: () => pass.result() };
}

/** Names that begin like a checksum's header but carry no value. */
const otherChecksumHeaders: ReadonlySet<string> = new Set([
  "x-amz-checksum-algorithm",
  "x-amz-checksum-mode",
  "x-amz-checksum-type",
]);

/**
 * Throws InvalidRequest when an upload names a checksum that does not exist. Beside a real one S3 ignores
 * it (github.com/versity/versitygw/issues/1104, 1356). `names` are in lower case.
 */
export function checkChecksumHeaderNames(names: Iterable<string>): void {
  let hasUnknown = false;
  for (const name of names) {
    if (!name.startsWith("x-amz-checksum-")) continue;
    if (checksumAlgorithmOfHeader(name) !== undefined) return;
    if (!otherChecksumHeaders.has(name)) hasUnknown = true;
  }
  if (hasUnknown) {
    throw invalidRequest("The algorithm type you specified in x-amz-checksum- header is invalid.");
  }
}

interface DigestPlan {
  readonly algorithm: ChecksumAlgorithm | undefined;
  /** The promised value in base64, when it came in a header. */
  readonly promised: string | undefined;
  /** The name of the trailing field that will hold the promised value. */
  readonly trailerName: string | undefined;
  /** In base64. */
  readonly contentMd5: string | undefined;
  readonly needsMd5: boolean;
  readonly maximumBytes: number;
}

function planDigests(payload: RequestPayload, options: DigestOptions): DigestPlan {
  const { contentMd5 } = options;
  if (contentMd5 !== undefined && parseBase64(contentMd5, 16) === undefined) {
    throw new S3Error("InvalidDigest", { fields: { "Content-MD5": contentMd5 } });
  }
  const announced = announcedChecksum(payload, options.checksums);
  checkSdkAlgorithm(options.sdkAlgorithm, announced?.algorithm);
  const algorithm = announced?.algorithm ?? options.defaultAlgorithm;
  const required = options.requiredAlgorithm;
  if (required !== undefined && algorithm !== required) {
    const actual = announced === undefined ? "null" : announced.algorithm.toLowerCase();
    throw invalidRequest(
      `Checksum Type mismatch occurred, expected checksum Type: ${required.toLowerCase()}, actual checksum Type: ${actual}`,
    );
  }
  return {
    algorithm,
    promised: announced?.value,
    trailerName: announced?.trailerName,
    contentMd5,
    needsMd5: options.needsMd5 || contentMd5 !== undefined,
    maximumBytes: options.maximumBytes,
  };
}

interface AnnouncedChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string | undefined;
  readonly trailerName: string | undefined;
}

/** The one checksum that the client sends, in a header or in a trailing field. */
function announcedChecksum(
  payload: RequestPayload,
  checksums: DigestOptions["checksums"],
): AnnouncedChecksum | undefined {
  let announced: AnnouncedChecksum | undefined;
  for (const name in checksums) {
    const algorithm = name as ChecksumAlgorithm; // The record has no other keys.
    const value = checksums[algorithm];
    if (value === undefined) continue;
    if (announced !== undefined) throw severalChecksums();
    announced = { algorithm, value, trailerName: undefined };
  }
  for (const trailerName of payload.announcedTrailers) {
    const algorithm = checksumAlgorithmOfHeader(trailerName);
    if (algorithm === undefined) continue;
    if (announced !== undefined) throw severalChecksums();
    announced = { algorithm, value: undefined, trailerName };
  }
  if (announced?.value !== undefined) {
    const { algorithm, value } = announced;
    // Empty values count as sent, and are as invalid (github.com/versity/versitygw/pull/1190).
    if (parseChecksumValue(algorithm, value) === undefined) {
      throw invalidRequest(`Value for ${checksumHeaderNames[algorithm]} header is invalid.`);
    }
  }
  return announced;
}

/**
 * The API reference promises BadDigest when the algorithm and the checksum disagree; S3 itself answers
 * InvalidRequest, for headers and for trailing fields (github.com/versity/versitygw/issues/1598, 1659).
 */
function checkSdkAlgorithm(
  sdkAlgorithm: string | undefined,
  announced: ChecksumAlgorithm | undefined,
): void {
  if (sdkAlgorithm === undefined) return;
  const named = sdkAlgorithm.toUpperCase();
  if (!isChecksumAlgorithm(named) || (announced !== undefined && announced !== named)) {
    throw invalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.");
  }
  if (announced === undefined) {
    throw invalidRequest(
      "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
    );
  }
}

class DigestPass {
  readonly #payload: RequestPayload;
  readonly #plan: DigestPlan;
  #lengthBytes = 0;
  #md5: Hash | undefined;
  #md5Hex: string | undefined;
  #checksum: RunningChecksum | undefined;
  #checksumValue: string | undefined;
  #isComplete = false;

  constructor(payload: RequestPayload, plan: DigestPlan) {
    this.#payload = payload;
    this.#plan = plan;
  }

  async *run(): AsyncGenerator<Uint8Array> {
    const { lengthBytes } = this.#payload;
    for await (const piece of this.#payload.stream) {
      if (piece.byteLength === 0) continue;
      this.#lengthBytes += piece.byteLength;
      if (this.#lengthBytes > this.#plan.maximumBytes) {
        throw entityTooLarge(this.#lengthBytes, this.#plan.maximumBytes);
      }
      // A small body arrives whole, and digesting it at once is cheaper.
      if (piece.byteLength === lengthBytes) this.#digestWhole(piece);
      else this.#update(piece);
      yield piece;
    }
    this.#finish();
    this.#compare();
    this.#isComplete = true;
  }

  result(): ObjectDigests {
    assert(this.#isComplete, "digests asked for before the stream ended");
    const { algorithm } = this.#plan;
    const value = this.#checksumValue;
    return {
      lengthBytes: this.#lengthBytes,
      md5Hex: this.#md5Hex,
      checksum: algorithm === undefined || value === undefined ? undefined : { algorithm, value },
    };
  }

  #digestWhole(bytes: Uint8Array): void {
    const { algorithm, needsMd5 } = this.#plan;
    if (needsMd5) this.#md5Hex = hash("md5", bytes, "hex");
    if (algorithm !== undefined) this.#checksumValue = toBase64(computeChecksum(algorithm, bytes));
  }

  #update(bytes: Uint8Array): void {
    const { algorithm, needsMd5 } = this.#plan;
    if (needsMd5) (this.#md5 ??= createHash("md5")).update(bytes);
    if (algorithm !== undefined) (this.#checksum ??= createChecksum(algorithm)).update(bytes);
  }

  #finish(): void {
    if (this.#lengthBytes === 0) this.#digestWhole(new Uint8Array(0));
    if (this.#md5 !== undefined) this.#md5Hex = this.#md5.digest("hex");
    if (this.#checksum !== undefined) this.#checksumValue = toBase64(this.#checksum.digest());
  }

  #compare(): void {
    const { algorithm, contentMd5 } = this.#plan;
    if (contentMd5 !== undefined) {
      const calculated = Buffer.from(this.#md5Hex as string, "hex").toString("base64");
      if (calculated !== contentMd5) {
        throw new S3Error("BadDigest", {
          fields: { CalculatedDigest: calculated, ExpectedDigest: contentMd5 },
        });
      }
    }
    const promised = this.#plan.promised ?? this.#promisedInTrailer();
    if (algorithm !== undefined && promised !== undefined && promised !== this.#checksumValue) {
      throw new S3Error("BadDigest", {
        message: `The ${algorithm} you specified did not match the calculated checksum.`,
      });
    }
  }

  #promisedInTrailer(): string | undefined {
    const { algorithm, trailerName } = this.#plan;
    if (algorithm === undefined || trailerName === undefined) return undefined;
    const value = this.#payload.trailers.get(trailerName);
    if (value === undefined) throw new S3Error("MalformedTrailerError");
    if (parseChecksumValue(algorithm, value) === undefined) {
      throw invalidRequest(`Value for ${trailerName} trailing header is invalid.`);
    }
    return value;
  }
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

function invalidRequest(message: string): S3Error {
  return new S3Error("InvalidRequest", { message });
}

function severalChecksums(): S3Error {
  return invalidRequest(
    "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
  );
}

function entityTooLarge(proposedBytes: number, maximumBytes: number): S3Error {
  return new S3Error("EntityTooLarge", {
    fields: { ProposedSize: proposedBytes, MaxSizeAllowed: maximumBytes },
  });
}
