// A bucket's replication configuration: what may be put. Two schemas share the document: the first has a
// Prefix in each rule, the second a Filter with a priority and a word about delete markers. What the
// rules do is in replication-rules.ts.

import { randomUUID } from "node:crypto";
import { S3Error } from "../model/errors.ts";
import { replicationRules, ruleIdCharacters } from "../model/limits.ts";
import { isStorageClass } from "../model/storage-classes.ts";
import type {
  Destination,
  ReplicationConfiguration,
  ReplicationRule,
  ReplicationRuleFilter,
  Tag,
} from "../model/types.generated.ts";

const prefixBytes = 1024;
const tagsOfFilter = 10;
const thresholdMinutes = 15;

/** The name in `arn:aws:s3:::name`; `undefined` for whatever else. */
export function bucketNameOfArn(arn: string): string | undefined {
  return /^arn:aws[\w-]*:s3:::([a-z0-9][a-z0-9._-]{1,61}[a-z0-9])$/.exec(arn)?.[1];
}

/** The account in the ARN of a role. Throws S3Error InvalidArgument, in S3's words. */
export function accountOfRole(role: string): string {
  const [, account = "", resource = ""] = /^arn:aws[\w-]*:iam::(\d{12}):(.+)$/.exec(role) ?? [];
  if (account === "") {
    throw badArgument("Role", role, "Invalid Role specified in replication configuration");
  }
  if (!/^role\/./.test(resource)) {
    throw badArgument("Role", role, "The relative id should start with role");
  }
  return account;
}

/**
 * The configuration as it is kept: rules without an id get one. Throws S3Error. Messages and codes are
 * those that the service gives to Terraform's and CloudFormation's users; the order of the checks is
 * rule by rule. By design ExistingObjectReplication is accepted, which AWS unlocks account by account.
 */
export function checkReplication(
  { Role, Rules }: ReplicationConfiguration,
  sourceBucket: string,
): ReplicationConfiguration {
  if (Rules.length === 0) throw new S3Error("MalformedXML");
  accountOfRole(Role);
  if (Rules.length > replicationRules) {
    throw badRequest(`The number of replication rules must not exceed ${replicationRules}.`);
  }
  // One rule without a filter makes the whole document one of the first schema.
  const isFirstSchema = Rules.some(({ Filter }) => Filter === undefined);
  const ids = new Set<string>();
  const priorities = new Set<number>();
  const rules = Rules.map((rule) => {
    checkSchema(rule, isFirstSchema);
    const ID = checkId(rule.ID, ids);
    checkPriority(rule.Priority, priorities);
    checkSelection(rule);
    checkDestination(rule, sourceBucket);
    return { ...rule, ID };
  });
  if (isFirstSchema) checkFirstSchema(rules);
  return { Role, Rules: rules };
}

function checkSchema(rule: ReplicationRule, isFirstSchema: boolean): void {
  const { Filter, Prefix, Priority, DeleteMarkerReplication, SourceSelectionCriteria } = rule;
  if ((Filter === undefined) === (Prefix === undefined)) throw new S3Error("MalformedXML");
  if (Filter !== undefined) checkFilter(Filter);
  checkPrefix(Prefix);
  if (isFirstSchema) {
    if (Priority !== undefined) throw schemaError("Priority", "cannot be used");
    if (DeleteMarkerReplication !== undefined) {
      throw schemaError("DeleteMarkerReplication", "cannot be used");
    }
    if (SourceSelectionCriteria?.ReplicaModifications !== undefined) {
      throw schemaError("ReplicaModifications", "cannot be used");
    }
    return;
  }
  if (Priority === undefined) throw schemaError("Priority", "must be specified");
  if (DeleteMarkerReplication === undefined) {
    throw schemaError("DeleteMarkerReplication", "must be specified");
  }
  if (DeleteMarkerReplication.Status === undefined) throw new S3Error("MalformedXML");
  if (DeleteMarkerReplication.Status === "Enabled" && tagsOf(Filter).length > 0) {
    throw badRequest(
      "Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 Developer Guide for more information.",
    );
  }
}

/** A filter says one thing; several go into its And. */
function checkFilter(filter: ReplicationRuleFilter): void {
  const { Prefix, Tag: tag, And } = filter;
  if ([Prefix, tag, And].filter((member) => member !== undefined).length > 1) {
    throw new S3Error("MalformedXML");
  }
  checkPrefix(Prefix ?? And?.Prefix);
  const tags = tagsOf(filter);
  if (And !== undefined && tags.length + (And.Prefix === undefined ? 0 : 1) < 2) {
    throw new S3Error("MalformedXML");
  }
  if (tags.length > tagsOfFilter) throw new S3Error("MalformedXML");
  if (new Set(tags.map(({ Key }) => Key)).size < tags.length) {
    throw badRequest("Duplicate Tag Keys are not allowed.");
  }
  for (const { Key, Value } of tags) {
    if (Key.length === 0 || Key.length > 128) {
      throw new S3Error("InvalidTag", { message: "The TagKey you have provided is invalid" });
    }
    if (Value.length > 256) {
      throw new S3Error("InvalidTag", { message: "The TagValue you have provided is invalid" });
    }
  }
}

function checkPrefix(prefix: string | undefined): void {
  if (prefix === undefined || Buffer.byteLength(prefix) <= prefixBytes) return;
  throw badRequest(`The maximum size of a prefix is ${prefixBytes}.`);
}

