// The walk of a resync: key after key, it puts what the rules send into the destination's feed, as if it
// had just been written. Never more than a bounded number of changes ahead of the feed's consumer.

import { randomBytes } from "node:crypto";
import type { ObjectStore } from "../../objects/object-store.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { ChangeRecord } from "../../objects/records/change-record.ts";
import { isDeleteMarker, type VersionRecord } from "../../objects/records/object-record.ts";
import type { ResyncRecord } from "../../objects/replication-resyncs.ts";
import { serverCause } from "../../objects/change-log.ts";
import { replicationFeed, subjectOf } from "../../objects/replication-route.ts";
import {
  compileReplication,
  findReplicationRule,
  withDestination,
  type DestinationRules,
} from "../../objects/replication-rules.ts";
import { listVersions } from "../../objects/version-listing.ts";
import { transact } from "../../storage/key-value/transaction.ts";
import type { Holds } from "./holds.ts";
import { replicationCause } from "./local-destination.ts";

const pageVersions = 500;
/** Versions of one key that are put into the feed together, in their order. */
const keyVersions = 10_000;
const feedAhead = 1000;

export class ResyncWalk {
  readonly #store: ObjectStore;
  readonly #holds: Holds;

  constructor(store: ObjectStore, holds: Holds) {
    this.#store = store;
    this.#holds = holds;
  }

  /** Steps of every resync, until the feeds are full. Answers how many versions were queued. */
  async run(signal: AbortSignal): Promise<number> {
    let queued = 0;
    for (const resync of await this.#store.replicationResyncs.running()) {
      let next: ResyncRecord | undefined = resync;
      while (next !== undefined && !signal.aborted && !(await this.#isFull(next))) {
        const after: ResyncRecord | undefined = await this.#step(next, signal);
        queued += after === undefined ? 0 : after.queued - next.queued;
        next = after?.endedMilliseconds === undefined ? after : undefined;
      }
    }
    return queued;
  }

  async #isFull({ bucketId, bucketArn }: ResyncRecord): Promise<boolean> {
    const feed = replicationFeed(bucketId as BucketRecord["id"], bucketArn); // as it was made
    const [size] = await this.#store.changes.sizes(feed);
    return (size?.rows ?? 0) >= feedAhead;
  }

  /** The keys of one page. `undefined`: somebody else walks, or there is nothing to walk over. */
  async #step(resync: ResyncRecord, signal: AbortSignal): Promise<ResyncRecord | undefined> {
    const bucket = await this.#store.buckets.find(resync.bucketName);
    const rules = bucket && (await this.#rulesOf(bucket, resync.bucketArn));
    if (bucket === undefined || bucket.id !== resync.bucketId || rules === undefined) {
      await transact(this.#store.keyValueStore, (transaction) =>
        this.#store.replicationResyncs.advance(transaction, resync, undefined),
      );
      return undefined;
    }
    const page = await listVersions(this.#store.keyValueStore, {
      bucketId: bucket.id,
      prefix: "",
      delimiter: undefined,
      afterKey: resync.afterKey,
      afterSequence: undefined,
      limit: pageVersions,
    });
    const versions = page.items.flatMap((item) => ("record" in item ? [item] : []));
    let before = resync;
    for (const key of new Set(versions.map((each) => each.key))) {
      if (signal.aborted) return undefined;
      const after = await this.#queueKey(before, bucket, rules, key);
      if (after === undefined) return undefined;
      before = after;
    }
    if (page.isTruncated) return before;
    const ended = { ...before, endedMilliseconds: this.#store.clock.now() };
    const isEnded = await transact(this.#store.keyValueStore, (transaction) =>
      this.#store.replicationResyncs.advance(transaction, before, ended),
    );
    return isEnded ? ended : undefined;
  }

  /** All versions of a key in one commit, oldest first: a feed has the order of its commits. */
  async #queueKey(
    before: ResyncRecord,
    bucket: BucketRecord,
    rules: DestinationRules,
    key: string,
  ): Promise<ResyncRecord | undefined> {
    const { versions, versionChanges, changes, clock, replicationResyncs, keyValueStore } =
      this.#store;
    const history = (await versions.history(bucket, key, keyVersions)).toReversed();
    const chosen = history.filter((record) => isSent(before, rules, key, record));
    return transact(keyValueStore, async (transaction) => {
      const after: ResyncRecord = {
        ...before,
        afterKey: key,
        examined: before.examined + history.length,
        queued: before.queued + chosen.length,
      };
      if (!(await replicationResyncs.advance(transaction, before, after))) return undefined;
      if (chosen.length === 0) return after;
      const state = await versions.load(transaction, bucket.name, key);
      if (state.bucket.id !== bucket.id) return undefined;
      const feed = replicationFeed(bucket.id, before.bucketArn);
      // What was refused would let the others of its key wait.
      await this.#holds.hasten(transaction, feed, key, clock.now());
      for (const { versionId } of chosen) {
        const record = await versions.loadVersion(transaction, state, versionId);
        if (record === undefined) continue;
        changes.add(transaction, feed, describe(bucket, key, record, clock.now()));
        if (isDeleteMarker(record)) continue;
        // Where it never arrived it is made, also when somebody has removed it from there.
        const known = record.replication?.destinations?.[before.bucketArn];
        const kept = before.scope === "all" ? known : undefined;
        const replication = withDestination(record.replication, before.bucketArn, {
          ...kept,
          status: "PENDING",
        });
        const cause = replicationCause("ObjectReplica:Status", clock);
        await versionChanges.replace(transaction, state, { ...record, replication }, cause);
      }
      return after;
    });
  }

  async #rulesOf(bucket: BucketRecord, bucketArn: string): Promise<DestinationRules | undefined> {
    const rules = await this.#store.documents.get(bucket, "replication", compileReplication);
    return rules?.destinations.find((each) => each.bucketArn === bucketArn);
  }
}

/** Replicas go nowhere, also not by a resync. */
function isSent(
  { scope, bucketArn }: ResyncRecord,
  rules: DestinationRules,
  key: string,
  record: VersionRecord,
): boolean {
  if (record.replication?.isReplica === true) return false;
  if (findReplicationRule(rules, subjectOf(key, record)) === undefined) return false;
  if (scope === "all" || isDeleteMarker(record)) return true;
  return record.replication?.destinations?.[bucketArn]?.status !== "COMPLETED";
}

/** A row as the change log writes it when a version is made. */
function describe(
  bucket: BucketRecord,
  key: string,
  record: VersionRecord,
  nowMilliseconds: number,
): ChangeRecord {
  const isMarker = isDeleteMarker(record);
  const event = isMarker ? "ObjectRemoved:DeleteMarkerCreated" : "ObjectCreated:Put";
  const cause = serverCause(event, { now: () => nowMilliseconds });
  return {
    v: 1,
    ...cause,
    requestId: randomBytes(8).toString("hex").toUpperCase(),
    bucketName: bucket.name,
    bucketId: bucket.id,
    bucketOwnerId: bucket.ownerId,
    bucketOwnerAccountId: bucket.ownerAccountId,
    key,
    versionId: record.versionId,
    versionSequence: record.sequence,
    sequencer: record.sequence.toString(16).toUpperCase().padStart(18, "0"),
    ...(isMarker ? {} : { sizeBytes: record.sizeBytes, etag: record.etag }),
  };
}
