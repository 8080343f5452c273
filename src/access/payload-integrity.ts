// What `x-amz-content-sha256` says about a request's body.

import type { KeyObject } from "node:crypto";
import { S3Error } from "../model/errors.ts";
import { unsupportedMechanism } from "./authentication-errors.ts";
import { ChunkSignatureChain } from "./chunk-signatures.ts";
import type { PayloadIntegrity } from "./signed-request.ts";

export const unsignedPayload = "UNSIGNED-PAYLOAD";

/** The streaming modes of chunk signatures, and whether they end with trailing fields. */
const signedModes: ReadonlyMap<string, boolean> = new Map([
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", false],
  ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", true],
]);

/** Chunks signed with Signature Version 4A, which this server does not offer. */
const ecdsaModes: ReadonlySet<string> = new Set([
  "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
  "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
]);

const unsignedTrailerMode = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/** What the first link of a chain of chunk signatures hangs on. */
export interface ChunkSeed {
  readonly key: KeyObject;
  readonly accessKeyId: string;
  readonly timestamp: string;
  readonly scope: string;
  readonly signature: string;
}

/** Throws InvalidArgument for a value that no signer may send. Cheap for the common ones. */
export function checkPayloadHash(value: string): void {
  if (value === unsignedPayload || isSha256(value)) return;
  if (value === unsignedTrailerMode || signedModes.has(value)) return;
  if (ecdsaModes.has(value)) throw unsupportedMechanism();
  throw new S3Error("InvalidArgument", {
    message:
      "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
    fields: { ArgumentName: "x-amz-content-sha256", ArgumentValue: value },
  });
}

/** For a request whose Signature Version 4 was verified; `value` has passed `checkPayloadHash`. */
export function signedIntegrity(value: string, seed: ChunkSeed): PayloadIntegrity {
  if (value === unsignedPayload) return { kind: "unsigned" };
  const trailer = signedModes.get(value);
  if (trailer !== undefined) {
    return { kind: "chunked", trailer, chunkSignatures: new ChunkSignatureChain(seed) };
  }
  if (value === unsignedTrailerMode) {
    return { kind: "chunked", trailer: true, chunkSignatures: undefined };
  }
  return { kind: "digest", sha256Hex: value.toLowerCase() };
}

/** For anonymous requests and Signature Version 2, which have no chain to hang chunk signatures on. */
export function unseededIntegrity(
  value: string | undefined,
  signer: "anonymous" | "v2",
): PayloadIntegrity {
  if (value === undefined || value === unsignedPayload) return { kind: "unsigned" };
  checkPayloadHash(value);
  if (signedModes.has(value)) {
    if (signer === "v2") throw unsupportedMechanism();
    throw new S3Error("InvalidRequest", {
      message:
        "Anonymous requests don't support this x-amz-content-sha256 value. Please use UNSIGNED-PAYLOAD or STREAMING-UNSIGNED-PAYLOAD-TRAILER.",
    });
  }
  if (value === unsignedTrailerMode) {
    return { kind: "chunked", trailer: true, chunkSignatures: undefined };
  }
  return { kind: "digest", sha256Hex: value.toLowerCase() };
}

function isSha256(value: string): boolean {
  if (value.length !== 64) return false;
  for (let index = 0; index < 64; index += 1) {
    const code = value.charCodeAt(index);
    const isDigit = code >= 48 && code <= 57;
    const isLetter = (code >= 97 && code <= 102) || (code >= 65 && code <= 70);
    if (!isDigit && !isLetter) return false;
  }
  return true;
}
