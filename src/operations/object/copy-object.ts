// CopyObject: a new version that names the bytes of another one; none are moved, unless encryption needs
// it. Else only a checksum of another algorithm than the source's makes the server read them.
//
// By design: the copy of a multipart object keeps the source's ETag, parts and checksum, where S3
// computes those of a single upload; to know them the server would have to read every byte.

import type { ChecksumAlgorithm } from "../../body/checksum.ts";
import { S3Error } from "../../model/errors.ts";
import { copySourceBytes } from "../../model/limits.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import { hasAnnotations } from "../../objects/annotations.ts";
import { placingClass } from "../../objects/archives.ts";
import { checkWriteConditionForm } from "../../objects/preconditions.ts";
import type { ObjectAttributes, ObjectRecord } from "../../objects/records/object-record.ts";
import type { NewVersion } from "../../objects/object-writes.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { FoundObject } from "../../objects/versions.ts";
import { hasCustomerKey, sourceCustomerKey } from "../encryption/customer-key.ts";
import { settleEncryption } from "../encryption/encryption-settings.ts";
import type { Operation, OperationContext } from "../operation.ts";
import { SlowReply } from "../operation.ts";
import { checksumMember, parseChecksumAlgorithm } from "./checksum-members.ts";
import type { CopySourceName } from "./copy-source.ts";
import { findCopySource, parseCopySource } from "./copy-source.ts";
import { showExpiration } from "./lifecycle-members.ts";
import { quoteEtag, shownVersionId, writtenVersionId } from "./object-members.ts";
import { whenReplacedAgain } from "./read-object.ts";
import { readHeaders, readPlacement, readTags } from "./upload-attributes.ts";
import { readVersionSettings } from "./version-settings.ts";
import { writeCopy } from "./write-copy.ts";

type Input = OperationTypes["CopyObject"]["input"];
type Output = OperationTypes["CopyObject"]["output"];

export const copyObject: Operation<Input, Output> = async (input, context) => {
  const source = parseCopySource(input.CopySource);
  checkDirectives(input);
  checkWriteConditionForm({ ifMatch: input.IfMatch, ifNoneMatch: input.IfNoneMatch });
  const target = await context.store.buckets.get(input.Bucket);
  const settle = await readVersionSettings(input, target, context);
  checkSelfCopy(input, source);
  const algorithm = parseChecksumAlgorithm(input.ChecksumAlgorithm);
  const found = await findCopySource(source, input, context);
  if (found.record.sizeBytes > copySourceBytes) {
    throw new S3Error("InvalidRequest", {
      message: `The specified copy source is larger than the maximum allowable size for a copy source: ${copySourceBytes}`,
    });
  }
  await demandTags(input, source, found, context);
  await demandAnnotations(input, source, found, context);
  const isSame = algorithm === undefined || algorithm === found.record.checksum?.algorithm;
  const request = {
    input,
    source,
    settle,
    algorithm: isSame ? undefined : algorithm,
    asked: algorithm,
  };
  // Judges the storage class too, before a promise is there that could reject unseen.
  const isQuick =
    isPlacedAlike(input, found, context) && isSame && isSealedAlike(input, target, found);
  const copied = whenReplacedAgain(() => copy(request, context));
  return isQuick ? copied : new SlowReply(copied);
};

/** Whether surely no bytes have to be moved. */
function isSealedAlike(input: Input, target: BucketRecord, { record }: FoundObject): boolean {
  const method = input.ServerSideEncryption ?? target.encryption?.algorithm ?? "AES256";
  return method === "AES256" && record.encryption?.kind === "AES256";
}

/** Whether the copy's storage class surely keeps its bytes where the source does. */
function isPlacedAlike(
  input: Input,
  { record }: FoundObject,
  { store }: OperationContext,
): boolean {
  const { tiers } = store;
  const from = placingClass(record.attributes.storageClass, record.tiering?.tier);
  return tiers.of(from) === tiers.of(readPlacement(input).storageClass);
}

/** Copied tags are read and written: both must be allowed (CopyObject, "Permissions"). */
async function demandTags(
  input: Input,
  { bucketName, key, versionId }: CopySourceName,
  { record }: FoundObject,
  { access }: OperationContext,
): Promise<void> {
  if (input.TaggingDirective === "REPLACE" || record.attributes.tags === undefined) return;
  const acl = { of: "object", permission: "READ" } as const;
  const action = versionId === undefined ? "s3:GetObjectTagging" : "s3:GetObjectVersionTagging";
  await access.demand({ action, bucketName, key, versionId, acl });
  const written = { bucketName: input.Bucket, key: input.Key };
  const write = { of: "bucket", permission: "WRITE" } as const;
  await access.demand({ action: "s3:PutObjectTagging", ...written, acl: write });
}

/**
 * "When set to COPY, you must have s3:GetObjectAnnotation permission on the source object and
 * s3:PutObjectAnnotation permission on the destination" (Reference, CopyObject).
 */
