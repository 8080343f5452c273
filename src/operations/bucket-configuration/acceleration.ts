// GetBucketAccelerateConfiguration and PutBucketAccelerateConfiguration: never, Enabled, Suspended; never
// again never. What the accelerate endpoint then takes stands in protocol/acceleration.ts.

import { S3Error } from "../../model/errors.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import type { Operation } from "../operation.ts";

type Get = OperationTypes["GetBucketAccelerateConfiguration"];
type Put = OperationTypes["PutBucketAccelerateConfiguration"];

export const getBucketAccelerateConfiguration: Operation<Get["input"], Get["output"]> = async (
  input,
  { store },
) => {
  const { acceleration } = await store.buckets.get(input.Bucket);
  return { Status: acceleration };
};

export const putBucketAccelerateConfiguration: Operation<Put["input"], Put["output"]> = async (
  input,
  { store },
) => {
  const { Status: status } = input.AccelerateConfiguration;
  if (status === undefined) throw new S3Error("MalformedXML");
  await store.buckets.update(input.Bucket, (bucket) => {
    // A certificate for *.s3-accelerate… would not fit such a host. The message is the service's.
    if (bucket.name.includes(".")) {
      throw new S3Error("InvalidRequest", {
        message:
          "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names",
      });
    }
    return bucket.acceleration === status ? bucket : { ...bucket, acceleration: status };
  });
  return {};
};
