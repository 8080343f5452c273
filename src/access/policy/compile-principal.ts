// Whom a statement speaks of: Principal and NotPrincipal against the caller.

import { normalizePartition } from "./arn-pattern.ts";
import type { PrincipalElement } from "./policy-document.ts";

export interface PolicyPrincipal {
  /** Empty for a service and for a web identity, which belong to no account. */
  readonly accountId: string;
  /**
   * arn:aws:iam::123456789012:root, …:user/name, arn:aws:sts::123456789012:assumed-role/role/session,
   * …:federated-user/name.
   */
  readonly arn: string;
  /** Of a role session, the role. */
  readonly roleArn?: string;
  /** The account's. */
  readonly canonicalId: string;
  /** AIDA…, AROA…:session, or the account's id for root. */
  readonly userId: string;
  readonly kind: "root" | "user" | "role-session" | "federated-user" | "web-identity" | "service";
  /** Of a service, its name: logging.s3.amazonaws.com. */
  readonly service?: string;
  /** Of a web identity that asks for a role: its provider's ARN or host name, as trust policies say it. */
  readonly federatedProvider?: string;
}

/** A service of AWS, which asks in its own name. */
export function servicePrincipal(service: string): PolicyPrincipal {
  return { kind: "service", service, accountId: "", arn: "", canonicalId: "", userId: "" };
}

export type PolicyCaller = PolicyPrincipal | "anonymous";

/**
 * How a statement named the caller, the least telling first. It matters to an Allow of a bucket policy:
 * naming the account hands the decision to the account's own policies; `*` gives, to whoever it is;
 * naming a role gives to its sessions within boundary and session policy; naming the user or the
 * session itself gives without regard to what those do not mention (IAM user guide, "Policy evaluation
 * logic").
 */
export type PrincipalMatch = "account" | "anyone" | "role" | "principal";

const ranks: Readonly<Record<PrincipalMatch, number>> = {
  account: 0,
  anyone: 1,
  role: 2,
  principal: 3,
};

export function isMoreTelling(match: PrincipalMatch, other: PrincipalMatch | undefined): boolean {
  return other === undefined || ranks[match] > ranks[other];
}

export interface CompiledPrincipals {
  /** The most telling match, or undefined. */
  match(caller: PolicyCaller): PrincipalMatch | undefined;
}

interface NamedPrincipals {
  readonly isAnyone: boolean;
  readonly accounts: ReadonlySet<string>;
  readonly canonicalIds: ReadonlySet<string>;
  readonly arns: ReadonlySet<string>;
  readonly userIds: ReadonlySet<string>;
  readonly services: ReadonlySet<string>;
  readonly providers: ReadonlySet<string>;
}

export function compilePrincipals(
  element: PrincipalElement,
  effect: "Allow" | "Deny",
): CompiledPrincipals {
  const named = readNames(element);
  if (!element.isNegated) return { match: (caller) => matchNames(named, caller) };
  const isSpared = effect === "Deny" ? isWhollyNamed : isNamed;
  return { match: (caller) => (isSpared(named, caller) ? undefined : "anyone") };
}

function readNames({ entries }: PrincipalElement): NamedPrincipals {
  const accounts = new Set<string>();
  const canonicalIds = new Set<string>();
  const arns = new Set<string>();
  const userIds = new Set<string>();
  const services = new Set<string>();
  const providers = new Set<string>();
  let isAnyone = false;
  for (const { type, value } of entries) {
    const root = /^arn:aws:iam::(\d{12}):root$/.exec(normalizePartition(value))?.[1];
    if (value === "*" && (type === "AWS" || type === "*")) isAnyone = true;
    else if (type === "CanonicalUser") canonicalIds.add(value);
    else if (type === "Service") services.add(value);
    else if (type === "Federated") providers.add(normalizePartition(value));
    else if (root !== undefined) accounts.add(root);
    else if (/^\d{12}$/.test(value)) accounts.add(value);
    else if (value.startsWith("arn:")) arns.add(normalizePartition(value));
    else userIds.add(value);
  }
  return { isAnyone, accounts, canonicalIds, arns, userIds, services, providers };
}

function matchNames(named: NamedPrincipals, caller: PolicyCaller): PrincipalMatch | undefined {
  if (caller !== "anonymous") {
    if (isNamedItself(named, caller)) return "principal";
    if (isNamedByRole(named, caller)) return "role";
  }
  if (named.isAnyone) return "anyone";
  return caller !== "anonymous" && isNamedByAccount(named, caller) ? "account" : undefined;
}

function isNamedItself(named: NamedPrincipals, caller: PolicyPrincipal): boolean {
  if (caller.service !== undefined) {
    return named.services.has(caller.service) || named.services.has("*");
  }
  if (caller.federatedProvider !== undefined) {
    return named.providers.has(caller.federatedProvider) || named.providers.has("*");
  }
  // Root is the account: naming it says nothing about one principal in particular.
  if (caller.kind === "root") return false;
  return named.arns.has(caller.arn) || named.userIds.has(caller.userId);
}

function isNamedByRole(named: NamedPrincipals, caller: PolicyPrincipal): boolean {
  if (caller.roleArn === undefined) return false;
  if (named.arns.has(caller.roleArn)) return true;
  // AROA…:session; documents name a role by the part before the colon.
  return named.userIds.size > 0 && named.userIds.has(caller.userId.split(":", 1)[0] as string);
}

function isNamedByAccount(named: NamedPrincipals, caller: PolicyPrincipal): boolean {
  return named.accounts.has(caller.accountId) || named.canonicalIds.has(caller.canonicalId);
}

function isNamed(named: NamedPrincipals, caller: PolicyCaller): boolean {
  return matchNames(named, caller) !== undefined;
}

/**
 * A Deny with NotPrincipal spares a caller of whom everything is listed: a user and its account, a
 * session, its role and its account. "You must also specify the account ARN of the not-denied
 * principal. Otherwise, the policy might deny access to the entire account."
 */
function isWhollyNamed(named: NamedPrincipals, caller: PolicyCaller): boolean {
  if (named.isAnyone) return true;
  if (caller === "anonymous") return false;
  if (caller.service !== undefined || caller.federatedProvider !== undefined) {
    return isNamedItself(named, caller);
  }
  if (!isNamedByAccount(named, caller)) return false;
  if (caller.kind === "root") return true;
  if (!isNamedItself(named, caller)) return false;
  return caller.roleArn === undefined || isNamedByRole(named, caller);
}
