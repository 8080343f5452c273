// What a set of policies says about one request. Which sets there are, and how their verdicts combine
// (identity and bucket, boundary, session, accounts), is not decided here.

import type { CompiledPolicy, CompiledStatement, PolicySource } from "./compile-policy.ts";
import { isMoreTelling } from "./compile-principal.ts";
import type { PolicyCaller, PrincipalMatch } from "./compile-principal.ts";
import type { PolicyContext } from "./policy-context.ts";
import { isTextAt } from "./wildcard.ts";

export type { PolicyCaller, PolicyPrincipal, PrincipalMatch } from "./compile-principal.ts";
export type { PolicyContext } from "./policy-context.ts";

export interface PolicyRequest {
  /** `s3:GetObject`. */
  readonly action: string;
  /** An ARN, or `*` for what is about no resource. */
  readonly resource: string;
  readonly principal: PolicyCaller;
  readonly context: PolicyContext;
}

export interface PolicyVerdict {
  readonly effect: "Allow" | "Deny" | "None";
  /** What decided; absent of None. */
  readonly statement?: {
    readonly source: PolicySource;
    readonly sid?: string;
    readonly index: number;
  };
  /** Of an Allow by a statement with principals: the most telling way in which any named the caller. */
  readonly principalMatch?: PrincipalMatch;
}

const none: PolicyVerdict = { effect: "None" };

/** A Deny of any policy wins over every Allow. */
export function evaluatePolicies(
  policies: readonly CompiledPolicy[],
  request: PolicyRequest,
): PolicyVerdict {
  for (const policy of policies) {
    for (const statement of policy.candidates(request.action).denies) {
      if (applies(statement, request)) return { effect: "Deny", statement: describe(statement) };
    }
  }
  return findAllow(policies, request);
}

function findAllow(policies: readonly CompiledPolicy[], request: PolicyRequest): PolicyVerdict {
  let best: { readonly statement: CompiledStatement; readonly match: PrincipalMatch } | undefined;
  for (const policy of policies) {
    for (const statement of policy.candidates(request.action).allows) {
      if (!isTextAt(request.resource, statement.resourcePrefix, 0)) continue;
      const match = statement.principals?.match(request.principal);
      if (statement.principals !== undefined && match === undefined) continue;
      if (match !== undefined && !isMoreTelling(match, best?.match)) continue;
      if (!coversRequest(statement, request)) continue;
      if (match === undefined) return { effect: "Allow", statement: describe(statement) };
      best = { statement, match };
      if (match === "principal") return allow(best);
    }
  }
  return best === undefined ? none : allow(best);
}

function allow(found: { statement: CompiledStatement; match: PrincipalMatch }): PolicyVerdict {
  return {
    effect: "Allow",
    statement: describe(found.statement),
    principalMatch: found.match,
  };
}

function applies(statement: CompiledStatement, request: PolicyRequest): boolean {
  const { resourcePrefix, principals } = statement;
  if (!isTextAt(request.resource, resourcePrefix, 0)) return false;
  if (principals !== undefined && principals.match(request.principal) === undefined) return false;
  return coversRequest(statement, request);
}

/** Resource and conditions; the action is covered already. */
function coversRequest(
  { coversResource, conditions }: CompiledStatement,
  { resource, context }: PolicyRequest,
): boolean {
  if (!coversResource(resource, context)) return false;
  for (const condition of conditions) if (!condition.holds(context)) return false;
  return true;
}

function describe({ source, statement: { sid }, index }: CompiledStatement) {
  return sid === undefined ? { source, index } : { source, sid, index };
}
