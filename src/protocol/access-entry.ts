// What a record of access says of a request whose answer is about to leave, and of its parts: the read that
// a copy begins with, the keys of a batch. Field by field after "Amazon S3 server access log format" (User
// Guide, LogFormat.html).

import type { Caller } from "../access/caller.ts";
import { redactTarget, type AccessEntry } from "../objects/access-log.ts";
import type { BucketRecord } from "../objects/records/bucket-record.ts";
import type { LoggingSettings } from "../objects/records/logging-record.ts";
import type { DeletionNote, SourceNote } from "../operations/request-notes.ts";
import { operationOf, sourceOperationOf } from "./access-operation.ts";
import type { Exchange } from "./exchange.ts";
import { findParameter } from "./query.ts";

export interface LoggedBucket extends BucketRecord {
  readonly logging: LoggingSettings;
}

export interface BegunAnswer {
  readonly status: number;
  readonly headers: readonly string[];
  /** From the first byte of the request. */
  readonly elapsedMilliseconds: number;
}

export function isLogged(bucket: BucketRecord | undefined): bucket is LoggedBucket {
  return bucket?.logging !== undefined;
}

export function describeAccess(
  exchange: Exchange,
  bucket: LoggedBucket,
  answer: BegunAnswer,
): AccessEntry {
  const { request, errorCode, address } = exchange;
  const objectBytes = objectBytesOf(exchange, answer);
  const turnAround = answer.elapsedMilliseconds - (request.receivingMilliseconds ?? 0);
  const key = exchange.formKey ?? exchange.visitedKey ?? address?.key;
  const versionId = findParameter(exchange.query, "versionId");
  const referer = request.headers.get("referer");
  const userAgent = request.headers.get("user-agent");
  const version = request.isVersion11 === false ? "HTTP/1.0" : "HTTP/1.1";
  return {
    ...describeAsker(exchange, bucket),
    operation: operationOf(exchange),
    ...(key === undefined ? {} : { key }),
    requestLine: `${request.method} ${redactTarget(request.target)} ${version}`,
    status: answer.status,
    // That nothing has changed is no error.
    ...(errorCode === undefined || answer.status === 304 ? {} : { errorCode }),
    ...(objectBytes === undefined ? {} : { objectBytes }),
    turnAroundMilliseconds: Math.max(0, turnAround),
    ...(referer === undefined ? {} : { referer }),
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(versionId === undefined ? {} : { versionId }),
    ...(setsAcl(exchange) || needsAcl(exchange, bucket.name, key) ? { isAclRequired: true } : {}),
  };
}

/**
 * "A copy operation involves a GET and a PUT. For that reason, two records are logged": the GET's in the
 * log of the bucket that is read. It has no request line, client or times of its own (as S3 writes it:
 * `… REST.COPY.OBJECT_GET script.sh - 200 - - 48 - - - - -`).
 */
export function describeSource(
  exchange: Exchange,
  bucket: LoggedBucket,
  source: SourceNote,
): AccessEntry {
  const { key, versionId } = source;
  return {
    ...describeAsker(exchange, bucket),
    part: 0,
    operation: sourceOperationOf(exchange),
    key,
    ...("refused" in source
      ? { status: source.refused.status, errorCode: source.refused.code }
      : { status: 200, objectBytes: source.sizeBytes }),
    ...(versionId === undefined ? {} : { versionId }),
    ...(needsAcl(exchange, bucket.name, key) ? { isAclRequired: true } : {}),
  };
}

/** BATCH.DELETE.OBJECT: a record for each key of a DeleteObjects request, beside that of the request. */
export function describeDeletion(
  exchange: Exchange,
  bucket: LoggedBucket,
  { note, part }: { readonly note: DeletionNote; readonly part: number },
): AccessEntry {
  const isDone = "deleted" in note;
  const { Key: key = "", VersionId: versionId } = isDone ? note.deleted : note.failed;
  const objectBytes = isDone ? note.removedBytes : undefined;
  const errorCode = isDone ? undefined : note.failed.Code;
  return {
    ...describeAsker(exchange, bucket),
    part,
    operation: "BATCH.DELETE.OBJECT",
    key,
    status: isDone ? 204 : note.status,
    ...(errorCode === undefined ? {} : { errorCode }),
    ...(objectBytes === undefined ? {} : { objectBytes }),
    ...(versionId === undefined ? {} : { versionId }),
    ...(needsAcl(exchange, bucket.name, key) ? { isAclRequired: true } : {}),
  };
}

