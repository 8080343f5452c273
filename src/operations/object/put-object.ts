// PutObject: one object from one stream. Atomic: the object is whole and durable, or it is not there.

import { digestPayload } from "../../body/object-digests.ts";
import { requireLength, type RequestPayload } from "../../body/request-payload.ts";
import { singlePutBytes } from "../../model/limits.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import { checkWriteConditionForm } from "../../objects/preconditions.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { VersionSettings } from "../../objects/records/object-record.ts";
import { settleEncryption } from "../encryption/encryption-settings.ts";
import type { Operation, OperationContext } from "../operation.ts";
import { checksumMember, readChecksums } from "./checksum-members.ts";
import { showExpiration } from "./lifecycle-members.ts";
import { lockIntegrityCheck } from "./lock-settings.ts";
import { quoteEtag, writtenVersionId } from "./object-members.ts";
import { notImplemented } from "./refused-settings.ts";
import { readAttributes } from "./upload-attributes.ts";
import { checkUploadQuota } from "./upload-quota.ts";
import { readVersionSettings } from "./version-settings.ts";
import { readReplica } from "../replication/replica-header.ts";
import { replicaState } from "../../objects/replica.ts";
import { writeObject } from "./write-object.ts";

type Input = OperationTypes["PutObject"]["input"];
type Output = OperationTypes["PutObject"]["output"];

export const putObject: Operation<Input, Output> = (input, context) =>
  storeUpload(input, requireLength, context);

/** What PutObject does; `readLength` says whether the body has to have a declared length. */
export async function storeUpload(
  input: Input,
  readLength: (payload: RequestPayload) => number | undefined,
  context: OperationContext,
): Promise<Output> {
  const { store, payload } = context;
  // Everything that can be judged by the headers is, before a byte of the body is read.
  if (input.WriteOffsetBytes !== undefined) throw notImplemented("x-amz-write-offset-bytes");
  const attributes = readAttributes(input);
  checkWriteConditionForm({ ifMatch: input.IfMatch, ifNoneMatch: input.IfNoneMatch });
  const bucket = store.buckets.guess(input.Bucket) ?? (await store.buckets.get(input.Bucket));
  const settle = await readVersionSettings(input, bucket, context);
  const checkIntegrity = lockIntegrityCheck(input, payload);
  checkIntegrity(bucket);
  const encryption = await settleEncryption(input, { bucket, key: input.Key }, context);
  const lengthBytes = readLength(payload);
  // The file of a form has no length before it was read; the commit looks again.
  const quotaCheck = checkUploadQuota(bucket, input.Key, lengthBytes ?? 0, context);
  if (quotaCheck !== undefined) await quotaCheck;

  const place = { bucketName: input.Bucket, key: input.Key };
  const digested = digestPayload(payload, {
    contentMd5: input.ContentMD5,
    checksums: readChecksums(input),
    sdkAlgorithm: input.ChecksumAlgorithm,
    defaultAlgorithm: "CRC64NVME",
    needsMd5: true,
    maximumBytes: singlePutBytes,
  });
  const begun = await store.writes.begin(place, {
    ifMatch: input.IfMatch,
    ifNoneMatch: input.IfNoneMatch,
  });
  const replica = readReplica(input);
  const settleAll = (inCommit: BucketRecord): VersionSettings => {
    checkIntegrity(inCommit);
    const settings = settle(inCommit);
    return replica === undefined ? settings : { ...settings, replication: replicaState };
  };
  const { written, shown } = await writeObject(
    {
      input,
      place,
      begun,
      digested,
      lengthBytes,
      encryption,
      attributes,
      settle: settleAll,
      replica,
    },
    context,
  );
  store.analyticsCounts.noteUpload(written.bucket, input.Key, written.record);
  const end = store.lifecycle.expirationOf(written.bucket, input.Key, written.record);
  return {
    Expiration: end && showExpiration(await end),
    ETag: quoteEtag(written.record.etag),
    VersionId: writtenVersionId(written.bucket, written.record),
    ...checksumMember(written.record.checksum),
    ChecksumType: written.record.checksum?.type,
    ...shown,
  };
}
