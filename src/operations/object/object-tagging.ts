// GetObjectTagging, PutObjectTagging and DeleteObjectTagging: the tags of one version. Setting them
// makes no version and leaves Last-Modified.

import type { OperationTypes } from "../../model/types.generated.ts";
import type { ObjectRecord } from "../../objects/records/object-record.ts";
import type { Operation } from "../operation.ts";
import { shownVersionId } from "./object-members.ts";
import { describeTags, readTagSet, type Tags } from "./tag-set.ts";

type Get = OperationTypes["GetObjectTagging"];
type Put = OperationTypes["PutObjectTagging"];
type Delete = OperationTypes["DeleteObjectTagging"];

export const getObjectTagging: Operation<Get["input"], Get["output"]> = async (
  input,
  { store },
) => {
  const { bucket, record } = await store.versions.find(input.Bucket, input.Key, input.VersionId);
  return {
    TagSet: describeTags(record.attributes.tags ?? []),
    VersionId: shownVersionId(bucket, record),
  };
};

export const putObjectTagging: Operation<Put["input"], Put["output"]> = async (input, context) => {
  const tags = readTagSet(input.Tagging, "object");
  const place = { bucketName: input.Bucket, key: input.Key };
  const cause = context.cause("ObjectTagging:Put");
  const { bucket, record } = await context.store.writes.changeVersion(
    place,
    input.VersionId,
    cause,
    (before) => withTags(before, tags),
  );
  return { VersionId: shownVersionId(bucket, record) };
};

export const deleteObjectTagging: Operation<Delete["input"], Delete["output"]> = async (
  input,
  context,
) => {
  const place = { bucketName: input.Bucket, key: input.Key };
  const cause = context.cause("ObjectTagging:Delete");
  const { writes } = context.store;
  const { bucket, record } = await writes.changeVersion(place, input.VersionId, cause, (before) =>
    before.attributes.tags === undefined ? before : withTags(before, []),
  );
  return { VersionId: shownVersionId(bucket, record) };
};

function withTags(record: ObjectRecord, tags: Tags): ObjectRecord {
  const { tags: _, ...others } = record.attributes;
  return { ...record, attributes: tags.length === 0 ? others : { ...others, tags } };
}
