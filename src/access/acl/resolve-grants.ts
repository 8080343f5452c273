// Looks up whom grants name: canonical ids must exist, e-mail addresses become canonical ids, groups are
// the three that S3 knows.

import { aclGroups, type AclGrant, type AclGrants } from "../../model/access-control-list.ts";
import { S3Error } from "../../model/errors.ts";
import { aclGrants } from "../../model/limits.ts";
import type { Account, AccountDirectory } from "../accounts.ts";
import { userGrant } from "./canned-acl.ts";
import type { NamedGrant, NamedGrantee } from "./grant-headers.ts";

const groups: readonly string[] = Object.values(aclGroups);

/**
 * Throws S3Error InvalidArgument ("Invalid id", "Invalid group uri"), UnresolvableGrantByEmailAddress,
 * AmbiguousGrantByEmailAddress; MalformedACLError for more grants than a list may have.
 */
export async function resolveGrants(
  grants: readonly NamedGrant[],
  accounts: AccountDirectory,
): Promise<AclGrants> {
  if (grants.length > aclGrants) throw new S3Error("MalformedACLError");
  const resolved: AclGrant[] = [];
  for (const grant of grants) resolved.push(await resolve(grant, accounts));
  return resolved;
}

async function resolve(
  { grantee, permission }: NamedGrant,
  accounts: AccountDirectory,
): Promise<AclGrant> {
  const { kind, value } = grantee;
  if (kind === "uri") {
    if (!groups.includes(value)) throw invalid("Invalid group uri", grantee);
    return { grantee: { kind: "group", uri: value }, permission };
  }
  const account =
    kind === "id" ? await findById(grantee, accounts) : await findByEmail(grantee, accounts);
  return userGrant({ id: account.canonicalId, name: account.displayName }, permission);
}

async function findById(grantee: NamedGrantee, accounts: AccountDirectory): Promise<Account> {
  const account = await accounts.findByCanonicalId(grantee.value);
  if (account === undefined) throw invalid("Invalid id", grantee);
  return account;
}

async function findByEmail(grantee: NamedGrantee, accounts: AccountDirectory): Promise<Account> {
  const [account, ...others] = await accounts.findByEmail(grantee.value);
  if (account === undefined) throw new S3Error("UnresolvableGrantByEmailAddress");
  if (others.length > 0) throw new S3Error("AmbiguousGrantByEmailAddress");
  return account;
}

function invalid(message: string, { argumentName, value }: NamedGrantee): S3Error {
  const fields = { ArgumentName: argumentName, ArgumentValue: value };
  return new S3Error("InvalidArgument", { message, fields });
}
