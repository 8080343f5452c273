// Storage class analysis (analytics configurations of buckets): soon after midnight UTC the day that is
// over is measured and added to the history of each analysis, which is exported as one file. When it is
// asked to, it does the same for the day as far as it has come. A walk over a bucket leaves a record of how
// far it came and what it found up to there: killed anywhere, it goes on there, and counts nothing twice.

import { inOnePiece } from "../base/bytes.ts";
import type { AnalyticsConfiguration } from "../model/types.generated.ts";
import { S3Error } from "../model/errors.ts";
import { analyticsKind } from "../objects/analytics-configuration.ts";
import { dayMilliseconds, dayOf, hasAnalytics, readAnalytics } from "../objects/analytics-rules.ts";
import { bucketNameOfArn, reportFolder } from "../objects/delivery-destination.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import {
  decodeAnalyticsState,
  type AnalyticsStateRecord,
  type AnalyticsWalk,
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
import { Tally, tallyBucket } from "./analytics/bucket-tally.ts";
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
  /** After how many objects the place of a walk is noted; default: some seconds of work. */
  readonly noteObjects?: number;
}

const defaultNoteObjects = 500_000;
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
  readonly documentId: string;
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
  readonly #noteObjects: number;

  constructor(options: AnalyticsWorkerOptions) {
    const { objectStore, deliverer, noteObjects = defaultNoteObjects } = options;
    this.#store = objectStore;
    this.#deliverer = deliverer;
    this.#noteObjects = noteObjects;
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
    // Somebody asked for these, in a pass that did not come to its end.
    const resumed = works.filter(
      ({ state: { walk } }) => walk?.isOver === false && walk.day === today,
    );
    const isSettled = now - today * dayMilliseconds >= afterMidnightMilliseconds;
    if (isSettled || isAsked) {
      for (const work of works) await this.#keepCounted(work, isAsked ? today : today - 1);
      const isDue = ({ state }: Work): boolean =>
        state.sinceDay < today && (state.measuredDay ?? 0) < today - 1;
      await this.#measure(bucket, works.filter(isDue), { day: today - 1, isOver: true }, round);
    }
    const wanted = isAsked ? works : resumed;
    await this.#measure(bucket, wanted, { day: today, isOver: false }, round);
    for (const work of works) await this.#exportIfDue(work, wanted.includes(work), round);
  }

  /** Notes when an analysis is seen for the first time, so that its first day is its own. */
  async #begin(bucket: BucketRecord, configuration: AnalyticsConfiguration): Promise<Work> {
    const { keyValueStore, clock } = this.#store;
    const key = keys.analyticsState(bucket.id, configuration.Id);
    const { gets } = await keyValueStore.read({ gets: [key] });
    const days = new AnalyticsDays(this.#store, bucket, configuration);
    const documentId = bucket.documents?.[`${analyticsKind}/${configuration.Id}`] ?? "";
    const known = { bucket, configuration, documentId, days };
    if (gets[0] !== undefined) return { ...known, state: decodeAnalyticsState(gets[0].value) };
    const today = dayOf(clock.now());
    const sinceDay = Math.min(today, (await days.firstCounted(0)) ?? today);
    const work: Work = { ...known, state: { v: 1, bucketName: bucket.name, sinceDay } };
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
    { day, isOver }: Pick<AnalyticsWalk, "day" | "isOver">,
    { signal, pass, counts }: Round,
  ): Promise<void> {
    if (works.length === 0) return;
    // Whoever asks for today's figures wants those of now.
    const isAnew = pass.isAsked && !isOver;
    const found = isAnew ? undefined : sharedWalk(works, { day, isOver });
    const atMilliseconds =
      found?.atMilliseconds ?? Math.min((day + 1) * dayMilliseconds, this.#store.clock.now());
    const measures = works.map((work) => {
      const earlier = found === undefined ? undefined : work.state.walk?.stored;
      return { work, tally: new Tally(work.configuration, earlier) };
    });
    const tallies = measures.map(({ tally }) => tally);
    await tallyBucket(this.#store, bucket, tallies, {
      day,
      atMilliseconds,
      afterKey: found?.afterKey,
      signal,
      noteObjects: this.#noteObjects,
      note: (afterKey) =>
        this.#noteAll(
          measures.map(({ work, tally: { stored } }) => {
            const { documentId } = work;
            const walk = { documentId, day, isOver, atMilliseconds, afterKey, stored };
            return [work, { ...work.state, walk }];
          }),
        ),
      looked: (objects) => {
        counts.looked += objects;
        pass.progress(counts);
      },
    });
    for (const { work, tally } of measures) {
      await work.days.keep(day, tally.stored);
      await work.days.forgetUntil(day - keptDays);
      const { walk, ...others } = work.state;
      if (isOver) await this.#noteAll([[work, { ...others, measuredDay: day }]]);
      else if (walk !== undefined) await this.#noteAll([[work, others]]);
      counts.measured += 1;
    }
  }

  async #exportIfDue(work: Work, isWanted: boolean, { signal, counts }: Round): Promise<void> {
    const { bucket, configuration, state } = work;
    const destination =
      configuration.StorageClassAnalysis.DataExport?.Destination.S3BucketDestination;
    if (destination === undefined) return;
    const { measuredDay, exportedDay, failure } = state;
    const now = this.#store.clock.now();
    const isDue = measuredDay !== undefined && (exportedDay ?? 0) < measuredDay;
    const waits = failure !== undefined && failure.againMilliseconds > now;
    if (!isWanted && (!isDue || waits)) return;
    const body = await this.#writeFile(work, signal);
    try {
      await this.#deliverer.deliver({
        service: "s3.amazonaws.com",
        bucketName: bucketNameOfArn(destination.Bucket),
        key: `${reportFolder(destination.Prefix, bucket.name, configuration.Id)}.csv`,
        body: inOnePiece(body),
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
    await this.#noteAll([[work, { ...work.state, ...change }]]);
  }

  /** All of them or none. */
  async #noteAll(
    noted: readonly (readonly [work: Work, state: AnalyticsStateRecord])[],
  ): Promise<void> {
    const sets = noted.map(([{ bucket, configuration }, state]) => ({
      key: keys.analyticsState(bucket.id, configuration.Id),
      value: encodeRecord(state),
    }));
    await this.#store.keyValueStore.write({ ...nothing, sets });
    for (const [work, state] of noted) work.state = state;
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

/** The walk that all of them can go on with: they were in it together, and are as they were. */
function sharedWalk(
  works: readonly Work[],
  { day, isOver }: Pick<AnalyticsWalk, "day" | "isOver">,
): AnalyticsWalk | undefined {
  const [first] = works.map(({ state }) => state.walk);
  if (first?.day !== day || first.isOver !== isOver) return undefined;
  const isShared = works.every(
    ({ documentId, state: { walk } }) =>
      walk?.documentId === documentId &&
      walk.day === day &&
      walk.isOver === isOver &&
      walk.atMilliseconds === first.atMilliseconds &&
      walk.afterKey === first.afterKey,
  );
  return isShared ? first : undefined;
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
