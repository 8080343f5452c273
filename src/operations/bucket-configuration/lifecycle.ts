// Put- and GetBucketLifecycleConfiguration and DeleteBucketLifecycle. The deprecated PutBucketLifecycle
// and GetBucketLifecycle have the same address, and their documents are such of this one.

import { S3Error } from "../../model/errors.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import {
  formatLifecycle,
  lifecycleKind,
  parseLifecycle,
  transitionMinimumSizes,
  withRuleIds,
  type TransitionMinimumSize,
} from "../../objects/lifecycle-document.ts";
import { checkLifecycleRules } from "../../objects/lifecycle-validation.ts";
import type { Operation } from "../operation.ts";

type Get = OperationTypes["GetBucketLifecycleConfiguration"];
type Put = OperationTypes["PutBucketLifecycleConfiguration"];
type Delete = OperationTypes["DeleteBucketLifecycle"];

export const getBucketLifecycleConfiguration: Operation<Get["input"], Get["output"]> = async (
  input,
  { store },
) => {
  const bucket = await store.buckets.get(input.Bucket);
  const found = await store.documents.get(bucket, lifecycleKind, parseLifecycle);
  if (found === undefined) {
    throw new S3Error("NoSuchLifecycleConfiguration", { fields: { BucketName: bucket.name } });
  }
  return { Rules: found.rules, TransitionDefaultMinimumObjectSize: found.minimumSize };
};

export const putBucketLifecycleConfiguration: Operation<Put["input"], Put["output"]> = async (
  input,
  { store },
) => {
  const { Rules: rules } = input.LifecycleConfiguration;
  const minimumSize = readMinimumSize(input.TransitionDefaultMinimumObjectSize);
  checkLifecycleRules(rules);
  const text = formatLifecycle({ rules: withRuleIds(rules), minimumSize });
  await store.documents.set(input.Bucket, lifecycleKind, text, (bucket) => {
    if (bucket.mfaDelete !== "Enabled") return bucket;
    // Guide, "S3 Lifecycle configuration on MFA-enabled buckets": not supported. The words are ours,
    // after those with which S3 refuses the other order; see versioning.ts.
    throw new S3Error("InvalidBucketState", {
      message:
        "Lifecycle configuration is not supported on a bucket with Mfa Authentication. Disable Mfa Authentication before putting a lifecycle configuration.",
    });
  });
  return { TransitionDefaultMinimumObjectSize: minimumSize };
};

export const deleteBucketLifecycle: Operation<Delete["input"], Delete["output"]> = async (
  input,
  { store },
) => {
  await store.documents.set(input.Bucket, lifecycleKind, undefined);
  return {};
};

/** Without the header S3 takes, and shows, the first of them (as localstack/localstack recorded). */
function readMinimumSize(asked: string | undefined): TransitionMinimumSize {
  if (asked === undefined) return "all_storage_classes_128K";
  const found = transitionMinimumSizes.find((each) => each === asked);
  if (found !== undefined) return found;
  throw new S3Error("InvalidRequest", {
    message: `Invalid TransitionDefaultMinimumObjectSize found: ${asked}`,
  });
}
