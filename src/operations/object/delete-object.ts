// DeleteObject: removes an object, hides it behind a delete marker, or removes one version for good.

import { S3Error } from "../../model/errors.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import { noPermits, type DeletionPermits } from "../../objects/deletion-permits.ts";
import type { Operation, OperationContext } from "../operation.ts";
import { readReplica } from "../replication/replica-header.ts";
import { personOf } from "./acl-settings.ts";
import { readBypass } from "./governance-bypass.ts";
import { authenticateMfa } from "./mfa-authentication.ts";

type Input = OperationTypes["DeleteObject"]["input"];
type Output = OperationTypes["DeleteObject"]["output"];

export const deleteObject: Operation<Input, Output> = async (input, context) => {
  const { store, caller } = context;
  // Measured for the service: github.com/localstack/localstack/pull/13894.
  if (input.VersionId !== undefined && input.IfMatch !== undefined) {
    throw new S3Error("NotImplemented", { fields: { Header: "If-Match" } });
  }
  const place = { bucketName: input.Bucket, key: input.Key };
  const permits = await readPermits(input, context);
  const conditions = {
    replica: input.VersionId === undefined ? readReplica(input) : undefined,
    cause: context.cause("ObjectRemoved:Delete"),
    ifMatch: input.IfMatch,
    ifMatchLastModifiedTime: input.IfMatchLastModifiedTime,
    ifMatchSize: input.IfMatchSize,
    deleter: personOf(caller),
  };
  const deleted = await store.writes.delete(place, input.VersionId, conditions, permits);
  context.notes.objectBytes = deleted.removedBytes;
  return {
    DeleteMarker: deleted.isDeleteMarker ? true : undefined,
    VersionId: deleted.versionId,
  };
};

async function readPermits(input: Input, context: OperationContext): Promise<DeletionPermits> {
  if (input.BypassGovernanceRetention === undefined && input.MFA === undefined) return noPermits;
  const mayBypassGovernance = await readBypass(input, input.Key, input.VersionId, context);
  let isMfaVerified = false;
  if (input.MFA !== undefined && input.VersionId !== undefined) {
    const bucket = await context.store.buckets.get(input.Bucket);
    if (bucket.mfaDelete === "Enabled") {
      await authenticateMfa(input.MFA, bucket, context);
      isMfaVerified = true;
    }
  }
  return { mayBypassGovernance, isMfaVerified };
}
