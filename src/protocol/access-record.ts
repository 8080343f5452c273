// What server access logging is told of a request when its answer is about to leave. Operations are named
// as in the documentation's examples: REST, the method, and what of the bucket or object it is about.

import type { Caller } from "../access/caller.ts";
import type { Clock } from "../base/clock.ts";
import type { DeleteObjectsInput, DeleteObjectsOutput } from "../model/types.generated.ts";
import { redactTarget, type AccessEntry } from "../objects/access-log.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import type { BucketRecord } from "../objects/records/bucket-record.ts";
import type { LoggingSettings } from "../objects/records/logging-record.ts";
import type { Exchange } from "./exchange.ts";
import { findParameter } from "./query.ts";
import { elapsedOf } from "./request-record.ts";

/** Who keeps records. Called for answers about buckets that are logged, and no others. */
export interface AccessRecorder {
  /** Keeps the entry before it returns. Throws when it cannot. */
  begin(entry: AccessEntry): void;
  /** An entry that has no answer of its own. */
  add(entry: AccessEntry): void;
  /** The answer to the request of an entry has left. */
  end(requestId: string, sentBytes: number, totalMilliseconds: number): void;
}

/** Begins a record where the bucket wants one. The answer is to be called when it has left. */
export function recordAccess(
  exchange: Exchange,
  answer: { readonly status: number; readonly headers: readonly string[] },
  { accessLog, store, clock }: RecordDependencies,
): ((sentBytes: number) => void) | undefined {
  const name = exchange.address?.bucket;
  if (accessLog === undefined || name === undefined) return undefined;
  // What the request itself has just read: nothing is read for it once more.
  const bucket = store.buckets.guess(name);
  if (bucket === undefined || !isLogged(bucket)) return undefined;
  const elapsedMilliseconds = elapsedOf(clock) - exchange.startedElapsed;
  const entry = describeAccess(exchange, bucket, { ...answer, elapsedMilliseconds });
  accessLog.begin(entry);
  for (const each of describeBatch(exchange, bucket, entry)) accessLog.add(each);
  return (sentBytes) => {
    accessLog.end(entry.requestId, sentBytes, elapsedOf(clock) - exchange.startedElapsed);
  };
}

interface RecordDependencies {
  readonly accessLog?: AccessRecorder | undefined;
  readonly store: ObjectStore;
  readonly clock: Clock;
}

function isLogged(bucket: BucketRecord): bucket is LoggedBucket {
  return bucket.logging !== undefined;
}

interface LoggedBucket extends BucketRecord {
  readonly logging: LoggingSettings;
}

/** Where the sub-resource's name in records is not that of the query's parameter in capitals. */
const subResources: Readonly<Record<string, string>> = {
  abac: "BUCKET_ABAC",
  "intelligent-tiering": "INTELLIGENT_TIERING",
  "legal-hold": "OBJECT_LOCK_LEGALHOLD",
  logging: "LOGGING_STATUS",
  "object-lock": "OBJECT_LOCK_CONFIGURATION",
  ownershipControls: "OWNERSHIP_CONTROLS",
  policy: "BUCKETPOLICY",
  policyStatus: "BUCKET_POLICY_STATUS",
  publicAccessBlock: "PUBLIC_ACCESS_BLOCK",
  requestPayment: "REQUEST_PAYMENT",
  retention: "OBJECT_LOCK_RETENTION",
  versions: "BUCKETVERSIONS",
};

/** Operations that are named by what they do. */
const named: Readonly<Record<string, string>> = {
  AbortMultipartUpload: "REST.DELETE.UPLOAD",
  CompleteMultipartUpload: "REST.POST.UPLOAD",
  CopyObject: "REST.COPY.OBJECT",
  CreateMultipartUpload: "REST.POST.UPLOADS",
  DeleteObjects: "REST.POST.MULTI_OBJECT_DELETE",
  DeleteObjectTagging: "REST.DELETE.OBJECT_TAGGING",
  GetObjectAttributes: "REST.GET.OBJECT_ATTRIBUTES",
  GetObjectTagging: "REST.GET.OBJECT_TAGGING",
  ListMultipartUploads: "REST.GET.UPLOADS",
  ListParts: "REST.GET.UPLOAD",
  PostObject: "REST.POST.OBJECT",
  Preflight: "REST.OPTIONS.PREFLIGHT",
  PutObjectTagging: "REST.PUT.OBJECT_TAGGING",
  UploadPart: "REST.PUT.PART",
  UploadPartCopy: "REST.COPY.PART",
};