/** What all records of a request share; parts have its id, too. */
function describeAsker(exchange: Exchange, bucket: LoggedBucket): Omit<AccessEntry, "operation"> {
  const { request, caller, requestId, hostId, startedMilliseconds } = exchange;
  const { tlsVersion, cipherSuite, headers } = request;
  const requester = requesterOf(caller);
  const hostHeader = headers.get("host");
  return {
    requestId,
    hostId,
    receivedMilliseconds: startedMilliseconds,
    bucket: bucket.name,
    bucketOwner: bucket.ownerId,
    bucketOwnerAccount: bucket.ownerAccountId,
    target: bucket.logging,
    // As dual-stack sockets report an IPv4 address.
    remoteAddress: request.remoteAddress.replace(/^::ffff:(?=\d+\.)/i, ""),
    ...(requester === undefined ? {} : { requester }),
    ...describeSignature(exchange),
    ...(cipherSuite === undefined ? {} : { cipherSuite }),
    ...(hostHeader === undefined ? {} : { hostHeader }),
    ...(tlsVersion === undefined ? {} : { tlsVersion }),
  };
}

/**
 * "The canonical user ID of the requester … If the requester was an IAM user, this field returns the
 * requester's IAM user name along with the AWS account that the IAM user belongs to." Published records
 * have ARNs there: `arn:aws:iam::…:user/…`, `arn:aws:sts::…:assumed-role/…/…`.
 */
function requesterOf(caller: Caller | undefined): string | undefined {
  if (caller === undefined || caller.kind === "anonymous") return undefined;
  return caller.principal.kind === "root" ? caller.canonicalId : caller.principal.arn;
}

/** Also of a signature that did not hold. A form's is none of the two types of authentication. */
function describeSignature({
  request,
  query,
  formSignature,
}: Exchange): Pick<AccessEntry, "signatureVersion" | "authentication"> {
  const header = request.headers.get("authorization");
  if (header?.startsWith("AWS4-") === true) {
    return { signatureVersion: "SigV4", authentication: "AuthHeader" };
  }
  if (header?.startsWith("AWS ") === true) {
    return { signatureVersion: "SigV2", authentication: "AuthHeader" };
  }
  const authentication = "QueryString";
  if (findParameter(query, "X-Amz-Signature") !== undefined) {
    return { signatureVersion: "SigV4", authentication };
  }
  if (findParameter(query, "Signature") !== undefined) {
    return { signatureVersion: "SigV2", authentication };
  }
  if (formSignature === undefined) return {};
  return { signatureVersion: formSignature === "v4" ? "SigV4" : "SigV2" };
}

/** "Indicates whether the request required an access control list (ACL) for authorization." */
function needsAcl({ access }: Exchange, bucketName: string, key: string | undefined): boolean {
  const name = key === undefined ? bucketName : `${bucketName}/${key}`;
  return access?.needsAcl(`arn:aws:s3:::${name}`) === true;
}

/**
 * "REST.PUT.OBJECT with an ACL (except for bucket-owner-full-control)" and "REST.PUT.ACL" need one whoever
 * asks ("Access control list (ACL) overview", values of aclRequired).
 */
function setsAcl({ routed, request: { method, headers } }: Exchange): boolean {
  if (routed?.name === "PutObjectAcl" || routed?.name === "PutBucketAcl") return true;
  if (method !== "PUT" && method !== "POST") return false;
  const canned = headers.get("x-amz-acl");
  if (canned !== undefined && canned !== "bucket-owner-full-control") return true;
  return [...headers.entries()].some(([name]) => name.startsWith("x-amz-grant-"));
}

/**
 * "The total size of the object in question": of parts that of the part, also where nothing is sent of
 * it (304), and of a deletion that of what is gone.
 */
function objectBytesOf(
  { routed, request, notes }: Exchange,
  { status, headers }: BegunAnswer,
): number | undefined {
  if (status >= 300 && status !== 304) return undefined;
  switch (routed?.name) {
    case "GetObject":
    case "HeadObject": {
      if (status === 304) return notes?.objectBytes;
      const whole = headerOf(headers, "content-range")?.split("/")[1];
      return parseBytes(whole ?? headerOf(headers, "content-length"));
    }
    case "PutObject":
    case "UploadPart": {
      const decoded = request.headers.get("x-amz-decoded-content-length");
      return parseBytes(decoded ?? request.headers.get("content-length"));
    }
    default:
      return notes?.objectBytes;
  }
}

function parseBytes(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

function headerOf(headers: readonly string[], name: string): string | undefined {
  for (let at = 0; at + 1 < headers.length; at += 2) {
    if (headers[at]?.toLowerCase() === name) return headers[at + 1];
  }
  return undefined;
}
