// GetBucketVersioning and PutBucketVersioning: never, Enabled, Suspended; never again never. And whether
// versions are deleted by a second factor alone.

import { S3Error } from "../../model/errors.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import { mfaRefusal } from "../../objects/deletion-permits.ts";
import { authenticateMfa } from "../object/mfa-authentication.ts";
import type { Operation } from "../operation.ts";

type Get = OperationTypes["GetBucketVersioning"];
type Put = OperationTypes["PutBucketVersioning"];

export const getBucketVersioning: Operation<Get["input"], Get["output"]> = async (
  input,
  { store },
) => {
  const { versioning, mfaDelete } = await store.buckets.get(input.Bucket);
  return { Status: versioning === "Unversioned" ? undefined : versioning, MFADelete: mfaDelete };
};

export const putBucketVersioning: Operation<Put["input"], Put["output"]> = async (
  input,
  context,
) => {
  const { Status: status, MFADelete: mfaDelete } = input.VersioningConfiguration;
  if (status !== "Enabled" && status !== "Suspended") {
    throw new S3Error("IllegalVersioningConfigurationException", {
      message: "The Versioning element must be specified",
    });
  }
  const { store } = context;
  const known = await store.buckets.get(input.Bucket);
  // With MFA delete on, every change of the versioning state asks for the second factor too.
  const isMfaNeeded = mfaDelete === "Enabled" || known.mfaDelete === "Enabled";
  if (isMfaNeeded) await authenticateMfa(input.MFA, known, context);
  await store.buckets.update(input.Bucket, (bucket) => {
    if (bucket.mfaDelete === "Enabled" && !isMfaNeeded) throw mfaRefusal();
    if (bucket.objectLockEnabled && status === "Suspended") {
      throw new S3Error("InvalidBucketState", {
        message:
          "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
      });
    }
    if (bucket.documents?.["replication"] !== undefined && status === "Suspended") {
      // As the service words it for Terraform's users who disable both in the wrong order.
      throw new S3Error("InvalidBucketState", {
        message:
          "A replication configuration is present on this bucket, so you cannot change the versioning state. To change the versioning state, first delete the replication configuration.",
      });
    }
    if (mfaDelete === "Enabled" && bucket.documents?.["lifecycle"] !== undefined) {
      // As met in github.com/cloudposse/terraform-aws-codebuild/issues/76.
      throw new S3Error("InvalidBucketState", {
        message:
          "Mfa Authentication is not supported on a bucket with lifecycle configuration. Delete lifecycle configuration before enabling Mfa Authentication.",
      });
    }
    const isSame =
      bucket.versioning === status && (mfaDelete ?? bucket.mfaDelete) === bucket.mfaDelete;
    if (isSame) return bucket;
    return { ...bucket, versioning: status, ...(mfaDelete === undefined ? {} : { mfaDelete }) };
  });
  return {};
};
