// Acts on lifecycle rules: once a day for each bucket, soon after midnight UTC, and within a minute
// after a configuration was put. A walk over a bucket leaves a record of how far it came: killed
// anywhere, it goes on there, and what it does again changes nothing.

import type { Clock } from "../base/clock.ts";
import type { AccessEntry } from "../objects/access-log.ts";
import type { LifecycleMoment } from "../objects/lifecycle-days.ts";
import { lifecycleKind } from "../objects/lifecycle-document.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import type { BucketRecord } from "../objects/records/bucket-record.ts";
import { bucketNameOf, identifierOf, keys, ranges } from "../objects/records/keyspace.ts";
import {
  type LifecycleStateRecord,
  type RuleCount,
} from "../objects/records/lifecycle-state-record.ts";
import { encodeRecord } from "../storage/record-codec.ts";
import { BucketWalk, type WalkBudget } from "./lifecycle/bucket-walk.ts";
import { WalkTally } from "./lifecycle/walk-tally.ts";
import { giveWay } from "./give-way.ts";
import { pagesOf } from "./store-pages.ts";
import type { BackgroundWorker, WorkerPass, WorkerReport } from "./worker.ts";

export interface LifecycleWorkerOptions {
  readonly objectStore: Pick<
    ObjectStore,
    "keyValueStore" | "buckets" | "lifecycle" | "writes" | "uploads" | "transitions" | "clock"
  >;
  /** Told of what was done to buckets that are logged. */
  readonly logAccess?: ((entry: AccessEntry) => void) | undefined;
  /** How much is done before the place is noted; default: some seconds of work. */
  readonly budget?: WalkBudget;
}

const wholeDayMilliseconds = 86_400_000;
const pauseMilliseconds = { least: 200, most: 60_000 } as const;
const defaultBudget: WalkBudget = { looked: 500_000, actions: 20_000 };
const bucketPage = 500;
const kindName = Buffer.from(`"${lifecycleKind}":`);
const nothing = { checks: [], sets: [], deletes: [], additions: [] } as const;

/** What passes report beside the number of buckets. */
const reportedCounts = [
  "expired",
  "noncurrentDeleted",
  "deleteMarkersRemoved",
  "transitioned",
  "uploadsAborted",
  "locked",
  "replicating",
  "failed",
] as const satisfies readonly RuleCount[];

/** One process of those on a store runs it; two would only look at everything twice. */
export class LifecycleWorker implements BackgroundWorker {
  readonly name = "lifecycle";
  readonly scope = "store";
  readonly intervalMilliseconds: number;
  readonly #objectStore: LifecycleWorkerOptions["objectStore"];
  readonly #clock: Clock;
  readonly #budget: WalkBudget;
  readonly #logAccess: LifecycleWorkerOptions["logAccess"];

  constructor(options: LifecycleWorkerOptions) {
    const { objectStore, budget = defaultBudget, logAccess } = options;
    this.#objectStore = objectStore;
    this.#clock = objectStore.clock;
    this.#budget = budget;
    this.#logAccess = logAccess;
    const { dayMilliseconds } = objectStore.lifecycle.days;
    this.intervalMilliseconds = Math.min(
      pauseMilliseconds.most,
      Math.max(pauseMilliseconds.least, dayMilliseconds / 10),
    );
  }

