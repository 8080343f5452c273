// The one place where what was thrown becomes an answer. S3Error is an answer already; failures of
// storage and connection have S3's nearest words; everything else is a bug, of which the client learns
// nothing but its request id.

import { TooManyBytesError } from "../base/bytes.ts";
import { escapeXml, escapeXmlText } from "../base/xml-text.ts";
import { RequestAbortedError, RequestTimeoutError } from "../http/http-message.ts";
import { S3Error, type ErrorCode } from "../model/errors.ts";
import { StorageFullError, StorageUnavailableError } from "../storage/storage-errors.ts";
import { controlNamespace } from "../model/operation-table.ts";
import type { Address } from "./address.ts";
import { headerSafe, type EncodedOutput } from "./encode-output.ts";
import { xmlDeclaration } from "./xml-writer.ts";

export interface ErrorContext {
  readonly method: string;
  readonly requestId: string;
  readonly hostId: string;
  /** `undefined` when the address itself was wrong. */
  readonly address: Address | undefined;
  /** Whether the request was to S3 Control, whose errors have another envelope. */
  readonly isControl?: boolean;
}

/** Whatever was thrown as the S3Error that the client gets; the failures behind 5xx are its cause. */
export function asS3Error(error: unknown): S3Error {
  if (error instanceof S3Error) return error;
  const options = { cause: error };
  if (error instanceof StorageFullError) return new S3Error("InsufficientStorage", options);
  if (error instanceof StorageUnavailableError) return new S3Error("ServiceUnavailable", options);
  if (error instanceof RequestTimeoutError) return new S3Error("RequestTimeout", options);
  // A client that only ended its sending side reads it; of the others the request's record tells.
  if (error instanceof RequestAbortedError) return new S3Error("IncompleteBody", options);
  if (error instanceof TooManyBytesError) return new S3Error("MaxMessageLengthExceeded", options);
  return new S3Error("InternalError", options);
}

/** Whether the failure is ours, to be reported with its cause. */
export function isServerFailure(error: S3Error): boolean {
  return error.code === "InternalError" || error.cause instanceof StorageUnavailableError;
}

export function encodeError(error: S3Error, context: ErrorContext): EncodedOutput {
  const headers: string[] = [];
  for (const [name, value] of Object.entries(error.headers)) headers.push(name, headerSafe(value));
  const { status } = error;
  if (status === 304) return { status, headers, body: undefined };
  headers.push("Content-Type", "application/xml");
  if (context.method === "HEAD") return { status, headers, body: undefined };
  const document =
    context.isControl === true ? controlDocument(error, context) : errorDocument(error, context);
  return { status, headers, body: xmlDeclaration + document };
}

/** The document without its declaration, as it also ends a response that has begun. */
export function errorDocument(error: S3Error, context: ErrorContext): string {
  let text = `<Error><Code>${error.code}</Code><Message>${escapeXmlText(error.message)}</Message>`;
  for (const [name, value] of Object.entries(namedFields(error, context.address))) {
    text += `<${name}>${escapeXmlText(String(value))}</${name}>`;
  }
  const { requestId, hostId } = context;
  return `${text}<RequestId>${requestId}</RequestId><HostId>${hostId}</HostId></Error>`;
}

function controlDocument(error: S3Error, { requestId, hostId }: ErrorContext): string {
  const inner = elements({ Code: error.code, Message: error.message, ...error.fields });
  const ids = elements({ RequestId: requestId, HostId: hostId });
  return `<ErrorResponse xmlns="${controlNamespace}"><Error>${inner}</Error>${ids}</ErrorResponse>`;
}

function elements(fields: S3Error["fields"]): string {
  return Object.entries(fields)
    .map(([name, value]) => `<${name}>${escapeXml(String(value))}</${name}>`)
    .join("");
}

/** S3 names the bucket or the key with these codes, whoever found it missing. */
export function namedFields(
  error: S3Error,
  address: Pick<Address, "bucket" | "key"> | undefined,
): S3Error["fields"] {
  const { code, fields } = error;
  if (codesWithBucket.has(code) && fields["BucketName"] === undefined) {
    if (address?.bucket !== undefined) return { BucketName: address.bucket, ...fields };
  }
  if (codesWithKey.has(code) && fields["Key"] === undefined && address?.key !== undefined) {
    return { Key: address.key, ...fields };
  }
  return fields;
}

const codesWithKey: ReadonlySet<ErrorCode> = new Set([
  "NoSuchKey",
  "NoSuchObjectLockConfiguration",
  "NoSuchVersion",
]);

const codesWithBucket: ReadonlySet<ErrorCode> = new Set([
  "BucketAlreadyExists",
  "BucketAlreadyOwnedByYou",
  "BucketNotEmpty",
  "InvalidBucketName",
  "MetadataConfigurationNotFound",
  "NoSuchBucket",
  "NoSuchBucketPolicy",
  "NoSuchCORSConfiguration",
  "NoSuchLifecycleConfiguration",
  "NoSuchPublicAccessBlockConfiguration",
  "NoSuchTagSet",
  "NoSuchWebsiteConfiguration",
  "ObjectLockConfigurationNotFoundError",
  "OwnershipControlsNotFoundError",
  "ReplicationConfigurationNotFoundError",
  "ServerSideEncryptionConfigurationNotFoundError",
]);
