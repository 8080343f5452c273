// GetObjectAcl and PutObjectAcl: the access control list of one version.

import { expandObjectCannedAcl } from "../../access/acl/canned-acl.ts";
import { bucketOwner, effectiveObjectAcl, isOwnersAlone } from "../../access/acl/effective-acl.ts";
import type { AclGrants } from "../../model/access-control-list.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import type { ObjectRecord } from "../../objects/records/object-record.ts";
import type { Operation } from "../operation.ts";
import { describeAcl, readAclRequest, settleAcl } from "./acl-request.ts";

type Get = OperationTypes["GetObjectAcl"];
type Put = OperationTypes["PutObjectAcl"];

export const getObjectAcl: Operation<Get["input"], Get["output"]> = async (input, { store }) => {
  const { bucket, record } = await store.versions.find(input.Bucket, input.Key, input.VersionId);
  return describeAcl(effectiveObjectAcl(bucket, record));
};

export const putObjectAcl: Operation<Put["input"], Put["output"]> = async (input, context) => {
  const { store } = context;
  const request = await readAclRequest(input, context);
  const { ownerAccountId } = await store.buckets.get(input.Bucket);
  const accountBlock = await store.accountSettings.publicAccessBlockOf(ownerAccountId);
  const place = { bucketName: input.Bucket, key: input.Key };
  await store.writes.changeVersion(
    place,
    input.VersionId,
    context.cause("ObjectAcl:Put"),
    (record, bucket) => {
      const owner = record.owner ?? bucketOwner(bucket);
      const acl = settleAcl(
        request,
        {
          bucket,
          accountBlock,
          owner,
          expandCanned: (name) =>
            expandObjectCannedAcl(name, { owner, bucketOwner: bucketOwner(bucket) }),
          action: input.VersionId === undefined ? "s3:PutObjectAcl" : "s3:PutObjectVersionAcl",
          resource: `arn:aws:s3:::${bucket.name}/${input.Key}`,
        },
        context,
      );
      return acl === undefined ? record : withAcl(record, acl, owner.id);
    },
  );
  return {};
};

function withAcl(record: ObjectRecord, acl: AclGrants, ownerId: string): ObjectRecord {
  const { acl: _, ...others } = record;
  return isOwnersAlone(acl, ownerId) ? others : { ...others, acl };
}
