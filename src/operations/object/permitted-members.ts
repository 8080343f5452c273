// Members of a read's answer that ask for a permission beside the one to read: without it the read
// succeeds and says nothing of them (Reference, GetObject).

import type { OperationTypes } from "../../model/types.generated.ts";
import type { ObjectRecord } from "../../objects/records/object-record.ts";
import type { OperationContext } from "../operation.ts";
import { retentionMembers } from "./object-lock-members.ts";

type Input = OperationTypes["GetObject"]["input"];
type Head = OperationTypes["HeadObject"]["output"];

/** `undefined`, and nothing asked, for a version that has nothing of the kind. */
export function permittedMembers(
  input: Input,
  record: ObjectRecord,
  context: OperationContext,
): Promise<Head> | undefined {
  if (record.attributes.tags === undefined && record.lock === undefined) return undefined;
  return findMembers(input, record, context);
}

async function findMembers(
  { Bucket: bucketName, Key: key, VersionId: versionId }: Input,
  { attributes, lock }: ObjectRecord,
  { access }: OperationContext,
): Promise<Head> {
  const allows = (action: `s3:${string}`) => access.allows({ action, bucketName, key, versionId });
  const tagging = versionId === undefined ? "s3:GetObjectTagging" : "s3:GetObjectVersionTagging";
  const hasRetention = lock?.retention !== undefined || lock?.eventHold !== undefined;
  const [showsTags, showsRetention, showsHold] = await Promise.all([
    attributes.tags !== undefined && allows(tagging),
    hasRetention && allows("s3:GetObjectRetention"),
    lock?.legalHold !== undefined && allows("s3:GetObjectLegalHold"),
  ]);
  return {
    ...(showsRetention && lock !== undefined ? retentionMembers(lock) : {}),
    ...(showsHold ? { ObjectLockLegalHoldStatus: lock?.legalHold } : {}),
    ...(showsTags ? { TagCount: attributes.tags?.length } : {}),
  };
}