function describeAccess(
  exchange: Exchange,
  bucket: LoggedBucket,
  answer: {
    readonly status: number;
    readonly headers: readonly string[];
    readonly elapsedMilliseconds: number;
  },
): AccessEntry {
  const { request, caller, errorCode, address } = exchange;
  const objectBytes = objectBytesOf(exchange, answer);
  const signed = describeSignature(exchange);
  const turnAround = answer.elapsedMilliseconds - (request.receivingMilliseconds ?? 0);
  const requester = requesterOf(caller);
  const key = exchange.formKey ?? address?.key;
  const versionId = findParameter(exchange.query, "versionId");
  const referer = request.headers.get("referer");
  const userAgent = request.headers.get("user-agent");
  const hostHeader = request.headers.get("host");
  return {
    ...describeBucket(exchange, bucket),
    remoteAddress: request.remoteAddress,
    ...(requester === undefined ? {} : { requester }),
    operation: operationOf(exchange),
    ...(key === undefined ? {} : { key }),
    requestLine: `${request.method} ${redactTarget(request.target)} HTTP/1.1`,
    status: answer.status,
    ...(errorCode === undefined ? {} : { errorCode }),
    ...(objectBytes === undefined ? {} : { objectBytes }),
    turnAroundMilliseconds: Math.max(0, turnAround),
    ...(referer === undefined ? {} : { referer }),
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(versionId === undefined ? {} : { versionId }),
    ...signed,
    ...(hostHeader === undefined ? {} : { hostHeader }),
    ...(request.tlsVersion === undefined ? {} : { tlsVersion: request.tlsVersion }),
    ...(exchange.access?.lastDecision?.reason === "access-control-list"
      ? { isAclRequired: true }
      : {}),
  };
}

/** "BATCH.DELETE.OBJECT": a record for each key of a DeleteObjects request, beside that of the request. */
function describeBatch(
  exchange: Exchange,
  bucket: LoggedBucket,
  whole: AccessEntry,
): readonly AccessEntry[] {
  const { input, output } = exchange;
  if (exchange.definition?.name !== "DeleteObjects" || output === undefined) return [];
  // By the operation's name, this is what they are.
  const { Delete } = input as unknown as DeleteObjectsInput;
  const { Errors = [] } = output as DeleteObjectsOutput;
  return Delete.Objects.map(({ Key, VersionId }, index) => {
    const failed = Errors.find((error) => error.Key === Key && error.VersionId === VersionId);
    return {
      ...describeBucket(exchange, bucket),
      requestId: `${whole.requestId}.${index}`,
      ...(whole.requester === undefined ? {} : { requester: whole.requester }),
      remoteAddress: exchange.request.remoteAddress,
      operation: "BATCH.DELETE.OBJECT",
      key: Key,
      status: failed === undefined ? 204 : failed.Code === "AccessDenied" ? 403 : 400,
      ...(failed?.Code === undefined ? {} : { errorCode: failed.Code }),
      ...(VersionId === undefined ? {} : { versionId: VersionId }),
      hostId: exchange.hostId,
    };
  });
}

function describeBucket(
  { requestId, hostId, startedMilliseconds }: Exchange,
  bucket: LoggedBucket,
): Pick<
  AccessEntry,
  | "requestId"
  | "hostId"
  | "receivedMilliseconds"
  | "bucket"
  | "bucketOwner"
  | "bucketOwnerAccount"
  | "target"
> {
  return {
    requestId,
    hostId,
    receivedMilliseconds: startedMilliseconds,
    bucket: bucket.name,
    bucketOwner: bucket.ownerId,
    bucketOwnerAccount: bucket.ownerAccountId,
    target: bucket.logging,
  };
}

function operationOf({ definition, service, request, query, address }: Exchange): string {
  const object = address?.key === undefined ? "BUCKET" : "OBJECT";
  if (service === "website") return `WEBSITE.${request.method}.OBJECT`;
  const known = definition && named[definition.name];
  if (known !== undefined) return known;
  // "REST.HTTP_method.resource_type"
  const literal = query.find(({ name, value }) => value === "" && /^[a-z-]+$/i.test(name))?.name;
  const resource =
    literal === undefined
      ? object
      : (subResources[literal] ?? literal.replaceAll("-", "_").toUpperCase());
  return `REST.${request.method}.${resource}`;
}

/**
 * "The canonical user ID of the requester … If the requester was an IAM user, this field returns the
 * requester's IAM user name along with the AWS account that the IAM user belongs to."
 */
function requesterOf(caller: Caller | undefined): string | undefined {
  if (caller === undefined || caller.kind === "anonymous") return undefined;
  return caller.principal.kind === "root" ? caller.canonicalId : caller.principal.arn;
}

function describeSignature({
  request,
  query,
}: Exchange): Pick<AccessEntry, "signatureVersion" | "authentication"> {
  const header = request.headers.get("authorization");
  if (header !== undefined) {
    const signatureVersion = header.startsWith("AWS4-") ? "SigV4" : "SigV2";
    return { signatureVersion, authentication: "AuthHeader" };
  }
  const authentication = "QueryString";
  if (findParameter(query, "X-Amz-Signature") !== undefined) {
    return { signatureVersion: "SigV4", authentication };
  }
  if (findParameter(query, "Signature") !== undefined) {
    return { signatureVersion: "SigV2", authentication };
  }
  return {};
}

/** "The total size of the object in question", of reads and of uploads of bytes. */
function objectBytesOf(
  { definition, request }: Exchange,
  { status, headers }: { readonly status: number; readonly headers: readonly string[] },
): number | undefined {
  if (status >= 300) return undefined;
  switch (definition?.name) {
    case "GetObject":
    case "HeadObject": {
      const whole = headerOf(headers, "content-range")?.split("/")[1];
      return parseBytes(whole ?? headerOf(headers, "content-length"));
    }
    case "PutObject":
    case "UploadPart": {
      const decoded = request.headers.get("x-amz-decoded-content-length");
      return parseBytes(decoded ?? request.headers.get("content-length"));
    }
    default:
      return undefined;
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
