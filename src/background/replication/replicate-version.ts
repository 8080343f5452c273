// Brings one version to one destination, as the source has it now: what a change was does not matter,
// only that there was one. So a change may be worked on twice, and several of one version at once.

import type { ChangedAnnotations } from "../../objects/annotation-changes.ts";
import { nullVersionId } from "../../objects/identifiers.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import { isDeleteMarker, type VersionRecord } from "../../objects/records/object-record.ts";
import { subjectOf } from "../../objects/replication-route.ts";
import {
  compileReplication,
  findReplicationRule,
  findRuleOfChange,
  type CompiledRule,
} from "../../objects/replication-rules.ts";
import type { ReplicaDestination } from "./destination.ts";
import { ReplicationRefusedError } from "./failure.ts";
import type { ReplicationRole } from "./replication-role.ts";

/** A version on its way to a destination. */
export interface SentVersion {
  readonly bucketName: string;
  readonly bucketId: string;
  readonly key: string;
  readonly versionId: string;
  readonly bucketArn: string;
}

export interface VersionWork extends SentVersion {
  readonly annotations: ChangedAnnotations;
}

/** What came of it. */
export type VersionOutcome =
  | {
      readonly kind: "replicated";
      readonly record: VersionRecord;
      readonly rule: CompiledRule;
      /** What the destination calls the replica; of markers nobody asks. */
      readonly versionId?: string;
    }
  /** There is nothing to bring any more: version, bucket or rule are gone. */
  | { readonly kind: "dropped"; readonly record: VersionRecord | undefined };

export interface VersionServices {
  readonly store: ObjectStore;
  readonly assume: (roleArn: string, source: BucketRecord) => Promise<ReplicationRole | undefined>;
  readonly destinationOf: (bucketArn: string) => Promise<ReplicaDestination>;
}

/** The work with what it needs, or why there is nothing to do. */
export async function findRule(
  work: Pick<VersionWork, "bucketName" | "bucketId" | "key" | "bucketArn">,
  record: VersionRecord,
  store: ObjectStore,
): Promise<
  { readonly bucket: BucketRecord; readonly rule: CompiledRule; readonly role: string } | undefined
> {
  const bucket = await store.buckets.find(work.bucketName);
  if (bucket === undefined || bucket.id !== work.bucketId) return undefined;
  const rules = await store.documents.get(bucket, "replication", compileReplication);
  const destination = rules?.destinations.find(({ bucketArn }) => bucketArn === work.bucketArn);
  if (rules === undefined || destination === undefined) return undefined;
  const subject = subjectOf(work.key, record);
  const rule = isDeleteMarker(record)
    ? findReplicationRule(destination, subject)
    : findRuleOfChange(destination, record.replication, subject);
  return rule === undefined ? undefined : { bucket, rule, role: rules.role };
}

/** Throws ReplicationRefusedError, DestinationAwayError; others when the source changes meanwhile. */
export async function replicateVersion(
  work: VersionWork,
  services: VersionServices,
  signal: AbortSignal,
): Promise<VersionOutcome> {
  const { store } = services;
  const { key, bucketArn, annotations } = work;
  const known = await store.buckets.find(work.bucketName);
  const record =
    known === undefined || known.id !== work.bucketId
      ? undefined
      : await store.versions.findAny(known, key, work.versionId);
  if (record === undefined) return { kind: "dropped", record };
  const found = await findRule(work, record, store);
  if (found === undefined) return { kind: "dropped", record };
  const { bucket, rule } = found;
  const role = await services.assume(found.role, bucket);
  if (role === undefined) throw new ReplicationRefusedError("AssumeRoleNotPermitted");
  const destination = await services.destinationOf(bucketArn);
  if (isDeleteMarker(record)) {
    await destination.putMarker({ bucket, key, marker: record, role, signal });
    return { kind: "replicated", record, rule };
  }
  const replica = { source: { bucket, key, record }, rule, role, annotations, signal };
  const former = record.replication?.destinations?.[bucketArn]?.versionId;
  const there = await destination.find(replica, former);
  if (there !== undefined) {
    await destination.update(replica, there);
    return { kind: "replicated", record, rule, versionId: there };
  }
  // It was there once: whoever removed it for good meant it ("DstObjectHardDeleted").
  if (former !== undefined || record.replication?.isReplica === true) {
    throw new ReplicationRefusedError("DstObjectHardDeleted");
  }
  const whole = { ...replica, annotations: { ...annotations, isWhole: true } };
  return { kind: "replicated", record, rule, versionId: await destination.put(whole) };
}

/** The version of a change; objects of buckets that had no versioning then have the null one. */
export function versionIdOf({ versionId }: { readonly versionId?: string }): string {
  return versionId ?? nullVersionId;
}
