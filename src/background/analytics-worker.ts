// Storage class analysis (analytics configurations of buckets): soon after midnight UTC the day that is
// over is measured and added to the history of each analysis, which is exported as one file. When it is
// asked to, it does the same for the day as far as it has come. Killed anywhere, a pass is begun anew:
// measuring a day twice gives its figures once.

import type { AnalyticsConfiguration } from "../model/types.generated.ts";
import { S3Error } from "../model/errors.ts";
import { dayMilliseconds, dayOf, hasAnalytics, readAnalytics } from "../objects/analytics-rules.ts";
import { bucketNameOfArn, reportFolder } from "../objects/delivery-destination.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import {
  decodeAnalyticsState,
  type AnalyticsStateRecord,
} from "../objects/records/analytics-record.ts";
import { decodeBucketRecord, type BucketRecord } from "../objects/records/bucket-record.ts";
import {
  analyticsCountPlaceOf,
  analyticsOwnerOf,
  keys,
  ranges,
} from "../objects/records/keyspace.ts";
import type { KeyRange } from "../storage/key-value/tuple.ts";
import { encodeRecord } from "../storage/record-codec.ts";
import { AnalyticsDays, keptDays } from "./analytics/analytics-days.ts";
import { tallyBucket, type Tally } from "./analytics/bucket-tally.ts";
import { formatExport } from "./analytics/export-file.ts";
import { giveWay } from "./give-way.ts";
import type { ObjectDeliverer } from "./object-delivery.ts";
import { pagesOf } from "./store-pages.ts";
import type { BackgroundWorker, WorkerPass, WorkerReport } from "./worker.ts";

export interface AnalyticsWorkerOptions {
  readonly objectStore: Pick<
    ObjectStore,
    "keyValueStore" | "documents" | "analyticsCounts" | "clock"
  >;
  readonly deliverer: ObjectDeliverer;
}

const pauseMilliseconds = 60_000;
/** Until then every process has written down what it counted before midnight. */
const afterMidnightMilliseconds = 60_000;
/** A destination that refuses a file is asked again after so long. */
const retryMilliseconds = 3_600_000;
const bucketPage = 500;
const nothing = { checks: [], sets: [], deletes: [], additions: [] } as const;

interface Work {
  readonly bucket: BucketRecord;
  readonly configuration: AnalyticsConfiguration;
  readonly days: AnalyticsDays;
  state: AnalyticsStateRecord;
}

interface Round {
  readonly signal: AbortSignal;
  readonly pass: WorkerPass;
  readonly counts: { measured: number; looked: number; exports: number; failed: number };
}

export class AnalyticsWorker implements BackgroundWorker {
  readonly name = "analytics";
  readonly scope = "store";
  readonly intervalMilliseconds = pauseMilliseconds;
  readonly #store: AnalyticsWorkerOptions["objectStore"];
  readonly #deliverer: ObjectDeliverer;

  constructor({ objectStore, deliverer }: AnalyticsWorkerOptions) {
    this.#store = objectStore;
    this.#deliverer = deliverer;
  }

  async runOnce(signal: AbortSignal, pass: WorkerPass): Promise<WorkerReport> {
    const { keyValueStore, analyticsCounts } = this.#store;
    await analyticsCounts.write();
    const counts = { measured: 0, looked: 0, exports: 0, failed: 0 };
    const known = new Set<string>();
    const range = ranges.buckets("", undefined);
    for await (const page of pagesOf(keyValueStore, range, { limit: bucketPage, signal })) {
      for (const entry of page) {
        const bucket = decodeBucketRecord(entry.value);
        if (!hasAnalytics(bucket)) continue;
        const configurations = await this.#configurationsOf(bucket);
        for (const { Id } of configurations) known.add(`${bucket.id}/${Id}`);
        await this.#analyse(bucket, configurations, { signal, pass, counts });
      }
    }
    await this.#forgetOthers(known, signal);
    return { fields: { ...counts } };
  }

