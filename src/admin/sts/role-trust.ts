// Whether somebody may assume a role: its trust policy and, unless that names the caller itself, the
// caller's own policies ("How permissions for each method of creating sessions are evaluated", IAM User
// Guide).

import type { IdentifiedCaller } from "../../access/caller.ts";
import { givesInAccount, isAllowedByIdentity } from "../../access/decide.ts";
import { judgeIdentity, policyPrincipal } from "../../access/identity-judgement.ts";
import { arnOf } from "../../access/identities/entities.ts";
import { IdentityError } from "../../access/identities/identity-error.ts";
import type { RoleRecord } from "../../access/identities/identity-records.ts";
import { compileStored } from "../../access/identities/policy-checks.ts";
import type { CompiledPolicy } from "../../access/policy/compile-policy.ts";
import { evaluatePolicies, type PolicyContext } from "../../access/policy/evaluate.ts";

export function trustPolicyOf(role: RoleRecord): CompiledPolicy {
  return compileStored(role.trustPolicy, "trust", { kind: "trust", name: role.name });
}

export interface Assumption {
  readonly caller: IdentifiedCaller;
  readonly role: RoleRecord;
  /** `sts:AssumeRole`, `sts:TagSession`, `sts:SetSourceIdentity`. */
  readonly action: string;
  readonly context: PolicyContext;
}

export function mayAssume({ caller, role, action, context }: Assumption): boolean {
  const resource = arnOf(role);
  const principal = policyPrincipal(caller);
  const trust = evaluatePolicies([trustPolicyOf(role)], { action, resource, principal, context });
  const identity = judgeIdentity(caller, { action, resource, context });
  if (trust.effect !== "Allow" || identity.deny !== undefined) return false;
  if (isAllowedByIdentity(identity)) return true;
  // Across accounts both sides must allow.
  return caller.accountId === role.accountId && givesInAccount(trust, caller, identity);
}

/** The same words for a role that is not there: who may not assume it learns nothing of it. */
export function notAuthorized(callerArn: string, action: string, roleArn: string): IdentityError {
  return new IdentityError(
    "AccessDenied",
    `User: ${callerArn} is not authorized to perform: ${action} on resource: ${roleArn}`,
  );
}
