// Whether a caller may use or administer a KMS key. Unlike a bucket, a key belongs to nobody by itself:
// its policy must allow, and where that names the account, the account's identity policies decide. Pure.
// "Determining access to AWS KMS keys" and "Default key policy", AWS KMS Developer Guide.

import type { IdentifiedCaller } from "./caller.ts";
import { judgeIdentity, policyPrincipal, type IdentityJudgement } from "./identity-judgement.ts";
import { compilePolicy, type CompiledPolicy } from "./policy/compile-policy.ts";
import { evaluatePolicies, type PolicyContext, type PolicyVerdict } from "./policy/evaluate.ts";
import { parsePolicy } from "./policy/policy-document.ts";

export interface KeyAccessRequest {
  readonly caller: IdentifiedCaller;
  /** `kms:Decrypt`. */
  readonly action: string;
  readonly key: ProtectedKey;
  readonly context: PolicyContext;
}

export interface ProtectedKey {
  readonly keyArn: string;
  /** The account that the key belongs to. */
  readonly accountId: string;
  /** The text of its policy. */
  readonly policy: string;
}

export interface KeyDecision {
  readonly isAllowed: boolean;
  /** What S3 and KMS say of a denial. */
  readonly message: string;
}

export function decideKeyAccess(request: KeyAccessRequest): KeyDecision {
  const { caller, action, key, context } = request;
  const resource = key.keyArn;
  const principal = policyPrincipal(caller);
  const policy = compileKeyPolicy(key.policy);
  const verdict = evaluatePolicies([policy], { action, resource, principal, context });
  const identity = judgeIdentity(caller, { action, resource, context });
  const reason = findDenial({ caller, key, verdict, identity, action });
  if (reason === undefined) return { isAllowed: true, message: "" };
  const message = `User: ${caller.principal.arn} is not authorized to perform: ${action} on resource: ${resource} ${reason}`;
  return { isAllowed: false, message };
}

/** For what is about the account and no key: kms:CreateKey, kms:ListKeys. */
export function decideAccountAccess(
  caller: IdentifiedCaller,
  action: string,
  context: PolicyContext,
): KeyDecision {
  const reason = denialByIdentity(
    judgeIdentity(caller, { action, resource: "*", context }),
    action,
  );
  if (reason === undefined) return { isAllowed: true, message: "" };
  const message = `User: ${caller.principal.arn} is not authorized to perform: ${action} on resource: * ${reason}`;
  return { isAllowed: false, message };
}

interface Judged {
  readonly caller: IdentifiedCaller;
  readonly key: ProtectedKey;
  readonly verdict: PolicyVerdict;
  readonly identity: IdentityJudgement;
  readonly action: string;
}

/** `undefined`: it is allowed. */
function findDenial({ caller, key, verdict, identity, action }: Judged): string | undefined {
  if (verdict.effect === "Deny") return "with an explicit deny in a resource-based policy";
  if (identity.deny !== undefined) return denialByIdentity(identity, action);
  if (verdict.effect === "None") {
    return `because no resource-based policy allows the ${action} action`;
  }
  const isForeign = caller.accountId !== key.accountId;
  if (!isForeign && givesByItself(caller, verdict, identity)) return undefined;
  return denialByIdentity(identity, action);
}

/** A policy that names the account hands the decision on; one that names the caller gives. */
function givesByItself(
  { principal }: IdentifiedCaller,
  { principalMatch }: PolicyVerdict,
  { isWithinBoundary, isWithinSession }: IdentityJudgement,
): boolean {
  switch (principalMatch) {
    case "principal":
      return principal.kind === "role-session" || isWithinSession;
    case "role":
    case "anyone":
      return isWithinBoundary && isWithinSession;
    default:
      return false;
  }
}

function denialByIdentity(identity: IdentityJudgement, action: string): string | undefined {
  if (identity.deny !== undefined) return "with an explicit deny in an identity-based policy";
  if (identity.isRoot) return undefined;
  if (identity.allow === undefined) {
    return `because no identity-based policy allows the ${action} action`;
  }
  if (!identity.isWithinBoundary) {
    return `because no permissions boundary allows the ${action} action`;
  }
  return identity.isWithinSession
    ? undefined
    : `because no session policy allows the ${action} action`;
}

/** By their text: most keys of an account have the same policy. */
const compiledPolicies = new Map<string, CompiledPolicy>();
const maximumCompiledPolicies = 256;

function compileKeyPolicy(text: string): CompiledPolicy {
  const known = compiledPolicies.get(text);
  if (known !== undefined) return known;
  const compiled = compilePolicy(parsePolicy(text, "key"), { kind: "key", name: "default" });
  if (compiledPolicies.size >= maximumCompiledPolicies) compiledPolicies.clear();
  compiledPolicies.set(text, compiled);
  return compiled;
}
