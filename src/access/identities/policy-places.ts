// Where a managed policy is, by its ARN: in its account, or built in.

import type { Transaction } from "../../storage/key-value/transaction.ts";
import { builtInPolicies } from "./built-in-policies.ts";
import { arnOf } from "./entities.ts";
import { IdentityError } from "./identity-error.ts";
import { identityKeys } from "./identity-keys.ts";
import { decodePolicy, decodePolicyVersion, type PolicyRecord } from "./identity-records.ts";

interface PolicyArn {
  /** `aws` for what is built in. */
  readonly accountId: string;
  readonly name: string;
}

/** Throws IdentityError InvalidInput for what is no ARN of a managed policy. */
export function parsePolicyArn(arn: string): PolicyArn {
  const match = /^arn:aws:iam::(\d{12}|aws):policy\/(?:[\x21-\x7e]*\/)?([\w+=,.@-]+)$/.exec(arn);
  if (match === null) throw new IdentityError("InvalidInput", `ARN ${arn} is not valid.`);
  return { accountId: match[1] as string, name: match[2] as string };
}

export async function findPolicy(
  transaction: Transaction,
  accountId: string,
  arn: string,
): Promise<PolicyRecord | undefined> {
  const parsed = parsePolicyArn(arn);
  if (parsed.accountId !== accountId) return undefined;
  const value = await transaction.get(identityKeys.policy(accountId, parsed.name));
  if (value === undefined) return undefined;
  const policy = decodePolicy(value);
  // Another path or another case is another ARN.
  return arnOf(policy) === arn ? policy : undefined;
}

/** Whether an entity of the account may have it: its own policies and the built-in ones. */
export async function isPolicyThere(
  transaction: Transaction,
  accountId: string,
  arn: string,
): Promise<boolean> {
  if (builtInPolicies.has(arn)) return true;
  return (await findPolicy(transaction, accountId, arn)) !== undefined;
}

/** The document of the default version; `undefined` where there is no such policy. */
export async function findPolicyDocument(
  transaction: Transaction,
  accountId: string,
  arn: string,
): Promise<string | undefined> {
  const builtIn = builtInPolicies.get(arn);
  if (builtIn !== undefined) return builtIn.document;
  const policy = await findPolicy(transaction, accountId, arn);
  if (policy === undefined) return undefined;
  const key = identityKeys.policyVersion(accountId, policy.id, policy.defaultVersion);
  const value = await transaction.get(key);
  return value === undefined ? undefined : decodePolicyVersion(value).document;
}
