// GetBucketTagging, PutBucketTagging and DeleteBucketTagging: the whole set at once, never a part.

import { S3Error } from "../../model/errors.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import { describeTags, readTagSet, type Tags } from "../object/tag-set.ts";
import type { Operation } from "../operation.ts";

type Get = OperationTypes["GetBucketTagging"];
type Put = OperationTypes["PutBucketTagging"];
type Delete = OperationTypes["DeleteBucketTagging"];

export const getBucketTagging: Operation<Get["input"], Get["output"]> = async (
  input,
  { store },
) => {
  const { tags } = await store.buckets.get(input.Bucket);
  if (tags.length === 0) {
    throw new S3Error("NoSuchTagSet", { fields: { BucketName: input.Bucket } });
  }
  return { TagSet: describeTags(tags) };
};

export const putBucketTagging: Operation<Put["input"], Put["output"]> = async (
  input,
  { store },
) => {
  const tags = readTagSet(input.Tagging, "bucket");
  await store.buckets.update(input.Bucket, (bucket) => withTags(bucket, tags));
  return {};
};

export const deleteBucketTagging: Operation<Delete["input"], Delete["output"]> = async (
  input,
  { store },
) => {
  await store.buckets.update(input.Bucket, (bucket) => withTags(bucket, []));
  return {};
};

/**
 * "When ABAC is enabled, you must use the TagResource and UntagResource actions to manage tags on your
 * buckets" (Reference, PutBucketAbac): this way past their permissions is closed.
 */
function withTags(bucket: BucketRecord, tags: Tags): BucketRecord {
  if (bucket.isAbacEnabled === true) {
    throw new S3Error("MethodNotAllowed", {
      message: "The bucket is enabled for ABAC. Use the TagResource and UntagResource actions.",
      fields: { Method: "PUT", ResourceType: "TAGGING" },
    });
  }
  return { ...bucket, tags };
}
