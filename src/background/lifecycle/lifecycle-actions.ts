// Does what lifecycle rules find due: each action is one transaction, which judges again what it sees.
// A version that was replaced, tagged anew or locked since it was looked at is left to the next walk.

import { S3Error } from "../../model/errors.ts";
import {
  currentAction,
  markerAction,
  noncurrentAction,
  type ActiveLifecycle,
  type LifecycleAction,
  type NoncurrentPlace,
} from "../../objects/lifecycle-rules.ts";
import { serverCause } from "../../objects/change-log.ts";
import { factsOf } from "../../objects/lifecycle.ts";
import type { LifecycleMoment } from "../../objects/lifecycle-days.ts";
import { lifecycleKind } from "../../objects/lifecycle-document.ts";
import { nullVersionId } from "../../objects/identifiers.ts";
import { isProtected } from "../../objects/object-lock.ts";
import { replicationStatusOf } from "../../objects/replication-rules.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import type { SeenVersion } from "../../objects/object-writes.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import { isDeleteMarker, type VersionRecord } from "../../objects/records/object-record.ts";
import type { RuleCount } from "../../objects/records/lifecycle-state-record.ts";
import type { AccessEntry } from "../../objects/access-log.ts";
import type { ChangeCause } from "../../objects/records/change-record.ts";
import {
  lifecycleAccessEntry,
  loggedActions,
  loggedTransition,
  type LoggedAction,
} from "./lifecycle-access-entry.ts";
import type { WalkTally } from "./walk-tally.ts";

/** What one walk over one bucket works with. */
export interface WalkContext {
  readonly store: Pick<
    ObjectStore,
    "keyValueStore" | "writes" | "uploads" | "transitions" | "clock"
  >;
  readonly bucket: BucketRecord;
  readonly lifecycle: ActiveLifecycle;
  /** By which everything in the walk is judged. */
  readonly moment: LifecycleMoment;
  readonly tally: WalkTally;
  /** Told of what was done, for server access logs. */
  readonly logAccess: ((entry: AccessEntry) => void) | undefined;
  readonly signal: AbortSignal;
}

class VersionChangedError extends Error {
  override readonly name = "VersionChangedError";
}

/** So many are under way at a time: they share the commits of the store. */
const parallelActions = 32;
/** Moves copy bytes. */
const parallelMoves = 4;

export class LifecycleActions {
  readonly #context: WalkContext;
  readonly #running = new Set<Promise<void>>();
  #failure: unknown;

  constructor(context: WalkContext) {
    this.#context = context;
  }

  /** The end of a current version, or its move. Resolves when there is room for more. */
  async onCurrent(key: string, record: VersionRecord, action: LifecycleAction): Promise<void> {
    if (this.#isReplicating(record, action)) return undefined;
    if (action.kind === "transition") return this.#move(key, record, action);
    const isDeleted = endsForGood(this.#context.bucket, record);
    if (isDeleted && this.#isLocked(record, action)) return undefined;
    return this.#delete({ key, record, action, versionId: undefined, isHead: true }, (seen) => {
      if (seen === undefined) return false;
      const { lifecycle, moment } = this.#context;
      const found = currentAction(lifecycle, factsOf(key, seen), moment, { isDeleted });
      return found?.kind === "expire";
    });
  }

  async onNoncurrent(
    key: string,
    record: VersionRecord,
    place: NoncurrentPlace,
    action: LifecycleAction,
  ): Promise<void> {
    if (this.#isReplicating(record, action)) return undefined;
    if (action.kind === "transition") return this.#move(key, record, action);
    if (this.#isLocked(record, action)) return undefined;
    const { versionId } = record;
    return this.#delete({ key, record, action, versionId, isHead: false }, (seen) => {
      if (seen === undefined) return false;
      const { lifecycle, moment } = this.#context;
      return noncurrentAction(lifecycle, factsOf(key, seen), place, moment)?.kind === "expire";
    });
  }

  /** Of a delete marker that is all there is of its key. A version cannot come to lie under it. */
  async onMarker(key: string, record: VersionRecord, action: LifecycleAction): Promise<void> {
    if (this.#isReplicating(record, action)) return undefined;
    const { versionId } = record;
    return this.#delete({ key, record, action, versionId, isHead: true }, (seen) => {
      if (seen === undefined) return false;
      const { lifecycle, moment } = this.#context;
      return markerAction(lifecycle, factsOf(key, seen), moment) !== undefined;
    });
  }

