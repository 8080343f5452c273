// AbortMultipartUpload: ends an upload; its parts are gone for every reader at once.

import type { OperationTypes } from "../../model/types.generated.ts";
import { preconditionFailed } from "../../objects/preconditions.ts";
import type { Operation } from "../operation.ts";

type Input = OperationTypes["AbortMultipartUpload"]["input"];
type Output = OperationTypes["AbortMultipartUpload"]["output"];

export const abortMultipartUpload: Operation<Input, Output> = async (input, { store }) => {
  const place = { bucketName: input.Bucket, key: input.Key, uploadId: input.UploadId };
  const expected = input.IfMatchInitiatedTime?.getTime();
  await store.uploads.abort(place, (upload) => {
    if (expected === undefined || expected === upload.initiatedMilliseconds) return;
    throw preconditionFailed("x-amz-if-match-initiated-time");
  });
  return {};
};
