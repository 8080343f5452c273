// What metrics were at one moment, as plain data: gathered in each process, carried to the one that
// answers, and added up there.

import type { HistogramState } from "../base/histogram.ts";
import { metricFamilies, type MetricName } from "./metrics-catalogue.ts";

export type MetricValue = number | HistogramState;

/** One series: the values of its family's labels, in their order, and what it is worth. */
export interface MetricSample {
  readonly labels: readonly string[];
  readonly value: MetricValue;
}

export type MetricsSnapshot = Readonly<Partial<Record<MetricName, readonly MetricSample[]>>>;

export class MetricsCollection {
  readonly #samples: Partial<Record<MetricName, MetricSample[]>> = {};

  add(name: MetricName, value: MetricValue, ...labels: readonly string[]): void {
    (this.#samples[name] ??= []).push({ labels, value });
  }

  get snapshot(): MetricsSnapshot {
    return this.#samples;
  }
}

/** Counters and histograms add up; of a gauge its family says what becomes. */
export function mergeMetrics(snapshots: readonly MetricsSnapshot[]): MetricsSnapshot {
  const merged: Partial<Record<MetricName, MetricSample[]>> = {};
  for (const name of new Set(snapshots.flatMap(namesOf))) {
    const series = new Map<string, MetricSample>();
    for (const sample of snapshots.flatMap((snapshot) => snapshot[name] ?? [])) {
      const identity = JSON.stringify(sample.labels);
      const earlier = series.get(identity);
      const value =
        earlier === undefined ? sample.value : mergeValues(name, earlier.value, sample.value);
      series.set(identity, { labels: sample.labels, value });
    }
    merged[name] = [...series.values()];
  }
  return merged;
}

/** What stays true of a process that has ended: what it has counted. */
export function countersOf(snapshot: MetricsSnapshot): MetricsSnapshot {
  const counted: Partial<Record<MetricName, readonly MetricSample[]>> = {};
  for (const name of namesOf(snapshot)) {
    if (metricFamilies[name].type !== "gauge") counted[name] = snapshot[name] ?? [];
  }
  return counted;
}

function namesOf(snapshot: MetricsSnapshot): readonly MetricName[] {
  return Object.keys(snapshot) as MetricName[]; // the type has no others
}

function mergeValues(name: MetricName, left: MetricValue, right: MetricValue): MetricValue {
  if (typeof left === "number" && typeof right === "number") {
    const { merge } = metricFamilies[name];
    if (merge === undefined) return left + right;
    return merge === "largest" ? Math.max(left, right) : Math.min(left, right);
  }
  if (typeof left === "number") return right;
  if (typeof right === "number") return left;
  return {
    counts: left.counts.map((count, index) => count + (right.counts[index] ?? 0)),
    sum: left.sum + right.sum,
  };
}
