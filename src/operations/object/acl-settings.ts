// Owner and access control list of a new version, from x-amz-acl and the x-amz-grant headers, the caller
// and the bucket's object ownership.

import { checkCannedAcl, expandObjectCannedAcl } from "../../access/acl/canned-acl.ts";
import type { AclPerson } from "../../access/acl/canned-acl.ts";
import { bucketOwner, hasAclsDisabled, isOwnersAlone } from "../../access/acl/effective-acl.ts";
import {
  checkAclHeaders,
  hasGrantHeaders,
  parseGrantHeaders,
} from "../../access/acl/grant-headers.ts";
import type { GrantMembers } from "../../access/acl/grant-headers.ts";
import { resolveGrants } from "../../access/acl/resolve-grants.ts";
import { canonicalIdOf, type Caller } from "../../access/caller.ts";
import { effectivePublicAccessBlock, refusePublicAcl } from "../../access/public-access-block.ts";
import type { AclGrants } from "../../model/access-control-list.ts";
import { S3Error } from "../../model/errors.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { VersionSettings } from "../../objects/records/object-record.ts";
import type { OperationContext } from "../operation.ts";

export type AclMembers = GrantMembers & { readonly Key: string };

type Settle = (bucket: BucketRecord) => VersionSettings;

/**
 * Where lists are disabled, only the bucket owner's full control may be named, by its canned name or as
 * the one grant; even `private` is refused (Guide, "Controlling ownership of objects",
 * AccessControlListNotSupported; github.com/craftcms/aws-s3/issues/194). Throws S3Error.
 */
export async function readAclSettings(
  input: AclMembers,
  bucket: BucketRecord,
  context: OperationContext,
): Promise<Settle> {
  const { caller } = context;
  if (input.ACL === undefined && !hasGrantHeaders(input)) {
    return (written) =>
      hasAclsDisabled(written) || canonicalIdOf(caller) === written.ownerId
        ? {}
        : { owner: personOf(caller) };
  }
  checkAclHeaders(input);
  if (input.ACL !== undefined) checkCannedAcl(input.ACL, "object");
  const grants = hasGrantHeaders(input)
    ? await resolveGrants(parseGrantHeaders(input), context.accounts)
    : undefined;
  const accountBlock = await context.store.accountSettings.publicAccessBlockOf(
    bucket.ownerAccountId,
  );
  const settle: Settle = (written) => {
    if (hasAclsDisabled(written)) {
      checkOwnersControl(input.ACL, grants, written);
      return {};
    }
    const owner = ownerOf(written, personOf(caller), input.ACL);
    const acl =
      grants ??
      expandObjectCannedAcl(input.ACL ?? "private", { owner, bucketOwner: bucketOwner(written) });
    refusePublicAcl(
      {
        grants: acl,
        caller,
        action: "s3:PutObjectAcl",
        resource: `arn:aws:s3:::${written.name}/${input.Key}`,
        ownerAccountId: written.ownerAccountId,
      },
      effectivePublicAccessBlock(written.publicAccessBlock, accountBlock),
    );
    return describeVersion(written, owner, acl);
  };
  // What can be refused before a byte is read is: by the record in the store, not by a guess at it.
  settle(await context.store.buckets.get(bucket.name));
  return settle;
}

/** Throws S3Error AccessControlListNotSupported. */
export function checkOwnersControl(
  canned: string | undefined,
  grants: AclGrants | undefined,
  bucket: BucketRecord,
): void {
  if (canned === "bucket-owner-full-control") return;
  if (grants !== undefined && isOwnersAlone(grants, bucket.ownerId)) return;
  throw new S3Error("AccessControlListNotSupported");
}

export function personOf(caller: Caller): AclPerson {
  const name = caller.kind === "anonymous" ? "" : caller.displayName;
  return { id: canonicalIdOf(caller), name };
}

/** The uploader, unless the bucket's owner is preferred and the uploader hands over full control. */
function ownerOf(bucket: BucketRecord, uploader: AclPerson, canned: string | undefined): AclPerson {
  const isHandedOver =
    bucket.objectOwnership === "BucketOwnerPreferred" && canned === "bucket-owner-full-control";
  return isHandedOver ? bucketOwner(bucket) : uploader;
}

/** What is the usual case is not stored. */
function describeVersion(
  bucket: BucketRecord,
  owner: AclPerson,
  acl: AclGrants | undefined,
): VersionSettings {
  return {
    ...(owner.id === bucket.ownerId ? {} : { owner }),
    ...(acl === undefined || isOwnersAlone(acl, owner.id) ? {} : { acl }),
  };
}
