// What the rules of a bucket's replication configuration say about one version or delete marker: to
// which destinations it goes, and how it looks there. Pure; compiled once per document.

import type { Destination, ReplicationConfiguration } from "../model/types.generated.ts";
import { tagsOf } from "./replication-configuration.ts";
import type { DestinationState, ReplicationState } from "./records/replication-record.ts";

export interface ReplicationRules {
  /** ARN of the role in whose name objects are read and written. */
  readonly role: string;
  /** In the order in which the document first names them. */
  readonly destinations: readonly DestinationRules[];
}

export interface DestinationRules {
  /** ARN of the destination's bucket: what a destination is told apart by. */
  readonly bucketArn: string;
  /** Enabled ones, those that win first. */
  readonly rules: readonly CompiledRule[];
}

export interface CompiledRule {
  readonly id: string;
  readonly prefix: string;
  readonly tags: readonly (readonly [key: string, value: string])[];
  readonly replicatesDeleteMarkers: boolean;
  readonly replicatesReplicaModifications: boolean;
  readonly replicatesKms: boolean;
  readonly replicatesExisting: boolean;
  readonly destination: Destination;
  /** Replication Time Control: later than this is announced. */
  readonly thresholdMilliseconds: number | undefined;
  readonly hasMetrics: boolean;
}

/** What rules look at of a version or a delete marker. */
export interface ReplicationSubject {
  readonly key: string;
  readonly isDeleteMarker: boolean;
  readonly tags: readonly (readonly [key: string, value: string])[];
  /** How it is encrypted. */
  readonly encryption: string | undefined;
  readonly storageClass: string | undefined;
}

const minuteMilliseconds = 60_000;

/** Classes whose bytes nobody can read at once ("What isn't replicated", User Guide). */
const archiveClasses: ReadonlySet<string> = new Set(["GLACIER", "DEEP_ARCHIVE"]);

export function parseReplication(text: string): ReplicationConfiguration {
  return JSON.parse(text) as ReplicationConfiguration; // what `formatReplication` wrote
}

export function formatReplication(configuration: ReplicationConfiguration): string {
  return JSON.stringify(configuration);
}

/** For `BucketDocuments.get`. */
export function compileReplication(text: string): ReplicationRules {
  const { Role, Rules } = parseReplication(text);
  const byDestination = new Map<string, { readonly rule: CompiledRule; priority: number }[]>();
  for (const rule of Rules) {
    const { Destination: destination, Filter, Status } = rule;
    const isFirstSchema = Filter === undefined;
    const { SseKmsEncryptedObjects, ReplicaModifications } = rule.SourceSelectionCriteria ?? {};
    const { ReplicationTime: time, Metrics: metrics } = destination;
    const compiled: CompiledRule = {
      id: rule.ID ?? "",
      prefix: rule.Prefix ?? Filter?.Prefix ?? Filter?.And?.Prefix ?? "",
      tags: tagsOf(Filter).map(({ Key, Value }) => [Key, Value] as const),
      // In the first schema delete markers always go along ("Backward compatibility", User Guide).
      replicatesDeleteMarkers: isFirstSchema || rule.DeleteMarkerReplication?.Status === "Enabled",
      replicatesReplicaModifications: ReplicaModifications?.Status === "Enabled",
      replicatesKms: SseKmsEncryptedObjects?.Status === "Enabled",
      replicatesExisting: rule.ExistingObjectReplication?.Status === "Enabled",
      destination,
      thresholdMilliseconds:
        time?.Status === "Enabled" ? (time.Time.Minutes ?? 15) * minuteMilliseconds : undefined,
      hasMetrics: metrics?.Status === "Enabled",
    };
    const known = byDestination.get(destination.Bucket) ?? [];
    byDestination.set(destination.Bucket, known);
    if (Status === "Enabled") known.push({ rule: compiled, priority: rule.Priority ?? 0 });
  }
  const destinations = [...byDestination].map(([bucketArn, rules]) => ({
    bucketArn,
    rules: rules.toSorted((left, right) => right.priority - left.priority).map(({ rule }) => rule),
  }));
  return { role: Role, destinations };
}

/**
 * The rule by which a subject goes to a destination. Of the rules that match, the one with the highest
 * priority decides alone, also when it decides that nothing happens.
 */
