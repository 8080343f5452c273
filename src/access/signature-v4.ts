// Verifies AWS Signature Version 4 (AWS4-HMAC-SHA256) in the Authorization header and in the query.
// Deliberately without Signature Version 4A (ECDSA): it is answered like any unknown mechanism.

import { hash } from "node:crypto";
import { S3Error } from "../model/errors.ts";
import {
  expiredRequest,
  headersNotSigned,
  malformedAuthorization,
  malformedParameters,
  malformedScope,
  missingDate,
  signatureMismatch,
  timeTooSkewed,
  unknownAccessKey,
} from "./authentication-errors.ts";
import type { ScopePlace } from "./authentication-errors.ts";
import { canonicalRequest, queryValue } from "./canonical-request.ts";
import type { QueryParameter } from "./canonical-request.ts";
import { checkPayloadHash, signedIntegrity, unsignedPayload } from "./payload-integrity.ts";
import {
  allowedSkewMilliseconds,
  formatBasicTime,
  parseBasicTime,
  parseDateHeader,
} from "./request-time.ts";
import { signaturesEqual, signingKey, signText } from "./signing-keys.ts";
import type {
  Authentication,
  AuthenticationOptions,
  Credential,
  SignedRequest,
} from "./signed-request.ts";

export const algorithmV4 = "AWS4-HMAC-SHA256";

/** Seven days: the longest life of a presigned URL. */
const maximumLifetimeSeconds = 604_800;

/** What a request claims about its signature, wherever it said so. */
interface Claim {
  readonly scope: Scope;
  readonly signedHeaders: string;
  readonly signature: string;
  /** The time of the request in basic form, as it was signed. */
  readonly timestamp: string;
  readonly payloadHash: string;
  readonly presigned: boolean;
}

interface Scope {
  readonly accessKeyId: string;
  readonly dateText: string;
  readonly region: string;
  readonly service: string;
  /** `20130524/us-east-1/s3/aws4_request`. */
  readonly text: string;
}

export function verifyHeaderV4(
  request: SignedRequest,
  authorization: string,
  query: readonly QueryParameter[],
  options: AuthenticationOptions,
): Authentication | Promise<Authentication> {
  const parts = parseAuthorization(authorization);
  const scope = parseScope(parts.credential, "header", options);
  const payloadHash = options.service?.bodySha256Hex ?? request.headers.get("x-amz-content-sha256");
  if (payloadHash === undefined) {
    throw new S3Error("InvalidRequest", {
      message: "Missing required header for this request: x-amz-content-sha256",
    });
  }
  checkPayloadHash(payloadHash);
  const timestamp = headerTimestamp(request, scope, options.clock.now());
  return verifyClaim(
    request,
    query,
    {
      scope,
      signedHeaders: parts.signedHeaders,
      signature: parts.signature,
      timestamp,
      payloadHash,
      presigned: false,
    },
    options,
  );
}

export function verifyQueryV4(
  request: SignedRequest,
  query: readonly QueryParameter[],
  options: AuthenticationOptions,
): Authentication | Promise<Authentication> {
  const algorithm = queryValue(query, "X-Amz-Algorithm");
  const credential = queryValue(query, "X-Amz-Credential");
  const signature = queryValue(query, "X-Amz-Signature");
  const timestamp = queryValue(query, "X-Amz-Date");
  const signedHeaders = queryValue(query, "X-Amz-SignedHeaders");
  const lifetime = queryValue(query, "X-Amz-Expires");
  // An empty parameter says as little as a missing one.
  if (!algorithm || !credential || !signature || !timestamp || !signedHeaders || !lifetime) {
    throw new S3Error("AuthorizationQueryParametersError");
  }
  if (algorithm !== algorithmV4) {
    throw malformedParameters(`X-Amz-Algorithm only supports "${algorithmV4}"`);
  }
  const scope = parseScope(credential, "query", options);
  checkLifetime(scope, timestamp, lifetime, options.clock.now());
  // Signers put the payload's hash into a header, into the query, or nowhere: then it is unsigned.
  const payloadHash =
    options.service?.bodySha256Hex ??
    request.headers.get("x-amz-content-sha256") ??
    queryValue(query, "X-Amz-Content-Sha256") ??
    unsignedPayload;
  checkPayloadHash(payloadHash);
  return verifyClaim(
    request,
    query,
    { scope, signedHeaders, signature, timestamp, payloadHash, presigned: true },
    options,
  );
}

