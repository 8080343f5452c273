// The metrics of one serving process: brings together what each part of the server counts.

import { allBacklogs } from "../background/replication/backlog.ts";
import type { WorkerStatus } from "../background/worker.ts";
import type { Workers } from "../background/workers.ts";
import type { HttpTraffic, RefusalReason } from "../http/http-server.ts";
import type { BucketUsages } from "../objects/quotas.ts";
import { S3Error } from "../model/errors.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { BucketMeter } from "../protocol/bucket-meter.ts";
import type { StoreStatistics } from "../open-stores.ts";
import { addConfigured, BucketRequestMeter, largestFilters } from "../telemetry/metrics-buckets.ts";
import { MetricsCollection, type MetricsSnapshot } from "../telemetry/metrics.ts";
import { ProcessMeter } from "../telemetry/metrics-process.ts";
import { RequestMeter } from "../telemetry/metrics-requests.ts";
import type { MetricsMode } from "./metrics-mode.ts";

/** Who has more must ask the administration API. */
const largestBuckets = 1000;

/** What there is to ask once the server is put together. */
export interface MetricsSources {
  readonly workers: Pick<Workers, "statuses" | "list">;
  readonly traffic: () => HttpTraffic;
  readonly store: () => StoreStatistics;
}

export class ServerMetrics implements Disposable {
  readonly #mode: MetricsMode;
  readonly #process = new ProcessMeter();
  readonly #refusals = new Map<RefusalReason, number>();
  readonly #objects: ObjectStore;
  readonly #bucketCounts = new BucketRequestMeter();
  readonly requests = new RequestMeter();
  /** Absent: buckets are not named, and so not counted. */
  readonly buckets: BucketMeter | undefined;

