// Members of a read's answer that ask for a permission beside the one to read: without it the read
// succeeds and says nothing of them (Reference, GetObject).

import type { OperationTypes } from "../../model/types.generated.ts";
import type { FoundObject } from "../../objects/versions.ts";
import type { OperationContext } from "../operation.ts";

type Input = OperationTypes["GetObject"]["input"];
type Head = OperationTypes["HeadObject"]["output"];

/** `undefined`, and nothing asked, for a version that has nothing of the kind. */
export function permittedMembers(
  input: Input,
  { record }: FoundObject,
  context: OperationContext,
): Promise<Head> | undefined {
  if (record.attributes.tags === undefined) return undefined;
  return findMembers(input, record.attributes.tags.length, context);
}

async function findMembers(
  input: Input,
  tagCount: number,
  { access }: OperationContext,
): Promise<Head> {
  const { Bucket: bucketName, Key: key, VersionId: versionId } = input;
  const action = versionId === undefined ? "s3:GetObjectTagging" : "s3:GetObjectVersionTagging";
  const isAllowed = await access.allows({ action, bucketName, key, versionId });
  return isAllowed ? { TagCount: tagCount } : {};
}