async function demandAnnotations(
  input: Input,
  { bucketName, key, versionId }: CopySourceName,
  { record }: FoundObject,
  { access }: OperationContext,
): Promise<void> {
  if (input.AnnotationDirective === "EXCLUDE" || !hasAnnotations(record)) return;
  const action =
    versionId === undefined ? "s3:GetObjectAnnotation" : "s3:GetObjectVersionAnnotation";
  await access.demand({ action, bucketName, key, versionId });
  const written = { bucketName: input.Bucket, key: input.Key };
  await access.demand({ action: "s3:PutObjectAnnotation", ...written });
}

interface CopyRequest {
  readonly input: Input;
  readonly source: CopySourceName;
  readonly settle: NonNullable<NewVersion["settle"]>;
  /** Of a checksum that the source does not have. */
  readonly algorithm: ChecksumAlgorithm | undefined;
  /** The algorithm that the request names. */
  readonly asked: ChecksumAlgorithm | undefined;
}

async function copy(request: CopyRequest, context: OperationContext): Promise<Output> {
  const { input, source, settle, algorithm, asked } = request;
  const { store } = context;
  const found = await findCopySource(source, input, context);
  const bucket = await store.buckets.get(input.Bucket);
  const encryption = await settleEncryption(input, { bucket, key: input.Key }, context);
  const cause = context.cause("ObjectCreated:Copy");
  const written = await writeCopy(
    {
      place: { bucketName: input.Bucket, key: input.Key },
      conditions: { ifMatch: input.IfMatch, ifNoneMatch: input.IfNoneMatch },
      source: {
        bucket: found.bucket,
        key: source.key,
        versionId: source.versionId,
        record: found.record,
        customerKey: sourceCustomerKey(input),
      },
      encryption,
      storageClass: readPlacement(input).storageClass,
      algorithm,
      ...(input.AnnotationDirective === "EXCLUDE" ? {} : { annotations: { algorithm: asked } }),
      describe: (seen) => ({ cause, attributes: attributesOf(input, seen), settle }),
    },
    context,
  );
  const { record } = written;
  context.notes.objectBytes = record.sizeBytes;
  const end = store.lifecycle.expirationOf(written.bucket, input.Key, record);
  return {
    Expiration: end && showExpiration(await end),
    CopyObjectResult: {
      ETag: quoteEtag(record.etag),
      LastModified: new Date(record.lastModifiedMilliseconds),
      ...checksumMember(record.checksum),
      ChecksumType: record.checksum?.type,
    },
    CopySourceVersionId: shownVersionId(found.bucket, found.record),
    VersionId: writtenVersionId(written.bucket, record),
    ...encryption.shown,
  };
}

function attributesOf(input: Input, record: ObjectRecord): ObjectAttributes {
  const { storageClass: _, websiteRedirectLocation: __, tags, ...headers } = record.attributes;
  const copiedTags = tags === undefined ? {} : { tags };
  return {
    ...(input.MetadataDirective === "REPLACE" ? readHeaders(input) : headers),
    ...(input.TaggingDirective === "REPLACE" ? readTags(input.Tagging) : copiedTags),
    ...readPlacement(input),
  };
}

function checkDirectives(input: Input): void {
  const { MetadataDirective: metadata, TaggingDirective: tagging } = input;
  const { AnnotationDirective: annotation } = input;
  if (metadata !== undefined && metadata !== "COPY" && metadata !== "REPLACE") {
    throw new S3Error("InvalidArgument", {
      message: "Unknown metadata directive.",
      fields: { ArgumentName: "x-amz-metadata-directive", ArgumentValue: metadata },
    });
  }
  if (tagging !== undefined && tagging !== "COPY" && tagging !== "REPLACE") {
    throw new S3Error("InvalidArgument", {
      message: "Unknown tagging directive.",
      fields: { ArgumentName: "x-amz-tagging-directive", ArgumentValue: tagging },
    });
  }
  if (annotation !== undefined && annotation !== "COPY" && annotation !== "EXCLUDE") {
    throw new S3Error("InvalidArgument", {
      message: "Unknown annotation directive.",
      fields: { ArgumentName: "x-amz-object-annotation-directive", ArgumentValue: annotation },
    });
  }
}

/** Copying an object onto itself must change something; naming an older version restores it. */
function checkSelfCopy(input: Input, source: CopySourceName): void {
  const isSelf = source.bucketName === input.Bucket && source.key === input.Key;
  const changes =
    input.MetadataDirective === "REPLACE" ||
    input.StorageClass !== undefined ||
    input.WebsiteRedirectLocation !== undefined ||
    input.ServerSideEncryption !== undefined ||
    hasCustomerKey(input) ||
    source.versionId !== undefined;
  if (!isSelf || changes) return;
  throw new S3Error("InvalidRequest", {
    message:
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  });
}
