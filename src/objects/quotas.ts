// Quotas of buckets and accounts: refused before a body is read, and again in the commit. S3 has none.
//
// The counters are exact (each commit adds what it changes) and are read without a check, so that the
// writers of one bucket do not make each other's commits fail. What can be written beyond a quota is
// therefore what is being committed at the same moment; see docs/decisions/0007-quotas.md.

import { S3Error } from "../model/errors.ts";
import { longBodyBytes } from "../model/limits.ts";
import { decodeCounter } from "../storage/key-value/counter.ts";
import type { Entry, KeyValueStore } from "../storage/key-value/key-value-store.ts";
import { keyAfter } from "../storage/key-value/tuple.ts";
import type { AccountSettings } from "./account-settings.ts";
import { readClasses, usagesOfClasses, withStandard, type ClassUsage } from "./class-usage.ts";
import type { Buckets } from "./buckets.ts";
import type { BucketRecord } from "./records/bucket-record.ts";
import { decodeBucketRecord } from "./records/bucket-record.ts";
import { bucketNameOf, keys, ranges } from "./records/keyspace.ts";
import type { Quota } from "./records/quota-record.ts";

/** How much there is, or how much a write adds. */
export interface Usage {
  readonly objects: number;
  /** Of all versions, and of the parts of uploads in progress. */
  readonly bytes: number;
}

/** What the counters say. */
export interface CountedUsage extends Usage {
  /** How many of the bytes are parts of uploads in progress. */
  readonly uploadBytes: number;
}

/** Of a bucket, with what of it lies in which storage class (parts of uploads left out). */
export interface BucketUsage extends CountedUsage {
  readonly bucket: BucketRecord;
  readonly classes: ReadonlyMap<string, ClassUsage>;
}

export interface BucketUsages {
  readonly usages: readonly BucketUsage[];
  /** `false`: there are more buckets. */
  readonly isComplete: boolean;
}

const nothing: CountedUsage = { objects: 0, bytes: 0, uploadBytes: 0 };

interface KnownUsage {
  readonly usage: Usage;
  readonly readMilliseconds: number;
}

/** How old the sum over an account's buckets may be. */
const accountUsageMilliseconds = 1000;
const cachedAccounts = 10_000;
const bucketChunk = 500;
const uploadChunk = 1000;
const usageChunk = 100;

export class Quotas {
  readonly #store: KeyValueStore;
  readonly #buckets: Buckets;
  readonly #accountSettings: AccountSettings;
  readonly #accountUsage = new Map<string, KnownUsage>();

  constructor(options: {
    readonly store: KeyValueStore;
    readonly buckets: Buckets;
    readonly accountSettings: AccountSettings;
  }) {
    this.#store = options.store;
    this.#buckets = options.buckets;
    this.#accountSettings = options.accountSettings;
  }