  async #configurationsOf(bucket: BucketRecord): Promise<readonly AnalyticsConfiguration[]> {
    try {
      return await readAnalytics(this.#store.documents, bucket);
    } catch (error) {
      // Deleted since the page was read.
      if (error instanceof S3Error && error.code === "NoSuchBucket") return [];
      throw error;
    }
  }

  async #analyse(
    bucket: BucketRecord,
    configurations: readonly AnalyticsConfiguration[],
    round: Round,
  ): Promise<void> {
    const { isAsked } = round.pass;
    const works: Work[] = [];
    for (const configuration of configurations) {
      works.push(await this.#begin(bucket, configuration));
    }
    const now = this.#store.clock.now();
    const today = dayOf(now);
    const isSettled = now - today * dayMilliseconds >= afterMidnightMilliseconds;
    if (isSettled || isAsked) {
      for (const work of works) await this.#keepCounted(work, isAsked ? today : today - 1);
      const isDue = ({ state }: Work): boolean =>
        state.sinceDay < today && (state.measuredDay ?? 0) < today - 1;
      await this.#measure(bucket, works.filter(isDue), { day: today - 1, isOver: true }, round);
    }
    if (isAsked) await this.#measure(bucket, works, { day: today, isOver: false }, round);
    for (const work of works) await this.#exportIfDue(work, round);
  }

  /** Notes when an analysis is seen for the first time, so that its first day is its own. */
  async #begin(bucket: BucketRecord, configuration: AnalyticsConfiguration): Promise<Work> {
    const { keyValueStore, clock } = this.#store;
    const key = keys.analyticsState(bucket.id, configuration.Id);
    const { gets } = await keyValueStore.read({ gets: [key] });
    const days = new AnalyticsDays(this.#store, bucket, configuration);
    if (gets[0] !== undefined) {
      return { bucket, configuration, days, state: decodeAnalyticsState(gets[0].value) };
    }
    const today = dayOf(clock.now());
    const sinceDay = Math.min(today, (await days.firstCounted(0)) ?? today);
    const work: Work = {
      bucket,
      configuration,
      days,
      state: { v: 1, bucketName: bucket.name, sinceDay },
    };
    await this.#note(work, {});
    return work;
  }

  /** What was accessed on days up to this one; also what a process has written down late. */
  async #keepCounted({ days }: Work, lastDay: number): Promise<void> {
    for (let from = 0; ;) {
      const day = await days.firstCounted(from);
      if (day === undefined || day > lastDay) return;
      await days.keep(day);
      from = day + 1;
    }
  }

  /** `isOver`: the day is, and never measured again. */
  async #measure(
    bucket: BucketRecord,
    works: readonly Work[],
    { day, isOver }: { readonly day: number; readonly isOver: boolean },
    { signal, pass, counts }: Round,
  ): Promise<void> {
    if (works.length === 0) return;
    const analyses = works.map(({ configuration }) => configuration);
    const tallies = await tallyBucket(this.#store, bucket, analyses, {
      day,
      signal,
      looked: (objects) => {
        counts.looked += objects;
        pass.progress(counts);
      },
    });
    for (const work of works) {
      const tally = tallies.get(work.configuration.Id) as Tally; // of every analysis
      await work.days.keep(day, tally);
      await work.days.forgetUntil(day - keptDays);
      if (isOver) await this.#note(work, { measuredDay: day });
      counts.measured += 1;
    }
  }

  async #exportIfDue(work: Work, { signal, pass, counts }: Round): Promise<void> {
    const { bucket, configuration, state } = work;
    const destination =
      configuration.StorageClassAnalysis.DataExport?.Destination.S3BucketDestination;
    if (destination === undefined) return;
    const { measuredDay, exportedDay, failure } = state;
    const now = this.#store.clock.now();
    const isDue = measuredDay !== undefined && (exportedDay ?? 0) < measuredDay;
    const waits = failure !== undefined && failure.againMilliseconds > now;
    if (!pass.isAsked && (!isDue || waits)) return;
    const body = await this.#writeFile(work, signal);
    try {
      await this.#deliverer.deliver({
        service: "s3.amazonaws.com",
        bucketName: bucketNameOfArn(destination.Bucket),
        key: `${reportFolder(destination.Prefix, bucket.name, configuration.Id)}.csv`,
        body: streamOf(body),
        lengthBytes: body.byteLength,
        contentType: "text/csv",
        sourceBucket: bucket.name,
        sourceAccount: bucket.ownerAccountId,
        signal,
      });
      const { failure: _, ...others } = state;
      work.state = others;
      await this.#note(work, measuredDay === undefined ? {} : { exportedDay: measuredDay });
      counts.exports += 1;
    } catch (error) {
      // What the destination answers is the configuration's own trouble; the rest is the server's.
      if (!(error instanceof S3Error) || error.status >= 500 || signal.aborted) throw error;
      const message = `${error.code}: ${error.message}`;
      const againMilliseconds = now + retryMilliseconds;
      await this.#note(work, { failure: { message, againMilliseconds } });
      counts.failed += 1;
    }
  }

  /** Some three megabytes at most, after two years. */
  async #writeFile({ configuration, days }: Work, signal: AbortSignal): Promise<Buffer> {
    const pieces: Buffer[] = [];
    const history = await days.history(signal);
    let began = performance.now();
    for (const piece of formatExport(configuration.Id, history)) {
      pieces.push(Buffer.from(piece, "utf8"));
      await giveWay(performance.now() - began);
      began = performance.now();
    }
    return Buffer.concat(pieces);
  }

  async #note(work: Work, change: Partial<AnalyticsStateRecord>): Promise<void> {
    work.state = { ...work.state, ...change };
    const key = keys.analyticsState(work.bucket.id, work.configuration.Id);
    const value = encodeRecord(work.state);
    await this.#store.keyValueStore.write({ ...nothing, sets: [{ key, value }] });
  }

  /** Of buckets and configurations that are gone; counters of theirs may still come for a while. */
  async #forgetOthers(known: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const { keyValueStore, clock } = this.#store;
    const isGone = (key: Uint8Array): boolean => {
      const { bucket, id } = analyticsOwnerOf(key);
      return !known.has(`${bucket}/${id}`);
    };
    const options = { limit: bucketPage, signal };
    for await (const states of pagesOf(keyValueStore, ranges.analyticsStates(), options)) {
      for (const { key } of states.filter((state) => isGone(state.key))) {
        const { bucket, id } = analyticsOwnerOf(key);
        await this.#deleteAll(ranges.analyticsDays(bucket, id), signal);
        await keyValueStore.write({ ...nothing, deletes: [key] });
      }
    }
    // Those of today may be of an analysis that has come since.
    const today = dayOf(clock.now());
    const isOld = (key: Uint8Array): boolean => analyticsCountPlaceOf(key).day < today;
    await this.#deleteAll(ranges.allAnalyticsCounts(), signal, (key) => isGone(key) && isOld(key));
  }

  async #deleteAll(
    range: KeyRange,
    signal: AbortSignal,
    isWanted: (key: Uint8Array) => boolean = () => true,
  ): Promise<void> {
    const { keyValueStore } = this.#store;
    for await (const page of pagesOf(keyValueStore, range, { limit: bucketPage, signal })) {
      const deletes = page.map(({ key }) => key).filter(isWanted);
      if (deletes.length > 0) await keyValueStore.write({ ...nothing, deletes });
    }
  }
}

/** Each process writes down what it counted itself. */
export function createAnalyticsCounter({
  analyticsCounts,
}: Pick<ObjectStore, "analyticsCounts">): BackgroundWorker {
  return {
    name: "analytics-counter",
    scope: "process",
    intervalMilliseconds: 10_000,
    runOnce: async () => ({ fields: { counters: await analyticsCounts.write() } }),
  };
}

async function* streamOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
