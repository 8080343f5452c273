// Finds out who is asking. Decides nothing about what the caller may do.

import type { Authentication, AuthenticationOptions, SignedRequest } from "./signed-request.ts";

export type {
  Authentication,
  AuthenticationOptions,
  ChunkSignatures,
  Credential,
  CredentialLookup,
  PayloadIntegrity,
  RequestHeaders,
  SignedRequest,
} from "./signed-request.ts";

/**
 * Answers at once when the credential lookup does. Throws S3Error when the request carries
 * authentication that does not hold; a request without any is anonymous.
 */
export function authenticate(
  _request: SignedRequest,
  _options: AuthenticationOptions,
): Authentication | Promise<Authentication> {
  throw new Error("being written");
}