  async onUpload(key: string, uploadId: string, ruleId: string): Promise<void> {
    const { store, bucket, tally } = this.#context;
    await this.#run(ruleId, parallelActions, async () => {
      await store.uploads.abort({ bucketName: bucket.name, key, uploadId });
      tally.add(ruleId, "uploadsAborted");
      const cause = serverCause("LifecycleExpiration:Delete", store.clock);
      this.#log(cause, { operation: loggedActions.aborted, key });
    });
  }

  /** Resolves when everything is done that was begun. Throws what made it impossible to go on. */
  async finish(): Promise<void> {
    await Promise.all(this.#running);
    if (this.#failure !== undefined) throw this.#failure;
  }

  #isLocked(record: VersionRecord, { ruleId }: LifecycleAction): boolean {
    const { moment, tally } = this.#context;
    const lock = isDeleteMarker(record) ? undefined : record.lock;
    const isLocked = isProtected(lock, moment.nowMilliseconds, false);
    if (isLocked) tally.add(ruleId, "locked");
    return isLocked;
  }

  /**
   * "S3 Lifecycle blocks expiration and transition actions on objects with PENDING or FAILED replication
   * status" where a bucket has both (Guide, "How S3 Lifecycle interacts with other configurations").
   */
  #isReplicating(record: VersionRecord, { ruleId }: LifecycleAction): boolean {
    const { bucket, tally } = this.#context;
    const isReplicating = isUnfinished(bucket, record);
    if (isReplicating) tally.add(ruleId, "replicating");
    return isReplicating;
  }

  async #move(
    key: string,
    record: VersionRecord,
    action: LifecycleAction & { readonly kind: "transition" },
  ): Promise<void> {
    const { bucket, store, tally, signal } = this.#context;
    const { versionId, sequence } = record;
    const place = { bucketName: bucket.name, key, versionId, sequence };
    await this.#run(action.ruleId, parallelMoves, async () => {
      const cause = serverCause("LifecycleTransition", store.clock);
      const result = await store.transitions.move(place, action.storageClass, cause, signal);
      if (result === "moved") {
        tally.add(action.ruleId, "transitioned");
        const operation = loggedTransition(action.storageClass);
        this.#log(cause, { operation, key, versionId, objectBytes: sizeOf(record) });
      } else if (result === "gone") tally.add(action.ruleId, "changed");
    });
  }

  async #delete(
    target: {
      readonly key: string;
      readonly record: VersionRecord;
      readonly action: LifecycleAction;
      /** Absent: the current version, as a DELETE without one. */
      readonly versionId: string | undefined;
      readonly isHead: boolean;
    },
    isStillDue: (record: VersionRecord | undefined) => boolean,
  ): Promise<void> {
    const { store, bucket, tally } = this.#context;
    const { key, record, versionId } = target;
    const { ruleId } = target.action;
    const documentId = bucket.documents?.[lifecycleKind];
    const judge = (seen: SeenVersion): void => {
      // The rules are those of the walk, the version is the one that was looked at, and where it was.
      const isSame =
        seen.bucket.documents?.[lifecycleKind] === documentId &&
        seen.record?.sequence === record.sequence &&
        seen.isHead === target.isHead;
      const isDue = isSame && isStillDue(seen.record);
      if (!isDue || isUnfinished(seen.bucket, seen.record)) throw new VersionChangedError();
    };
    await this.#run(ruleId, parallelActions, async () => {
      const place = { bucketName: bucket.name, key };
      const cause = serverCause("LifecycleExpiration:Delete", store.clock);
      const deleted = await store.writes.delete(place, versionId, { cause, judge });
      for (const count of countsOf(record, versionId, deleted.isDeleteMarker)) {
        tally.add(ruleId, count);
      }
      const isHidden = versionId === undefined && deleted.isDeleteMarker;
      this.#log(cause, {
        operation: isHidden ? loggedActions.hidden : loggedActions.expired,
        key,
        versionId: deleted.versionId ?? record.versionId,
        objectBytes: isHidden ? undefined : sizeOf(record),
      });
    });
  }

  #log(cause: ChangeCause, action: LoggedAction): void {
    const { bucket, logAccess } = this.#context;
    if (logAccess === undefined) return;
    const entry = lifecycleAccessEntry(bucket, cause, action);
    if (entry !== undefined) logAccess(entry);
  }

  /** Begins an action. What S3 would refuse is counted; what the store refuses ends the walk. */
  async #run(ruleId: string, most: number, work: () => Promise<void>): Promise<void> {
    const { tally } = this.#context;
    if (this.#failure !== undefined) throw this.#failure;
    tally.actions += 1;
    const running = work()
      .catch((error: unknown) => {
        if (error instanceof VersionChangedError || isGone(error)) tally.add(ruleId, "changed");
        else if (error instanceof S3Error && error.code === "AccessDenied") {
          tally.add(ruleId, "locked");
        } else if (error instanceof S3Error) tally.fail(ruleId, error);
        else this.#failure ??= error;
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
    while (this.#running.size >= most) await Promise.race(this.#running);
  }
}

/** Whether the end of a current version removes it, rather than hide it behind a delete marker. */
export function endsForGood(bucket: BucketRecord, { versionId }: VersionRecord): boolean {
  if (bucket.versioning === "Unversioned") return true;
  return bucket.versioning === "Suspended" && versionId === nullVersionId;
}

function isUnfinished({ documents }: BucketRecord, record: VersionRecord | undefined): boolean {
  const replication = record?.replication;
  if (replication === undefined || documents?.["replication"] === undefined) return false;
  const status = replicationStatusOf(replication);
  return status === "PENDING" || status === "FAILED";
}

function sizeOf(record: VersionRecord): number | undefined {
  return isDeleteMarker(record) ? undefined : record.sizeBytes;
}

function isGone(error: unknown): boolean {
  return (
    error instanceof S3Error && (error.code === "NoSuchUpload" || error.code === "NoSuchBucket")
  );
}

function countsOf(
  record: VersionRecord,
  versionId: string | undefined,
  madeMarker: boolean,
): readonly RuleCount[] {
  if (versionId === undefined) return madeMarker ? ["expired", "deleteMarkersMade"] : ["expired"];
  return [isDeleteMarker(record) ? "deleteMarkersRemoved" : "noncurrentDeleted"];
}
