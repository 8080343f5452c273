// A policy document as data, as it is written: parsed, checked, nothing looked up in it yet.

import type { ConditionOperator } from "./condition-operators.ts";
import { parseIdentityPolicy } from "./parse-identity-policy.ts";
import { parseResourcePolicy } from "./parse-resource-policy.ts";

export { PolicySyntaxError } from "./policy-syntax-error.ts";

/** `boundary` and `session` have the grammar of `identity`. */
export type PolicyKind = "bucket" | "key" | "identity" | "trust" | "session" | "boundary";

export type PolicyVersion = "2008-10-17" | "2012-10-17";

export interface PolicyDocument {
  /** 2008-10-17 if the document says none; only 2012-10-17 has variables. */
  readonly version: PolicyVersion;
  readonly id?: string;
  readonly statements: readonly PolicyStatement[];
}

export interface PolicyStatement {
  readonly sid?: string;
  readonly effect: "Allow" | "Deny";
  /** Of bucket, key and trust policies alone. */
  readonly principals?: PrincipalElement;
  readonly actions: PatternElement;
  /** Absent of trust policies, which are about the role that has them. */
  readonly resources?: PatternElement;
  readonly conditions: readonly PolicyCondition[];
}

/** Action and Resource, or NotAction and NotResource. */
export interface PatternElement {
  readonly isNegated: boolean;
  readonly patterns: readonly string[];
}

export interface PrincipalElement {
  readonly isNegated: boolean;
  readonly entries: readonly PrincipalEntry[];
}

export interface PrincipalEntry {
  /** `*` for `"Principal": "*"`. */
  readonly type: "*" | "AWS" | "CanonicalUser" | "Federated" | "Service";
  readonly value: string;
}

export interface PolicyCondition {
  readonly operator: ConditionOperator;
  /** As written. */
  readonly key: string;
  readonly values: readonly string[];
}

export interface PolicyParseOptions {
  /** Of bucket policies: what resources must be about. */
  readonly bucketName?: string;
  /** IAM takes new managed policies only of version 2012-10-17. */
  readonly requiresCurrentVersion?: boolean;
}

/** Throws PolicySyntaxError. */
export function parsePolicy(
  text: string,
  kind: PolicyKind,
  options: PolicyParseOptions = {},
): PolicyDocument {
  if (kind === "bucket" || kind === "key" || kind === "trust")
    return parseResourcePolicy(text, kind, options);
  return parseIdentityPolicy(text, options);
}
