// What IAM asks of a policy document before it keeps it.

import { compilePolicy, type CompiledPolicy, type PolicySource } from "../policy/compile-policy.ts";
import {
  parsePolicy,
  PolicySyntaxError,
  type PolicyDocument,
  type PolicyKind,
} from "../policy/policy-document.ts";
import { policyDocumentCharacters } from "../policy/policy-limits.ts";
import { IdentityError } from "./identity-error.ts";
import { checkLength } from "./identity-names.ts";

/** Throws IdentityError MalformedPolicyDocument, ValidationError. */
export function checkPolicyDocument(
  document: string,
  kind: PolicyKind,
  member = "policyDocument",
): PolicyDocument {
  checkLength(document, member, 1, policyDocumentCharacters);
  try {
    return parsePolicy(document, kind);
  } catch (error) {
    if (!(error instanceof PolicySyntaxError)) throw error;
    throw new IdentityError("MalformedPolicyDocument", error.message, { cause: error });
  }
}

/** A stored document: it was checked when it was stored. */
export function compileStored(
  document: string,
  kind: PolicyKind,
  source: PolicySource,
): CompiledPolicy {
  return compilePolicy(parsePolicy(document, kind), source);
}
