// One pass over one feed: the changes of a bucket that go to one destination. Keys are worked on side by
// side, the changes of one key in their order. What is refused is held aside; when the destination is
// away everything stays where it is.

import { changedAnnotations } from "../../objects/annotation-changes.ts";
import type { ChangeRow, FeedRow } from "../../objects/feed-rows.ts";
import { BucketChangedError } from "../../objects/bucket-changed-error.ts";
import type { BucketId } from "../../objects/identifiers.ts";
import { parseReplicationFeed } from "../../objects/replication-route.ts";
import { KeySealError } from "../../keys/sealer.ts";
import { BlobCorruptError, BlobMissingError } from "../../storage/storage-errors.ts";
import { transact } from "../../storage/key-value/transaction.ts";
import { giveWay } from "../give-way.ts";
import { ReplicationRefusedError } from "./failure.ts";
import type { Holds } from "./holds.ts";
import type { Outcomes } from "./outcomes.ts";
import {
  findRule,
  replicateVersion,
  versionIdOf,
  type VersionServices,
  type VersionWork,
} from "./replicate-version.ts";

export interface FeedServices extends VersionServices {
  readonly holds: Holds;
  readonly outcomes: Outcomes;
}

/** What a pass has done. */
export interface FeedTally {
  replicated: number;
  dropped: number;
  refused: number;
}

const pageRows = 500;
const pagesOfPass = 20;
/** Replicas are seconds behind under load; from here on they are to catch up. */
const lateMilliseconds = 30_000;
const keysAtOnce = 8;
const lookAttempts = 3;
const heldKeysOfPass = 64;
/** When so many held keys in a row are refused again, the others would be too. */
const refusalsInARow = 8;

export class FeedRun {
  readonly #feed: string;
  readonly #bucketArn: string;
  readonly #bucketId: BucketId;
  readonly #services: FeedServices;
  readonly #tally: FeedTally;

  constructor(feed: string, services: FeedServices, tally: FeedTally) {
    const { bucketArn, bucketId } = parseReplicationFeed(feed);
    this.#feed = feed;
    this.#bucketArn = bucketArn;
    this.#bucketId = bucketId;
    this.#services = services;
    this.#tally = tally;
  }

  /**
   * Works on some pages of the feed: what is looked up once a pass must not grow old. Resolves with
   * whether the feed was read to its end. Throws DestinationAwayError.
   */
  async run(signal: AbortSignal): Promise<boolean> {
    let after: Uint8Array | undefined;
    for (let page = 0; page < pagesOfPass && !signal.aborted; page += 1) {
      const { changes } = this.#services.store;
      const { rows, next } = await changes.read(this.#feed, { after, limit: pageRows });
      await this.#runPage(rows, signal);
      if (next === undefined) return true;
      after = next;
    }
    return false;
  }

  /** Tries again what was refused, and whose time has come. Throws DestinationAwayError. */
  async runHeld(signal: AbortSignal): Promise<void> {
    const { holds, store } = this.#services;
    let refusals = 0;
    for (;;) {
      const due = await holds.due(this.#feed, store.clock.now(), heldKeysOfPass);
      for (const { key } of due) {
        if (signal.aborted || refusals >= refusalsInARow) return;
        refusals = (await this.#retryKey(key, signal)) ? 0 : refusals + 1;
      }
      if (due.length < heldKeysOfPass) return;
    }
  }

  async #runPage(rows: readonly FeedRow[], signal: AbortSignal): Promise<void> {
    const byKey = Map.groupBy(rows, ({ change }) => change.key);
    if (byKey.size === 0) return;
    const held = await this.#services.holds.find(this.#feed, [...byKey.keys()]);
    const pending = byKey.entries();
    let failure: unknown;
    const work = async (): Promise<void> => {
      for (const [key, ofKey] of pending) {
        if (signal.aborted || failure !== undefined) return;
        try {
          if (held.has(key))
            await this.#hold(ofKey, { reason: "waits for an earlier change of its key" });
          else await this.#runKeyAside(ofKey, signal);
        } catch (error) {
          failure ??= error;
        }
      }
    };
    await Promise.all(Array.from({ length: keysAtOnce }, work));
    if (failure !== undefined) throw failure;
  }

  /** Requests go first: under load replication takes its time, until it is late. */
  async #runKeyAside(rows: readonly FeedRow[], signal: AbortSignal): Promise<void> {
    const began = performance.now();
    await this.#runKey(rows, signal);
    const ageMilliseconds =
      this.#services.store.clock.now() - (rows[0]?.change.timeMilliseconds ?? 0);
    await giveWay(performance.now() - began, ageMilliseconds < lateMilliseconds);
  }

  async #runKey(rows: readonly FeedRow[], signal: AbortSignal): Promise<void> {
    const { store, outcomes } = this.#services;
    const versions = [...Map.groupBy(rows, ({ change }) => versionIdOf(change)).values()];
    for (const [index, ofVersion] of versions.entries()) {
      if (signal.aborted) return;
      const work = this.#workOf(ofVersion);
      try {
        const outcome = await this.#attempt(work, signal);
        await store.changes.finish(this.#feed, ofVersion, (transaction) =>
          outcomes.done(transaction, work, ofVersion, outcome),
        );
        this.#tally[outcome.kind === "dropped" ? "dropped" : "replicated"] += 1;
      } catch (error) {
        if (!(error instanceof ReplicationRefusedError)) throw error;
        this.#tally.refused += 1;
        await this.#hold(versions.slice(index).flat(), error);
        return;
      }
    }
  }

