// Owner and access control list of a new version, from x-amz-acl and the x-amz-grant headers.

import { S3Error } from "../../model/errors.ts";
import type { CreateBucketInput } from "../../model/types.generated.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { VersionSettings } from "../../objects/records/object-record.ts";
import type { OperationContext } from "../operation.ts";
import { notImplemented } from "./refused-settings.ts";

export type GrantMembers = Pick<
  CreateBucketInput,
  "ACL" | "GrantFullControl" | "GrantRead" | "GrantReadACP" | "GrantWrite" | "GrantWriteACP"
>;

/**
 * ACLs of objects: where the bucket owner owns everything, only `bucket-owner-full-control` (and the
 * default `private`) may be named (Guide, "Controlling ownership of objects").
 */
export async function readAclSettings(
  input: GrantMembers,
  bucket: BucketRecord,
  _context: OperationContext,
): Promise<(bucket: BucketRecord) => VersionSettings> {
  const isPlain =
    input.ACL === undefined || input.ACL === "private" || input.ACL === "bucket-owner-full-control";
  if (isPlain && !hasGrants(input)) return () => ({});
  if (bucket.objectOwnership === "BucketOwnerEnforced") {
    throw new S3Error("AccessControlListNotSupported");
  }
  throw notImplementedAcl(input);
}

/** Whether a grant is given in a header of its own. */
export function hasGrants(input: GrantMembers): boolean {
  const grants =
    input.GrantFullControl ??
    input.GrantRead ??
    input.GrantReadACP ??
    input.GrantWrite ??
    input.GrantWriteACP;
  return grants !== undefined;
}

export function notImplementedAcl(input: GrantMembers): S3Error {
  return notImplemented(hasGrants(input) ? "x-amz-grant" : "x-amz-acl");
}
