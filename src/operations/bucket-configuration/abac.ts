// GetBucketAbac and PutBucketAbac: whether the bucket's tags count in access decisions.

import { S3Error } from "../../model/errors.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import type { Operation } from "../operation.ts";

type Get = OperationTypes["GetBucketAbac"];
type Put = OperationTypes["PutBucketAbac"];

export const getBucketAbac: Operation<Get["input"], Get["output"]> = async (input, { store }) => {
  const { isAbacEnabled } = await store.buckets.get(input.Bucket);
  return { AbacStatus: { Status: isAbacEnabled === true ? "Enabled" : "Disabled" } };
};

export const putBucketAbac: Operation<Put["input"], Put["output"]> = async (input, { store }) => {
  const { Status: status } = input.AbacStatus;
  if (status === undefined) throw new S3Error("MalformedXML");
  const isEnabled = status === "Enabled";
  await store.buckets.update(input.Bucket, (bucket) =>
    (bucket.isAbacEnabled ?? false) === isEnabled
      ? bucket
      : { ...bucket, isAbacEnabled: isEnabled },
  );
  return {};
};
