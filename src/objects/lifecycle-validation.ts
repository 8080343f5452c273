// What S3 accepts as a lifecycle configuration, and what it says to the rest. Pure rules: nothing is
// looked up, and nothing changed.
//
// Where no page of the documentation names an error, it is the one that S3 was seen to answer, as
// recorded in public issues: each message below is verbatim unless its comment says "ours".

import { S3Error } from "../model/errors.ts";
import {
  keyBytes,
  lifecycleRules,
  ruleIdCharacters,
  tagKeyCharacters,
  tagValueCharacters,
} from "../model/limits.ts";
import type {
  LifecycleRule,
  LifecycleRuleAndOperator,
  LifecycleRuleFilter,
  Tag,
} from "../model/types.generated.ts";
import {
  checkMidnight,
  checkNewerVersions,
  countPresent,
  invalidArgument,
  invalidRequest,
} from "./lifecycle-refusals.ts";
import { checkTransitions } from "./lifecycle-transition-validation.ts";

/** What two rules with rule-level prefixes may not both do to one object. */
const actionTypes = [
  "Expiration",
  "Transition",
  "NoncurrentVersionExpiration",
  "NoncurrentVersionTransition",
  "AbortIncompleteMultipartUpload",
] as const;

/** 50 TiB would be the largest object; S3 names this bound (hashicorp/terraform-provider-aws#41521). */
const largestSizeFilter = 1_099_511_627_776_000;

/** Throws S3Error. What does not fit the schema is refused before any value is looked at. */
export function checkLifecycleRules(rules: readonly LifecycleRule[]): void {
  if (rules.length === 0) throw new S3Error("MalformedXML");
  if (rules.length > lifecycleRules) {
    // Reference, "Error responses".
    throw invalidRequest(
      `The number of lifecycle rules must not exceed the allowed limit of ${lifecycleRules} rules.`,
    );
  }
  for (const rule of rules) checkForm(rule);
  checkVersions(rules);
  checkIds(rules);
  for (const rule of rules) checkRule(rule);
  checkOverlap(rules);
}

/** What the published schema would refuse. */
function checkForm(rule: LifecycleRule): void {
  const { Expiration, NoncurrentVersionExpiration, AbortIncompleteMultipartUpload } = rule;
  // Neither of them: seen in aws/aws-sdk-go-v2#2874.
  if ((rule.Prefix === undefined) === (rule.Filter === undefined)) throw malformed();
  if (rule.Filter !== undefined) checkFilterForm(rule.Filter);
  // Days with ExpiredObjectDeleteMarker: aws/aws-cli#8239.
  if (Expiration !== undefined && countPresent(Expiration) !== 1) throw malformed();
  if (NoncurrentVersionExpiration !== undefined) {
    if (NoncurrentVersionExpiration.NoncurrentDays === undefined) throw malformed();
  }
  if (AbortIncompleteMultipartUpload !== undefined) {
    if (AbortIncompleteMultipartUpload.DaysAfterInitiation === undefined) throw malformed();
  }
  for (const { Date: date, Days: days, StorageClass } of rule.Transitions ?? []) {
    if (StorageClass === undefined || (date === undefined) === (days === undefined)) {
      throw malformed();
    }
  }
  for (const { NoncurrentDays: days, StorageClass } of rule.NoncurrentVersionTransitions ?? []) {
    if (StorageClass === undefined || days === undefined) throw malformed();
  }
}

/** At most one condition; of several, `And` with at least two (ceph/s3-tests#638, terraform#23882). */
function checkFilterForm(filter: LifecycleRuleFilter): void {
  if (countPresent(filter) > 1) throw malformed();
  const { And: and, Tag: tag } = filter;
  if (tag !== undefined) checkTagForm(tag);
  if (and === undefined) return;
  const { Tags: tags = [], ...others } = and;
  if (tags.length + countPresent(others) < 2) throw malformed();
  for (const each of tags) checkTagForm(each);
}

function checkTagForm({ Key: key, Value: value }: Tag): void {
  if (key === "" || key.length > tagKeyCharacters || value.length > tagValueCharacters) {
    throw malformed();
  }
}

/** S3 knows two kinds of configurations: prefixes of rules, or filters; never both in one. */
function checkVersions(rules: readonly LifecycleRule[]): void {
  const isOld = rules[0]?.Filter === undefined;
  for (const rule of rules) {
    if (isOld && rule.Filter !== undefined) {
      // ansible/ansible#53751.
      throw invalidRequest("Filter element can only be used in Lifecycle V2.");
    }
    if (!isOld && rule.Prefix !== undefined) {
      // hashicorp/terraform-provider-aws#23299.
      throw invalidRequest(
        "Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.",
      );
    }
    const newer = [rule.NoncurrentVersionExpiration, ...(rule.NoncurrentVersionTransitions ?? [])];
    if (isOld && newer.some((each) => each?.NewerNoncurrentVersions !== undefined)) {
      // hashicorp/terraform-provider-aws#23228.
      throw invalidRequest("NewerNoncurrentVersions element can only be used in Lifecycle V2.");
    }
  }
}

