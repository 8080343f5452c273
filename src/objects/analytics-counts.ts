// Counts what is read from and uploaded to buckets that want it analysed: in memory, and by a worker of
// the process into counters of the store a little later. A bucket without such a configuration costs a
// look-up. A process that is killed forgets what it has not written yet.

import type { AnalyticsConfiguration } from "../model/types.generated.ts";
import type { Clock } from "../base/clock.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import { ageGroupOf, dayOf, hasAnalytics, isAnalysed, readAnalytics } from "./analytics-rules.ts";
import type { BucketDocuments } from "./bucket-documents.ts";
import type { AccessUnit } from "./records/analytics-record.ts";
import type { BucketRecord } from "./records/bucket-record.ts";
import { keys } from "./records/keyspace.ts";
import type { ObjectRecord } from "./records/object-record.ts";

/** Counters that wait to be written; what has no place any more is not counted. */
const largestCounters = 100_000;
/** While the store does not answer, more accesses than these are left uncounted. */
const largestPending = 10_000;
const additionsPerWrite = 1000;

interface Counter {
  readonly key: Uint8Array;
  delta: number;
}

interface Access {
  readonly bucket: BucketRecord;
  readonly key: string;
  readonly record: ObjectRecord;
  readonly atMilliseconds: number;
  readonly amounts: Partial<Readonly<Record<AccessUnit, number>>>;
}

/** By record: one and the same object stands for the same stored bytes. `none`: nothing is analysed. */
const analysesByRecord = new WeakMap<BucketRecord, readonly AnalyticsConfiguration[] | "none">();

export class AnalyticsCounts {
  readonly #store: KeyValueStore;
  readonly #clock: Clock;
  readonly #documents: BucketDocuments;
  #counters = new Map<string, Counter>();
  /** Accesses that are not counted yet, because the store was asked for configurations. */
  readonly #pending = new Set<Promise<void>>();

  constructor(options: {
    readonly store: KeyValueStore;
    readonly clock: Clock;
    readonly documents: BucketDocuments;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#documents = options.documents;
  }

  /** Bytes of a version are about to be answered. */
  noteRead(bucket: BucketRecord, key: string, record: ObjectRecord, bytes: number): void {
    if (bucket.documents === undefined) return;
    this.#note(bucket, key, record, { getRequests: 1, retrievedBytes: bytes });
  }

  /** A version was stored by one request with its bytes. */
  noteUpload(bucket: BucketRecord, key: string, record: ObjectRecord): void {
    if (bucket.documents === undefined) return;
    this.#note(bucket, key, record, { uploadedBytes: record.sizeBytes });
  }

  /** Writes down what was counted; what could not be written waits for the next time. */
  async write(): Promise<number> {
    await Promise.all(this.#pending);
    const counters = [...this.#counters.entries()];
    this.#counters = new Map();
    for (let at = 0; at < counters.length; at += additionsPerWrite) {
      const additions = counters.slice(at, at + additionsPerWrite).map(([, counter]) => counter);
      try {
        await this.#store.write({ checks: [], sets: [], deletes: [], additions });
      } catch (error) {
        for (const [id, { key, delta }] of counters.slice(at)) this.#add(id, () => key, delta);
        throw error;
      }
    }
    return counters.length;
  }

  #note(bucket: BucketRecord, key: string, record: ObjectRecord, amounts: Access["amounts"]): void {
    let known = analysesByRecord.get(bucket);
    if (known === undefined && !hasAnalytics(bucket)) {
      known = "none";
      analysesByRecord.set(bucket, known);
    }
    if (known === "none") return;
    const atMilliseconds = this.#clock.now();
    const access: Access = { bucket, key, record, atMilliseconds, amounts };
    if (known === undefined) this.#countLater(access);
    else this.#count(access, known);
  }

  #countLater(access: Access): void {
    if (this.#pending.size >= largestPending) return;
    const counting = this.#countAsked(access)
      // The bucket is gone, or the store fails, which requests will tell.
      .catch(() => {})
      .finally(() => this.#pending.delete(counting));
    this.#pending.add(counting);
  }

  async #countAsked(access: Access): Promise<void> {
    const found = await readAnalytics(this.#documents, access.bucket);
    analysesByRecord.set(access.bucket, found);
    this.#count(access, found);
  }

  #count(
    { bucket, key, record, atMilliseconds, amounts }: Access,
    analyses: readonly AnalyticsConfiguration[],
  ): void {
    const day = dayOf(atMilliseconds);
    const { storageClass = "STANDARD", tags } = record.attributes;
    const group = ageGroupOf(record.sizeBytes, atMilliseconds - record.lastModifiedMilliseconds);
    for (const { Id: id, Filter: filter } of analyses) {
      if (!isAnalysed(filter, { key, tags })) continue;
      for (const [unit, delta] of Object.entries(amounts)) {
        const place = { id, day, storageClass, group, unit: unit as AccessUnit }; // by its type
        const text = `${bucket.id}/${id}/${day}/${storageClass}/${group}/${unit}`;
        this.#add(text, () => keys.analyticsCount(bucket.id, place), delta);
      }
    }
  }

  #add(id: string, makeKey: () => Uint8Array, delta: number): void {
    const known = this.#counters.get(id);
    if (known !== undefined) known.delta += delta;
    else if (this.#counters.size < largestCounters) {
      this.#counters.set(id, { key: makeKey(), delta });
    }
  }
}
