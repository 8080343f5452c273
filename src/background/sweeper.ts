// Removes what no record names any more: blobs, the parts of ended uploads, what deleted buckets leave.
//
// Why nothing that somebody needs is removed, whatever is killed and whoever runs at the same time:
//
// 1. A blob's counter is the number of extents in committed records that name it. It changes only in
//    the commit that adds or removes such an extent.
// 2. It goes up in two ways. `attach` names a blob for the first time: only the process that wrote the
//    blob can do it, once. `share` names it once more: its transaction has read a record that names
//    the blob, and its commit checks that this record is unchanged. So no commit raises a counter that
//    stands at zero or is absent, except the one `attach` of a living writer.
// 3. A garbage record names a blob only after it was attached, because it is made by the commit that
//    removes an extent. Its blob can therefore only be shared, so by 2, once its counter is at zero it
//    stays there. The sweeper deletes the counter (checking the revision it read: should 2 ever be
//    broken, the commit fails instead of losing data), then the blob, then the garbage record. Killed
//    in between, the record is still there: an absent counter means that the first step was done. Two
//    sweepers: one's check fails, it reads again and finds the counter absent; deleting a blob or a
//    record twice changes nothing.
// 4. A counter above zero: another record shares the blob, and the commit that removes the last one
//    will make a garbage record of its own. This one is finished.
// 5. An orphan (a blob never attached) has no counter. The order of the look-ups is: the blob was
//    listed, then its writer had no record, then its counter was absent. A writer registers before its
//    first blob, and the commit of every `attach` checks that its writer's record is there. So from the
//    second look-up on no commit can attach the blob, and one that did before is seen by the third,
//    because a read sees every commit that has happened. (This holds even for a process that is
//    declared dead while it lives: its writes fail.) Blobs of declared writers are never touched, also
//    when they are waste: they become orphans when that process ends.
// 6. A power cut may bring back a deleted blob's file (its directory is not synced): it has no counter
//    and its writer is gone, so it is an orphan. It cannot bring back a counter: commits are durable
//    before the blob is touched.
// 7. Parts: an upload's garbage record is made in the commit that deletes the upload's record, which
//    every writer of a part checks; the same holds for a bucket's and its uploads. So the parts only
//    get fewer, each release checks the part record's revision, and counters are right after each step.
//
// Why no reader loses bytes: a blob once opened is read to its end, whatever happens to it. A read of
// several blobs is pinned from before it opens the first until its end, and garbage is left alone until
// it is older, by the grace period, than the oldest pinned read of every process. The grace covers the
// moment between reading a record and pinning, and in other processes the reads that are too young to
// be published and the interval of publishing. A read that comes later finds its blob missing before
// it has answered, and reads the record again.

import type { Clock } from "../base/clock.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { longReadMilliseconds } from "../objects/writers.ts";
import type { WriterId } from "../storage/blob/blob-store.ts";
import { GarbageSweep } from "./garbage-sweep.ts";
import { sweepOrphans } from "./orphan-sweep.ts";
import { publicationMilliseconds } from "./read-publisher.ts";
import type { BackgroundWorker, Sleep, WorkerReport } from "./worker.ts";
import { timerSleep } from "./worker.ts";

/** Where a pass that removed something is told; `Log` fits. */
export interface SweepEvents {
  sweepFinished(fields: {
    readonly blobs: number;
    readonly records: number;
    readonly durationMilliseconds: number;
  }): void;
}

export interface SweeperOptions {
  readonly objectStore: Pick<
    ObjectStore,
    "keyValueStore" | "blobStore" | "clock" | "contents" | "writers" | "pins"
  >;
  /** How old garbage must be. While other processes have the store open, at least 20 seconds. */
  readonly graceMilliseconds?: number;
  readonly sleep?: Sleep;
  readonly events?: SweepEvents;
}