function verifyClaim(
  request: SignedRequest,
  query: readonly QueryParameter[],
  claim: Claim,
  options: AuthenticationOptions,
): Authentication | Promise<Authentication> {
  checkAllSigned(request, claim.signedHeaders);
  const token =
    request.headers.get("x-amz-security-token") ?? queryValue(query, "X-Amz-Security-Token");
  // An empty token says as little as none.
  const found = options.credentials.find(claim.scope.accessKeyId, token || undefined);
  if (found instanceof Promise) {
    return found.then((credential) => verifyWith(request, query, claim, credential));
  }
  return verifyWith(request, query, claim, found);
}

function verifyWith(
  request: SignedRequest,
  query: readonly QueryParameter[],
  claim: Claim,
  credential: Credential | undefined,
): Authentication {
  const { scope, signature, timestamp, payloadHash } = claim;
  if (credential === undefined) throw unknownAccessKey(scope.accessKeyId);
  const canonical = canonicalRequest({
    method: request.method,
    rawPath: request.rawPath,
    query,
    headers: request.headers,
    signedHeaders: claim.signedHeaders,
    payloadHash,
  });
  if (canonical === undefined) throw new S3Error("SignatureDoesNotMatch");
  const canonicalHash = hash("sha256", Buffer.from(canonical, "latin1"), "hex");
  const stringToSign = `${algorithmV4}\n${timestamp}\n${scope.text}\n${canonicalHash}`;
  const key = signingKey(credential.secretKey, scope.dateText, scope.region, scope.service);
  if (!signaturesEqual(signText(key, stringToSign), signature)) {
    const { accessKeyId } = scope;
    throw signatureMismatch({
      accessKeyId,
      stringToSign,
      signature,
      canonicalRequest: canonical,
    });
  }
  credential.onUse?.(scope.service, scope.region);
  return {
    caller: credential.caller,
    integrity: signedIntegrity(payloadHash, {
      key,
      accessKeyId: scope.accessKeyId,
      timestamp,
      scope: scope.text,
      signature,
    }),
    presigned: claim.presigned,
    signatureVersion: "v4",
  };
}

interface AuthorizationParts {
  readonly credential: string;
  readonly signedHeaders: string;
  readonly signature: string;
}

/** Components in any order, with or without blanks around the commas: real clients send both. */
function parseAuthorization(authorization: string): AuthorizationParts {
  let credential: string | undefined;
  let signedHeaders: string | undefined;
  let signature: string | undefined;
  const components = authorization.slice(algorithmV4.length).split(",");
  if (components.length !== 3) {
    throw malformedAuthorization(
      "the authorization header requires three components: Credential, SignedHeaders, and Signature.",
    );
  }
  for (const component of components) {
    const text = component.trim();
    if (text.startsWith("Credential=")) credential = text.slice("Credential=".length);
    else if (text.startsWith("SignedHeaders=")) signedHeaders = text.slice("SignedHeaders=".length);
    else if (text.startsWith("Signature=")) signature = text.slice("Signature=".length);
    else throw malformedAuthorization(`the authorization component "${text}" is malformed.`);
  }
  if (!credential) throw malformedAuthorization("missing Credential.");
  if (!signedHeaders) throw malformedAuthorization("missing SignedHeaders.");
  if (!signature) throw malformedAuthorization("missing Signature.");
  return { credential, signedHeaders, signature };
}

