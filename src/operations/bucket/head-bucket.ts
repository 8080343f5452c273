// HeadBucket: whether a bucket is there and the caller may use it.

import type { OperationTypes } from "../../model/types.generated.ts";
import type { Operation } from "../operation.ts";

type Input = OperationTypes["HeadBucket"]["input"];
type Output = OperationTypes["HeadBucket"]["output"];

export const headBucket: Operation<Input, Output> = async (input, { store }) => {
  const bucket = await store.buckets.get(input.Bucket);
  return {
    BucketArn: `arn:aws:s3:::${bucket.name}`,
    BucketRegion: bucket.region,
    AccessPointAlias: false,
  };
};