const defaultGraceMilliseconds = 30_000;
/** Twice the interval of publishing: one may fail or be late. */
const sharedGraceMilliseconds = longReadMilliseconds + 2 * publicationMilliseconds;
const shortestPauseMilliseconds = 1000;
const longestPauseMilliseconds = 30_000;

export class Sweeper implements BackgroundWorker {
  readonly name = "sweeper";
  readonly scope = "store";
  readonly intervalMilliseconds = longestPauseMilliseconds;
  readonly #objectStore: SweeperOptions["objectStore"];
  readonly #clock: Clock;
  readonly #graceMilliseconds: number;
  readonly #sleep: Sleep;
  readonly #events: SweepEvents | undefined;
  readonly #garbage: GarbageSweep;
  /** Writers that were alive at the last pass; `undefined` until every blob was looked at once. */
  #knownWriters: Set<WriterId> | undefined;

  constructor(options: SweeperOptions) {
    const { keyValueStore, blobStore, clock, contents } = options.objectStore;
    this.#objectStore = options.objectStore;
    this.#clock = clock;
    this.#graceMilliseconds = options.graceMilliseconds ?? defaultGraceMilliseconds;
    this.#sleep = options.sleep ?? timerSleep;
    this.#events = options.events;
    this.#garbage = new GarbageSweep({ store: keyValueStore, blobs: blobStore, contents });
  }

  async runOnce(signal: AbortSignal): Promise<WorkerReport> {
    const began = this.#clock.now();
    // What fails in one half must not keep the other from its work.
    const [orphanSweep] = await Promise.allSettled([this.#sweepOrphans(signal)]);
    const cutoff = await this.#cutoffMilliseconds();
    const garbage = await this.#garbage.run(cutoff, signal);
    if (orphanSweep.status === "rejected") throw orphanSweep.reason;
    const orphans = orphanSweep.value;
    const blobs = garbage.blobs + orphans;
    const { records, parts } = garbage;
    const durationMilliseconds = Math.max(0, this.#clock.now() - began);
    if (blobs + records > 0) this.#events?.sweepFinished({ blobs, records, durationMilliseconds });
    const next = garbage.nextMadeMilliseconds;
    const waitMilliseconds = next === undefined ? this.#graceMilliseconds : next - cutoff + 1;
    return {
      fields: { blobs, orphans, records, parts, durationMilliseconds },
      againMilliseconds: Math.min(
        longestPauseMilliseconds,
        Math.max(shortestPauseMilliseconds, waitMilliseconds),
      ),
    };
  }

  /** Garbage made at this time or later is kept. The clock is read first: late is the safe side. */
  async #cutoffMilliseconds(): Promise<number> {
    const { writers, pins, blobStore } = this.#objectStore;
    let oldest = this.#clock.now();
    const records = await writers.list();
    const isShared = records.some((record) => record.writerId !== blobStore.writerId);
    for (const record of records)
      oldest = Math.min(oldest, record.oldestReadMilliseconds ?? oldest);
    oldest = Math.min(oldest, pins.oldestMilliseconds() ?? oldest);
    const grace = isShared
      ? Math.max(this.#graceMilliseconds, sharedGraceMilliseconds)
      : this.#graceMilliseconds;
    return oldest - grace;
  }

  /** Orphans come to be when a writer ends: all blobs are looked at once, then those of the dead. */
  async #sweepOrphans(signal: AbortSignal): Promise<number> {
    const { keyValueStore, blobStore, writers } = this.#objectStore;
    const options = {
      store: keyValueStore,
      blobs: blobStore,
      listWriters: () => writers.list(),
      sleep: this.#sleep,
    };
    const alive = new Set((await writers.list()).map((record) => record.writerId));
    const known = this.#knownWriters;
    let removed = 0;
    if (known === undefined) {
      removed += (await sweepOrphans(options, undefined, signal)).blobsRemoved;
    } else {
      for (const writer of known) {
        if (alive.has(writer)) continue;
        removed += (await sweepOrphans(options, writer, signal)).blobsRemoved;
      }
    }
    this.#knownWriters = alive;
    return removed;
  }
}
