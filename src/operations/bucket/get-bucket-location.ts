// GetBucketLocation: the constraint that the bucket was made with; empty in the default region.

import type { OperationTypes } from "../../model/types.generated.ts";
import type { Operation } from "../operation.ts";

type Input = OperationTypes["GetBucketLocation"]["input"];
type Output = OperationTypes["GetBucketLocation"]["output"];

export const getBucketLocation: Operation<Input, Output> = async (input, { store }) => {
  const bucket = await store.buckets.get(input.Bucket);
  return { LocationConstraint: bucket.locationConstraint ?? "" };
};
