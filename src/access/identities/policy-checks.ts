// What IAM asks of a policy document before it keeps it.

import { compilePolicy, type CompiledPolicy, type PolicySource } from "../policy/compile-policy.ts";
import {
  parsePolicy,
  PolicySyntaxError,
  type PolicyDocument,
  type PolicyKind,
} from "../policy/policy-document.ts";
import { IdentityError } from "./identity-error.ts";
import { checkLength } from "./identity-names.ts";

/** IAM's bound on what it is sent, white space included. */
const longestDocument = 131_072;

/** Throws IdentityError MalformedPolicyDocument, ValidationError. */
export function checkPolicyDocument(
  document: string,
  kind: PolicyKind,
  member = "policyDocument",
): PolicyDocument {
  checkLength(document, member, 1, longestDocument);
  try {
    return parsePolicy(document, kind);
  } catch (error) {
    if (!(error instanceof PolicySyntaxError)) throw error;
    throw new IdentityError("MalformedPolicyDocument", error.message, { cause: error });
  }
}

/** "IAM does not count white space when calculating the size of a policy." */
export function policySize(document: string): number {
  return document.replaceAll(/\s/g, "").length;
}

/** A stored document: it was checked when it was stored. */
export function compileStored(
  document: string,
  kind: PolicyKind,
  source: PolicySource,
): CompiledPolicy {
  return compilePolicy(parsePolicy(document, kind), source);
}
