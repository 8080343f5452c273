// Works off garbage records: what a commit declared waste is removed here, in steps that may be cut
// off after each one and repeated by anybody. The argument why this is safe stands in sweeper.ts.

import type { Contents } from "../objects/contents.ts";
import type { BucketId, UploadId } from "../objects/identifiers.ts";
import { keys, ranges, uploadPlaceOf } from "../objects/records/keyspace.ts";
import type { Extent } from "../objects/records/object-record.ts";
import type { GarbageRecord } from "../objects/records/store-record.ts";
import { decodeGarbageRecord } from "../objects/records/store-record.ts";
import { decodePartRecord } from "../objects/records/upload-record.ts";
import type { BlobId, BlobStore } from "../storage/blob/blob-store.ts";
import { decodeCounter } from "../storage/key-value/counter.ts";
import type { Entry, KeyValueStore } from "../storage/key-value/key-value-store.ts";
import { transact } from "../storage/key-value/transaction.ts";
import { keyAfter } from "../storage/key-value/tuple.ts";

export interface GarbageSweepOptions {
  readonly store: KeyValueStore;
  readonly blobs: BlobStore;
  readonly contents: Pick<Contents, "releaseExtents">;
}

export interface GarbageSweepReport {
  /** Blobs removed. */
  blobs: number;
  /** Part records of ended uploads removed. */
  parts: number;
  /** Garbage records finished. */
  records: number;
  /** When the oldest record that is still too young was made. */
  nextMadeMilliseconds: number | undefined;
}

// A record of an object with 10,000 parts names as many blobs, half a megabyte: few of those at once,
// many of the usual ones that name a single blob.
const smallestBatch = 8;
const largestBatch = 512;
const batchTargetBytes = 128 * 1024;
const blobsPerCommit = 1000;
const deletionsAtOnce = 8;
const commitAttempts = 5;
const partsPerCommit = 32;
const extentsPerCommit = 4000;
const rowsPerCommit = 500;

export class GarbageSweep {
  readonly #store: KeyValueStore;
  readonly #blobs: BlobStore;
  readonly #contents: Pick<Contents, "releaseExtents">;

  constructor(options: GarbageSweepOptions) {
    this.#store = options.store;
    this.#blobs = options.blobs;
    this.#contents = options.contents;
  }

  /**
   * Works off every record made before `cutoffMilliseconds`. What fails is left for the next pass and
   * does not hold up what comes after it; the first failure is thrown in the end.
   */
  async run(cutoffMilliseconds: number, signal: AbortSignal): Promise<GarbageSweepReport> {
    const report = { blobs: 0, parts: 0, records: 0, nextMadeMilliseconds: undefined };
    const pass = { report, failures: [] as unknown[], signal };
    const range = ranges.garbage();
    let { start } = range;
    let limit = smallestBatch;
    while (!signal.aborted) {
      const read = await this.#store.read({ ranges: [{ start, end: range.end, limit }] });
      const entries = read.ranges[0] ?? [];
      const due = await this.#sweepBatch(entries, cutoffMilliseconds, pass);
      const last = entries.at(-1);
      if (!due || last === undefined || entries.length < limit) break;
      start = keyAfter(last.key);
      const bytes = entries.reduce((sum, entry) => sum + entry.value.byteLength, 0);
      limit = bytes < batchTargetBytes ? limit * 2 : Math.floor(limit / 2);
      limit = Math.min(largestBatch, Math.max(smallestBatch, limit));
    }
    if (pass.failures.length > 0) throw pass.failures[0];
    return report;
  }

