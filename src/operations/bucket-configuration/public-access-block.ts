// Get-, Put- and DeletePublicAccessBlock: the switches of one bucket. Those of an account are S3
// Control's.

import type { PublicAccessBlock } from "../../model/access-control-list.ts";
import { S3Error } from "../../model/errors.ts";
import type {
  OperationTypes,
  PublicAccessBlockConfiguration,
} from "../../model/types.generated.ts";
import type { Operation } from "../operation.ts";

type Get = OperationTypes["GetPublicAccessBlock"];
type Put = OperationTypes["PutPublicAccessBlock"];
type Delete = OperationTypes["DeletePublicAccessBlock"];

export const getPublicAccessBlock: Operation<Get["input"], Get["output"]> = async (
  input,
  { store },
) => {
  const { publicAccessBlock: block, name } = await store.buckets.get(input.Bucket);
  if (block === undefined) {
    throw new S3Error("NoSuchPublicAccessBlockConfiguration", { fields: { BucketName: name } });
  }
  return { PublicAccessBlockConfiguration: describeBlock(block) };
};

export const putPublicAccessBlock: Operation<Put["input"], Put["output"]> = async (
  input,
  { store },
) => {
  const publicAccessBlock = readBlock(input.PublicAccessBlockConfiguration);
  await store.buckets.update(input.Bucket, (bucket) => ({ ...bucket, publicAccessBlock }));
  return {};
};

export const deletePublicAccessBlock: Operation<Delete["input"], Delete["output"]> = async (
  input,
  { store },
) => {
  await store.buckets.update(input.Bucket, (bucket) => {
    const { publicAccessBlock: _, ...others } = bucket;
    return others;
  });
  return {};
};

/** A switch that is not named is off. */
export function readBlock(configuration: PublicAccessBlockConfiguration): PublicAccessBlock {
  return {
    blockPublicAcls: configuration.BlockPublicAcls ?? false,
    ignorePublicAcls: configuration.IgnorePublicAcls ?? false,
    blockPublicPolicy: configuration.BlockPublicPolicy ?? false,
    restrictPublicBuckets: configuration.RestrictPublicBuckets ?? false,
  };
}

export function describeBlock(block: PublicAccessBlock): PublicAccessBlockConfiguration {
  return {
    BlockPublicAcls: block.blockPublicAcls,
    IgnorePublicAcls: block.ignorePublicAcls,
    BlockPublicPolicy: block.blockPublicPolicy,
    RestrictPublicBuckets: block.restrictPublicBuckets,
  };
}
