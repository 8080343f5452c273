// What a new bucket's owner lets others do: object ownership, access control list, Block Public Access;
// from the request's headers and the server's defaults.

import { isPublicAcl, isSharedAcl } from "../../access/acl/acl-evaluation.ts";
import { expandBucketCannedAcl, type AclPerson } from "../../access/acl/canned-acl.ts";
import { isOwnersAlone } from "../../access/acl/effective-acl.ts";
import {
  checkAclHeaders,
  hasGrantHeaders,
  parseGrantHeaders,
} from "../../access/acl/grant-headers.ts";
import { resolveGrants } from "../../access/acl/resolve-grants.ts";
import type { IdentifiedCaller } from "../../access/caller.ts";
import { everythingBlocked, refusePublicAcl } from "../../access/public-access-block.ts";
import type { AclGrants } from "../../model/access-control-list.ts";
import { S3Error } from "../../model/errors.ts";
import type { CreateBucketInput } from "../../model/types.generated.ts";
import type { BucketRecord, ObjectOwnership } from "../../objects/records/bucket-record.ts";
import type { BucketDefaults, OperationContext } from "../operation.ts";

export type NewBucketAccess = Pick<
  BucketRecord,
  "objectOwnership" | "hasOwnershipControls" | "acl" | "publicAccessBlock"
>;

/** As AWS since April 2023, unless a server is told otherwise. */
export function bucketDefaultsOf(settings: {
  readonly defaultObjectOwnership?: ObjectOwnership;
  readonly defaultPublicAccessBlock?: "on" | "off";
}): BucketDefaults {
  const { defaultObjectOwnership = "BucketOwnerEnforced", defaultPublicAccessBlock } = settings;
  return {
    objectOwnership: defaultObjectOwnership,
    ...(defaultPublicAccessBlock === "off" ? {} : { publicAccessBlock: everythingBlocked }),
  };
}

/** Throws S3Error. */
export async function readNewBucketAccess(
  input: CreateBucketInput,
  owner: IdentifiedCaller,
  context: OperationContext,
): Promise<NewBucketAccess> {
  const { objectOwnership: usual, publicAccessBlock } = context.bucketDefaults;
  const given = parseOwnership(input.ObjectOwnership);
  const objectOwnership = given ?? usual;
  const acl = await readAcl(input, { id: owner.canonicalId, name: owner.displayName }, context);
  if (objectOwnership === "BucketOwnerEnforced" && isSharedAcl(acl, owner.canonicalId)) {
    throw new S3Error("InvalidBucketAclWithObjectOwnership", {
      fields: { BucketName: input.Bucket },
    });
  }
  await checkPublicAcl(acl, input.Bucket, owner, context);
  return {
    objectOwnership,
    // Controls that nobody asked for are there only as AWS sets them.
    ...(given === undefined && usual !== "BucketOwnerEnforced"
      ? { hasOwnershipControls: false }
      : {}),
    ...(acl === undefined || isOwnersAlone(acl, owner.canonicalId) ? {} : { acl }),
    ...(publicAccessBlock === undefined ? {} : { publicAccessBlock }),
  };
}

async function readAcl(
  input: CreateBucketInput,
  owner: AclPerson,
  { accounts }: OperationContext,
): Promise<AclGrants | undefined> {
  checkAclHeaders(input);
  if (hasGrantHeaders(input)) return resolveGrants(parseGrantHeaders(input), accounts);
  return input.ACL === undefined ? undefined : expandBucketCannedAcl(input.ACL, owner);
}

async function checkPublicAcl(
  acl: AclGrants | undefined,
  bucketName: string,
  caller: IdentifiedCaller,
  { store, bucketDefaults }: OperationContext,
): Promise<void> {
  if (!isPublicAcl(acl)) return;
  const { accountId: ownerAccountId } = caller;
  const resource = `arn:aws:s3:::${bucketName}`;
  refusePublicAcl(
    { grants: acl, caller, action: "s3:CreateBucket", resource, ownerAccountId },
    await store.accountSettings.publicAccessBlockOf(ownerAccountId),
  );
  // The block that the bucket is born with has an error of its own.
  if (bucketDefaults.publicAccessBlock?.blockPublicAcls !== true) return;
  throw new S3Error("InvalidBucketAclWithBlockPublicAccessError", {
    fields: { BucketName: bucketName },
  });
}

function parseOwnership(ownership: string | undefined): ObjectOwnership | undefined {
  switch (ownership) {
    case undefined:
    case "BucketOwnerEnforced":
    case "BucketOwnerPreferred":
    case "ObjectWriter":
      return ownership;
    default:
      throw new S3Error("InvalidArgument", {
        message: `Invalid x-amz-object-ownership header: ${ownership}`,
        fields: { ArgumentName: "x-amz-object-ownership", ArgumentValue: ownership },
      });
  }
}
