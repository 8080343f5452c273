// GetBucketAcl and PutBucketAcl: the access control list of the bucket itself.

import { expandBucketCannedAcl } from "../../access/acl/canned-acl.ts";
import { bucketOwner, effectiveBucketAcl, isOwnersAlone } from "../../access/acl/effective-acl.ts";
import type { AclGrants } from "../../model/access-control-list.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import { describeAcl, readAclRequest, settleAcl } from "../object/acl-request.ts";
import type { Operation } from "../operation.ts";

type Get = OperationTypes["GetBucketAcl"];
type Put = OperationTypes["PutBucketAcl"];

export const getBucketAcl: Operation<Get["input"], Get["output"]> = async (input, { store }) =>
  describeAcl(effectiveBucketAcl(await store.buckets.get(input.Bucket)));

export const putBucketAcl: Operation<Put["input"], Put["output"]> = async (input, context) => {
  const { store } = context;
  const request = await readAclRequest(input, context);
  const { ownerAccountId } = await store.buckets.get(input.Bucket);
  const accountBlock = await store.accountSettings.publicAccessBlockOf(ownerAccountId);
  await store.buckets.update(input.Bucket, (bucket) => {
    const owner = bucketOwner(bucket);
    const acl = settleAcl(
      request,
      {
        bucket,
        accountBlock,
        owner,
        expandCanned: (name) => expandBucketCannedAcl(name, owner),
        action: "s3:PutBucketAcl",
        resource: `arn:aws:s3:::${bucket.name}`,
      },
      context,
    );
    return acl === undefined ? bucket : withAcl(bucket, acl);
  });
  return {};
};

export function withAcl(bucket: BucketRecord, acl: AclGrants | undefined): BucketRecord {
  const { acl: _, ...others } = bucket;
  const isUsual = acl === undefined || isOwnersAlone(acl, bucket.ownerId);
  return isUsual ? others : { ...others, acl };
}
