// What a bucket answers about configurations that nobody has set: every bucket's state until the
// operation that sets them is there. Tools that read a bucket whole (Terraform, backup programs) read
// all of them. An operation leaves this file when its configuration can be set.

import { S3Error, type ErrorCode } from "../../model/errors.ts";
import type { OperationName, OperationTypes } from "../../model/types.generated.ts";
import type { Operation } from "../operation.ts";

type NamesOfBuckets = {
  [Name in OperationName]: OperationTypes[Name]["input"] extends { readonly Bucket: string }
    ? Name
    : never;
}[OperationName];

type Of<Name extends NamesOfBuckets> = Operation<
  OperationTypes[Name]["input"] & { readonly Bucket: string },
  OperationTypes[Name]["output"]
>;

// Without an element inside: never configured, rather than suspended or switched off.

// Of those that have ids, also the deletion names what is not there (as localstack/localstack#8351
// and floci-io/floci#2382 found on AWS).
export const getBucketAnalyticsConfiguration =
  isAbsent<"GetBucketAnalyticsConfiguration">("NoSuchConfiguration");
export const deleteBucketAnalyticsConfiguration =
  isAbsent<"DeleteBucketAnalyticsConfiguration">("NoSuchConfiguration");
export const listBucketAnalyticsConfigurations = isEmpty<"ListBucketAnalyticsConfigurations">({
  IsTruncated: false,
});

export const getBucketInventoryConfiguration =
  isAbsent<"GetBucketInventoryConfiguration">("NoSuchConfiguration");
export const deleteBucketInventoryConfiguration =
  isAbsent<"DeleteBucketInventoryConfiguration">("NoSuchConfiguration");
export const listBucketInventoryConfigurations = isEmpty<"ListBucketInventoryConfigurations">({
  IsTruncated: false,
});

/** Each throws S3Error NoSuchBucket first, as every operation on a bucket that is not there. */
function isAbsent<Name extends NamesOfBuckets>(code: ErrorCode): Of<Name> {
  return async (input, { store }) => {
    const { name } = await store.buckets.get(input.Bucket);
    throw new S3Error(code, { fields: { BucketName: name } });
  };
}

function isEmpty<Name extends NamesOfBuckets>(output: OperationTypes[Name]["output"]): Of<Name> {
  return async (input, { store }) => {
    await store.buckets.get(input.Bucket);
    return output;
  };
}
