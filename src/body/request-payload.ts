// What an operation gets of a request's body: the object's own bytes, with transfer and chunk framing
// already removed, and what is known about them before and after they were read.

import type { ByteStream, TransientByteStream } from "../base/bytes.ts";
import { S3Error } from "../model/errors.ts";

export interface RequestPayload {
  /**
   * The decoded bytes. Iterating throws S3Error IncompleteBody, XAmzContentSHA256Mismatch,
   * SignatureDoesNotMatch (chunk signatures), MalformedTrailerError and so on; a stream that ended
   * without an error was complete and matched everything that the signature covers.
   */
  readonly stream: ByteStream;
  /** Length of the decoded bytes as declared by the client; `undefined` when it declared none. */
  readonly lengthBytes: number | undefined;
  /** Whether the message came in a transfer coding rather than with a length. */
  readonly isTransferCoded: boolean;
  /** Names of the trailing fields that the client announced (`x-amz-trailer`), lower-case. */
  readonly announcedTrailers: readonly string[];
  /** The trailing fields by lower-case name. Only complete after `stream` has ended. */
  readonly trailers: ReadonlyMap<string, string>;
  /** Instead of `stream`, for a consumer that digests the bytes anyway: spares a pass over them. */
  readonly undigested?: UndigestedBody | undefined;
}

export interface UndigestedBody {
  /**
   * The decoded bytes, with all that `stream` promises except the comparison below. Really transient
   * only when the body declared more than `longBodyBytes`.
   */
  readonly stream: TransientByteStream;
  /** What the request's signature says: the consumer must call `checkSignedSha256` in the end. */
  readonly sha256Hex: string | undefined;
}

/**
 * The declared length of an object's bytes, which S3 demands. A transfer coding alone is refused with
 * other words than no length at all (github.com/aws/aws-sdk-js-v3/issues/3403). Throws S3Error
 * NotImplemented, MissingContentLength.
 */
export function requireLength(payload: RequestPayload): number {
  if (payload.lengthBytes !== undefined) return payload.lengthBytes;
  if (!payload.isTransferCoded) throw new S3Error("MissingContentLength");
  throw new S3Error("NotImplemented", { fields: { Header: "Transfer-Encoding" } });
}

/** Throws S3Error XAmzContentSHA256Mismatch. */
export function checkSignedSha256(signedHex: string, computedHex: string): void {
  if (computedHex === signedHex) return;
  throw new S3Error("XAmzContentSHA256Mismatch", {
    fields: { ClientComputedContentSHA256: signedHex, S3ComputedContentSHA256: computedHex },
  });
}