  /** Walks over the buckets whose turn it is; when it was asked to, over all from their beginnings. */
  async runOnce(signal: AbortSignal, pass: WorkerPass): Promise<WorkerReport> {
    const totals = new Map<string, number>();
    const add = (name: string, count: number): void => {
      totals.set(name, (totals.get(name) ?? 0) + count);
    };
    const known = new Set<string>();
    const { keyValueStore } = this.#objectStore;
    const range = ranges.buckets("", undefined);
    for await (const page of pagesOf(keyValueStore, range, { limit: bucketPage, signal })) {
      for (const entry of page) {
        if (!mayHaveLifecycle(entry.value)) continue;
        // Walks before this one may have taken long.
        const bucket = await this.#objectStore.buckets.find(bucketNameOf(entry.key));
        if (bucket === undefined) continue;
        const documentId = bucket.documents?.[lifecycleKind];
        if (documentId === undefined) continue;
        known.add(bucket.id);
        // What was done on another day says nothing.
        const found = pass.isAsked ? undefined : await this.#objectStore.lifecycle.state(bucket);
        const state = found?.day === this.#today() ? found : undefined;
        if (state !== undefined && state.cursor === undefined) continue;
        const tally = await this.#walk(bucket, { documentId, resumed: state }, { signal, pass });
        if (tally === undefined) continue;
        add("buckets", 1);
        add("looked", tally.looked);
        for (const count of reportedCounts) add(count, tally.total(count));
      }
      await giveWay(0);
    }
    await this.#forgetOthers(known, signal);
    const fields: Record<string, number> = { buckets: 0, looked: 0 };
    for (const [name, count] of totals) fields[name] = count;
    return { fields };
  }

  /** Goes on where an earlier walk was. `undefined`: there was nothing to do. */
  async #walk(
    bucket: BucketRecord,
    work: {
      readonly documentId: string;
      readonly resumed: LifecycleStateRecord | undefined;
    },
    { signal, pass }: { readonly signal: AbortSignal; readonly pass: WorkerPass },
  ): Promise<WalkTally | undefined> {
    const { documentId, resumed } = work;
    const store = this.#objectStore;
    const lifecycles = store.lifecycle;
    const lifecycle = await lifecycles.find(bucket);
    // MFA delete and lifecycle exclude each other: both together are older than that rule.
    if (lifecycle === undefined || bucket.mfaDelete === "Enabled") return undefined;
    const moment: LifecycleMoment = { nowMilliseconds: this.#clock.now(), days: lifecycles.days };
    const tally = new WalkTally(
      resumed?.report ?? { startedMilliseconds: moment.nowMilliseconds, looked: 0, rules: {} },
    );
    const day = this.#today();
    const walk = new BucketWalk({
      store,
      bucket,
      lifecycle,
      moment,
      tally,
      logAccess: this.#logAccess,
      signal,
    });
    let cursor = resumed?.cursor;
    do {
      cursor = await walk.run(cursor, this.#budget);
      pass.progress({ looked: tally.looked, actions: tally.actions });
      const finished = cursor === undefined ? this.#clock.now() : undefined;
      await this.#keepState(bucket, {
        v: 1,
        bucketName: bucket.name,
        documentId,
        day,
        ...(cursor === undefined ? {} : { cursor }),
        report: tally.report(finished),
      });
    } while (cursor !== undefined);
    return tally;
  }

  /** Days by their number; where they are short, every pass is a new one. */
  #today(): number {
    const now = this.#clock.now();
    const { waitsForMidnight } = this.#objectStore.lifecycle.days;
    return waitsForMidnight ? Math.floor(now / wholeDayMilliseconds) : now;
  }

  async #keepState(bucket: BucketRecord, state: LifecycleStateRecord): Promise<void> {
    const { keyValueStore } = this.#objectStore;
    const key = keys.lifecycleState(bucket.id);
    await keyValueStore.write({
      ...nothing,
      sets: [{ key, value: encodeRecord(state) }],
    });
  }

  /** Of buckets that are gone, or have no lifecycle any more. */
  async #forgetOthers(known: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const { keyValueStore } = this.#objectStore;
    const range = ranges.lifecycleStates();
    for await (const page of pagesOf(keyValueStore, range, { limit: bucketPage, signal })) {
      const deletes = page.map((entry) => entry.key).filter((key) => !known.has(identifierOf(key)));
      if (deletes.length > 0) await keyValueStore.write({ ...nothing, deletes });
    }
  }
}

/** Before it is parsed: most buckets have none. */
function mayHaveLifecycle(value: Uint8Array): boolean {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).includes(kindName);
}
