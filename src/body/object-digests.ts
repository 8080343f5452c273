// One pass over an upload's bytes for everything that it needs: length, MD5, the checksum that the
// client announced or that the server adds, and their comparison with what was promised.

import { assert } from "../base/assert.ts";
import type { TransientByteStream } from "../base/bytes.ts";
import { S3Error } from "../model/errors.ts";
import {
  checksumAlgorithmOfHeader,
  checksumHeaderNames,
  computeChecksum,
  isChecksumAlgorithm,
  parseBase64,
  parseChecksumValue,
} from "./checksum.ts";
import type { ChecksumAlgorithm } from "./checksum.ts";
import { createDigester } from "./digester.ts";
import type { Digester, Digests } from "./digester.ts";
import { checkSignedSha256 } from "./request-payload.ts";
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
  /**
   * The payload's bytes; throws BadDigest, EntityTooLarge and whatever the payload's stream throws.
   * Really transient only when the body declared more than `longBodyBytes`.
   */
  readonly stream: TransientByteStream;
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
  /** The SHA-256 that the request's signature names, when nobody else compares it. */
  readonly #signedSha256Hex: string | undefined;
  readonly #algorithms: ReadonlySet<ChecksumAlgorithm>;
  #lengthBytes = 0;
  #digests: Digests | undefined;
  #isComplete = false;

  constructor(payload: RequestPayload, plan: DigestPlan) {
    this.#payload = payload;
    this.#plan = plan;
    this.#signedSha256Hex = payload.undigested?.sha256Hex;
    const algorithms = new Set<ChecksumAlgorithm>();
    if (plan.needsMd5) algorithms.add("MD5");
    if (plan.algorithm !== undefined) algorithms.add(plan.algorithm);
    if (this.#signedSha256Hex !== undefined) algorithms.add("SHA256");
    this.#algorithms = algorithms;
  }

  async *run(): AsyncGenerator<Uint8Array> {
    const { lengthBytes, undigested, stream } = this.#payload;
    let digester: Digester | undefined;
    try {
      for await (const piece of undigested?.stream ?? stream) {
        if (piece.byteLength === 0) continue;
        this.#lengthBytes += piece.byteLength;
        if (this.#lengthBytes > this.#plan.maximumBytes) {
          throw entityTooLarge(this.#lengthBytes, this.#plan.maximumBytes);
        }
        // A small body arrives whole, and digesting it at once is cheaper.
        if (piece.byteLength === lengthBytes) {
          this.#digestWhole(piece);
        } else {
          digester ??= createDigester(this.#algorithms, lengthBytes);
          const wait = digester.update(piece);
          if (wait !== undefined) await wait;
        }
        yield piece;
      }
      if (this.#lengthBytes === 0) this.#digestWhole(new Uint8Array(0));
      else if (digester !== undefined) this.#digests = await digester.finish();
    } finally {
      digester?.release();
    }
    this.#compare();
    this.#isComplete = true;
  }

  result(): ObjectDigests {
    assert(this.#isComplete, "digests asked for before the stream ended");
    const { algorithm, needsMd5 } = this.#plan;
    return {
      lengthBytes: this.#lengthBytes,
      md5Hex: needsMd5 ? toHex(this.#digest("MD5")) : undefined,
      checksum:
        algorithm === undefined
          ? undefined
          : { algorithm, value: toBase64(this.#digest(algorithm)) },
    };
  }

  #digestWhole(bytes: Uint8Array): void {
    const digests = new Map<ChecksumAlgorithm, Uint8Array>();
    for (const algorithm of this.#algorithms) {
      digests.set(algorithm, computeChecksum(algorithm, bytes));
    }
    this.#digests = digests;
  }

  #digest(algorithm: ChecksumAlgorithm): Uint8Array {
    const digest = this.#digests?.get(algorithm);
    assert(digest !== undefined, "a digest was not computed");
    return digest;
  }

  #compare(): void {
    const { algorithm, contentMd5 } = this.#plan;
    if (this.#signedSha256Hex !== undefined) {
      checkSignedSha256(this.#signedSha256Hex, toHex(this.#digest("SHA256")));
    }
    if (contentMd5 !== undefined) {
      const calculated = toBase64(this.#digest("MD5"));
      if (calculated !== contentMd5) {
        throw new S3Error("BadDigest", {
          fields: { CalculatedDigest: calculated, ExpectedDigest: contentMd5 },
        });
      }
    }
    const promised = this.#plan.promised ?? this.#promisedInTrailer();
    if (algorithm === undefined || promised === undefined) return;
    if (promised !== toBase64(this.#digest(algorithm))) {
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

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
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
