// What PutBucketAcl and PutObjectAcl have in common: a whole new list, from a canned name, from headers
// or from a document, never from two of them; and how a list is shown.

import { hasAclsDisabled, shownGrants, type EffectiveAcl } from "../../access/acl/effective-acl.ts";
import type { AclPerson } from "../../access/acl/canned-acl.ts";
import {
  checkAclHeaders,
  hasGrantHeaders,
  parseGrantHeaders,
  readPolicyGrants,
  type GrantMembers,
} from "../../access/acl/grant-headers.ts";
import { resolveGrants } from "../../access/acl/resolve-grants.ts";
import { effectivePublicAccessBlock, refusePublicAcl } from "../../access/public-access-block.ts";
import type { NewAcl } from "../../access/public-access-block.ts";
import type { AclGrant, AclGrants, PublicAccessBlock } from "../../model/access-control-list.ts";
import { S3Error } from "../../model/errors.ts";
import type {
  AccessControlPolicy,
  GetBucketAclOutput,
  Grant,
} from "../../model/types.generated.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { OperationContext } from "../operation.ts";
import { checkOwnersControl } from "./acl-settings.ts";

export type PutAclMembers = GrantMembers & {
  readonly AccessControlPolicy?: AccessControlPolicy | undefined;
};

/** A list that is asked for, before anybody knows whose it will be. */
export type AclRequest =
  | { readonly canned: string }
  | {
      readonly grants: AclGrants;
      /** Whom the document calls the owner; headers call nobody so. */
      readonly ownerId: string | undefined;
    };

/** Throws S3Error UnexpectedContent, MissingSecurityHeader, MalformedACLError and those of grants. */
export async function readAclRequest(
  input: PutAclMembers,
  { accounts }: OperationContext,
): Promise<AclRequest> {
  const { ACL: canned, AccessControlPolicy: policy } = input;
  checkAclHeaders(input);
  if (policy !== undefined) {
    if (canned !== undefined || hasGrantHeaders(input)) throw new S3Error("UnexpectedContent");
    return readPolicy(policy, accounts);
  }
  if (hasGrantHeaders(input)) {
    return { grants: await resolveGrants(parseGrantHeaders(input), accounts), ownerId: undefined };
  }
  if (canned !== undefined) return { canned };
  throw new S3Error("MissingSecurityHeader", { fields: { MissingHeaderName: "x-amz-acl" } });
}

async function readPolicy(
  policy: AccessControlPolicy,
  accounts: OperationContext["accounts"],
): Promise<AclRequest> {
  const ownerId = policy.Owner?.ID?.trim();
  if (ownerId === undefined || ownerId === "" || policy.Grants === undefined) {
    throw new S3Error("MalformedACLError");
  }
  if ((await accounts.findByCanonicalId(ownerId)) === undefined) {
    throw new S3Error("InvalidArgument", {
      message: "Invalid id",
      fields: { ArgumentName: "CanonicalUser/ID", ArgumentValue: ownerId },
    });
  }
  return { grants: await resolveGrants(readPolicyGrants(policy), accounts), ownerId };
}

/** Where a new list goes. */
export interface AclTarget {
  readonly bucket: BucketRecord;
  readonly accountBlock: PublicAccessBlock | undefined;
  readonly owner: AclPerson;
  readonly expandCanned: (name: string) => AclGrants;
  readonly action: NewAcl["action"];
  readonly resource: string;
}

/**
 * The list to store; `undefined` leaves what is stored. Throws S3Error AccessControlListNotSupported,
 * AccessDenied for another owner than there is and for what Block Public Access refuses.
 */
export function settleAcl(
  request: AclRequest,
  target: AclTarget,
  { caller }: OperationContext,
): AclGrants | undefined {
  const { bucket, owner, accountBlock, action, resource } = target;
  if (hasAclsDisabled(bucket)) {
    if ("canned" in request) checkOwnersControl(request.canned, undefined, bucket);
    else checkOwnersControl(undefined, request.grants, bucket);
    return undefined;
  }
  // Owners cannot be changed (Guide, "ACL overview").
  if ("ownerId" in request && request.ownerId !== undefined && request.ownerId !== owner.id) {
    throw new S3Error("AccessDenied");
  }
  const grants = "canned" in request ? target.expandCanned(request.canned) : request.grants;
  refusePublicAcl(
    { grants, caller, action, resource, ownerAccountId: bucket.ownerAccountId },
    effectivePublicAccessBlock(bucket.publicAccessBlock, accountBlock),
  );
  return grants;
}

export function describeAcl(acl: EffectiveAcl): GetBucketAclOutput {
  return {
    Owner: { ID: acl.owner.id, DisplayName: acl.owner.name },
    Grants: shownGrants(acl).map(describeGrant),
  };
}

function describeGrant({ grantee, permission }: AclGrant): Grant {
  return {
    Grantee:
      grantee.kind === "group"
        ? { Type: "Group", URI: grantee.uri }
        : { Type: "CanonicalUser", ID: grantee.id, DisplayName: grantee.displayName },
    Permission: permission,
  };
}
