// GetBucketVersioning and PutBucketVersioning: never, Enabled, Suspended; never again never.

import { S3Error } from "../../model/errors.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import type { Operation } from "../operation.ts";

type Get = OperationTypes["GetBucketVersioning"];
type Put = OperationTypes["PutBucketVersioning"];

export const getBucketVersioning: Operation<Get["input"], Get["output"]> = async (
  input,
  { store },
) => {
  const { versioning } = await store.buckets.get(input.Bucket);
  return { Status: versioning === "Unversioned" ? undefined : versioning };
};

export const putBucketVersioning: Operation<Put["input"], Put["output"]> = async (
  input,
  { store },
) => {
  const { Status: status, MFADelete: mfaDelete } = input.VersioningConfiguration;
  if (mfaDelete === "Enabled") {
    throw new S3Error("NotImplemented", { message: "MFA delete is not implemented" });
  }
  if (status !== "Enabled" && status !== "Suspended") {
    throw new S3Error("IllegalVersioningConfigurationException", {
      message: "The Versioning element must be specified",
    });
  }
  await store.buckets.update(input.Bucket, (bucket) => {
    if (bucket.objectLockEnabled && status === "Suspended") {
      throw new S3Error("InvalidBucketState", {
        message:
          "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
      });
    }
    return bucket.versioning === status ? bucket : { ...bucket, versioning: status };
  });
  return {};
};
