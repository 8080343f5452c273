// CopyObject: a new version that names the bytes of another one; none are moved. Only a checksum of
// another algorithm than the source's makes the server read them.
//
// By design: the copy of a multipart object keeps the source's ETag, parts and checksum, where S3
// computes those of a single upload; to know them the server would have to read every byte.

import { createChecksum } from "../../body/checksum.ts";
import { S3Error } from "../../model/errors.ts";
import { copySourceBytes } from "../../model/limits.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import { checkWriteConditionForm } from "../../objects/preconditions.ts";
import type {
  ObjectAttributes,
  ObjectRecord,
  StoredChecksum,
} from "../../objects/records/object-record.ts";
import type { NewVersion } from "../../objects/object-writes.ts";
import type { FoundObject } from "../../objects/versions.ts";
import type { Operation, OperationContext } from "../operation.ts";
import { SlowReply } from "../operation.ts";
import { checksumMember, parseChecksumAlgorithm } from "./checksum-members.ts";
import type { CopySourceName } from "./copy-source.ts";
import { findCopySource, parseCopySource } from "./copy-source.ts";
import { quoteEtag, shownVersionId, writtenVersionId } from "./object-members.ts";
import { whenReplacedAgain } from "./read-object.ts";
import { refuseEncryption } from "./refused-settings.ts";
import { readHeaders, readPlacement, readTags } from "./upload-attributes.ts";
import { readVersionSettings } from "./version-settings.ts";

type Input = OperationTypes["CopyObject"]["input"];
type Output = OperationTypes["CopyObject"]["output"];

export const copyObject: Operation<Input, Output> = async (input, context) => {
  const source = parseCopySource(input.CopySource);
  checkDirectives(input);
  refuseEncryption(input);
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
  const isSame = algorithm === undefined || algorithm === found.record.checksum?.algorithm;
  const request = { input, source, settle };
  if (isSame) return whenReplacedAgain(() => copy(request, context, undefined));
  return new SlowReply(whenReplacedAgain(() => copy(request, context, algorithm)));
};

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

interface CopyRequest {
  readonly input: Input;
  readonly source: CopySourceName;
  readonly settle: NonNullable<NewVersion["settle"]>;
}

async function copy(
  { input, source, settle }: CopyRequest,
  context: OperationContext,
  algorithm: ReturnType<typeof parseChecksumAlgorithm>,
): Promise<Output> {
  const { store } = context;
  const found = await findCopySource(source, input, context);
  const place = { bucketName: input.Bucket, key: input.Key };
  const begun = await store.writes.begin(place, {
    ifMatch: input.IfMatch,
    ifNoneMatch: input.IfNoneMatch,
  });
  const computed =
    algorithm === undefined ? undefined : await computeChecksum(found, algorithm, context);
  const written = await store.writes.copy(
    place,
    begun,
    {
      place: { bucketName: source.bucketName, key: source.key },
      versionId: source.versionId,
      sequence: found.record.sequence,
    },
    (record) => ({
      etag: record.etag,
      checksum: computed ?? record.checksum,
      attributes: attributesOf(input, record),
      settle,
    }),
  );
  const { record } = written;
  return {
    CopyObjectResult: {
      ETag: quoteEtag(record.etag),
      LastModified: new Date(record.lastModifiedMilliseconds),
      ...checksumMember(record.checksum),
      ChecksumType: record.checksum?.type,
    },
    CopySourceVersionId: shownVersionId(found.bucket, found.record),
    VersionId: writtenVersionId(written.bucket, record),
  };
}

async function computeChecksum(
  found: FoundObject,
  algorithm: NonNullable<ReturnType<typeof parseChecksumAlgorithm>>,
  { store }: OperationContext,
): Promise<StoredChecksum> {
  const running = createChecksum(algorithm);
  const bytes = await store.contents.open(found.record.content, 0, found.record.sizeBytes);
  if (bytes instanceof Uint8Array) running.update(bytes);
  else for await (const chunk of bytes) running.update(chunk);
  const value = Buffer.from(running.digest()).toString("base64");
  return { algorithm, value, type: "FULL_OBJECT" };
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
}

/** Copying an object onto itself must change something; naming an older version restores it. */
function checkSelfCopy(input: Input, source: CopySourceName): void {
  const isSelf = source.bucketName === input.Bucket && source.key === input.Key;
  const changes =
    input.MetadataDirective === "REPLACE" ||
    input.StorageClass !== undefined ||
    input.WebsiteRedirectLocation !== undefined ||
    source.versionId !== undefined;
  if (!isSelf || changes) return;
  throw new S3Error("InvalidRequest", {
    message:
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  });
}
