// GetObjectLegalHold and PutObjectLegalHold: a hold without an end, beside any retention.

import { S3Error } from "../../model/errors.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import type { Operation } from "../operation.ts";
import { checkLockEnabled } from "./object-lock-members.ts";

type Get = OperationTypes["GetObjectLegalHold"];
type Put = OperationTypes["PutObjectLegalHold"];

export const getObjectLegalHold: Operation<Get["input"], Get["output"]> = async (
  input,
  { store },
) => {
  const { bucket, record } = await store.versions.find(input.Bucket, input.Key, input.VersionId);
  checkLockEnabled(bucket);
  const status = record.lock?.legalHold;
  if (status === undefined) throw new S3Error("NoSuchObjectLockConfiguration");
  return { LegalHold: { Status: status } };
};

export const putObjectLegalHold: Operation<Put["input"], Put["output"]> = async (
  input,
  context,
) => {
  const { Status: legalHold } = input.LegalHold;
  if (legalHold === undefined) throw new S3Error("MalformedXML");
  const place = { bucketName: input.Bucket, key: input.Key };
  const cause = context.cause("ObjectLock:LegalHold");
  await context.store.writes.changeVersion(place, input.VersionId, cause, (record, bucket) => {
    checkLockEnabled(bucket);
    if (record.lock?.legalHold === legalHold) return record;
    return { ...record, lock: { ...record.lock, legalHold } };
  });
  return {};
};
