// The access control list of an object as inventories show it: JSON, in Base64. (Guide, "Working with the
// Object ACL field".)

import type { AclGrant } from "../../model/access-control-list.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { ObjectRecord } from "../../objects/records/object-record.ts";

export function encodeGrants(bucket: BucketRecord, record: ObjectRecord): string {
  const isEnforced = bucket.objectOwnership === "BucketOwnerEnforced";
  const ownerId = isEnforced ? bucket.ownerId : (record.owner?.id ?? bucket.ownerId);
  const stored = isEnforced ? undefined : record.acl;
  const grants = stored?.map(describe) ?? [
    { canonicalId: ownerId, type: "CanonicalUser", permission: "FULL_CONTROL" },
  ];
  const list = { version: "2022-11-10", status: "AVAILABLE", grants };
  return Buffer.from(JSON.stringify(list), "utf8").toString("base64");
}

function describe({ grantee, permission }: AclGrant): object {
  return grantee.kind === "group"
    ? { uri: grantee.uri, type: "Group", permission }
    : { canonicalId: grantee.id, type: "CanonicalUser", permission };
}