  constructor(mode: MetricsMode, objects: ObjectStore) {
    this.#mode = mode;
    this.#objects = objects;
    if (mode === "with-buckets") this.buckets = new BucketMeter(objects, this.#bucketCounts);
  }

  headRefused(reason: RefusalReason): void {
    this.#refusals.set(reason, (this.#refusals.get(reason) ?? 0) + 1);
  }

  /** `ofStore`: also what is the same for all processes on one store; one of them is asked for it. */
  async collect(sources: MetricsSources, ofStore: boolean): Promise<MetricsSnapshot> {
    const metrics = new MetricsCollection();
    this.requests.collect(metrics);
    if (this.buckets !== undefined) await this.#collectBuckets(this.buckets, metrics);
    for (const [reason, count] of this.#refusals) {
      metrics.add("holdfast_http_heads_refused_total", count, reason);
    }
    addTraffic(metrics, sources.traffic());
    for (const status of sources.workers.statuses()) addWorker(metrics, status);
    const statistics = sources.store();
    addWriter(metrics, statistics);
    addBlobSyncs(metrics, statistics);
    if (ofStore) {
      addSpace(metrics, statistics);
      await addWorkersOfStore(metrics, sources.workers);
      if (this.#mode === "with-buckets") {
        await addUsage(metrics, this.#objects);
        await addReplicationBacklog(metrics, this.#objects);
      }
    }
    this.#process.collect(metrics);
    return metrics.snapshot;
  }

  async #collectBuckets(meter: BucketMeter, metrics: MetricsCollection): Promise<void> {
    await meter.settled();
    for (const name of this.#bucketCounts.buckets) await this.#retainConfigured(name);
    this.#bucketCounts.collect(metrics);
  }

  /** What is gone, or not configured any more, is shown no more. */
  async #retainConfigured(bucketName: string): Promise<void> {
    const { buckets, documents } = this.#objects;
    try {
      const ids = documents.namesOf(await buckets.get(bucketName), "metrics");
      this.#bucketCounts.retain(bucketName, ids);
    } catch (error) {
      // When the store cannot be read, what was counted is shown all the same.
      if (error instanceof S3Error) this.#bucketCounts.retain(bucketName, []);
    }
  }

  [Symbol.dispose](): void {
    this.#process[Symbol.dispose]();
  }
}

export function addBuild(metrics: MetricsCollection, version: string): void {
  const platform = `${process.platform}-${process.arch}`;
  metrics.add("holdfast_build_info", 1, version, process.versions.node, platform);
}

function addTraffic(metrics: MetricsCollection, traffic: HttpTraffic): void {
  metrics.add("holdfast_http_requests_in_flight", traffic.requestsInFlight);
  metrics.add("holdfast_http_connections", traffic.openConnections);
  metrics.add("holdfast_http_connections_accepted_total", traffic.acceptedConnections);
  metrics.add("holdfast_http_connections_refused_total", traffic.refusedConnections);
  metrics.add("holdfast_http_received_bytes_total", traffic.receivedBytes);
  metrics.add("holdfast_http_sent_bytes_total", traffic.sentBytes);
}

function addWorker(metrics: MetricsCollection, status: WorkerStatus): void {
  const { name, lastRunMilliseconds, lastDurationMilliseconds } = status;
  metrics.add("holdfast_worker_running", status.isRunning ? 1 : 0, name);
  metrics.add("holdfast_worker_runs_total", status.runs, name);
  metrics.add("holdfast_worker_failures_total", status.failures, name);
  metrics.add("holdfast_worker_failures_in_a_row", status.failuresInARow, name);
  const totalSeconds = status.totalDurationMilliseconds / 1000;
  metrics.add("holdfast_worker_run_seconds_total", totalSeconds, name);
  if (lastRunMilliseconds === undefined || lastDurationMilliseconds === undefined) return;
  const lastSeconds = lastDurationMilliseconds / 1000;
  metrics.add("holdfast_worker_last_run_duration_seconds", lastSeconds, name);
  metrics.add("holdfast_worker_last_run_timestamp_seconds", lastRunMilliseconds / 1000, name);
}

/** What no process knows by itself: how much waits, and what a process that is gone did last. */
async function addWorkersOfStore(
  metrics: MetricsCollection,
  workers: MetricsSources["workers"],
): Promise<void> {
  try {
    for (const { name, backlog, lastRun } of await workers.list()) {
      if (backlog !== undefined) metrics.add("holdfast_worker_backlog", backlog, name);
      if (lastRun === undefined) continue;
      const seconds = lastRun.beganMilliseconds / 1000;
      metrics.add("holdfast_worker_last_run_timestamp_seconds", seconds, name);
    }
  } catch {
    // A store that cannot be read is when the other metrics are wanted most.
  }
}

/** A store in memory has no writer thread. */
function addWriter(metrics: MetricsCollection, { writer }: StoreStatistics): void {
  if (writer === undefined) return;
  metrics.add("holdfast_store_commits_total", writer.commits);
  metrics.add("holdfast_store_failed_commits_total", writer.failedCommits);
  metrics.add("holdfast_store_writes_total", writer.committedWrites, "committed");
  metrics.add("holdfast_store_writes_total", writer.conflictingWrites, "conflict");
  metrics.add("holdfast_store_writes_total", writer.failedWrites, "failed");
  metrics.add("holdfast_store_writes_total", writer.refusedWrites, "refused");
  metrics.add("holdfast_store_commit_writes", writer.batchWrites);
  metrics.add("holdfast_store_commit_duration_seconds", writer.commitSeconds);
  metrics.add("holdfast_store_write_wait_seconds", writer.waitSeconds);
  metrics.add("holdfast_store_queue_writes", writer.queueWrites);
  metrics.add("holdfast_store_queue_bytes", writer.queueBytes);
}

function addBlobSyncs(metrics: MetricsCollection, { blobSyncs }: StoreStatistics): void {
  if (blobSyncs === undefined) return;
  for (const kind of ["data", "directory"] as const) {
    const { seconds, failures } = blobSyncs[kind];
    metrics.add("holdfast_blob_sync_duration_seconds", seconds, kind);
    metrics.add("holdfast_blob_sync_failures_total", failures, kind);
  }
}

function addSpace(metrics: MetricsCollection, { space }: StoreStatistics): void {
  if (space === undefined) return;
  metrics.add("holdfast_storage_free_bytes", space.freeBytes);
  metrics.add("holdfast_storage_size_bytes", space.sizeBytes);
}

async function addReplicationBacklog(
  metrics: MetricsCollection,
  objects: ObjectStore,
): Promise<void> {
  try {
    for (const each of await allBacklogs(objects)) {
      const labels = [each.bucketName, each.bucketArn] as const;
      metrics.add("holdfast_replication_pending_operations", each.waiting, ...labels);
      metrics.add("holdfast_replication_refused_operations", each.refused, ...labels);
      if (each.oldestMilliseconds === undefined) continue;
      const age = Math.max(0, objects.clock.now() - each.oldestMilliseconds) / 1000;
      metrics.add("holdfast_replication_latency_seconds", age, ...labels);
    }
  } catch {
    // As above: the other metrics are wanted all the more.
  }
}

async function addUsage(
  metrics: MetricsCollection,
  { quotas, documents }: ObjectStore,
): Promise<void> {
  let found: BucketUsages;
  try {
    found = await quotas.usageOfBuckets(largestBuckets);
  } catch {
    // A store that cannot be read is when the other metrics are wanted most.
    found = { usages: [], isComplete: false };
  }
  let filters = 0;
  for (const { bucket: record, objects, bytes, uploadBytes, classes } of found.usages) {
    const bucket = record.name;
    for (const filter of documents.namesOf(record, "metrics")) {
      filters += 1;
      if (filters <= largestFilters) addConfigured(metrics, bucket, filter);
    }
    for (const [storageClass, usage] of classes) {
      metrics.add("holdfast_bucket_class_objects", usage.objects, bucket, storageClass);
      metrics.add("holdfast_bucket_class_bytes", usage.bytes, bucket, storageClass);
    }
    metrics.add("holdfast_bucket_objects", objects, bucket);
    metrics.add("holdfast_bucket_bytes", bytes, bucket);
    metrics.add("holdfast_bucket_upload_bytes", uploadBytes, bucket);
  }
  if (filters > largestFilters) metrics.add("holdfast_bucket_filters_omitted", 1);
  metrics.add("holdfast_buckets_omitted", found.isComplete ? 0 : 1);
}