  /**
   * Throws S3Error QuotaExceeded when the bucket, or its owner's account, may not grow so much. What
   * does not grow is never refused, also over a quota that was lowered. For commits.
   */
  async check(bucket: BucketRecord, growth: Usage): Promise<void> {
    if (bucket.quota !== undefined) {
      checkQuota("bucket", bucket.quota, await this.bucketUsage(bucket), growth);
    }
    const quota = await this.#accountSettings.quotaOf(bucket.ownerAccountId);
    if (quota === undefined) return;
    checkQuota("account", quota, await this.#recentUsage(bucket.ownerAccountId), growth);
  }

  /**
   * The same before the bytes of a write are read; the commit looks again. `findReplaced` tells what
   * the write will take away. `undefined`: this process knows of no quota and the body is short, so
   * that nothing was read.
   */
  checkEarly(
    bucket: BucketRecord,
    growth: Usage,
    findReplaced?: () => Promise<Usage | undefined>,
  ): Promise<void> | undefined {
    const isLimited =
      bucket.quota !== undefined || this.#accountSettings.seemsLimited(bucket.ownerAccountId);
    if (!isLimited && growth.bytes <= longBodyBytes) return undefined;
    const checked = this.check(bucket, growth);
    if (findReplaced === undefined) return checked;
    return checked.catch(async (refusal: unknown) => {
      const replaced = await findReplaced();
      if (replaced === undefined) throw refusal;
      const { objects, bytes } = replaced;
      const rest = { objects: growth.objects - objects, bytes: growth.bytes - bytes };
      await this.check(bucket, rest);
    });
  }

  /** Throws S3Error NoSuchBucket. */
  async setBucketQuota(bucketName: string, quota: Quota | undefined): Promise<void> {
    await this.#buckets.update(bucketName, (bucket) => {
      const { quota: _, ...others } = bucket;
      return quota === undefined ? others : { ...others, quota };
    });
  }

  setAccountQuota(accountId: string, quota: Quota | undefined): Promise<void> {
    return this.#accountSettings.setQuota(accountId, quota);
  }

  accountQuota(accountId: string): Promise<Quota | undefined> {
    return this.#accountSettings.quotaOf(accountId);
  }

  async bucketUsage(bucket: BucketRecord): Promise<CountedUsage> {
    return this.#sum([bucket]);
  }

  /** How many uploads of the bucket are in progress. Read in chunks, for administrators. */
  async countUploads({ id }: BucketRecord): Promise<number> {
    let count = 0;
    const { start: first, end } = ranges.uploads(id);
    for (let start = first; ;) {
      const range = { start, end, limit: uploadChunk };
      const entries = (await this.#store.read({ ranges: [range] })).ranges[0] ?? [];
      count += entries.length;
      const last = entries.at(-1);
      if (last === undefined || entries.length < uploadChunk) return count;
      start = keyAfter(last.key);
    }
  }

  /** Of all buckets that an account owns. */
  async countAccountUploads(accountId: string): Promise<number> {
    let count = 0;
    for await (const owned of this.#bucketsOf(accountId)) {
      for (const bucket of owned) count += await this.countUploads(bucket);
    }
    return count;
  }

  /** The first buckets by name, of all accounts. Read in chunks: other requests come in between. */
  async usageOfBuckets(largestCount: number): Promise<BucketUsages> {
    const found: BucketUsage[] = [];
    let after: string | undefined;
    for (;;) {
      const range = { ...ranges.buckets("", after), limit: usageChunk };
      const entries = (await this.#store.read({ ranges: [range] })).ranges[0] ?? [];
      const records = entries.map(({ value }) => decodeBucketRecord(value));
      const counts = await this.#count(records);
      const classes = await this.#classes(records);
      for (const [index, bucket] of records.entries()) {
        if (found.length === largestCount) return { usages: found, isComplete: false };
        const usage = counts[index] ?? nothing;
        const whole = { objects: usage.objects, bytes: usage.bytes - usage.uploadBytes };
        const others = readClasses(classes[index] ?? []);
        found.push({ bucket, ...usage, classes: withStandard(whole, others) });
      }
      const last = entries.at(-1);
      if (last === undefined || entries.length < usageChunk) {
        return { usages: found, isComplete: true };
      }
      after = bucketNameOf(last.key);
    }
  }

  /** Walks all buckets: for administrators, and at most once a second for writers. */
  async accountUsage(accountId: string): Promise<CountedUsage> {
    let total = nothing;
    for await (const owned of this.#bucketsOf(accountId)) {
      total = addUsage(total, await this.#sum(owned));
    }
    return total;
  }

  async *#bucketsOf(accountId: string): AsyncGenerator<readonly BucketRecord[], void, void> {
    let after: string | undefined;
    for (;;) {
      const range = { ...ranges.buckets("", after), limit: bucketChunk };
      const entries = (await this.#store.read({ ranges: [range] })).ranges[0] ?? [];
      yield entries
        .map(({ value }) => decodeBucketRecord(value))
        .filter(({ ownerAccountId }) => ownerAccountId === accountId);
      const last = entries.at(-1);
      if (last === undefined || entries.length < bucketChunk) return;
      after = bucketNameOf(last.key);
    }
  }

  async #recentUsage(accountId: string): Promise<Usage> {
    const readMilliseconds = performance.now();
    const known = this.#accountUsage.get(accountId);
    const isRecent =
      known !== undefined && readMilliseconds < known.readMilliseconds + accountUsageMilliseconds;
    if (isRecent) return known.usage;
    const usage = await this.accountUsage(accountId);
    if (this.#accountUsage.size >= cachedAccounts) this.#accountUsage.clear();
    this.#accountUsage.set(accountId, { usage, readMilliseconds });
    return usage;
  }

  async #sum(buckets: readonly BucketRecord[]): Promise<CountedUsage> {
    return (await this.#count(buckets)).reduce(addUsage, nothing);
  }

  /** The counters of each bucket. */
  async #classes(buckets: readonly BucketRecord[]): Promise<readonly (readonly Entry[])[]> {
    if (buckets.length === 0) return [];
    const wanted = buckets.map(({ id }) => ({
      ...ranges.usageOfClasses(id),
      limit: usagesOfClasses,
    }));
    return (await this.#store.read({ ranges: wanted })).ranges;
  }

  /** One for each bucket. */
  async #count(buckets: readonly BucketRecord[]): Promise<readonly CountedUsage[]> {
    if (buckets.length === 0) return [];
    const gets = buckets.flatMap(({ id }) => [
      keys.usageObjects(id),
      keys.usageBytes(id),
      keys.usagePending(id),
    ]);
    const read = (await this.#store.read({ gets })).gets;
    const counters = read.map((entry) => decodeCounter(entry?.value));
    return buckets.map((_, index) => {
      const [objects = 0, bytes = 0, uploadBytes = 0] = counters.slice(3 * index, 3 * index + 3);
      return { objects, bytes: bytes + uploadBytes, uploadBytes };
    });
  }
}

function addUsage(left: CountedUsage, right: CountedUsage): CountedUsage {
  return {
    objects: left.objects + right.objects,
    bytes: left.bytes + right.bytes,
    uploadBytes: left.uploadBytes + right.uploadBytes,
  };
}

function checkQuota(of: "bucket" | "account", quota: Quota, usage: Usage, growth: Usage): void {
  for (const unit of ["objects", "bytes"] as const) {
    const limit = quota[unit];
    if (limit === undefined || growth[unit] <= 0 || usage[unit] + growth[unit] <= limit) continue;
    throw new S3Error("QuotaExceeded", {
      message: `The ${of}'s quota of ${unit} is exceeded.`,
      fields: { Quota: limit, Unit: unit },
    });
  }
}
