// Verifies AWS Signature Version 2 (HMAC-SHA1) in the Authorization header and in the query. Old, but
// what boto3 and the AWS CLI presign with by default for the older regions.

import { createHmac } from "node:crypto";
import { S3Error } from "../model/errors.ts";
import {
  expiredRequest,
  invalidAuthorizationArgument,
  missingDate,
  signatureMismatch,
  timeTooSkewed,
  unknownAccessKey,
} from "./authentication-errors.ts";
import { decodeCanonical, queryValue } from "./canonical-request.ts";
import type { QueryParameter } from "./canonical-request.ts";
import { unseededIntegrity } from "./payload-integrity.ts";
import { allowedSkewMilliseconds, parseDateHeader } from "./request-time.ts";
import { signaturesEqual } from "./signing-keys.ts";
import type {
  Authentication,
  AuthenticationOptions,
  Credential,
  SignedRequest,
} from "./signed-request.ts";

/**
 * The parameters that are part of the resource. Every name that selects an operation is here, so that
 * a signed URL cannot be turned into another operation by adding one; the rest is what boto signs
 * (botocore HmacV1Auth.QSAOfInterest). Clients that know fewer names do not send the others.
 */
const signedParameters: ReadonlySet<string> = new Set(
  [
    "abac accelerate acl analytics annotation attributes cors defaultObjectAcl delete encryption",
    "intelligent-tiering inventory legal-hold lifecycle location logging metadataAnnotationTable",
    "metadataConfiguration metadataInventoryTable metadataJournalTable metadataTable metrics",
    "notification object-lock ownershipControls partNumber policy policyStatus publicAccessBlock",
    "renameObject replication requestPayment restore retention select select-type session",
    "storageClass tagging torrent uploadId uploads versionId versioning versions website",
    "response-cache-control response-content-disposition response-content-encoding",
    "response-content-language response-content-type response-expires",
  ].flatMap((line) => line.split(" ")),
);

/** S3 refuses an `Expires` from here on (observed by OpenStack Swift's s3api). */
const firstImpossibleExpires = 2 ** 31;

interface Claim {
  readonly accessKeyId: string;
  readonly signature: string;
  /** The Date line of the string to sign, or Expires in its place. */
  readonly date: string;
  readonly presigned: boolean;
}

export function verifyHeaderV2(
  request: SignedRequest,
  authorization: string,
  query: readonly QueryParameter[],
  options: AuthenticationOptions,
): Authentication | Promise<Authentication> {
  const claim = authorization.slice("AWS ".length);
  const colon = claim.indexOf(":");
  if (colon <= 0 || colon === claim.length - 1 || claim.includes(":", colon + 1)) {
    throw invalidAuthorizationArgument(
      "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature",
      authorization,
    );
  }
  const amzDate = request.headers.get("x-amz-date");
  const sent = amzDate ?? request.headers.get("date");
  const time = sent === undefined ? undefined : parseDateHeader(sent);
  if (sent === undefined || time === undefined) throw missingDate();
  const now = options.clock.now();
  if (Math.abs(now - time) > allowedSkewMilliseconds) throw timeTooSkewed(sent, now);
  return verifyClaim(
    request,
    query,
    {
      accessKeyId: claim.slice(0, colon),
      signature: claim.slice(colon + 1),
      // With x-amz-date among the signed headers the Date line is empty.
      date: amzDate === undefined ? sent : "",
      presigned: false,
    },
    options,
  );
}

export function verifyQueryV2(
  request: SignedRequest,
  query: readonly QueryParameter[],
  options: AuthenticationOptions,
): Authentication | Promise<Authentication> {
  const accessKeyId = queryValue(query, "AWSAccessKeyId");
  const signature = queryValue(query, "Signature");
  const expires = queryValue(query, "Expires");
  if (!accessKeyId || !signature || !expires) {
    throw new S3Error("AccessDenied", {
      message:
        "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
    });
  }
  const seconds = /^-?\d{1,15}$/.test(expires) ? Number(expires) : Number.NaN;
  if (Number.isNaN(seconds) || seconds >= firstImpossibleExpires) {
    throw new S3Error("AccessDenied", {
      message: `Invalid date (should be seconds since epoch): ${expires}`,
    });
  }
  const now = options.clock.now();
  if (now > seconds * 1000) throw expiredRequest({ expires: seconds * 1000, now });
  return verifyClaim(
    request,
    query,
    {
      accessKeyId,
      // Base64 holds `+`, which a client that does not escape it turns into a space.
      signature: signature.replaceAll(" ", "+"),
      date: expires,
      presigned: true,
    },
    options,
  );
}

