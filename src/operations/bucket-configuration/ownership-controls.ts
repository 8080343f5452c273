// Get-, Put- and DeleteBucketOwnershipControls: who owns what others upload, and whether access control
// lists count at all.

import { isSharedAcl } from "../../access/acl/acl-evaluation.ts";
import { S3Error } from "../../model/errors.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import type { Operation } from "../operation.ts";

type Get = OperationTypes["GetBucketOwnershipControls"];
type Put = OperationTypes["PutBucketOwnershipControls"];
type Delete = OperationTypes["DeleteBucketOwnershipControls"];

export const getBucketOwnershipControls: Operation<Get["input"], Get["output"]> = async (
  input,
  { store },
) => {
  const bucket = await store.buckets.get(input.Bucket);
  if (bucket.hasOwnershipControls === false) {
    throw new S3Error("OwnershipControlsNotFoundError", { fields: { BucketName: bucket.name } });
  }
  return { OwnershipControls: { Rules: [{ ObjectOwnership: bucket.objectOwnership }] } };
};

export const putBucketOwnershipControls: Operation<Put["input"], Put["output"]> = async (
  input,
  { store },
) => {
  const [rule, ...others] = input.OwnershipControls.Rules;
  if (rule === undefined || others.length > 0) throw new S3Error("MalformedXML");
  const { ObjectOwnership: objectOwnership } = rule;
  await store.buckets.update(input.Bucket, (bucket) => {
    // What others were granted would be lost without a word ("Disabling ACLs", Prerequisites).
    if (objectOwnership === "BucketOwnerEnforced" && isSharedAcl(bucket.acl, bucket.ownerId)) {
      throw new S3Error("InvalidBucketAclWithObjectOwnership", {
        fields: { BucketName: bucket.name },
      });
    }
    const { hasOwnershipControls: _, ...record } = bucket;
    return { ...record, objectOwnership };
  });
  return {};
};

/** Without controls a bucket is as all were before there were any: writers own what they write. */
export const deleteBucketOwnershipControls: Operation<Delete["input"], Delete["output"]> = async (
  input,
  { store },
) => {
  await store.buckets.update(input.Bucket, (bucket) => ({
    ...bucket,
    objectOwnership: "ObjectWriter",
    hasOwnershipControls: false,
  }));
  return {};
};