  /** Once more when the source was replaced between two looks at it. */
  async #attempt(
    work: VersionWork,
    signal: AbortSignal,
  ): Promise<Awaited<ReturnType<typeof replicateVersion>>> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await replicateVersion(work, this.#services, signal);
      } catch (error) {
        const mayPass = error instanceof BlobMissingError || error instanceof BucketChangedError;
        if (mayPass && attempt < lookAttempts) continue;
        // One object that cannot be read must not hold up the others.
        const isUnreadable =
          error instanceof BlobMissingError ||
          error instanceof BlobCorruptError ||
          error instanceof KeySealError;
        if (!isUnreadable) throw error;
        throw new ReplicationRefusedError("SrcObjectNotEligible", error.message, { cause: error });
      }
    }
  }

  /** Moves rows of one key from the feed to those that wait; the first version has failed. */
  async #hold(
    rows: readonly FeedRow[],
    { reason, detail }: { readonly reason: string; readonly detail?: string | undefined },
  ): Promise<void> {
    const { store, holds } = this.#services;
    const failed = this.#workOf(rows);
    const rule = await this.#ruleOf(failed);
    const refusal = { reason, detail, nowMilliseconds: store.clock.now() };
    await store.changes.finish(this.#feed, rows, async (transaction) => {
      await holds.hold(transaction, this.#feed, rows, refusal);
      await this.#services.outcomes.refused(transaction, failed, rows, { reason, rule });
    });
  }

  /** Whether something went through. */
  async #retryKey(key: string, signal: AbortSignal): Promise<boolean> {
    const { holds, outcomes, store } = this.#services;
    const rows = await holds.rows(this.#feed, key);
    for (const ofVersion of Map.groupBy(rows, ({ change }) => versionIdOf(change)).values()) {
      const work = this.#workOf(ofVersion);
      try {
        const outcome = await this.#attempt(work, signal);
        await transact(store.keyValueStore, async (transaction) => {
          await holds.release(transaction, this.#feed, key, ofVersion);
          await outcomes.done(transaction, work, ofVersion, outcome);
        });
        this.#tally[outcome.kind === "dropped" ? "dropped" : "replicated"] += 1;
      } catch (error) {
        if (!(error instanceof ReplicationRefusedError)) throw error;
        const { reason, detail } = error;
        const nowMilliseconds = store.clock.now();
        await holds.postpone(this.#feed, key, { reason, detail, nowMilliseconds });
        this.#tally.refused += 1;
        return false;
      }
    }
    return true;
  }

  async #ruleOf(work: VersionWork) {
    const { store } = this.#services;
    const bucket = await store.buckets.find(work.bucketName);
    if (bucket === undefined) return undefined;
    const record = await store.versions.findAny(bucket, work.key, work.versionId);
    return record && (await findRule(work, record, store))?.rule;
  }

  #workOf(rows: readonly ChangeRow[]): VersionWork {
    const change = rows[0]?.change;
    return {
      bucketName: change?.bucketName ?? "",
      bucketId: this.#bucketId,
      key: change?.key ?? "",
      versionId: versionIdOf(change ?? {}),
      bucketArn: this.#bucketArn,
      annotations: changedAnnotations(rows.map((row) => row.change)),
    };
  }
}
