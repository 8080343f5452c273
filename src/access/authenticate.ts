// Finds out who is asking. Decides nothing about what the caller may do, and nothing about browser
// forms (POST Object), which carry their signature in the body.

import { invalidAuthorizationArgument, unsupportedMechanism } from "./authentication-errors.ts";
import { parseQuery } from "./canonical-request.ts";
import type { QueryParameter } from "./canonical-request.ts";
import { unseededIntegrity } from "./payload-integrity.ts";
import { verifyHeaderV2, verifyQueryV2 } from "./signature-v2.ts";
import { algorithmV4, verifyHeaderV4, verifyQueryV4 } from "./signature-v4.ts";
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
  request: SignedRequest,
  options: AuthenticationOptions,
): Authentication | Promise<Authentication> {
  const authorization = request.headers.get("authorization");
  const query = parseQuery(request.rawQuery);
  const presigned = presignedVersion(query);
  if (authorization === undefined) {
    if (presigned === "v4") return verifyQueryV4(request, query, options);
    if (presigned === "v2") return verifyQueryV2(request, query, options);
    return anonymously(request);
  }
  if (presigned !== undefined) {
    throw invalidAuthorizationArgument(
      "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
      authorization,
    );
  }
  if (authorization.startsWith(`${algorithmV4} `)) {
    return verifyHeaderV4(request, authorization, query, options);
  }
  if (authorization.startsWith("AWS ")) {
    return verifyHeaderV2(request, authorization, query, options);
  }
  throw unknownAuthorization(authorization);
}

/** Which kind of presigned request the query makes this, if any. */
function presignedVersion(query: readonly QueryParameter[]): "v2" | "v4" | undefined {
  let version: "v2" | "v4" | undefined;
  for (const { name } of query) {
    switch (name) {
      case "X-Amz-Algorithm":
      case "X-Amz-Credential":
      case "X-Amz-Signature":
        return "v4";
      case "AWSAccessKeyId":
      case "Signature":
        version = "v2";
        break;
      default:
    }
  }
  return version;
}

/** For requests whose signature, if there is one, is not for them. */
export function anonymously(request: Pick<SignedRequest, "headers">): Authentication {
  return {
    caller: { kind: "anonymous" },
    integrity: unseededIntegrity(request.headers.get("x-amz-content-sha256"), "anonymous"),
    presigned: false,
    signatureVersion: undefined,
  };
}

function unknownAuthorization(authorization: string): Error {
  if (authorization.startsWith("AWS4-")) return unsupportedMechanism();
  if (!authorization.includes(" ")) {
    return invalidAuthorizationArgument(
      "Authorization header is invalid -- one and only one ' ' (space) required",
      authorization,
    );
  }
  return invalidAuthorizationArgument("Unsupported Authorization Type", authorization);
}
