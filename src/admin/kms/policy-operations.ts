// The policy of a key. A key has one, named `default`.

import { decideKeyAccess } from "../../access/key-authorization.ts";
import { keyContextOf } from "../../access/key-context.ts";
import { parsePolicy, PolicySyntaxError } from "../../access/policy/policy-document.ts";
import { defaultKeyPolicy } from "../../keys/key-policy.ts";
import type { KmsKeyRecord } from "../../keys/key-records.ts";
import { KmsError } from "../../keys/kms-error.ts";
import { findKey, type KmsCall, type KmsOperation } from "./kms-call.ts";
import {
  findFlag,
  findText,
  getKeyIdOrArn,
  getPaging,
  getText,
  pagingOutput,
} from "./kms-input.ts";

const policyName = "default";

export const getKeyPolicy: KmsOperation = async (input, call) => {
  checkPolicyName(findText(input, "PolicyName", { minimum: 1, maximum: 128 }));
  const record = await findKey(call, getKeyIdOrArn(input), "kms:GetKeyPolicy");
  return { Policy: call.keys.policyOf(record), PolicyName: policyName };
};

export const listKeyPolicies: KmsOperation = async (input, call) => {
  getPaging(input, 100, 1000);
  await findKey(call, getKeyIdOrArn(input), "kms:ListKeyPolicies");
  return { PolicyNames: [policyName], ...pagingOutput(undefined) };
};

export const putKeyPolicy: KmsOperation = async (input, call) => {
  checkPolicyName(findText(input, "PolicyName", { minimum: 1, maximum: 128 }));
  const policy = getText(input, "Policy", { minimum: 1, maximum: 131_072 });
  const skipsLockoutCheck = findFlag(input, "BypassPolicyLockoutSafetyCheck");
  const found = await findKey(call, getKeyIdOrArn(input), "kms:PutKeyPolicy");
  checkPolicy(call, found, policy, skipsLockoutCheck);
  await call.keys.update(found.keyId, (record) => {
    call.keys.checkNotPendingDeletion(record);
    const { policy: _replaced, ...rest } = record;
    return policy === defaultKeyPolicy(record.accountId) ? rest : { ...rest, policy };
  });
  return {};
};

/**
 * Throws KmsError MalformedPolicyDocumentException, also where the caller could not change the policy
 * again: nobody might be left who can.
 */
export function checkPolicy(
  { keys, caller, facts }: KmsCall,
  record: Pick<KmsKeyRecord, "accountId" | "keyId" | "manager" | "tags">,
  policy: string,
  skipsLockoutCheck: boolean,
): void {
  try {
    parsePolicy(policy, "key");
  } catch (error) {
    if (!(error instanceof PolicySyntaxError)) throw error;
    throw new KmsError("MalformedPolicyDocumentException", error.message, { cause: error });
  }
  if (skipsLockoutCheck) return;
  const { accountId, tags } = record;
  const context = keyContextOf(facts, { accountId, tags });
  const key = { keyArn: keys.arnOf(record), accountId, policy };
  if (decideKeyAccess({ caller, action: "kms:PutKeyPolicy", key, context }).isAllowed) return;
  throw new KmsError(
    "MalformedPolicyDocumentException",
    "The new key policy will not allow you to update the key policy in the future.",
  );
}

function checkPolicyName(name: string | undefined): void {
  if (name === undefined || name === policyName) return;
  throw new KmsError("NotFoundException", "No such policy exists");
}
