// GetBucketRequestPayment and PutBucketRequestPayment: who pays for requests to a bucket. What follows
// from it stands in access/requester-pays.ts.

import type { OperationTypes } from "../../model/types.generated.ts";
import type { Operation } from "../operation.ts";

type Get = OperationTypes["GetBucketRequestPayment"];
type Put = OperationTypes["PutBucketRequestPayment"];

export const getBucketRequestPayment: Operation<Get["input"], Get["output"]> = async (
  input,
  { store },
) => {
  const { requestPayer } = await store.buckets.get(input.Bucket);
  return { Payer: requestPayer ?? "BucketOwner" };
};

export const putBucketRequestPayment: Operation<Put["input"], Put["output"]> = async (
  input,
  { store },
) => {
  const { Payer: payer } = input.RequestPaymentConfiguration;
  await store.buckets.update(input.Bucket, (bucket) => {
    const { requestPayer: _, ...others } = bucket;
    return payer === "Requester" ? { ...others, requestPayer: payer } : others;
  });
  return {};
};
