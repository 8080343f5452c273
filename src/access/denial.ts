// The words of a denial. S3 tells callers of the owner's account which side was silent or denied, and
// strangers nothing ("Access denied (403 Forbidden) error messages", User Guide).

import type { Caller, IdentifiedCaller } from "./caller.ts";
import type { Decision } from "./decide.ts";

const plain = "Access Denied";

export function explainDenial(
  caller: Caller,
  {
    reason,
    statement,
    action,
    resource,
  }: Decision & { readonly action: string; readonly resource: string },
): string {
  if (caller.kind === "anonymous") return plain;
  const because = becauseOf(reason, statement?.source.kind, action);
  if (because === undefined) return plain;
  return `User: ${caller.principal.arn} is not authorized to perform: ${action} on resource: "${resource}" ${because}`;
}

/**
 * "User: … is not authorized to perform: iam:ListUsers on resource: … because no identity-based policy
 * allows the iam:ListUsers action" ("Troubleshoot access denied error messages", IAM User Guide).
 */
export function explainServiceDenial(
  caller: IdentifiedCaller,
  { action, resource }: { readonly action: string; readonly resource: string },
  { reason, statement }: Pick<Decision, "reason" | "statement">,
): string {
  const because =
    reason === "no-resource-permission"
      ? `because no resource-based policy allows the ${action} action`
      : becauseOf(reason, statement?.source.kind, action);
  const text = `User: ${caller.principal.arn} is not authorized to perform: ${action} on resource: ${resource}`;
  return because === undefined ? text : `${text} ${because}`;
}

function becauseOf(
  reason: Decision["reason"],
  denier: string | undefined,
  action: string,
): string | undefined {
  switch (reason) {
    case "explicit-deny":
      return denier === undefined
        ? undefined
        : `with an explicit deny in ${policyKinds[denier] ?? "a policy"}`;
    case "no-identity-policy":
      return `because no identity-based policy allows the ${action} action`;
    case "permissions-boundary":
      return `because no permissions boundary allows the ${action} action`;
    case "session-policy":
      return `because no session policy allows the ${action} action`;
    default:
      // Whose bucket it is, and what it lets others do, is the business of its account.
      return undefined;
  }
}

const policyKinds: Readonly<Record<string, string>> = {
  bucket: "a resource-based policy",
  key: "a resource-based policy",
  trust: "a resource-based policy",
  identity: "an identity-based policy",
  group: "an identity-based policy",
  boundary: "a permissions boundary",
  session: "a session policy",
  "service-account": "a session policy",
};
