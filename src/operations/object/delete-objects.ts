// DeleteObjects: up to a thousand deletions in one request, each with its own outcome.

import { S3Error } from "../../model/errors.ts";
import { deletedKeys, keyBytes } from "../../model/limits.ts";
import type {
  DeletedObject,
  DeleteError,
  ObjectIdentifier,
  OperationTypes,
} from "../../model/types.generated.ts";
import type { AccessDemand } from "../../access/request-access.ts";
import type { Operation, OperationContext } from "../operation.ts";
import { mayBypass, wantsBypass } from "./governance-bypass.ts";

type Input = OperationTypes["DeleteObjects"]["input"];
type Output = OperationTypes["DeleteObjects"]["output"];
type Outcome = { readonly deleted: DeletedObject } | { readonly failed: DeleteError };

/** Deletions of one request that run side by side: their commits share one sync. */
const concurrency = 64;

export const deleteObjects: Operation<Input, Output> = async (input, context) => {
  const { Objects: objects, Quiet: isQuiet } = input.Delete;
  if (objects.length === 0 || objects.length > deletedKeys) throw new S3Error("MalformedXML");
  await context.store.buckets.get(input.Bucket);
  const isBypassWanted = await wantsBypass(input, context);
  const outcomes: Outcome[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < objects.length; index = next++) {
      const object = objects[index];
      if (object === undefined) continue;
      outcomes[index] = await deleteOne(input.Bucket, object, isBypassWanted, context);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, objects.length) }, work));
  const deleted = outcomes.flatMap((each) => ("deleted" in each ? [each.deleted] : []));
  const failed = outcomes.flatMap((each) => ("failed" in each ? [each.failed] : []));
  return { Deleted: isQuiet === true ? [] : deleted, Errors: failed };
};

async function deleteOne(
  bucketName: string,
  object: ObjectIdentifier,
  isBypassWanted: boolean,
  context: OperationContext,
): Promise<Outcome> {
  const { Key: key, VersionId: versionId } = object;
  try {
    if (key === "") throw new S3Error("UserKeyMustBeSpecified");
    if (Buffer.byteLength(key) > keyBytes) throw new S3Error("KeyTooLongError");
    await context.access.demand(deletionOf(bucketName, key, versionId));
    const conditions = {
      ifMatch: object.ETag,
      ifMatchLastModifiedTime: object.LastModifiedTime,
      ifMatchSize: object.Size,
    };
    const bypasses = isBypassWanted && (await mayBypass(bucketName, key, versionId, context));
    const place = { bucketName, key };
    const deleted = await context.store.writes.delete(place, versionId, conditions, bypasses);
    const marker = deleted.isDeleteMarker
      ? { DeleteMarker: true, DeleteMarkerVersionId: deleted.versionId }
      : {};
    return { deleted: { Key: key, VersionId: versionId, ...marker } };
  } catch (error) {
    if (!(error instanceof S3Error) || error.code === "NoSuchBucket") throw error;
    const { code, message } = asKeyError(error);
    return { failed: { Key: key, VersionId: versionId, Code: code, Message: message } };
  }
}

function deletionOf(bucketName: string, key: string, versionId: string | undefined): AccessDemand {
  if (versionId !== undefined) {
    return { action: "s3:DeleteObjectVersion", bucketName, key, versionId };
  }
  const acl = { of: "bucket", permission: "WRITE" } as const;
  return { action: "s3:DeleteObject", bucketName, key, acl };
}

/** What is an invalid version id elsewhere is here one that is not there (brendanhay/amazonka#160). */
function asKeyError(error: S3Error): S3Error {
  const isVersionId = error.fields["ArgumentName"] === "versionId";
  return isVersionId ? new S3Error("NoSuchVersion") : error;
}
