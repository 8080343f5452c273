import assert from "node:assert/strict";
import { test } from "node:test";

import type { MetricsSnapshot } from "../telemetry/metrics.ts";
import { WorkerMetrics, type AskedProcess } from "./worker-metrics.ts";

function counted(commits: number, connections: number): MetricsSnapshot {
  return {
    holdfast_store_commits_total: [{ labels: [], value: commits }],
    holdfast_http_connections: [{ labels: [], value: connections }],
    holdfast_store_commit_writes: [{ labels: [], value: { counts: [commits, 1], sum: 2 } }],
  };
}

function commitsOf(snapshot: MetricsSnapshot): unknown {
  return snapshot.holdfast_store_commits_total?.[0]?.value;
}

function uploaded(filter: string, value: number) {
  return { labels: ["photos", filter], value };
}

/** Answers with what it is given; `undefined`: never. */
function processOf(
  id: number,
  metrics: WorkerMetrics,
  answer: () => MetricsSnapshot | undefined,
): AskedProcess & { readonly asked: boolean[] } {
  const asked: boolean[] = [];
  return {
    id,
    asked,
    ask({ question, ofStore }) {
      asked.push(ofStore);
      const snapshot = answer();
      if (snapshot !== undefined) metrics.answered(question, snapshot);
    },
  };
}

test("processes' counters, gauges and histograms add up, and one is asked about the store", async () => {
  const metrics = new WorkerMetrics();
  const first = processOf(1, metrics, () => counted(3, 2));
  const second = processOf(2, metrics, () => counted(4, 5));
  const { snapshot, answered } = await metrics.gather([first, second]);
  assert.equal(answered, 2);
  assert.deepEqual(snapshot, {
    holdfast_store_commits_total: [{ labels: [], value: 7 }],
    holdfast_http_connections: [{ labels: [], value: 7 }],
    holdfast_store_commit_writes: [{ labels: [], value: { counts: [7, 2], sum: 4 } }],
  });
  assert.deepEqual([first.asked, second.asked], [[true], [false]]);
});

test("no counter falls when a process is silent, dies, or has a successor", async () => {
  const metrics = new WorkerMetrics(20);
  let answer: MetricsSnapshot | undefined = counted(4, 5);
  const living = processOf(1, metrics, () => counted(3, 2));
  const failing = processOf(2, metrics, () => answer);
  await metrics.gather([living, failing]);
  answer = undefined;
  const gathered = await metrics.gather([living, failing]);
  assert.equal(gathered.answered, 1);
  assert.equal(commitsOf(gathered.snapshot), 7);
  // Gauges are of what answers.
  assert.equal(gathered.snapshot.holdfast_http_connections?.[0]?.value, 2);
  metrics.ended(2);
  assert.equal(commitsOf((await metrics.gather([living])).snapshot), 7);
  const successor = processOf(3, metrics, () => counted(1, 0));
  assert.equal(commitsOf((await metrics.gather([living, successor])).snapshot), 8);
  // Between the death and the successor's first answer, too.
  metrics.ended(3);
  assert.equal(commitsOf((await metrics.gather([])).snapshot), 8);
});

test("what a dead process counted is kept for filters that are configured, and for no others", async () => {
  const metrics = new WorkerMetrics();
  const dead = processOf(1, metrics, () => ({
    holdfast_bucket_uploaded_bytes_total: [uploaded("kept", 5), uploaded("gone", 7)],
    holdfast_store_commits_total: [{ labels: [], value: 1 }],
  }));
  await metrics.gather([dead]);
  metrics.ended(1);
  let omitted = 1;
  const living = processOf(2, metrics, () => ({
    holdfast_bucket_uploaded_bytes_total: [uploaded("kept", 2)],
    holdfast_bucket_filters_omitted: [{ labels: [], value: 0 }],
    holdfast_buckets_omitted: [{ labels: [], value: omitted }],
  }));
  const told = async (): Promise<unknown> =>
    (await metrics.gather([living])).snapshot.holdfast_bucket_uploaded_bytes_total;
  // Not all buckets are named: who knows.
  assert.deepEqual(await told(), [uploaded("kept", 7), uploaded("gone", 7)]);
  omitted = 0;
  assert.deepEqual(await told(), [uploaded("kept", 7)]);
  assert.equal(commitsOf((await metrics.gather([living])).snapshot), 1);
});
