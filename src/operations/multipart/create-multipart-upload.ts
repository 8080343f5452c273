// CreateMultipartUpload: fixes everything about the object but its bytes.

import type { ChecksumAlgorithm } from "../../body/checksum.ts";
import { S3Error } from "../../model/errors.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import { recordedEncryption, settleEncryption } from "../encryption/encryption-settings.ts";
import { parseChecksumAlgorithm } from "../object/checksum-members.ts";
import { showAbortion } from "../object/lifecycle-members.ts";
import { readAttributes } from "../object/upload-attributes.ts";
import { checkUploadQuota } from "../object/upload-quota.ts";
import { readVersionSettings } from "../object/version-settings.ts";
import { readReplica } from "../replication/replica-header.ts";
import { replicaState } from "../../objects/replica.ts";
import type { Operation } from "../operation.ts";
import { ownerOf, initiatorOf } from "./upload-members.ts";

type Input = OperationTypes["CreateMultipartUpload"]["input"];
type Output = OperationTypes["CreateMultipartUpload"]["output"];
type ChecksumType = "FULL_OBJECT" | "COMPOSITE";

export const createMultipartUpload: Operation<Input, Output> = async (input, context) => {
  const { store, caller } = context;
  const attributes = readAttributes(input);
  const checksumAlgorithm = parseChecksumAlgorithm(input.ChecksumAlgorithm);
  const checksumType = parseChecksumType(input.ChecksumType, checksumAlgorithm);
  const bucket = await store.buckets.get(input.Bucket);
  const quotaCheck = checkUploadQuota(bucket, input.Key, 0, context);
  if (quotaCheck !== undefined) await quotaCheck;
  const settle = await readVersionSettings(input, bucket, context);
  const encryption = await settleEncryption(input, { bucket, key: input.Key }, context);
  const replica = readReplica(input);
  const settings = {
    ...settle(bucket),
    ...recordedEncryption(encryption.seal),
    ...(replica === undefined ? {} : { replication: replicaState }),
  };
  const upload = await store.uploads.create(input.Bucket, input.Key, {
    attributes,
    settings,
    ...(replica === undefined ? {} : { replica }),
    ...(checksumAlgorithm === undefined ? {} : { checksumAlgorithm }),
    ...(checksumType === undefined ? {} : { checksumType }),
    initiator: initiatorOf(caller),
    owner: settings.owner ?? ownerOf(bucket),
  });
  const end = store.lifecycle.abortionOf(bucket, input.Key, upload);
  return {
    ...(end && showAbortion(await end)),
    Bucket: input.Bucket,
    Key: input.Key,
    UploadId: upload.uploadId,
    ChecksumAlgorithm: checksumAlgorithm,
    ChecksumType: checksumType,
    ...encryption.shown,
  };
};

/** Values that can be combined from those of parts (Guide, "Checking object integrity"). */
const combinable: ReadonlySet<ChecksumAlgorithm> = new Set(["CRC32", "CRC32C", "CRC64NVME"]);

function parseChecksumType(
  type: string | undefined,
  algorithm: ChecksumAlgorithm | undefined,
): ChecksumType | undefined {
  if (type === undefined) {
    if (algorithm === undefined) return undefined;
    return algorithm === "CRC64NVME" ? "FULL_OBJECT" : "COMPOSITE";
  }
  if (algorithm === undefined) {
    throw new S3Error("InvalidRequest", {
      message:
        "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
    });
  }
  if (type !== "FULL_OBJECT" && type !== "COMPOSITE") {
    throw new S3Error("InvalidRequest", {
      message: "Value for x-amz-checksum-type header is invalid.",
    });
  }
  const isPossible = type === "FULL_OBJECT" ? combinable.has(algorithm) : algorithm !== "CRC64NVME";
  if (isPossible) return type;
  throw new S3Error("InvalidRequest", {
    message: `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
  });
}
