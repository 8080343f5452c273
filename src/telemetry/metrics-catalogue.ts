// Every metric that Holdfast has: the one table from which the answer of /metrics, its help texts and
// the documentation's table come. Names follow Prometheus: base units, `_total` for counters.

import { batchBounds, durationBoundsSeconds } from "../base/histogram.ts";

export type MetricType = "counter" | "gauge" | "histogram";

export interface MetricFamily {
  readonly type: MetricType;
  readonly help: string;
  readonly labels: readonly string[];
  /** Of several processes' values; default: their sum. */
  readonly merge?: "largest" | "smallest";
  /** Of a histogram: upper bounds of its buckets. */
  readonly bounds?: readonly number[];
}

function counter(help: string, ...labels: readonly string[]): MetricFamily {
  return { type: "counter", help, labels };
}

function gauge(help: string, ...labels: readonly string[]): MetricFamily {
  return { type: "gauge", help, labels };
}

/** The worst of all processes. */
function largest(help: string, ...labels: readonly string[]): MetricFamily {
  return { type: "gauge", help, labels, merge: "largest" };
}

function durations(help: string, ...labels: readonly string[]): MetricFamily {
  return { type: "histogram", help, labels, bounds: durationBoundsSeconds };
}

const families = {
  holdfast_http_requests_total: counter(
    "Requests answered, by the class of the answer's status (2xx, 4xx …).",
    "service",
    "operation",
    "code",
  ),
  holdfast_http_request_duration_seconds: durations(
    "From a request's head until its answer was handed to the connection.",
    "service",
    "operation",
  ),
  holdfast_http_request_body_bytes_total: counter(
    "Bytes of request bodies, without their transfer coding.",
    "service",
    "operation",
  ),
  holdfast_http_response_body_bytes_total: counter(
    "Bytes of response bodies.",
    "service",
    "operation",
  ),
  holdfast_http_errors_total: counter(
    "Requests that were answered with an error, by its code.",
    "service",
    "code",
  ),
  holdfast_http_broken_responses_total: counter(
    "Answers that did not leave whole: the client went away, or reading failed.",
  ),
  holdfast_http_requests_in_flight: gauge("Requests being handled or answered."),
  holdfast_http_connections: gauge("Open connections."),
  holdfast_http_connections_accepted_total: counter("Connections that were accepted."),
  holdfast_http_connections_refused_total: counter(
    "Connections closed at once, because there were too many.",
  ),
  holdfast_http_heads_refused_total: counter(
    "Requests refused by the HTTP engine before they reached an operation.",
    "reason",
  ),
  holdfast_http_received_bytes_total: counter("Bytes read from connections, heads included."),
  holdfast_http_sent_bytes_total: counter("Bytes written to connections, heads included."),
  holdfast_worker_running: gauge("Processes in which a pass of the worker is under way.", "worker"),
  holdfast_worker_runs_total: counter("Passes that ended, failed ones included.", "worker"),
  holdfast_worker_failures_total: counter("Passes that failed.", "worker"),
  holdfast_worker_failures_in_a_row: largest("Failures since the last success.", "worker"),
  holdfast_worker_run_seconds_total: counter("Time that passes took.", "worker"),
  holdfast_worker_last_run_duration_seconds: largest("What the last pass took.", "worker"),
  holdfast_worker_last_run_timestamp_seconds: largest("When the last ended pass began.", "worker"),
  holdfast_worker_backlog: largest("How much waits for the worker.", "worker"),
  holdfast_replication_pending_operations: largest(
    "Changes of a bucket that wait for replication (S3's OperationsPendingReplication); absent: none.",
    "bucket",
    "destination",
  ),
  holdfast_replication_refused_operations: largest(
    "Changes that the destination refused, and that are tried again; absent: none.",
    "bucket",
    "destination",
  ),
  holdfast_replication_latency_seconds: largest(
    "Age of the oldest change that waits (S3's ReplicationLatency); absent: none waits.",
    "bucket",
    "destination",
  ),
  holdfast_store_commits_total: counter("Transactions of the metadata store that were committed."),
  holdfast_store_failed_commits_total: counter("Transactions that failed: the disk, or the lock."),
  holdfast_store_writes_total: counter(
    "Writes by outcome: committed, conflict (run again by who asked), failed, refused (queue full).",
    "outcome",
  ),
  holdfast_store_commit_writes: {
    type: "histogram",
    help: "Writes that shared one transaction, and so one sync.",
    labels: [],
    bounds: batchBounds,
  },
  holdfast_store_commit_duration_seconds: durations(
    "The commit of a transaction: in strict durability the wait for the disk.",
  ),
  holdfast_store_write_wait_seconds: durations(
    "From the hand-over of writes to the writer thread to their answer: what durability costs a request.",
  ),
  holdfast_store_queue_writes: gauge("Writes that wait for their answer."),
  holdfast_store_queue_bytes: gauge("Bytes of the writes that wait for their answer."),
  holdfast_blob_sync_duration_seconds: durations(
    "Syncs of blob files (data) and of their directories (directory).",
    "kind",
  ),
  holdfast_blob_sync_failures_total: counter("Syncs that failed.", "kind"),
  holdfast_storage_free_bytes: largest("Free for Holdfast on the data directory's file system."),
  holdfast_storage_size_bytes: largest("Size of the data directory's file system."),
  holdfast_bucket_objects: largest("Objects of a bucket, every version counted.", "bucket"),
  holdfast_bucket_bytes: largest("Bytes of a bucket, parts of uploads included.", "bucket"),
  holdfast_bucket_upload_bytes: largest("Bytes of parts of unfinished uploads.", "bucket"),
  holdfast_bucket_class_objects: largest(
    "Objects of a bucket in a storage class, every version counted (S3's NumberOfObjects).",
    "bucket",
    "storage_class",
  ),
  holdfast_bucket_class_bytes: largest(
    "Their bytes (S3's BucketSizeBytes, without parts of uploads).",
    "bucket",
    "storage_class",
  ),
  holdfast_bucket_requests_total: counter(
    "Requests that a metrics configuration of a bucket counts (S3's AllRequests is their sum).",
    "bucket",
    "filter",
    "type",
  ),
  holdfast_bucket_request_errors_total: counter(
    "Those of them that were answered with an error (4xxErrors, 5xxErrors).",
    "bucket",
    "filter",
    "code",
  ),
  holdfast_bucket_uploaded_bytes_total: counter(
    "Bytes of their requests' bodies (BytesUploaded).",
    "bucket",
    "filter",
  ),
  holdfast_bucket_downloaded_bytes_total: counter(
    "Bytes of their answers' bodies (BytesDownloaded).",
    "bucket",
    "filter",
  ),
  holdfast_bucket_first_byte_seconds: durations(
    "From a request's last byte to the first of its answer (FirstByteLatency).",
    "bucket",
    "filter",
  ),
  holdfast_bucket_request_duration_seconds: durations(
    "From a request's first byte to the last of its answer (TotalRequestLatency).",
    "bucket",
    "filter",
  ),
  holdfast_bucket_filters_omitted: largest(
    "1: there are more metrics configurations than are counted; 0: there are not.",
  ),
  holdfast_buckets_omitted: largest(
    "1: not all buckets are named (too many, or the store cannot be read); 0: all are.",
  ),
  holdfast_processes: largest(
    "Processes that serve: configured, and those that answered for these metrics in time.",
    "state",
  ),
  holdfast_event_loop_delay_p99_seconds: largest(
    "99th percentile of the event loop's lateness since the last look, of the worst process.",
  ),
  holdfast_event_loop_delay_max_seconds: largest(
    "The event loop's greatest lateness since the last look, of the worst process.",
  ),
  holdfast_event_loop_active_seconds_total: counter("Time that event loops were at work."),
  holdfast_build_info: largest("Always 1: what runs here.", "version", "node", "platform"),
  process_cpu_seconds_total: counter("User and system time of all processes."),
  process_resident_memory_bytes: gauge("Resident memory of all processes."),
  holdfast_heap_used_bytes: gauge("JavaScript heap in use, of all processes."),
  process_start_time_seconds: {
    type: "gauge",
    help: "When the oldest process of this server started.",
    labels: [],
    merge: "smallest",
  },
} as const satisfies Readonly<Record<string, MetricFamily>>;

export type MetricName = keyof typeof families;

export const metricFamilies: Readonly<Record<MetricName, MetricFamily>> = families;

export const metricNames = Object.keys(families) as readonly MetricName[];

/** The table of `docs/guide/metrics.md`. */
export function formatMetricsTable(): string {
  const rows = metricNames.map((name) => {
    const { type, labels, help } = metricFamilies[name];
    const marked = labels.map((label) => `\`${label}\``).join(", ");
    return `| \`${name}\` | ${type} | ${marked} | ${help} |`;
  });
  return ["| Name | Type | Labels | Meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
}
