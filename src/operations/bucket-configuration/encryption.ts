// GetBucketEncryption, PutBucketEncryption and DeleteBucketEncryption: how new objects are encrypted that
// ask for nothing else, and which kinds no new object may have. Objects that exist stay as they are.

import { S3Error } from "../../model/errors.ts";
import type { OperationTypes, ServerSideEncryptionRule } from "../../model/types.generated.ts";
import type { BucketEncryption, BucketRecord } from "../../objects/records/bucket-record.ts";
import type { Operation, OperationContext } from "../operation.ts";

type Get = OperationTypes["GetBucketEncryption"];
type Put = OperationTypes["PutBucketEncryption"];
type Delete = OperationTypes["DeleteBucketEncryption"];

/**
 * What a new bucket has. SSE-C is blocked in it until its owner unblocks it, since April 2026 (User
 * Guide, "Default SSE-C setting for new buckets FAQ").
 */
export function newBucketEncryption({
  encryption,
}: OperationContext): Pick<BucketRecord, "encryption"> {
  if (encryption.allowsCustomerKeys) return {};
  return { encryption: { algorithm: "AES256", blocked: ["SSE-C"] } };
}

export const getBucketEncryption: Operation<Get["input"], Get["output"]> = async (
  input,
  { store },
) => {
  const { encryption } = await store.buckets.get(input.Bucket);
  return { ServerSideEncryptionConfiguration: { Rules: [describe(encryption)] } };
};

export const putBucketEncryption: Operation<Put["input"], Put["output"]> = async (
  input,
  context,
) => {
  const [rule, ...more] = input.ServerSideEncryptionConfiguration.Rules;
  if (rule === undefined || more.length > 0) throw new S3Error("MalformedXML");
  const given = readRule(rule);
  await context.store.buckets.update(input.Bucket, (bucket) => {
    const blocked = given.blocked ?? bucket.encryption?.blocked;
    return { ...bucket, encryption: { ...given, ...(blocked === undefined ? {} : { blocked }) } };
  });
  return {};
};

export const deleteBucketEncryption: Operation<Delete["input"], Delete["output"]> = async (
  input,
  context,
) => {
  await context.store.buckets.update(input.Bucket, (bucket) => {
    const { encryption: _, ...others } = bucket;
    return { ...others, ...newBucketEncryption(context) };
  });
  return {};
};

function describe(encryption: BucketEncryption | undefined): ServerSideEncryptionRule {
  const { algorithm = "AES256", keyId, bucketKey = false, blocked } = encryption ?? {};
  return {
    ApplyServerSideEncryptionByDefault: { SSEAlgorithm: algorithm, KMSMasterKeyID: keyId },
    BucketKeyEnabled: bucketKey,
    BlockedEncryptionTypes: blocked === undefined ? undefined : { EncryptionType: blocked },
  };
}

/** Throws S3Error. */
function readRule(rule: ServerSideEncryptionRule): BucketEncryption {
  const standard = rule.ApplyServerSideEncryptionByDefault;
  const blocked = rule.BlockedEncryptionTypes?.EncryptionType;
  // A rule must say something (API, PutBucketEncryption).
  if (standard === undefined && blocked === undefined && rule.BucketKeyEnabled === undefined) {
    throw new S3Error("MalformedXML");
  }
  const { SSEAlgorithm: algorithm = "AES256", KMSMasterKeyID: keyId } = standard ?? {};
  if (algorithm !== "AES256" && algorithm !== "aws:kms" && algorithm !== "aws:kms:dsse") {
    throw new S3Error("MalformedXML");
  }
  if (algorithm === "AES256" && keyId !== undefined) {
    throw new S3Error("InvalidArgument", {
      message:
        "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
    });
  }
  return {
    algorithm,
    ...(keyId === undefined || keyId === "" ? {} : { keyId }),
    ...(rule.BucketKeyEnabled === undefined ? {} : { bucketKey: rule.BucketKeyEnabled }),
    ...(blocked === undefined ? {} : { blocked }),
  };
}
