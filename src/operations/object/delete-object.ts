// DeleteObject: removes an object, hides it behind a delete marker, or removes one version for good.

import { S3Error } from "../../model/errors.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import type { Operation } from "../operation.ts";
import { readBypass } from "./governance-bypass.ts";

type Input = OperationTypes["DeleteObject"]["input"];
type Output = OperationTypes["DeleteObject"]["output"];

export const deleteObject: Operation<Input, Output> = async (input, context) => {
  const { store } = context;
  // Measured for the service: github.com/localstack/localstack/pull/13894.
  if (input.VersionId !== undefined && input.IfMatch !== undefined) {
    throw new S3Error("NotImplemented", { fields: { Header: "If-Match" } });
  }
  const place = { bucketName: input.Bucket, key: input.Key };
  const mayBypass = await readBypass(input, input.Key, input.VersionId, context);
  const conditions = {
    ifMatch: input.IfMatch,
    ifMatchLastModifiedTime: input.IfMatchLastModifiedTime,
    ifMatchSize: input.IfMatchSize,
  };
  const deleted = await store.writes.delete(place, input.VersionId, conditions, mayBypass);
  return {
    DeleteMarker: deleted.isDeleteMarker ? true : undefined,
    VersionId: deleted.versionId,
  };
};
