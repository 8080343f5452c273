// Put-, Get- and DeleteBucketWebsite. What a website's visitors get is protocol/website.ts's.

import { S3Error } from "../../model/errors.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import { checkWebsite, formatWebsite, parseWebsite } from "../../objects/website-rules.ts";
import type { Operation } from "../operation.ts";

type Get = OperationTypes["GetBucketWebsite"];
type Put = OperationTypes["PutBucketWebsite"];
type Delete = OperationTypes["DeleteBucketWebsite"];

export const getBucketWebsite: Operation<Get["input"], Get["output"]> = async (
  input,
  { store },
) => {
  const bucket = await store.buckets.get(input.Bucket);
  const website = await store.documents.get(bucket, "website", parseWebsite);
  if (website === undefined) throw new S3Error("NoSuchWebsiteConfiguration");
  return website;
};

export const putBucketWebsite: Operation<Put["input"], Put["output"]> = async (
  input,
  { store },
) => {
  const { WebsiteConfiguration: website } = input;
  checkWebsite(website);
  await store.documents.set(input.Bucket, "website", formatWebsite(website));
  return {};
};

export const deleteBucketWebsite: Operation<Delete["input"], Delete["output"]> = async (
  input,
  { store },
) => {
  await store.documents.set(input.Bucket, "website", undefined);
  return {};
};