/** `<access key id>/<date>/<region>/s3/aws4_request`. Throws in the words of the place it stood in. */
function parseScope(credential: string, place: ScopePlace, options: AuthenticationOptions): Scope {
  const parts = credential.split("/");
  const [accessKeyId, dateText, region, service, terminal] = parts;
  const isWhole =
    parts.length === 5 && accessKeyId && dateText !== undefined && region !== undefined;
  if (!isWhole) {
    throw malformedScope(
      place,
      'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  }
  if (!/^\d{8}$/.test(dateText)) {
    throw malformedScope(
      place,
      `incorrect date format "${dateText}". This date in the credential must be in the format "yyyyMMdd".`,
    );
  }
  const expectedService = options.service?.name ?? "s3";
  // IAM and the global endpoint of STS are signed for us-east-1 wherever the server is.
  const isGlobal = options.service !== undefined && region === "us-east-1";
  if (region !== options.region && !isGlobal) {
    throw malformedScope(
      place,
      `the region '${region}' is wrong; expecting '${options.region}'`,
      options.region,
    );
  }
  if (service !== expectedService) {
    throw malformedScope(
      place,
      `incorrect service "${service ?? ""}". This endpoint belongs to "${expectedService}".`,
    );
  }
  if (terminal !== "aws4_request") {
    throw malformedScope(
      place,
      `incorrect terminal "${terminal ?? ""}". This endpoint uses "aws4_request".`,
    );
  }
  return { accessKeyId, dateText, region, service, text: credential.slice(accessKeyId.length + 1) };
}

/** The time of a request signed in its header: `x-amz-date`, or else `Date`. */
function headerTimestamp(request: SignedRequest, scope: Scope, now: number): string {
  const amzDate = request.headers.get("x-amz-date");
  const sent = amzDate ?? request.headers.get("date");
  if (sent === undefined) throw missingDate();
  const time = amzDate === undefined ? parseDateHeader(sent) : parseBasicTime(sent);
  if (time === undefined) throw missingDate();
  const timestamp = amzDate ?? formatBasicTime(time);
  if (!timestamp.startsWith(scope.dateText)) {
    throw malformedAuthorization(
      `Invalid credential date "${scope.dateText}". This date is not the same as X-Amz-Date: "${timestamp.slice(0, 8)}".`,
    );
  }
  if (Math.abs(now - time) > allowedSkewMilliseconds) throw timeTooSkewed(sent, now);
  return timestamp;
}

function checkLifetime(scope: Scope, timestamp: string, lifetime: string, now: number): void {
  const time = parseBasicTime(timestamp);
  if (time === undefined) {
    throw malformedParameters(
      `X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`,
    );
  }
  if (!timestamp.startsWith(scope.dateText)) {
    throw malformedParameters(
      `Invalid credential date "${scope.dateText}". This date is not the same as X-Amz-Date: "${timestamp.slice(0, 8)}".`,
    );
  }
  if (!/^-?\d{1,18}$/.test(lifetime)) throw malformedParameters("X-Amz-Expires should be a number");
  const seconds = Number(lifetime);
  if (seconds < 0) throw malformedParameters("X-Amz-Expires must be non-negative");
  if (seconds > maximumLifetimeSeconds) {
    throw malformedParameters(
      "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
    );
  }
  if (time - now > allowedSkewMilliseconds) {
    throw new S3Error("AccessDenied", { message: "Request is not valid yet" });
  }
  const expires = time + seconds * 1000;
  if (now > expires) throw expiredRequest({ expires, now, lifetime });
}

/**
 * `host` and every `x-amz-*` header that was sent must be under the signature, or anybody on the way
 * could change what the request does.
 */
function checkAllSigned(request: SignedRequest, signedHeaders: string): void {
  const signed = new Set(signedHeaders.split(";"));
  const missing: string[] = [];
  if (!signed.has("host")) missing.push("host");
  for (const [name] of request.headers.entries()) {
    if (name.startsWith("x-amz-") && !signed.has(name)) missing.push(name);
  }
  if (missing.length > 0) throw headersNotSigned(missing);
}
