// Counts requests for the metrics configurations of buckets, as S3's request metrics do: of each bucket
// and configuration. Knows neither requests nor filters: what meets a filter is told.

import { durationBoundsSeconds, Histogram } from "../base/histogram.ts";
import type { MetricName } from "./metrics-catalogue.ts";
import type { MetricsCollection, MetricsSnapshot } from "./metrics.ts";

/** S3's AllRequests is the sum of all. `other`: of a bucket's configuration. */
const bucketRequestTypes = [
  "get",
  "put",
  "delete",
  "head",
  "post",
  "select",
  "list",
  "other",
] as const;
export type BucketRequestType = (typeof bucketRequestTypes)[number];

export interface BucketRequest {
  readonly type: BucketRequestType;
  readonly status: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly firstByteSeconds: number;
  readonly durationSeconds: number;
}

/** More than a scrape should hold: each is some fifty lines. */
export const largestFilters = 10_000;

interface FilterCounts {
  readonly requests: Map<BucketRequestType, number>;
  readonly firstByte: Histogram;
  readonly durations: Histogram;
  clientErrors: number;
  serverErrors: number;
  receivedBytes: number;
  sentBytes: number;
}

export class BucketRequestMeter {
  /** By bucket and id of its configuration. */
  readonly #buckets = new Map<string, Map<string, FilterCounts>>();
  #filters = 0;
  #isFull = false;

  get buckets(): readonly string[] {
    return [...this.#buckets.keys()];
  }

  count(bucket: string, filters: readonly string[], request: BucketRequest): void {
    for (const filter of filters) {
      const counts = this.#find(bucket, filter);
      if (counts === undefined) continue;
      addRequest(counts, request.type);
      if (request.status >= 500) counts.serverErrors += 1;
      else if (request.status >= 400) counts.clientErrors += 1;
      counts.receivedBytes += request.receivedBytes;
      counts.sentBytes += request.sentBytes;
      counts.firstByte.record(request.firstByteSeconds);
      counts.durations.record(request.durationSeconds);
    }
  }

  /** The source of a copy is read, and no request of its own. */
  countSource(bucket: string, filters: readonly string[]): void {
    for (const filter of filters) {
      const counts = this.#find(bucket, filter);
      if (counts !== undefined) addRequest(counts, "get");
    }
  }

  /** Forgets what is not configured any more. */
  retain(bucket: string, filters: readonly string[]): void {
    const known = this.#buckets.get(bucket);
    if (known === undefined) return;
    for (const filter of known.keys()) {
      if (filters.includes(filter)) continue;
      known.delete(filter);
      this.#filters -= 1;
    }
    if (known.size === 0) this.#buckets.delete(bucket);
    this.#isFull &&= this.#filters >= largestFilters;
  }

  collect(metrics: MetricsCollection): void {
    for (const [bucket, filters] of this.#buckets) {
      for (const [filter, counts] of filters) addCounts(metrics, counts, bucket, filter);
    }
    metrics.add("holdfast_bucket_filters_omitted", this.#isFull ? 1 : 0);
  }

  #find(bucket: string, filter: string): FilterCounts | undefined {
    const filters = this.#buckets.get(bucket);
    const found = filters?.get(filter);
    if (found !== undefined) return found;
    if (this.#filters >= largestFilters) {
      this.#isFull = true;
      return undefined;
    }
    const made: FilterCounts = {
      requests: new Map(),
      firstByte: new Histogram(durationBoundsSeconds),
      durations: new Histogram(durationBoundsSeconds),
      clientErrors: 0,
      serverErrors: 0,
      receivedBytes: 0,
      sentBytes: 0,
    };
    if (filters === undefined) this.#buckets.set(bucket, new Map([[filter, made]]));
    else filters.set(filter, made);
    this.#filters += 1;
    return made;
  }
}

/** What is configured is there before its first request: a rate needs a zero to begin at. */
export function addConfigured(metrics: MetricsCollection, bucket: string, filter: string): void {
  for (const type of bucketRequestTypes) {
    metrics.add("holdfast_bucket_requests_total", 0, bucket, filter, type);
  }
  for (const code of ["4xx", "5xx"]) {
    metrics.add("holdfast_bucket_request_errors_total", 0, bucket, filter, code);
  }
  metrics.add("holdfast_bucket_uploaded_bytes_total", 0, bucket, filter);
  metrics.add("holdfast_bucket_downloaded_bytes_total", 0, bucket, filter);
}

/**
 * What processes counted that are gone, without the filters that are gone too, as far as `ofStore`, the
 * answer of a process that was asked about the store, names all that there are.
 */
export function withoutUnconfigured(
  counted: MetricsSnapshot,
  ofStore: MetricsSnapshot | undefined,
): MetricsSnapshot {
  const omitted = [ofStore?.holdfast_buckets_omitted, ofStore?.holdfast_bucket_filters_omitted];
  const isWhole = omitted.every((samples) => samples?.every(({ value }) => value === 0) === true);
  if (!isWhole) return counted;
  const named = ofStore?.holdfast_bucket_uploaded_bytes_total ?? [];
  const configured = new Set(named.map(({ labels }) => JSON.stringify(labels)));
  const kept = Object.entries(counted).map(([name, samples]) => [
    name,
    bucketFamilies.has(name)
      ? samples.filter(({ labels }) => configured.has(JSON.stringify(labels.slice(0, 2))))
      : samples,
  ]);
  return Object.fromEntries(kept) as MetricsSnapshot; // the same names
}

const bucketFamilies: ReadonlySet<string> = new Set<MetricName>([
  "holdfast_bucket_requests_total",
  "holdfast_bucket_request_errors_total",
  "holdfast_bucket_uploaded_bytes_total",
  "holdfast_bucket_downloaded_bytes_total",
  "holdfast_bucket_first_byte_seconds",
  "holdfast_bucket_request_duration_seconds",
]);

function addRequest({ requests }: FilterCounts, type: BucketRequestType): void {
  requests.set(type, (requests.get(type) ?? 0) + 1);
}

function addCounts(
  metrics: MetricsCollection,
  counts: FilterCounts,
  ...labels: readonly [bucket: string, filter: string]
): void {
  for (const [type, count] of counts.requests) {
    metrics.add("holdfast_bucket_requests_total", count, ...labels, type);
  }
  metrics.add("holdfast_bucket_request_errors_total", counts.clientErrors, ...labels, "4xx");
  metrics.add("holdfast_bucket_request_errors_total", counts.serverErrors, ...labels, "5xx");
  metrics.add("holdfast_bucket_uploaded_bytes_total", counts.receivedBytes, ...labels);
  metrics.add("holdfast_bucket_downloaded_bytes_total", counts.sentBytes, ...labels);
  metrics.add("holdfast_bucket_first_byte_seconds", counts.firstByte.state, ...labels);
  metrics.add("holdfast_bucket_request_duration_seconds", counts.durations.state, ...labels);
}
