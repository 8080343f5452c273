// An access control list as it is stored and judged: who was granted what on a bucket or an object.
// Its XML and header forms are the operations' business, its meaning access/acl's.

export type AclPermission = "FULL_CONTROL" | "READ" | "WRITE" | "READ_ACP" | "WRITE_ACP";

export type AclGrantee =
  | { readonly kind: "canonical-user"; readonly id: string; readonly displayName?: string }
  | { readonly kind: "group"; readonly uri: string };

export interface AclGrant {
  readonly grantee: AclGrantee;
  readonly permission: AclPermission;
}

/** In the order in which the client gave them: S3 reads them back so. */
export type AclGrants = readonly AclGrant[];

export const aclGroups = {
  allUsers: "http://acs.amazonaws.com/groups/global/AllUsers",
  authenticatedUsers: "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
  logDelivery: "http://acs.amazonaws.com/groups/s3/LogDelivery",
} as const;

/** The four switches of S3's Block Public Access, of a bucket or of an account. */
export interface PublicAccessBlock {
  readonly blockPublicAcls: boolean;
  readonly ignorePublicAcls: boolean;
  readonly blockPublicPolicy: boolean;
  readonly restrictPublicBuckets: boolean;
}