function checkId(id: string | undefined, taken: Set<string>): string {
  if (id === undefined || id === "") return randomUUID();
  if (id.length > ruleIdCharacters) {
    throw badArgument("ID", id, `Rule Id cannot be greater than ${ruleIdCharacters}`);
  }
  if (taken.has(id)) throw badArgument("ID", id, "Rule Id must be unique");
  taken.add(id);
  return id;
}

function checkPriority(priority: number | undefined, taken: Set<number>): void {
  if (priority === undefined) return;
  if (priority < 0 || priority > 2_147_483_647) {
    throw badRequest("Priority must be between 0 and 2147483647.");
  }
  if (taken.has(priority)) throw badRequest(`Found duplicate priority ${priority}.`);
  taken.add(priority);
}

function checkSelection({
  SourceSelectionCriteria: criteria,
  Destination: to,
}: ReplicationRule): void {
  if (criteria !== undefined) {
    const { SseKmsEncryptedObjects, ReplicaModifications } = criteria;
    if (SseKmsEncryptedObjects === undefined && ReplicaModifications === undefined) {
      throw badRequest("SourceSelectionCriteria cannot be empty.");
    }
  }
  const asksForKms = criteria?.SseKmsEncryptedObjects !== undefined;
  const key = to.EncryptionConfiguration?.ReplicaKmsKeyID;
  if (to.EncryptionConfiguration !== undefined && !asksForKms) {
    throw badRequest(
      "SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.",
    );
  }
  if (asksForKms && (key === undefined || key === "")) {
    throw badRequest("ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.");
  }
  if (key !== undefined && !/^arn:aws[\w-]*:kms:[\w-]+:\d{12}:(?:key|alias)\/.+$/.test(key)) {
    throw badArgument("ReplicaKmsKeyID", key, "Invalid ReplicaKmsKeyID ARN.");
  }
}

function checkDestination(
  { Destination: destination }: ReplicationRule,
  sourceBucket: string,
): void {
  const { Bucket, Account, StorageClass, AccessControlTranslation } = destination;
  const name = bucketNameOfArn(Bucket);
  if (name === undefined) throw badArgument("Bucket", Bucket, "Invalid bucket ARN");
  if (name === sourceBucket) {
    throw badRequest("Destination bucket cannot be the same as the source bucket.");
  }
  if (StorageClass !== undefined && !isStorageClass(StorageClass)) {
    throw new S3Error("MalformedXML");
  }
  if (AccessControlTranslation !== undefined && (Account === undefined || Account === "")) {
    throw badRequest(
      "Account must be specified if the Owner in AccessControlTranslation has a value",
    );
  }
  checkTimes(destination);
}

/** Replication Time Control and its metrics come together, with the one threshold that there is. */
function checkTimes({ ReplicationTime: time, Metrics: metrics }: Destination): void {
  const threshold = metrics?.EventThreshold?.Minutes;
  if (time !== undefined) {
    if (metrics === undefined) {
      throw badRequest(
        "Replication destination must contain both ReplicationTime and Metrics or neither.",
      );
    }
    if (time.Time.Minutes !== thresholdMinutes) {
      throw badArgument("ReplicationTime", time.Time.Minutes, "Invalid time minute value");
    }
  }
  if (time?.Status === "Enabled") {
    const name = "ReplicationMetrics";
    if (threshold === undefined) {
      throw badArgument(name, undefined, "ReplicationMetrics must contain an event threshold");
    }
    if (threshold !== thresholdMinutes) {
      throw badArgument(name, threshold, "Invalid event threshold minute value");
    }
  } else if (metrics?.EventThreshold !== undefined) {
    throw badArgument(
      "Metrics",
      undefined,
      "Metrics cannot contain an event threshold when ReplicationTime is not specified or Disabled",
    );
  }
}

/** Without priorities nothing could decide between two rules or destinations. */
function checkFirstSchema(rules: readonly ReplicationRule[]): void {
  if (new Set(rules.map(({ Destination: { Bucket } }) => Bucket)).size > 1) {
    throw badRequest("Number of distinct destination bucket ARNs cannot exceed 1");
  }
  const prefixes = rules.map(({ Prefix, Filter }) => Prefix ?? Filter?.Prefix ?? "").toSorted();
  for (const [index, prefix] of prefixes.entries()) {
    const next = prefixes[index + 1];
    if (next === undefined || !next.startsWith(prefix)) continue;
    throw badRequest(`Found overlapping prefixes '${prefix}' and '${next}'`);
  }
}

export function tagsOf(filter: ReplicationRuleFilter | undefined): readonly Tag[] {
  if (filter?.Tag !== undefined) return [filter.Tag];
  return filter?.And?.Tags ?? [];
}

function schemaError(member: string, restriction: "cannot be used" | "must be specified"): S3Error {
  return badRequest(
    `${member} ${restriction} for this version of Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information.`,
  );
}

function badRequest(message: string): S3Error {
  return new S3Error("InvalidRequest", { message });
}

function badArgument(name: string, value: string | number | undefined, message: string): S3Error {
  const fields = { ArgumentName: name, ...(value === undefined ? {} : { ArgumentValue: value }) };
  return new S3Error("InvalidArgument", { message, fields });
}
