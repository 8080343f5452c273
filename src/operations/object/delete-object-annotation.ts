// DeleteObjectAnnotation: removes one annotation for good. One that does not exist is no error, as the
// Reference names none for it.

import type { OperationTypes } from "../../model/types.generated.ts";
import { checkRemovable } from "../../objects/object-lock.ts";
import { checkObjectMatch } from "../../objects/preconditions.ts";
import type { Operation } from "../operation.ts";
import { isAnnotationName } from "./annotation-name.ts";
import { readBypass } from "./governance-bypass.ts";
import { shownVersionId } from "./object-members.ts";

type Input = OperationTypes["DeleteObjectAnnotation"]["input"];
type Output = OperationTypes["DeleteObjectAnnotation"]["output"];

export const deleteObjectAnnotation: Operation<Input, Output> = async (input, context) => {
  const { writes, annotations } = context.store;
  const { Bucket: bucketName, Key: key, VersionId: versionId, AnnotationName: name } = input;
  const mayBypass = await readBypass(input, key, versionId, context);
  const { bucket, record } = await writes.changeVersion(
    { bucketName, key },
    versionId,
    { ...context.cause("ObjectAnnotation:Delete"), annotation: name },
    (before, inBucket, transaction) => {
      checkObjectMatch(input.ObjectIfMatch, before);
      checkRemovable(before.lock, context.clock.now(), mayBypass);
      if (!isAnnotationName(name)) return before;
      return annotations.remove(transaction, inBucket, { key, record: before }, name);
    },
  );
  return { ObjectVersionId: shownVersionId(bucket, record) };
};
