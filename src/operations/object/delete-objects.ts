// DeleteObjects: up to a thousand deletions in one request, each with its own outcome.

import { S3Error } from "../../model/errors.ts";
import { deletedKeys, keyBytes } from "../../model/limits.ts";
import type { ObjectIdentifier, OperationTypes } from "../../model/types.generated.ts";
import type { AccessDemand } from "../../access/request-access.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import { personOf } from "./acl-settings.ts";
import type { Operation, OperationContext } from "../operation.ts";
import type { DeletionNote } from "../request-notes.ts";
import { mayBypass } from "./governance-bypass.ts";
import { authenticateMfa } from "./mfa-authentication.ts";

type Input = OperationTypes["DeleteObjects"]["input"];
type Output = OperationTypes["DeleteObjects"]["output"];
type Outcome = DeletionNote;

/** Deletions of one request that run side by side: their commits share one sync. */
const concurrency = 64;

export const deleteObjects: Operation<Input, Output> = async (input, context) => {
  const { Objects: objects, Quiet: isQuiet } = input.Delete;
  if (objects.length === 0 || objects.length > deletedKeys) throw new S3Error("MalformedXML");
  const bucket = await context.store.buckets.get(input.Bucket);
  const wishes = {
    bypass: input.BypassGovernanceRetention === true && bucket.objectLockEnabled,
    isMfaVerified: await verifyMfa(input, bucket, context),
  };
  const outcomes: Outcome[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < objects.length; index = next++) {
      const object = objects[index];
      if (object === undefined) continue;
      outcomes[index] = await deleteOne(input.Bucket, object, wishes, context);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, objects.length) }, work));
  context.notes.deletions = outcomes;
  const deleted = outcomes.flatMap((each) => ("deleted" in each ? [each.deleted] : []));
  const failed = outcomes.flatMap((each) => ("failed" in each ? [each.failed] : []));
  return { Deleted: isQuiet === true ? [] : deleted, Errors: failed };
};

/**
 * "If you don't provide an MFA token, the entire request will fail, even if there are non-versioned
 * objects that you are trying to delete. If you provide an invalid token, whether there are versioned
 * object keys in the request or not, the entire request will fail" (Reference). Throws S3Error.
 */
async function verifyMfa(
  { Delete, MFA: header }: Input,
  bucket: BucketRecord,
  context: OperationContext,
): Promise<boolean> {
  if (bucket.mfaDelete !== "Enabled") return false;
  const namesVersions = Delete.Objects.some(({ VersionId }) => VersionId !== undefined);
  if (header === undefined && !namesVersions) return false;
  await authenticateMfa(header, bucket, context);
  return true;
}

async function deleteOne(
  bucketName: string,
  object: ObjectIdentifier,
  { bypass, isMfaVerified }: { readonly bypass: boolean; readonly isMfaVerified: boolean },
  context: OperationContext,
): Promise<Outcome> {
  const { Key: key, VersionId: versionId } = object;
  try {
    if (key === "") throw new S3Error("UserKeyMustBeSpecified");
    if (Buffer.byteLength(key) > keyBytes) throw new S3Error("KeyTooLongError");
    await context.access.demand(deletionOf(bucketName, key, versionId));
    const conditions = {
      cause: context.cause("ObjectRemoved:Delete"),
      ifMatch: object.ETag,
      ifMatchLastModifiedTime: object.LastModifiedTime,
      ifMatchSize: object.Size,
      deleter: personOf(context.caller),
    };
    const mayBypassGovernance = bypass && (await mayBypass(bucketName, key, versionId, context));
    const permits = { mayBypassGovernance, isMfaVerified };
    const place = { bucketName, key };
    const deleted = await context.store.writes.delete(place, versionId, conditions, permits);
    const marker = deleted.isDeleteMarker
      ? { DeleteMarker: true, DeleteMarkerVersionId: deleted.versionId }
      : {};
    const { removedBytes } = deleted;
    return { deleted: { Key: key, VersionId: versionId, ...marker }, removedBytes };
  } catch (error) {
    if (!(error instanceof S3Error) || error.code === "NoSuchBucket") throw error;
    const { code, message, status } = asKeyError(error);
    const failed = { Key: key, VersionId: versionId, Code: code, Message: message };
    return { failed, status };
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
