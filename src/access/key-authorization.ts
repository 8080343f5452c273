// Whether a caller may use or administer a KMS key. Unlike a bucket, a key belongs to nobody by itself:
// its policy must allow, and where that names the account, the account's identity policies decide. Pure.
// "Determining access to AWS KMS keys" and "Default key policy", AWS KMS Developer Guide.

import type { IdentifiedCaller } from "./caller.ts";
import type { DecisionReason } from "./decide.ts";
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
  readonly reason: DecisionReason;
  /** What S3 and KMS say of a denial; empty otherwise. */
  readonly message: string;
}

export function decideKeyAccess(request: KeyAccessRequest): KeyDecision {
  const { caller, action, key, context } = request;
  const resource = key.keyArn;
  const verdict = keyVerdict(request);
  const identity = judgeIdentity(caller, { action, resource, context });
  return describe({ caller, action, resource }, judge(caller, key, verdict, identity));
}

/** What the policy of the key says. */
export function keyVerdict({ caller, action, key, context }: KeyAccessRequest): PolicyVerdict {
  const principal = policyPrincipal(caller);
  const policy = compileKeyPolicy(key.policy);
  return evaluatePolicies([policy], { action, resource: key.keyArn, principal, context });
}

/** For what is about the account and no key: kms:CreateKey, kms:ListKeys. */
export function decideAccountAccess(
  caller: IdentifiedCaller,
  action: string,
  context: PolicyContext,
): KeyDecision {
  const resource = "*";
  const identity = judgeIdentity(caller, { action, resource, context });
  return describe({ caller, action, resource }, judgeByIdentity(identity));
}

interface Judgement {
  readonly reason: DecisionReason;
  /** What was silent or denied; absent: nothing was. */
  readonly denier?: "a resource-based policy" | "an identity-based policy";
}

function judge(
  caller: IdentifiedCaller,
  key: ProtectedKey,
  verdict: PolicyVerdict,
  identity: IdentityJudgement,
): Judgement {
  if (verdict.effect === "Deny") {
    return { reason: "explicit-deny", denier: "a resource-based policy" };
  }
  if (identity.deny !== undefined) return judgeByIdentity(identity);
  if (verdict.effect === "None") {
    return { reason: "no-resource-permission", denier: "a resource-based policy" };
  }
  const isForeign = caller.accountId !== key.accountId;
  if (!isForeign && givesByItself(caller, verdict, identity)) return { reason: "key-policy" };
  return judgeByIdentity(identity);
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

function judgeByIdentity(identity: IdentityJudgement): Judgement {
  const denier = "an identity-based policy";
  if (identity.deny !== undefined) return { reason: "explicit-deny", denier };
  if (identity.isRoot) return { reason: "account-root" };
  if (identity.allow === undefined) return { reason: "no-identity-policy", denier };
  if (!identity.isWithinBoundary) return { reason: "permissions-boundary", denier };
  if (!identity.isWithinSession) return { reason: "session-policy", denier };
  return { reason: "identity-policy" };
}

function describe(
  asked: { readonly caller: IdentifiedCaller; readonly action: string; readonly resource: string },
  { reason, denier }: Judgement,
): KeyDecision {
  if (denier === undefined) return { isAllowed: true, reason, message: "" };
  const { caller, action, resource } = asked;
  const because = becauseOf(reason, denier, action);
  const message = `User: ${caller.principal.arn} is not authorized to perform: ${action} on resource: ${resource} ${because}`;
  return { isAllowed: false, reason, message };
}

function becauseOf(
  reason: DecisionReason,
  denier: NonNullable<Judgement["denier"]>,
  action: string,
): string {
  switch (reason) {
    case "explicit-deny":
      return `with an explicit deny in ${denier}`;
    case "permissions-boundary":
      return `because no permissions boundary allows the ${action} action`;
    case "session-policy":
      return `because no session policy allows the ${action} action`;
    default:
      return `because no ${denier.replace(/^an? /, "")} allows the ${action} action`;
  }
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
