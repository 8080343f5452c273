// S3 Control's TagResource, UntagResource and ListTagsForResource: single tags of a bucket, named by
// its ARN. Of a bucket that is enabled for ABAC there is no other way to change them. Access points,
// Storage Lens groups and access grants, which the service tags too, are not there.

import { findBucketOfArn } from "../../access/policy/arn-pattern.ts";
import { S3Error } from "../../model/errors.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import { checkTags, describeTags, type Tags } from "../object/tag-set.ts";
import type { Operation, OperationContext } from "../operation.ts";

type TagInput = OperationTypes["TagResource"];
type Untag = OperationTypes["UntagResource"];
type List = OperationTypes["ListTagsForResource"];

export const tagResource: Operation<TagInput["input"], TagInput["output"]> = async (
  input,
  context,
) => {
  const given = input.Tags.map(({ Key, Value }) => [Key, Value] as const);
  checkTags(given, "bucket");
  const { name } = await findBucket(input, context);
  await context.store.buckets.update(name, (bucket) => {
    const tags = mergeTags(bucket.tags, given);
    checkTags(tags, "bucket");
    return { ...bucket, tags };
  });
  return {};
};

export const untagResource: Operation<Untag["input"], Untag["output"]> = async (input, context) => {
  const { name } = await findBucket(input, context);
  const taken = new Set(input.TagKeys);
  await context.store.buckets.update(name, (bucket) => {
    const tags = bucket.tags.filter(([key]) => !taken.has(key));
    return tags.length === bucket.tags.length ? bucket : { ...bucket, tags };
  });
  return {};
};

export const listTagsForResource: Operation<List["input"], List["output"]> = async (
  input,
  context,
) => {
  const { tags } = await findBucket(input, context);
  return { Tags: describeTags(tags) };
};

/** What is known keeps its place and gets its new value; what is new comes after it. */
function mergeTags(known: Tags, given: Tags): Tags {
  const merged = new Map(known);
  for (const [key, value] of given) merged.set(key, value);
  return [...merged];
}

/** Throws S3Error InvalidRequest, NotImplemented, NoSuchBucket, AccessDenied. */
async function findBucket(
  { ResourceArn: arn, AccountId: accountId }: List["input"],
  { store, caller }: OperationContext,
): Promise<BucketRecord> {
  const name = findBucketOfArn(arn);
  if (name === undefined) {
    if (/^arn:[^:]+:s3(?:express)?:[^:]/.test(arn)) throw new S3Error("NotImplemented");
    throw new S3Error("InvalidRequest", { message: "The resource ARN is not valid." });
  }
  const bucket = await store.buckets.get(name);
  // "The AWS account ID that created the S3 resource … or the requester's account ID" (TagResource).
  const isRequesters = caller.kind === "identified" && caller.accountId === accountId;
  if (accountId !== bucket.ownerAccountId && !isRequesters) throw new S3Error("AccessDenied");
  return bucket;
}
