// What S3 refuses in a bucket policy although its form is right: actions that do not exist or are about
// something else, resources of other buckets, conditions that cannot come true. And what IAM refuses in
// a trust policy.

import { findReach } from "./bucket-resource.ts";
import type { BucketReach } from "./bucket-resource.ts";
import { globalConditionKeys } from "./global-condition-keys.ts";
import { contextKeyFamily } from "./policy-context.ts";
import type { PolicyStatement } from "./policy-document.ts";
import { PolicySyntaxError } from "./policy-syntax-error.ts";
import { s3ConditionKeys, s3PolicyActions, sharedS3ConditionKeys } from "./s3-policy-catalogue.ts";
import type { S3PolicyAction } from "./s3-policy-catalogue.ts";
import { compileWildcards, readWildcards } from "./wildcard.ts";

/** `bucketName` undefined: of whichever bucket. */
export function checkBucketStatement(
  statement: PolicyStatement,
  bucketName: string | undefined,
): void {
  const { actions, resources, conditions } = statement;
  const groups = actions.patterns.map(findActions);
  if (groups.some((group) => group.length === 0)) fail("Policy has invalid action");
  const reaches = (resources?.patterns ?? []).map(
    (text) => findReach(text, bucketName) ?? fail("Policy has invalid resource"),
  );
  for (const { key } of conditions) {
    if (!isKnownKey(contextKeyFamily(key))) fail("Policy has an invalid condition key");
  }
  // NotAction and NotResource speak of everything else, of which there is always something.
  if (actions.isNegated) return;
  const applicable = resources?.isNegated === true ? groups : groups.map(coveredBy(reaches));
  if (applicable.some((group) => group.length === 0)) {
    fail("Action does not apply to any resource(s) in statement");
  }
  for (const { key } of conditions) {
    const family = contextKeyFamily(key);
    if (!applicable.every((group) => group.some((action) => knowsKey(action, family)))) {
      fail("Conditions do not apply to combination of actions and resources in statement");
    }
  }
}

function findActions(pattern: string): readonly S3PolicyAction[] {
  if (pattern === "*") return [...s3PolicyActions.values()];
  const [vendor = "", name, ...rest] = pattern.toLowerCase().split(":");
  if (vendor !== "s3" || name === undefined || rest.length > 0) return [];
  const exact = s3PolicyActions.get(name);
  if (exact !== undefined) return [exact];
  const matcher = compileWildcards(readWildcards(name));
  return [...s3PolicyActions].filter(([key]) => matcher.matches(key)).map(([, action]) => action);
}

function coveredBy(
  reaches: readonly BucketReach[],
): (group: readonly S3PolicyAction[]) => readonly S3PolicyAction[] {
  const bucket = reaches.some((reach) => reach.bucket);
  const object = reaches.some((reach) => reach.object);
  return (group) =>
    group.filter(
      ({ resources }) =>
        (bucket && resources.includes("bucket")) || (object && resources.includes("object")),
    );
}

function isKnownKey(family: string): boolean {
  return s3ConditionKeys.has(family) || isGlobalKey(family);
}

function knowsKey({ conditionKeys }: S3PolicyAction, family: string): boolean {
  return isGlobalKey(family) || sharedS3ConditionKeys.has(family) || conditionKeys.has(family);
}

/** S3 takes every key that begins with `aws:`, whether there is such a key or not. */
function isGlobalKey(family: string): boolean {
  return family.startsWith("aws:") || globalConditionKeys.has(family);
}

const trustActions: readonly string[] = [
  "sts:assumerole",
  "sts:assumerolewithsaml",
  "sts:assumerolewithwebidentity",
  "sts:setcontext",
  "sts:setsourceidentity",
  "sts:tagsession",
];

export function checkTrustStatement({ actions }: PolicyStatement): void {
  for (const pattern of actions.patterns) {
    const lower = pattern.toLowerCase();
    const matcher = compileWildcards(readWildcards(lower));
    if (!lower.startsWith("sts:") || !trustActions.some((action) => matcher.matches(action))) {
      fail("AssumeRole policy may only specify STS AssumeRole actions.");
    }
  }
}

function fail(message: string): never {
  throw new PolicySyntaxError(message);
}
