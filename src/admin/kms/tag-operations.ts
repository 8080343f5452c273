// Tags of keys.

import { KmsError } from "../../keys/kms-error.ts";
import { findKey, type KmsOperation } from "./kms-call.ts";
import { getKeyIdOrArn, getPaging, getTags, getTexts, missing, pagingOutput } from "./kms-input.ts";

/** "Resource quotas", AWS KMS Developer Guide. */
const maximumTags = 50;

export const listResourceTags: KmsOperation = async (input, call) => {
  const { limit, after } = getPaging(input, 50, 50);
  const { tags } = await findKey(call, getKeyIdOrArn(input), "kms:ListResourceTags");
  const sorted = tags.toSorted(([left], [right]) => (left < right ? -1 : 1));
  const rest = sorted.filter(([key]) => after === undefined || key > after);
  const page = rest.slice(0, limit);
  return {
    Tags: page.map(([TagKey, TagValue]) => ({ TagKey, TagValue })),
    ...pagingOutput(rest.length > limit ? page.at(-1)?.[0] : undefined),
  };
};

export const tagResource: KmsOperation = async (input, call) => {
  if (input["Tags"] === undefined) throw missing("Tags");
  const added = getTags(input, "Tags");
  const facts = { ...call.facts, requestTags: added };
  const { keyId } = await findKey({ ...call, facts }, getKeyIdOrArn(input), "kms:TagResource");
  await call.keys.update(keyId, (record) => {
    call.keys.checkNotPendingDeletion(record);
    const tags = new Map([...record.tags, ...added]);
    checkTagCount([...tags]);
    return { ...record, tags: [...tags] };
  });
  return {};
};

export const untagResource: KmsOperation = async (input, call) => {
  const names = new Set(getTexts(input, "TagKeys"));
  const { keyId } = await findKey(call, getKeyIdOrArn(input), "kms:UntagResource");
  await call.keys.update(keyId, (record) => {
    call.keys.checkNotPendingDeletion(record);
    return { ...record, tags: record.tags.filter(([key]) => !names.has(key)) };
  });
  return {};
};

export function checkTagCount(tags: readonly unknown[]): void {
  if (tags.length > maximumTags) throw new KmsError("LimitExceededException", "Too many tags");
}
