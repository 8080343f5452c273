// Principal and NotPrincipal as bucket and trust policies write them.

import { normalizePartition } from "./arn-pattern.ts";
import type { PrincipalEntry } from "./policy-document.ts";
import { isJsonList, isJsonObject } from "./policy-json.ts";
import type { JsonObject, JsonValue } from "./policy-json.ts";

/** What is wrong: one of the values, or the element's form. */
export type PrincipalFault = { readonly type: string; readonly value: string } | "form" | "empty";

export function parsePrincipals(
  value: JsonValue,
): { readonly entries: readonly PrincipalEntry[] } | { readonly fault: PrincipalFault } {
  if (value === "*") return { entries: [{ type: "*", value: "*" }] };
  if (!isJsonObject(value)) return { fault: "form" };
  if (value.size === 0) return { fault: "empty" };
  return parseMap(value);
}

function parseMap(
  map: JsonObject,
): { readonly entries: readonly PrincipalEntry[] } | { readonly fault: PrincipalFault } {
  const entries: PrincipalEntry[] = [];
  for (const [type, written] of map) {
    if (!isPrincipalType(type)) return { fault: "form" };
    const values: readonly JsonValue[] = isJsonList(written) ? written : [written];
    if (values.length === 0) return { fault: "empty" };
    for (const value of values) {
      if (typeof value !== "string") return { fault: "form" };
      if (!forms[type](value)) return { fault: { type, value } };
      entries.push({ type, value });
    }
  }
  return { entries };
}

type PrincipalType = Exclude<PrincipalEntry["type"], "*">;

const forms: Readonly<Record<PrincipalType, (value: string) => boolean>> = {
  AWS: isAwsPrincipal,
  CanonicalUser: (value) => /^[\da-f]{64}$/.test(value),
  Federated: (value) =>
    /^arn:aws:iam::\d{12}:(?:saml|oidc)-provider\/[^*?]+$/.test(normalizePartition(value)) ||
    /^[A-Za-z\d][A-Za-z\d.-]*\.[A-Za-z]+$/.test(value),
  Service: (value) => /^[a-z\d][a-z\d.-]*\.(?:amazonaws\.com(?:\.cn)?|aws\.internal)$/.test(value),
};

function isPrincipalType(type: string): type is PrincipalType {
  return Object.hasOwn(forms, type);
}

/**
 * Everybody, an account, or one user, role, role session or federated user by its ARN, or a unique id
 * such as AIDA…, which stands in documents whose user was deleted. "You cannot use a wildcard to match
 * part of a principal name or ARN."
 */
function isAwsPrincipal(value: string): boolean {
  if (value === "*" || /^\d{12}$/.test(value) || /^A[A-Z\d]{15,127}$/.test(value)) return true;
  const arn = normalizePartition(value);
  return (
    /^arn:aws:iam::\d{12}:(?:root|(?:user|role)\/[\w+=,.@/-]+)$/.test(arn) ||
    /^arn:aws:sts::\d{12}:(?:assumed-role\/[\w+=,.@-]+\/[\w+=,.@-]+|federated-user\/[\w+=,.@-]+)$/.test(
      arn,
    )
  );
}
