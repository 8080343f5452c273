// Buckets: making, finding, listing, changing and deleting them.

import { compareBytes } from "../base/bytes.ts";
import { S3Error } from "../model/errors.ts";
import type { Clock } from "../base/clock.ts";
import type { Entry, KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import { transact } from "../storage/key-value/transaction.ts";
import { usagesOfClasses } from "./class-usage.ts";
import type { Contents } from "./contents.ts";
import type { BucketId } from "./identifiers.ts";
import { newBucketId } from "./identifiers.ts";
import type { BucketRecord } from "./records/bucket-record.ts";
import { decodeBucketRecord } from "./records/bucket-record.ts";
import { bucketNameOf, keys, ranges } from "./records/keyspace.ts";
import { encodeRecord } from "../storage/record-codec.ts";

export type NewBucket = Omit<BucketRecord, "v" | "id" | "createdMilliseconds" | "deletionMark">;

export interface BucketPage {
  readonly buckets: readonly BucketRecord[];
  /** Name of the last bucket of the page when more follow. */
  readonly next: string | undefined;
}

interface ParsedBucket {
  readonly stored: Uint8Array;
  readonly record: BucketRecord;
}

const deletionAttempts = 8;
const cachedBuckets = 1024;
const listingChunk = 1000;

export class Buckets {
  readonly #store: KeyValueStore;
  readonly #contents: Contents;
  readonly #clock: Clock;
  // Parsed records by name, each with the bytes that it was parsed from. Never trusted: a record counts
  // only while the stored bytes are the same.
  readonly #parsed = new Map<string, ParsedBucket>();

  constructor(options: {
    readonly store: KeyValueStore;
    readonly contents: Contents;
    readonly clock: Clock;
  }) {
    this.#store = options.store;
    this.#contents = options.contents;
    this.#clock = options.clock;
  }

  /** Makes a bucket. `false`: the name is taken, and `existing` is whose it is. */
  async create(
    bucket: NewBucket,
  ): Promise<{ readonly created: boolean; readonly record: BucketRecord }> {
    return transact(this.#store, async (transaction) => {
      const key = keys.bucket(bucket.name);
      const value = await transaction.get(key);
      if (value !== undefined) return { created: false, record: decodeBucketRecord(value) };
      const record: BucketRecord = {
        v: 1,
        id: newBucketId(),
        createdMilliseconds: this.#clock.now(),
        ...bucket,
      };
      transaction.set(key, encodeRecord(record));
      return { created: true, record };
    });
  }

  /** Throws S3Error NoSuchBucket. */
  async get(name: string): Promise<BucketRecord> {
    const { gets } = await this.#store.read({ gets: [keys.bucket(name)] });
    return this.decode(name, gets[0]);
  }

  async find(name: string): Promise<BucketRecord | undefined> {
    const { gets } = await this.#store.read({ gets: [keys.bucket(name)] });
    return gets[0] === undefined ? undefined : this.decode(name, gets[0]);
  }

  /** The record of an entry that was read elsewhere. Throws S3Error NoSuchBucket. */
  decode(name: string, entry: Entry | undefined): BucketRecord {
    return this.#parse(name, entry?.value);
  }

  /** What the bucket's record said last: good for guessing keys to read together with the record. */
  guess(name: string): BucketRecord | undefined {
    return this.#parsed.get(name)?.record;
  }

  /**
   * The bucket of a write. The transaction's check on its record is what makes configuration changes
   * and deletion atomic against writers. Throws S3Error NoSuchBucket.
   */
  async getForWrite(transaction: Transaction, name: string): Promise<BucketRecord> {
    return this.keepAlive(transaction, await this.#load(transaction, name));
  }

  /** Takes the mark of a deletion away: the deletion's last commit will fail, the writer wins. */
  keepAlive(transaction: Transaction, record: BucketRecord): BucketRecord {
    if (record.deletionMark === undefined) return record;
    const { deletionMark: _, ...alive } = record;
    transaction.set(keys.bucket(record.name), encodeRecord(alive));
    return alive;
  }

  /** Replaces a bucket's record by what `change` makes of it; `change` may throw to refuse. */
  async update(
    name: string,
    change: (record: BucketRecord) => BucketRecord,
  ): Promise<BucketRecord> {
    return transact(this.#store, async (transaction) => {
      const before = await this.getForWrite(transaction, name);
      const after = change(before);
      if (after !== before) transaction.set(keys.bucket(name), encodeRecord(after));
      return after;
    });
  }

  /** Buckets of one owner by name, after `after`, whose names begin with `prefix`. */
  async list(options: {
    readonly ownerId: string;
    readonly prefix: string;
    readonly after: string | undefined;
    readonly limit: number;
    readonly accepts: (record: BucketRecord) => boolean;
  }): Promise<BucketPage> {
    const found: BucketRecord[] = [];
    let after = options.after;
    for (;;) {
      const range = ranges.buckets(options.prefix, after);
      const page = await this.#store.read({ ranges: [{ ...range, limit: listingChunk }] });
      const entries = page.ranges[0] ?? [];
      for (const entry of entries) {
        const record = decodeBucketRecord(entry.value);
        after = bucketNameOf(entry.key);
        if (record.ownerId !== options.ownerId || !options.accepts(record)) continue;
        if (found.length === options.limit) return { buckets: found, next: found.at(-1)?.name };
        found.push(record);
      }
      if (entries.length < listingChunk) return { buckets: found, next: undefined };
    }
  }

  /**
   * Deletes an empty bucket: marks it, proves it empty, removes it if nobody wrote since the mark.
   * `check` may throw to refuse. Throws S3Error NoSuchBucket, BucketNotEmpty.
   */
  async delete(name: string, check: (record: BucketRecord) => void): Promise<void> {
    for (let attempt = 0; attempt < deletionAttempts; attempt += 1) {
      const marked = await this.#markForDeletion(name, check);
      if (await this.#holdsVersions(marked.id)) {
        await this.#unmark(marked);
        throw new S3Error("BucketNotEmpty", { fields: { BucketName: name } });
      }
      if (await this.#remove(marked)) return;
    }
    // Writers kept coming: the bucket is in use, which is what the error says.
    throw new S3Error("BucketNotEmpty", { fields: { BucketName: name } });
  }

  async #load(transaction: Transaction, name: string): Promise<BucketRecord> {
    return this.#parse(name, await transaction.get(keys.bucket(name)));
  }

  #parse(name: string, stored: Uint8Array | undefined): BucketRecord {
    if (stored === undefined) throw this.#noSuchBucket(name);
    const parsed = this.#parsed.get(name);
    if (parsed !== undefined && compareBytes(parsed.stored, stored) === 0) return parsed.record;
    const record = decodeBucketRecord(stored);
    if (this.#parsed.size >= cachedBuckets) this.#parsed.clear();
    // By the name that the record holds: one from a request would keep the whole head of it alive.
    this.#parsed.set(record.name, { stored, record });
    return record;
  }

  #noSuchBucket(name: string): S3Error {
    this.#parsed.delete(name);
    return new S3Error("NoSuchBucket", { fields: { BucketName: name } });
  }

  async #markForDeletion(
    name: string,
    check: (record: BucketRecord) => void,
  ): Promise<BucketRecord> {
    return transact(this.#store, async (transaction) => {
      const record = await this.#load(transaction, name);
      check(record);
      const marked: BucketRecord = { ...record, deletionMark: newBucketId() };
      transaction.set(keys.bucket(name), encodeRecord(marked));
      return marked;
    });
  }

  async #holdsVersions(id: BucketId): Promise<boolean> {
    const { ranges: found } = await this.#store.read({
      ranges: [
        { ...ranges.current(id), limit: 1 },
        { ...ranges.markers(id), limit: 1 },
        { ...ranges.versions(id), limit: 1 },
      ],
    });
    return found.some((entries) => entries.length > 0);
  }

  async #unmark(marked: BucketRecord): Promise<void> {
    await transact(this.#store, async (transaction) => {
      const value = await transaction.get(keys.bucket(marked.name));
      if (value === undefined) return;
      const record = decodeBucketRecord(value);
      if (record.id === marked.id) this.keepAlive(transaction, record);
    });
  }

  /** `false`: a writer took the mark away, or another deletion set its own. Uploads in progress go with the bucket, as in S3. */
  async #remove(marked: BucketRecord): Promise<boolean> {
    return transact(this.#store, async (transaction) => {
      const value = await transaction.get(keys.bucket(marked.name));
      if (value === undefined) return true;
      const record = decodeBucketRecord(value);
      if (record.id !== marked.id) return true;
      if (record.deletionMark !== marked.deletionMark) return false;
      transaction.delete(keys.bucket(marked.name));
      transaction.delete(keys.usageObjects(marked.id));
      transaction.delete(keys.usageBytes(marked.id));
      transaction.delete(keys.usagePending(marked.id));
      const classes = { ...ranges.usageOfClasses(marked.id), limit: usagesOfClasses };
      for (const { key } of await transaction.range(classes)) transaction.delete(key);
      for (const id of Object.values(record.documents ?? {})) {
        transaction.delete(keys.document(marked.id, id));
      }
      this.#contents.addGarbage(transaction, { kind: "bucket", bucketId: marked.id });
      this.#parsed.delete(marked.name);
      return true;
    });
  }
}
