// Takes the framing off a request's body and checks what the signature says about it.

import type { ByteStream } from "../base/bytes.ts";
import type { RequestPayload } from "./request-payload.ts";

export interface PayloadHeaders {
  get(name: string): string | undefined;
  has(name: string): boolean;
}

/** The same shape as access's PayloadIntegrity: body may not import access. */
export type BodyIntegrity =
  | { readonly kind: "unsigned" }
  | { readonly kind: "digest"; readonly sha256Hex: string }
  | {
      readonly kind: "chunked";
      readonly trailer: boolean;
      readonly chunkSignatures: ChunkVerifier | undefined;
    };

export interface ChunkVerifier {
  verifyChunk(signature: string, chunkSha256Hex: string): void;
  verifyTrailer(signature: string, canonicalTrailerText: string): void;
}

/**
 * Nothing is read before the payload's stream is iterated. Throws S3Error at once for what the headers
 * alone give away: MissingContentLength, InvalidRequest for an unknown `x-amz-trailer`.
 */
export function openPayload(
  _raw: ByteStream,
  _headers: PayloadHeaders,
  _integrity: BodyIntegrity,
): RequestPayload {
  throw new Error("being written");
}
