// DeleteBucket: only an empty one; uploads in progress go with it.

import type { OperationTypes } from "../../model/types.generated.ts";
import type { Operation } from "../operation.ts";

type Input = OperationTypes["DeleteBucket"]["input"];
type Output = OperationTypes["DeleteBucket"]["output"];

export const deleteBucket: Operation<Input, Output> = async (input, { store, notes }) => {
  await store.buckets.delete(input.Bucket, (bucket) => {
    notes.deletedBucket = bucket;
  });
  return {};
};
