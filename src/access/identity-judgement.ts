// What the policies on the side of the caller say: of user, groups or role, narrowed by a permissions
// boundary and by session policies. Pure; S3, IAM, STS and KMS decide by it alike.

import type { IdentifiedCaller } from "./caller.ts";
import { evaluatePolicies } from "./policy/evaluate.ts";
import type { PolicyContext, PolicyPrincipal, PolicyVerdict } from "./policy/evaluate.ts";

export interface IdentityRequest {
  readonly action: string;
  readonly resource: string;
  readonly context: PolicyContext;
}

export interface IdentityJudgement {
  /** The root of an account may do everything that its account may. */
  readonly isRoot: boolean;
  /** The statement of any of the policies that denies explicitly. */
  readonly deny: PolicyVerdict["statement"];
  readonly allow: PolicyVerdict["statement"];
  readonly isWithinBoundary: boolean;
  readonly isWithinSession: boolean;
}

const root: IdentityJudgement = {
  isRoot: true,
  deny: undefined,
  allow: undefined,
  isWithinBoundary: true,
  isWithinSession: true,
};

export function judgeIdentity(
  caller: IdentifiedCaller,
  { action, resource, context }: IdentityRequest,
): IdentityJudgement {
  const { policies } = caller;
  if (policies === undefined) return root;
  const request = { action, resource, context, principal: policyPrincipal(caller) };
  const identity = evaluatePolicies(policies.identity, request);
  const boundary =
    policies.boundary === undefined ? undefined : evaluatePolicies([policies.boundary], request);
  const sessions = policies.narrowing.map((each) => evaluatePolicies(each, request));
  const denial = [identity, boundary, ...sessions].find((verdict) => verdict?.effect === "Deny");
  return {
    isRoot: false,
    deny: denial?.statement,
    allow: identity.effect === "Allow" ? identity.statement : undefined,
    isWithinBoundary: boundary === undefined || boundary.effect === "Allow",
    isWithinSession: sessions.every(({ effect }) => effect === "Allow"),
  };
}

/** The caller as policies name it. */
export function policyPrincipal(caller: IdentifiedCaller): PolicyPrincipal {
  const { accountId, canonicalId, principal } = caller;
  const { arn, roleArn, userId, kind } = principal;
  return {
    accountId,
    arn,
    canonicalId,
    userId,
    kind,
    ...(roleArn === undefined ? {} : { roleArn }),
  };
}