export function findReplicationRule(
  { rules }: DestinationRules,
  subject: ReplicationSubject,
): CompiledRule | undefined {
  const rule = rules.find((each) => matches(each, subject));
  if (rule === undefined) return undefined;
  if (subject.isDeleteMarker) return rule.replicatesDeleteMarkers ? rule : undefined;
  if (subject.encryption?.startsWith("aws:kms") === true && !rule.replicatesKms) return undefined;
  return archiveClasses.has(subject.storageClass ?? "") ? undefined : rule;
}

function matches(rule: CompiledRule, { key, tags, isDeleteMarker }: ReplicationSubject): boolean {
  if (!key.startsWith(rule.prefix)) return false;
  if (rule.tags.length === 0) return true;
  if (isDeleteMarker) return false; // A marker has no tags.
  return rule.tags.every(([name, value]) =>
    tags.some((tag) => tag[0] === name && tag[1] === value),
  );
}

/** The destinations, by ARN, of a new version or marker that no replication has made. */
export function destinationsOfNew(
  rules: ReplicationRules,
  subject: ReplicationSubject,
): ReadonlyMap<string, CompiledRule> {
  const found = new Map<string, CompiledRule>();
  for (const destination of rules.destinations) {
    const rule = findReplicationRule(destination, subject);
    if (rule !== undefined) found.set(destination.bucketArn, rule);
  }
  return found;
}

/**
 * The destinations of a change of tags, access control list or lock, which somebody made: where the
 * version itself has gone, or is going. Those of a replica only by rules that sync its modifications.
 */
export function destinationsOfChange(
  rules: ReplicationRules,
  state: ReplicationState | undefined,
  subject: ReplicationSubject,
): ReadonlyMap<string, CompiledRule> {
  const found = new Map<string, CompiledRule>();
  for (const destination of rules.destinations) {
    const rule = findRuleOfChange(destination, state, subject);
    if (rule !== undefined) found.set(destination.bucketArn, rule);
  }
  return found;
}

/** The rule by which a change goes to one destination. */
export function findRuleOfChange(
  destination: DestinationRules,
  state: ReplicationState | undefined,
  subject: ReplicationSubject,
): CompiledRule | undefined {
  if (state?.isReplica === true) {
    const rule = findReplicationRule(destination, subject);
    return rule?.replicatesReplicaModifications === true ? rule : undefined;
  }
  if (state?.destinations?.[destination.bucketArn] === undefined) return undefined;
  // A change of tags must not keep itself from going where the version is.
  return (
    findReplicationRule(destination, subject) ??
    destination.rules.find(({ prefix }) => subject.key.startsWith(prefix))
  );
}

/** What x-amz-replication-status says ("Getting replication status information", User Guide). */
export function replicationStatusOf(
  state: ReplicationState | undefined,
): "PENDING" | "COMPLETED" | "FAILED" | "REPLICA" | undefined {
  if (state === undefined) return undefined;
  const statuses = Object.values(state.destinations ?? {}).map(({ status }) => status);
  if (statuses.includes("FAILED")) return "FAILED";
  if (statuses.includes("PENDING")) return "PENDING";
  if (state.isReplica === true) return "REPLICA";
  return statuses.length === 0 ? undefined : "COMPLETED";
}

/** The state in which a change leaves a version: on its way to these destinations. */
export function pendingState(
  state: ReplicationState | undefined,
  destinations: Iterable<string>,
): ReplicationState {
  return withDestinations(state, destinations, (known) => ({ ...known, status: "PENDING" }));
}

/** The same with another word about one destination. */
export function withDestination(
  state: ReplicationState | undefined,
  bucketArn: string,
  change: DestinationState,
): ReplicationState {
  return withDestinations(state, [bucketArn], () => change);
}

function withDestinations(
  state: ReplicationState | undefined,
  bucketArns: Iterable<string>,
  change: (known: DestinationState | undefined) => DestinationState,
): ReplicationState {
  const destinations: Record<string, DestinationState> = { ...state?.destinations };
  for (const bucketArn of bucketArns) destinations[bucketArn] = change(destinations[bucketArn]);
  return { ...state, destinations };
}
