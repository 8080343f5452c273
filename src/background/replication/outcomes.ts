// What is written down of an attempt: that a change is done, the version's status, and the events that
// replication metrics and Replication Time Control announce. One commit for each.

import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../../base/clock.ts";
import type { Transaction } from "../../storage/key-value/transaction.ts";
import type { ChangeRow } from "../../objects/feed-rows.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import type { ChangeEvent, ReplicationEventFacts } from "../../objects/records/change-record.ts";
import { isDeleteMarker, type VersionRecord } from "../../objects/records/object-record.ts";
import type {
  DestinationState,
  ReplicationState,
} from "../../objects/records/replication-record.ts";
import { withDestination, type CompiledRule } from "../../objects/replication-rules.ts";
import { replicationCause } from "./local-destination.ts";
import type { SentVersion, VersionOutcome } from "./replicate-version.ts";

export class Outcomes {
  readonly #store: ObjectStore;
  readonly #clock: Clock;

  constructor(store: ObjectStore) {
    this.#store = store;
    this.#clock = store.clock;
  }

  /** In the transaction that takes the rows of a version off. */
  async done(
    transaction: Transaction,
    work: SentVersion,
    rows: readonly ChangeRow[],
    outcome: VersionOutcome,
  ): Promise<void> {
    if (outcome.kind === "dropped") {
      const event = "Replication:OperationNotTracked";
      await this.#setState(transaction, work, event, undefined, withoutDestination(work.bucketArn));
      return;
    }
    const { record: synced, rule, versionId } = outcome;
    const waited = this.#clock.now() - oldest(rows);
    const threshold = rule.thresholdMilliseconds;
    const isLate = threshold !== undefined && waited > threshold;
    const facts: ReplicationEventFacts = {
      ...this.#facts(work, rule, rows),
      replicationMilliseconds: waited,
    };
    await this.#setState(
      transaction,
      work,
      isLate ? "Replication:OperationReplicatedAfterThreshold" : "ObjectReplica:Status",
      facts,
      (state, record) => {
        const named = versionId === undefined ? {} : { versionId };
        // A change that came meanwhile has a row of its own, and is on its way.
        const status = isSynced(synced, record) ? "COMPLETED" : "PENDING";
        return withDestination(state, work.bucketArn, { status, ...named });
      },
    );
  }

  /** In the transaction that holds the rows of a version. */
  async refused(
    transaction: Transaction,
    work: SentVersion,
    rows: readonly ChangeRow[],
    { reason, rule }: { readonly reason: string; readonly rule: CompiledRule | undefined },
  ): Promise<void> {
    await this.#setState(
      transaction,
      work,
      rule?.hasMetrics === true ? "Replication:OperationFailedReplication" : "ObjectReplica:Status",
      { ...this.#facts(work, rule, rows), failureReason: reason },
      (state) => {
        const known = state?.destinations?.[work.bucketArn];
        const failed: DestinationState = { ...known, status: "FAILED" };
        // The event is announced once, not at every attempt.
        return known?.status === "FAILED" ? state : withDestination(state, work.bucketArn, failed);
      },
    );
  }

  /** The threshold of Replication Time Control has passed, and the version is still on its way. */
  async missed(
    transaction: Transaction,
    work: SentVersion,
    row: ChangeRow,
    rule: CompiledRule,
  ): Promise<void> {
    const event = "Replication:OperationMissedThreshold";
    const facts = this.#facts(work, rule, [row]);
    await this.#setState(transaction, work, event, facts, (state) => ({ ...state }));
  }

  async #setState(
    transaction: Transaction,
    work: SentVersion,
    event: ChangeEvent,
    replication: ReplicationEventFacts | undefined,
    change: (
      state: ReplicationState | undefined,
      record: VersionRecord,
    ) => ReplicationState | undefined,
  ): Promise<void> {
    const { versions, versionChanges, buckets } = this.#store;
    const bucket = await buckets.find(work.bucketName);
    if (bucket === undefined || bucket.id !== work.bucketId) return;
    const state = await versions.load(transaction, work.bucketName, work.key);
    if (state.bucket.id !== work.bucketId) return;
    const record = await versions.loadVersion(transaction, state, work.versionId);
    if (record === undefined || isDeleteMarker(record)) return;
    const changed = change(record.replication, record);
    if (changed === record.replication) return;
    const { replication: _, ...others } = record;
    const cause = {
      ...replicationCause(event, this.#clock),
      ...(replication === undefined ? {} : { replication }),
    };
    const next = changed === undefined ? others : { ...others, replication: changed };
    await versionChanges.replace(transaction, state, next, cause);
  }

  #facts(
    { bucketArn }: SentVersion,
    rule: CompiledRule | undefined,
    rows: readonly ChangeRow[],
  ): ReplicationEventFacts {
    const threshold = rule?.thresholdMilliseconds;
    return {
      ruleId: rule?.id ?? "",
      destinationBucket: bucketArn,
      operation: operationOf(rows[0]?.change.event),
      requestMilliseconds: oldest(rows),
      ...(threshold === undefined ? {} : { thresholdMilliseconds: threshold }),
    };
  }
}

function withoutDestination(
  bucketArn: string,
): (state: ReplicationState | undefined) => ReplicationState | undefined {
  return (state) => {
    if (state?.destinations?.[bucketArn] === undefined) return state;
    const { [bucketArn]: _, ...destinations } = state.destinations;
    if (Object.keys(destinations).length > 0) return { ...state, destinations };
    return state.isReplica === true ? { isReplica: true } : undefined;
  };
}

/** Whether nothing that is replicated has changed since. */
function isSynced(synced: VersionRecord, record: VersionRecord): boolean {
  if (isDeleteMarker(synced) || isDeleteMarker(record)) return true;
  return (
    isDeepStrictEqual(synced.attributes.tags, record.attributes.tags) &&
    isDeepStrictEqual(synced.acl, record.acl) &&
    isDeepStrictEqual(synced.annotations, record.annotations) &&
    isDeepStrictEqual(synced.lock, record.lock)
  );
}

function oldest(rows: readonly ChangeRow[]): number {
  return Math.min(...rows.map(({ change }) => change.timeMilliseconds));
}

/** "Event message structure" (User Guide), `s3Operation`. */
function operationOf(event: ChangeEvent | undefined): string {
  if (event?.startsWith("ObjectTagging:") === true) return "OBJECT_TAGGING";
  if (event === "ObjectAcl:Put") return "OBJECT_ACL";
  if (event?.startsWith("ObjectLock:") === true) return "OBJECT_RETENTION";
  return event?.startsWith("ObjectRemoved:") === true ? "OBJECT_DELETE" : "OBJECT_PUT";
}
