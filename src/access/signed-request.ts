// What authentication is given and what it hands back. Structural on purpose: access knows neither the
// HTTP layer nor the body decoder, and both sides of it are written against these shapes.

import type { KeyObject } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { Caller, IdentifiedCaller } from "./caller.ts";
import type { ServiceName } from "./service-request.ts";

export interface RequestHeaders {
  /** The value by lower-case name; several fields of one name are joined by `,`. */
  get(name: string): string | undefined;
  has(name: string): boolean;
  /** Every field by lower-case name. */
  entries(): Iterable<[string, string]>;
}

export interface SignedRequest {
  readonly method: string;
  /** The path as sent, bytes as Latin-1 characters, up to the `?`. Never decoded, never normalized. */
  readonly rawPath: string;
  /** The query as sent, without the `?`; empty when there is none. */
  readonly rawQuery: string;
  readonly headers: RequestHeaders;
  /** The bucket when it was named by the Host header: Signature Version 2 signs it into the path. */
  readonly virtualHostBucket: string | undefined;
  readonly isEncrypted: boolean;
}

/**
 * An access key. A lookup should hand out one and the same object as long as the secret is unchanged:
 * derived signing keys are cached by the identity of `secretKey`.
 */
export interface Credential {
  readonly accessKeyId: string;
  /** `createSecretKey` of the secret's UTF-8 bytes. */
  readonly secretKey: KeyObject;
  readonly caller: IdentifiedCaller;
  /** Told of every request whose signature held. Absent: nobody wants to know. */
  readonly onUse?: (service: string, region: string) => void;
}

export interface CredentialLookup {
  /**
   * `undefined` for a key that nobody has. Throws S3Error InvalidToken, ExpiredToken: about a session
   * token that does not belong to the key, that is not whole, or whose time is over.
   */
  find(
    accessKeyId: string,
    sessionToken: string | undefined,
  ): Credential | undefined | Promise<Credential | undefined>;
}

export interface AuthenticationOptions {
  readonly credentials: CredentialLookup;
  /** The region that a Signature Version 4 scope must name. */
  readonly region: string;
  readonly clock: Clock;
  /** Set for a request to another service than S3. */
  readonly service?: SignedService;
}

/** Services other than S3 sign their body always, and say nothing of its hash beside the signature. */
export interface SignedService {
  readonly name: ServiceName;
  readonly bodySha256Hex: string;
}

export interface Authentication {
  readonly caller: Caller;
  readonly integrity: PayloadIntegrity;
  /** Whether the authentication came in the query. */
  readonly presigned: boolean;
  readonly signatureVersion: "v2" | "v4" | undefined;
}

/** What the signature says about the body. */
export type PayloadIntegrity =
  | { readonly kind: "unsigned" }
  | { readonly kind: "digest"; readonly sha256Hex: string }
  | {
      readonly kind: "chunked";
      /** Whether the mode is one of those that end with trailing fields. */
      readonly trailer: boolean;
      /** `undefined` for STREAMING-UNSIGNED-PAYLOAD-TRAILER. */
      readonly chunkSignatures: ChunkSignatures | undefined;
    };

/** The chain of signatures of one chunked upload: each call checks the next link. */
export interface ChunkSignatures {
  /** Throws S3Error SignatureDoesNotMatch. Also called for the empty last chunk. */
  verifyChunk(signature: string, chunkSha256Hex: string): void;
  /**
   * Throws S3Error SignatureDoesNotMatch. `canonicalTrailerText` is `name:value\n` per trailing field,
   * by lower-case name, in order of name.
   */
  verifyTrailer(signature: string, canonicalTrailerText: string): void;
}