function checkIds(rules: readonly LifecycleRule[]): void {
  const seen = new Set<string>();
  for (const { ID: id } of rules) {
    if (id === undefined || id === "") continue;
    if (id.length > ruleIdCharacters) {
      // noobaa/noobaa-core#8628.
      throw invalidArgument(
        `ID length should not exceed allowed limit of ${ruleIdCharacters}`,
        "ID",
        id,
      );
    }
    if (seen.has(id)) {
      throw invalidArgument(
        "Rule ID must be unique. Found same ID for more than one rule",
        "ID",
        id,
      );
    }
    seen.add(id);
  }
}

function checkRule(rule: LifecycleRule): void {
  const hasAction =
    rule.Expiration !== undefined ||
    rule.NoncurrentVersionExpiration !== undefined ||
    rule.AbortIncompleteMultipartUpload !== undefined ||
    (rule.Transitions ?? []).length > 0 ||
    (rule.NoncurrentVersionTransitions ?? []).length > 0;
  if (!hasAction) throw invalidRequest("At least one action needs to be specified in a rule");
  checkFilterValues(rule);
  checkPlainActions(rule);
  checkExpiration(rule);
  checkNoncurrentExpiration(rule);
  const days = rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation;
  checkPositive(days, "DaysAfterInitiation", "AbortIncompleteMultipartUpload");
  checkTransitions(rule);
}

function checkFilterValues(rule: LifecycleRule): void {
  const prefix = rule.Prefix ?? rule.Filter?.Prefix ?? rule.Filter?.And?.Prefix ?? "";
  if (Buffer.byteLength(prefix) > keyBytes) {
    throw invalidRequest(`The maximum size of a prefix is ${keyBytes}.`);
  }
  const conditions: LifecycleRuleAndOperator = rule.Filter?.And ?? rule.Filter ?? {};
  const names = (conditions.Tags ?? []).map((tag) => tag.Key);
  if (new Set(names).size !== names.length) {
    throw invalidRequest("Duplicate Tag Keys are not allowed.");
  }
  const { ObjectSizeGreaterThan: greater, ObjectSizeLessThan: less } = conditions;
  if (greater !== undefined && (greater < 0 || greater > largestSizeFilter)) {
    throw invalidRequest(
      `'ObjectSizeGreaterThan' should be between 0 and ${largestSizeFilter}.`, // ours, after the other
    );
  }
  if (less !== undefined && (less < 1 || less > largestSizeFilter)) {
    throw invalidRequest(`'ObjectSizeLessThan' should be between 1 and ${largestSizeFilter}.`);
  }
  if (greater !== undefined && less !== undefined && less <= greater) {
    throw invalidRequest(
      "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.",
    );
  }
}

/** Uploads and delete markers have neither tags nor a size. Also where the marker's element is false. */
function checkPlainActions(rule: LifecycleRule): void {
  const { Filter: filter, Expiration, AbortIncompleteMultipartUpload } = rule;
  const name =
    Expiration?.ExpiredObjectDeleteMarker !== undefined
      ? "ExpiredObjectDeleteMarker"
      : AbortIncompleteMultipartUpload === undefined
        ? undefined
        : "AbortIncompleteMultipartUpload";
  if (name === undefined || filter === undefined) return;
  if (filter.Tag !== undefined || (filter.And?.Tags ?? []).length > 0) {
    throw invalidRequest(`${name} cannot be specified with Tags.`);
  }
  const { ObjectSizeGreaterThan: greater, ObjectSizeLessThan: less } = filter.And ?? filter;
  if ((greater ?? less) !== undefined) {
    throw invalidRequest(`${name} cannot be specified with Object Size.`);
  }
}

function checkExpiration({ Expiration: expiration }: LifecycleRule): void {
  if (expiration === undefined) return;
  checkPositive(expiration.Days, "Days", "Expiration");
  checkMidnight(expiration.Date);
}

function checkNoncurrentExpiration({ NoncurrentVersionExpiration: action }: LifecycleRule): void {
  if (action === undefined) return;
  checkPositive(action.NoncurrentDays, "NoncurrentDays", "NoncurrentVersionExpiration");
  checkNewerVersions(action.NewerNoncurrentVersions, "NoncurrentVersionExpiration");
}

/** Rule-level prefixes must not overlap for one kind of action (noobaa/noobaa-core#8341). */
function checkOverlap(rules: readonly LifecycleRule[]): void {
  for (const type of actionTypes) {
    const prefixes = rules
      .filter((rule) => rule.Prefix !== undefined && hasActionOf(rule, type))
      .map((rule) => rule.Prefix ?? "")
      .toSorted();
    for (const [index, prefix] of prefixes.entries()) {
      const next = prefixes[index + 1];
      if (next?.startsWith(prefix) === true) {
        throw invalidRequest(
          `Found overlapping prefixes '${prefix}' and '${next}' for same action type '${type}'`,
        );
      }
    }
  }
}

function hasActionOf(rule: LifecycleRule, type: (typeof actionTypes)[number]): boolean {
  if (type === "Transition") return (rule.Transitions ?? []).length > 0;
  if (type === "NoncurrentVersionTransition") {
    return (rule.NoncurrentVersionTransitions ?? []).length > 0;
  }
  return rule[type] !== undefined;
}

function checkPositive(days: number | undefined, name: string, action: string): void {
  if (days === undefined || days > 0) return;
  // scality/Arsenal#2648, reproduced there on the service.
  throw invalidArgument(
    `'${name}' for ${action} action must be a positive integer`,
    name,
    String(days),
  );
}

function malformed(): S3Error {
  return new S3Error("MalformedXML");
}
