// What an operation gets of a request's body: the object's own bytes, with transfer and chunk framing
// already removed, and what is known about them before and after they were read.

import type { ByteStream } from "../base/bytes.ts";

export interface RequestPayload {
  /**
   * The decoded bytes. Iterating throws S3Error IncompleteBody, XAmzContentSHA256Mismatch,
   * SignatureDoesNotMatch (chunk signatures), MalformedTrailerError and so on; a stream that ended
   * without an error was complete and matched everything that the signature covers.
   */
  readonly stream: ByteStream;
  /** Length of the decoded bytes as declared by the client; `undefined` when it declared none. */
  readonly lengthBytes: number | undefined;
  /** Names of the trailing fields that the client announced (`x-amz-trailer`), lower-case. */
  readonly announcedTrailers: readonly string[];
  /** The trailing fields by lower-case name. Only complete after `stream` has ended. */
  readonly trailers: ReadonlyMap<string, string>;
}
