// Whether a bucket policy is public in the sense of S3's Block Public Access: "The meaning of public" of
// the S3 user guide. A policy counts as public until each of its grants is shown to be bound to fixed
// principals or to fixed values of some condition keys. Denials do not matter.

import { normalizePartition } from "./arn-pattern.ts";
import { findReach } from "./bucket-resource.ts";
import type { CompiledPolicy } from "./compile-policy.ts";
import type { Comparison } from "./condition-operators.ts";
import { parseIpRange } from "./ip-range.ts";
import type { IpRange } from "./ip-range.ts";
import type { PolicyCondition, PolicyStatement, PrincipalElement } from "./policy-document.ts";

export function isPublicPolicy(policy: CompiledPolicy, bucketName: string): boolean {
  return policy.statements.some(({ statement }) => isPublicGrant(statement, bucketName));
}

function isPublicGrant(statement: PolicyStatement, bucketName: string): boolean {
  if (statement.effect === "Deny" || areFixed(statement.principals)) return false;
  return !statement.conditions.some(isFixedCondition) && reaches(statement, bucketName);
}

function reaches({ resources }: PolicyStatement, bucketName: string): boolean {
  if (resources === undefined || resources.isNegated) return true;
  return resources.patterns.some((text) => findReach(text, bucketName) !== undefined);
}

/**
 * "An AWS principal, user, role, or service principal." Web identities are not: the guide's first
 * example of a public policy is `{"Federated": "graph.facebook.com"}`.
 */
function areFixed(principals: PrincipalElement | undefined): boolean {
  if (principals === undefined || principals.isNegated) return false;
  return principals.entries.every(
    ({ type, value }) => type !== "*" && type !== "Federated" && !/[*?]/.test(value),
  );
}

type ValueCheck = (value: string) => boolean;

/** Keys whose fixed values bind a grant, in lower case. A map: a policy may name "constructor", too. */
const bindingKeys: ReadonlyMap<string, ValueCheck> = new Map(
  Object.entries({
    // Of the principal: "e.g. aws:PrincipalOrgID".
    "aws:principalaccount": isFixed,
    "aws:principalarn": isFixed,
    "aws:principalorgid": isFixed,
    "aws:principalorgpaths": isFixed,
    "aws:principalservicename": isFixed,
    "aws:principalservicenameslist": isFixed,
    // A role's sessions, `AROLEID:*`, are "outside": they have a star and are not fixed.
    "aws:userid": isFixed,
    "aws:sourceip": isNarrowRange,
    "aws:sourceaccount": isFixed,
    "aws:sourcearn": isFixed,
    "aws:sourceowner": isFixed,
    "aws:sourcevpc": isFixed,
    "aws:sourcevpce": isFixed,
    "s3:x-amz-server-side-encryption-aws-kms-key-id": isFixed,
    "s3:dataaccesspointaccount": isFixed,
    "s3:dataaccesspointarn": hasFixedAccount,
  }),
);

/** Comparisons that pin a key to the given values, if these hold no wildcards. */
const bindingComparisons: readonly Comparison[] = [
  "StringEquals",
  "StringEqualsIgnoreCase",
  "StringLike",
  "ArnLike",
  "IpAddress",
];

function isFixedCondition({ operator, key, values }: PolicyCondition): boolean {
  const { comparison, isNegated, ifExists, quantifier } = operator;
  // What also holds for a request without the key binds nobody.
  if (isNegated || ifExists || quantifier === "ForAllValues") return false;
  if (!bindingComparisons.includes(comparison)) return false;
  const check = bindingKeys.get(key.toLowerCase());
  return check !== undefined && values.length > 0 && values.every(check);
}

/** "Values that don't contain a wildcard or an AWS Identity and Access Management Policy Variable." */
function isFixed(value: string): boolean {
  return value !== "" && !/[*?]|\$\{/.test(value);
}

/**
 * "Very broad IP ranges (for example, 0.0.0.0/1) are evaluated as public. This includes values broader
 * than /8 for IPv4 and /32 for IPv6." The private ranges, which are excepted, are none of these.
 */
function isNarrowRange(value: string): boolean {
  const range = parseIpRange(value);
  return range !== undefined && range.prefixLength >= broadestPrefix(range);
}

function broadestPrefix({ address }: IpRange): number {
  return address.length === 4 ? 8 : 32;
}

/** "This value can contain a wildcard for the access point name, as long as the account id is fixed." */
function hasFixedAccount(value: string): boolean {
  return /^arn:aws:s3:[\w*-]*:\d{12}:accesspoint\/(?!.*\$\{)/.test(normalizePartition(value));
}
