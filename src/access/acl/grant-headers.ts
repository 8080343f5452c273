// Grants as the x-amz-grant headers and the XML of an AccessControlPolicy write them, before anybody
// looked the accounts up.

import type { AclPermission } from "../../model/access-control-list.ts";
import { S3Error } from "../../model/errors.ts";
import type {
  AccessControlPolicy,
  CreateBucketInput,
  Grantee,
} from "../../model/types.generated.ts";

export type GrantMembers = Pick<
  CreateBucketInput,
  "ACL" | "GrantFullControl" | "GrantRead" | "GrantReadACP" | "GrantWrite" | "GrantWriteACP"
>;

/** Whom a client names, and with which words it is refused when there is no such grantee. */
export interface NamedGrantee {
  readonly kind: "id" | "uri" | "email";
  readonly value: string;
  /** `ArgumentName` of S3's error about this grantee. */
  readonly argumentName: string;
}

export interface NamedGrant {
  readonly grantee: NamedGrantee;
  readonly permission: AclPermission;
}

const grantHeaders = [
  ["GrantRead", "x-amz-grant-read", "READ"],
  ["GrantWrite", "x-amz-grant-write", "WRITE"],
  ["GrantReadACP", "x-amz-grant-read-acp", "READ_ACP"],
  ["GrantWriteACP", "x-amz-grant-write-acp", "WRITE_ACP"],
  ["GrantFullControl", "x-amz-grant-full-control", "FULL_CONTROL"],
] as const satisfies readonly (readonly [keyof GrantMembers, string, AclPermission])[];

/** Whether a grant is given in a header of its own. */
export function hasGrantHeaders(input: GrantMembers): boolean {
  const grants =
    input.GrantFullControl ??
    input.GrantRead ??
    input.GrantReadACP ??
    input.GrantWrite ??
    input.GrantWriteACP;
  return grants !== undefined;
}

/** Throws S3Error InvalidRequest when a canned list is named beside grants. */
export function checkAclHeaders(input: GrantMembers): void {
  if (input.ACL === undefined || !hasGrantHeaders(input)) return;
  throw new S3Error("InvalidRequest", {
    message: "Specifying both Canned ACLs and Header Grants is not allowed",
  });
}

/** The grants of all headers, in the order in which S3 stores them: ceph/s3-tests, `header_acl_grants`. */
export function parseGrantHeaders(input: GrantMembers): readonly NamedGrant[] {
  return grantHeaders.flatMap(([member, header, permission]) => {
    const text = input[member];
    if (text === undefined) return [];
    return parseGrantees(text, header).map((grantee) => ({ grantee, permission }));
  });
}

// `id="…"`, quotes optional, pairs separated by commas; the types in any case (`emailaddress=` is in the
// API reference's own example of put-object-acl).
const pairPattern = /\s*([A-Za-z]+)\s*=\s*(?:"([^"]*)"|([^",;\s]+))\s*(,|$)/y;

const grantees: Readonly<Record<string, Pick<NamedGrantee, "kind" | "argumentName">>> = {
  id: { kind: "id", argumentName: "id" },
  uri: { kind: "uri", argumentName: "uri" },
  emailaddress: { kind: "email", argumentName: "emailAddress" },
};

function parseGrantees(text: string, header: string): readonly NamedGrantee[] {
  const found: NamedGrantee[] = [];
  pairPattern.lastIndex = 0;
  for (;;) {
    const match = pairPattern.exec(text);
    const type = match?.[1]?.toLowerCase();
    const known = type !== undefined && Object.hasOwn(grantees, type) ? grantees[type] : undefined;
    const value = match?.[2] ?? match?.[3];
    if (match === null || known === undefined || value === undefined || value === "") {
      // Seen on the wire: github.com/versity/versitygw/issues/1384.
      throw new S3Error("InvalidArgument", {
        message: "Argument format not recognized",
        fields: { ArgumentName: header, ArgumentValue: text },
      });
    }
    found.push({ ...known, value });
    if (match[4] === "") return found;
  }
}

/**
 * The grants of an AccessControlPolicy document. Throws S3Error MalformedACLError for what its schema
 * forbids: a grant without grantee or permission, a grantee without the element that its type wants.
 */
export function readPolicyGrants(policy: AccessControlPolicy): readonly NamedGrant[] {
  return (policy.Grants ?? []).map(({ Grantee: grantee, Permission: permission }) => {
    if (grantee === undefined || permission === undefined) throw new S3Error("MalformedACLError");
    return { grantee: readGrantee(grantee), permission };
  });
}

function readGrantee(grantee: Grantee): NamedGrantee {
  const { Type: type } = grantee;
  if (type === "CanonicalUser") return named("id", grantee.ID, "CanonicalUser/ID");
  if (type === "Group") return named("uri", grantee.URI, "Group/URI");
  return named("email", grantee.EmailAddress, "AmazonCustomerByEmail/EmailAddress");
}

function named(
  kind: NamedGrantee["kind"],
  value: string | undefined,
  argumentName: string,
): NamedGrantee {
  if (value === undefined) throw new S3Error("MalformedACLError");
  return { kind, value: value.trim(), argumentName };
}