  /** `false`: a record was too young, and so are all that follow. */
  async #sweepBatch(entries: readonly Entry[], cutoff: number, pass: Pass): Promise<boolean> {
    const shared: { readonly key: Uint8Array; readonly blobs: readonly BlobId[] }[] = [];
    let isDue = true;
    for (const entry of entries) {
      const record = decodeGarbageRecord(entry.value);
      if (record.madeMilliseconds >= cutoff) {
        pass.report.nextMadeMilliseconds = record.madeMilliseconds;
        isDue = false;
        break;
      }
      if (record.kind === "blobs") shared.push({ key: entry.key, blobs: record.blobs });
      else await this.#attempt(pass, () => this.#sweepOwner(entry.key, record, pass));
    }
    await this.#sweepBlobs(shared, pass);
    return isDue;
  }

  /** Removes the blobs of several records, with one commit for their counters where that is possible. */
  async #sweepBlobs(
    records: readonly { readonly key: Uint8Array; readonly blobs: readonly BlobId[] }[],
    pass: Pass,
  ): Promise<void> {
    const kept = new Set<BlobId>();
    const ids = [...new Set(records.flatMap((record) => record.blobs))];
    for (let at = 0; at < ids.length; at += blobsPerCommit) {
      const chunk = ids.slice(at, at + blobsPerCommit);
      await this.#attempt(
        pass,
        () => this.#removeUnreferenced(chunk, kept, pass),
        () => {
          for (const id of chunk) kept.add(id);
        },
      );
    }
    const finished = records.filter((record) => record.blobs.every((id) => !kept.has(id)));
    await this.#attempt(pass, () =>
      this.#finish(
        finished.map((record) => record.key),
        pass,
      ),
    );
  }

  /** Removes the blobs that nobody names; adds to `kept` what could not be removed now. */
  async #removeUnreferenced(ids: readonly BlobId[], kept: Set<BlobId>, pass: Pass): Promise<void> {
    const unnamed = await this.#forgetCounters(ids);
    if (unnamed === undefined) {
      for (const id of ids) kept.add(id);
      return;
    }
    let next = 0;
    const worker = async (): Promise<void> => {
      for (;;) {
        const id = unnamed[next];
        next += 1;
        if (id === undefined) return;
        const isRemoved = !pass.signal.aborted && (await this.#removeBlob(id, pass));
        if (!isRemoved) kept.add(id);
      }
    };
    await Promise.all(Array.from({ length: deletionsAtOnce }, worker));
  }

  async #removeBlob(id: BlobId, pass: Pass): Promise<boolean> {
    try {
      await this.#blobs.delete(id);
      pass.report.blobs += 1;
      return true;
    } catch (error) {
      pass.failures.push(error);
      return false;
    }
  }

  /**
   * Deletes the counters that stand at zero, under the check that they still do, and answers which
   * blobs have none (any more). `undefined`: they kept changing; try again in the next pass.
   */
  async #forgetCounters(ids: readonly BlobId[]): Promise<readonly BlobId[] | undefined> {
    for (let attempt = 0; attempt < commitAttempts; attempt += 1) {
      const read = await this.#store.read({ gets: ids.map((id) => keys.reference(id)) });
      const unnamed = ids.filter((_, index) => decodeCounter(read.gets[index]?.value) <= 0);
      const zero = read.gets.filter(
        (entry) => entry !== undefined && decodeCounter(entry.value) <= 0,
      ) as readonly Entry[];
      if (zero.length === 0) return unnamed;
      const { committed } = await this.#store.write({
        checks: zero.map(({ key, revision }) => ({ key, revision })),
        sets: [],
        deletes: zero.map(({ key }) => key),
        additions: [],
      });
      if (committed) return unnamed;
    }
    return undefined;
  }

  async #sweepOwner(
    key: Uint8Array,
    record: Exclude<GarbageRecord, { readonly kind: "blobs" }>,
    pass: Pass,
  ): Promise<void> {
    const isDone =
      record.kind === "upload"
        ? await this.#releaseParts(record.uploadId, pass)
        : await this.#sweepBucket(record.bucketId, pass);
    if (isDone) await this.#finish([key], pass);
  }

  /**
   * Lets the bytes of an ended upload's parts go. No part can be added any more: every writer of one
   * checks the upload's record, which is gone. `false`: aborted.
   */
  async #releaseParts(uploadId: UploadId, pass: Pass): Promise<boolean> {
    for (;;) {
      if (pass.signal.aborted) return false;
      const released = await transact(this.#store, async (transaction) => {
        const range = { ...ranges.parts(uploadId, 0), limit: partsPerCommit };
        const extents: Extent[] = [];
        let count = 0;
        for (const entry of await transaction.range(range)) {
          const part = decodePartRecord(entry.value);
          if (count > 0 && extents.length + part.extents.length > extentsPerCommit) break;
          // Another sweeper may release the same part: the one whose check holds counts it down.
          transaction.check(entry.key, entry.revision);
          transaction.delete(entry.key);
          extents.push(...part.extents);
          count += 1;
        }
        this.#contents.releaseExtents(transaction, extents);
        return count;
      });
      if (released === 0) return true;
      pass.report.parts += released;
    }
  }

  /** Removes what a deleted bucket leaves: uploads with their parts. `false`: aborted. */
  async #sweepBucket(bucketId: BucketId, pass: Pass): Promise<boolean> {
    const uploads = ranges.uploads(bucketId);
    for (;;) {
      const read = await this.#store.read({ ranges: [{ ...uploads, limit: partsPerCommit }] });
      const entries = read.ranges[0] ?? [];
      if (entries.length === 0) break;
      for (const entry of entries) {
        const uploadId = uploadPlaceOf(entry.key).uploadId as UploadId;
        if (!(await this.#releaseParts(uploadId, pass))) return false;
      }
      const ended = entries.map((entry) => uploadPlaceOf(entry.key).uploadId);
      await this.#delete([
        ...entries.map((entry) => entry.key),
        ...ended.map((uploadId) => keys.uploadBytes(uploadId)),
      ]);
    }
    // The proof that the bucket was empty covers its versions, so no pointer to one should be left.
    const pointers = { ...ranges.nullVersions(bucketId), limit: rowsPerCommit };
    for (;;) {
      const entries = (await this.#store.read({ ranges: [pointers] })).ranges[0] ?? [];
      if (entries.length === 0) return true;
      await this.#delete(entries.map((entry) => entry.key));
    }
  }

  async #finish(garbageKeys: readonly Uint8Array[], pass: Pass): Promise<void> {
    if (garbageKeys.length === 0) return;
    await this.#delete(garbageKeys);
    pass.report.records += garbageKeys.length;
  }

  async #delete(deletes: readonly Uint8Array[]): Promise<void> {
    await this.#store.write({ checks: [], sets: [], deletes, additions: [] });
  }

  async #attempt(pass: Pass, step: () => Promise<void>, onFailure = (): void => {}): Promise<void> {
    try {
      await step();
    } catch (error) {
      pass.failures.push(error);
      onFailure();
    }
  }
}

interface Pass {
  readonly report: GarbageSweepReport;
  readonly failures: unknown[];
  readonly signal: AbortSignal;
}
