// Which metrics configurations of which buckets a request counts for, found out when its answer has left.
// A request for a bucket without any costs a look at two fields.

import { S3Error } from "../model/errors.ts";
import { operations as definitions } from "../model/operations.generated.ts";
import type { OperationName } from "../model/types.generated.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { parseCopySource } from "../operations/object/copy-source.ts";
import type { BucketRequestMeter, BucketRequestType } from "../telemetry/metrics-buckets.ts";
import type { RequestRecord } from "./request-record.ts";
import { StoreFacts, type MeteredBucket } from "./resource-facts.ts";

/** While the store does not answer, more requests than these are left uncounted. */
const largestPending = 10_000;

export class BucketMeter {
  readonly #store: ObjectStore;
  readonly #counts: BucketRequestMeter;
  /** Requests that are not counted yet, because the store was asked about them. */
  readonly #pending = new Set<Promise<void>>();

  constructor(store: ObjectStore, counts: BucketRequestMeter) {
    this.#store = store;
    this.#counts = counts;
  }

  count(record: RequestRecord): void {
    const { facts } = record;
    if (this.#pending.size >= largestPending) return;
    if (facts?.isUsed === true) {
      if (facts.metered !== undefined) this.#finish(this.#count(record, facts.metered, facts));
    } else if (record.bucket !== undefined) {
      // Refused before anybody looked at the bucket.
      this.#finish(this.#countRefused(record, record.bucket));
    }
  }

  /** Resolves when everything is counted that was answered before. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }

  #finish(counting: Promise<void>): void {
    // A store that fails has failed the request too; what it does to a count is not worth a word.
    const finished = counting.catch(() => {}).finally(() => this.#pending.delete(finished));
    this.#pending.add(finished);
  }

  async #countRefused(record: RequestRecord, bucketName: string): Promise<void> {
    const facts = new StoreFacts(this.#store);
    await facts.bucket(bucketName);
    if (facts.metered !== undefined) await this.#count(record, facts.metered, facts);
  }

  async #count(
    record: RequestRecord,
    buckets: readonly MeteredBucket[],
    facts: StoreFacts,
  ): Promise<void> {
    const source = sourceOf(record);
    for (const bucket of buckets) {
      if (bucket.name === record.bucket) await this.#countRequest(record, bucket, facts);
      if (source?.bucketName !== bucket.name) continue;
      const tags = await this.#tags(bucket, source);
      this.#counts.countSource(bucket.name, bucket.metrics.matching({ key: source.key, tags }));
    }
  }

  async #countRequest(
    record: RequestRecord,
    bucket: MeteredBucket,
    facts: StoreFacts,
  ): Promise<void> {
    const { key, versionId, status } = record;
    const { looksAtTags } = bucket.metrics;
    // Of what is written the tags that it has now, of what is read or deleted those that it had.
    const looked = looksAtTags && key !== undefined ? await facts.lookedTags() : undefined;
    const tags = looked ?? (await this.#tags(bucket, { key, versionId }));
    this.#counts.count(bucket.name, bucket.metrics.matching({ key, tags }), {
      type: typeOf(record),
      status,
      receivedBytes: record.receivedBodyBytes,
      sentBytes: record.bodyBytes,
      firstByteSeconds: record.turnaroundMilliseconds / 1000,
      durationSeconds: record.durationMilliseconds / 1000,
    });
  }

  async #tags(
    { name, metrics }: MeteredBucket,
    {
      key,
      versionId,
    }: { readonly key?: string | undefined; readonly versionId?: string | undefined },
  ): Promise<readonly (readonly [key: string, value: string])[]> {
    if (!metrics.looksAtTags || key === undefined) return [];
    try {
      const { record } = await this.#store.versions.find(name, key, versionId);
      return record.attributes.tags ?? [];
    } catch (error) {
      if (error instanceof S3Error) return [];
      throw error;
    }
  }
}

/** What a copy that succeeded has read. */
function sourceOf({ copySource, operation, status }: RequestRecord) {
  if (copySource === undefined || status >= 300) return undefined;
  const isCopy = operation === "CopyObject" || operation === "UploadPartCopy";
  return isCopy ? parseCopySource(copySource) : undefined;
}

/**
 * As S3's request metrics sort them (User Guide, "Amazon S3 request metrics in CloudWatch"): GETs, PUTs
 * and DELETEs are those for objects, without listings; DeleteObjects counts as a deletion.
 */
function typeOf({ operation, method }: RequestRecord): BucketRequestType {
  if (operation === "DeleteObjects") return "delete";
  if (operation === "SelectObjectContent") return "select";
  if (operation?.startsWith("List") === true) return "list";
  if (method === "HEAD") return "head";
  if (method === "POST") return "post";
  // What was refused before it named an operation is sorted by its method.
  const definition = definitions[operation as OperationName] as
    | { readonly level: string }
    | undefined;
  if (definition !== undefined && definition.level !== "object") return "other";
  if (method === "GET") return "get";
  if (method === "PUT") return "put";
  return method === "DELETE" ? "delete" : "other";
}
