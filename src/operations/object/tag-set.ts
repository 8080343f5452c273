// Tag sets as S3 judges them, of buckets and objects, in documents and in the x-amz-tagging header.

import { S3Error } from "../../model/errors.ts";
import {
  bucketTags,
  objectTags,
  tagKeyCharacters,
  tagValueCharacters,
} from "../../model/limits.ts";
import type { Tag, Tagging } from "../../model/types.generated.ts";

export type Tags = readonly (readonly [key: string, value: string])[];

// Guide, "Object key and tag restrictions": letters, spaces, numbers and these signs.
const tagPattern = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Throws S3Error InvalidTag or, for too many tags, BadRequest, as S3 words them. */
export function checkTags(tags: Tags, kind: "object" | "bucket"): void {
  const limit = kind === "object" ? objectTags : bucketTags;
  if (tags.length > limit) {
    // Both as the service words them: boto/boto3#1213, scality/cloudserver#4451.
    const subject = kind === "object" ? "Object tags" : "Bucket tag count";
    throw new S3Error("BadRequest", { message: `${subject} cannot be greater than ${limit}` });
  }
  const seen = new Set<string>();
  for (const [key, value] of tags) {
    checkTag(key, value);
    if (seen.has(key)) {
      throw new S3Error("InvalidTag", {
        message: "Cannot provide multiple Tags with the same key",
        fields: { TagKey: key },
      });
    }
    seen.add(key);
  }
}

function checkTag(key: string, value: string): void {
  if (key.length === 0 || key.length > tagKeyCharacters || !tagPattern.test(key)) {
    throw new S3Error("InvalidTag", {
      message: "The TagKey you have provided is invalid",
      fields: { TagKey: key },
    });
  }
  if (value.length > tagValueCharacters || !tagPattern.test(value)) {
    throw new S3Error("InvalidTag", {
      message: "The TagValue you have provided is invalid",
      fields: { TagKey: key, TagValue: value },
    });
  }
  // Guide, "User-defined tag restrictions": the prefix is reserved in upper and lower case.
  if (/^aws:/i.test(key)) {
    throw new S3Error("InvalidTag", {
      message: "System tags cannot be added/updated by requester",
      fields: { TagKey: key },
    });
  }
}

export function readTagSet(tagging: Tagging, kind: "object" | "bucket"): Tags {
  const tags = tagging.TagSet.map(({ Key: key, Value: value }) => [key, value] as const);
  checkTags(tags, kind);
  return tags;
}

export function describeTags(tags: Tags): Tag[] {
  return tags.map(([Key, Value]) => ({ Key, Value }));
}