function verifyClaim(
  request: SignedRequest,
  query: readonly QueryParameter[],
  claim: Claim,
  options: AuthenticationOptions,
): Authentication | Promise<Authentication> {
  const amzHeaders = amzFields(request, query, claim.presigned);
  const token = amzHeaders.get("x-amz-security-token");
  const signed = { request, query, claim, amzHeaders, region: options.region };
  // An empty token says as little as none.
  const found = options.credentials.find(claim.accessKeyId, token || undefined);
  if (found instanceof Promise) return found.then((credential) => verifyWith(signed, credential));
  return verifyWith(signed, found);
}

interface SignedClaim {
  readonly request: SignedRequest;
  readonly query: readonly QueryParameter[];
  readonly claim: Claim;
  readonly amzHeaders: ReadonlyMap<string, string>;
  readonly region: string;
}

function verifyWith(
  { request, query, claim, amzHeaders, region }: SignedClaim,
  credential: Credential | undefined,
): Authentication {
  const { accessKeyId, signature } = claim;
  if (credential === undefined) throw unknownAccessKey(accessKeyId);
  const stringToSign = stringToSignV2(request, query, claim, amzHeaders);
  const isSigned = (text: string): boolean =>
    signaturesEqual(
      createHmac("sha1", credential.secretKey).update(text, "latin1").digest("base64"),
      signature,
    );
  // MinIO's Go client, written against S3, sends `?policy=` and signs `?policy`.
  const isShort = (): boolean =>
    query.some(({ hasValue, value }) => hasValue && value === "") &&
    isSigned(stringToSignV2(request, query.map(withoutEmptyValue), claim, amzHeaders));
  if (!isSigned(stringToSign) && !isShort()) {
    throw signatureMismatch({ accessKeyId, stringToSign, signature });
  }
  credential.onUse?.("s3", region);
  return {
    caller: credential.caller,
    integrity: unseededIntegrity(request.headers.get("x-amz-content-sha256"), "v2"),
    presigned: claim.presigned,
    signatureVersion: "v2",
  };
}

function withoutEmptyValue(parameter: QueryParameter): QueryParameter {
  return parameter.value === "" ? { ...parameter, hasValue: false } : parameter;
}

function stringToSignV2(
  request: SignedRequest,
  query: readonly QueryParameter[],
  claim: Claim,
  amzHeaders: ReadonlyMap<string, string>,
): string {
  const positional = (name: string): string => {
    const sent = request.headers.get(name);
    if (sent !== undefined) return sent.trim();
    // boto moves these headers into a presigned query, but signs them in their places.
    return claim.presigned ? (queryValue(query, name) ?? "") : "";
  };
  let text = `${request.method}\n${positional("content-md5")}\n${positional("content-type")}\n${claim.date}\n`;
  for (const name of [...amzHeaders.keys()].toSorted()) {
    text += `${name}:${(amzHeaders.get(name) as string).trim()}\n`;
  }
  return text + canonicalResource(request, query);
}

/** The `x-amz-*` headers, and in a presigned query the parameters that stand in for them. */
function amzFields(
  request: SignedRequest,
  query: readonly QueryParameter[],
  presigned: boolean,
): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  if (presigned) {
    for (const parameter of query) {
      const name = parameter.name.toLowerCase();
      if (!name.startsWith("x-amz-")) continue;
      const value = decodeCanonical(parameter.value);
      const earlier = fields.get(name);
      fields.set(name, earlier === undefined ? value : `${earlier},${value}`);
    }
  }
  for (const [name, value] of request.headers.entries()) {
    if (!name.startsWith("x-amz-")) continue;
    const hoisted = fields.get(name);
    // Two different values: neither alone may pass for what was signed.
    const differs = hoisted !== undefined && hoisted !== value;
    fields.set(name, differs ? `${hoisted},${value}` : value);
  }
  return fields;
}

/** Bucket, path as sent, and the parameters that count, by name, with their decoded values. */
function canonicalResource(request: SignedRequest, query: readonly QueryParameter[]): string {
  const bucket = request.virtualHostBucket === undefined ? "" : `/${request.virtualHostBucket}`;
  const path = canonicalPath(request);
  const counted = query
    .filter((parameter) => signedParameters.has(parameter.name))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
    .map(({ name, value, hasValue }) => (hasValue ? `${name}=${decodeCanonical(value)}` : name));
  return `${bucket}${path}${counted.length === 0 ? "" : "?"}${counted.join("&")}`;
}

/** A bucket that the path names without a final slash is signed with one: boto sends it without. */
function canonicalPath({ rawPath, virtualHostBucket }: SignedRequest): string {
  if (rawPath === "") return "/";
  const isBareBucket = virtualHostBucket === undefined && !rawPath.includes("/", 1);
  return isBareBucket && rawPath !== "/" ? `${rawPath}/` : rawPath;
}
