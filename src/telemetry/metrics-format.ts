// Metrics as text: Prometheus' own format (version 0.0.4), and OpenMetrics 1.0, which differs in the
// names of counters' families, in what is escaped in help texts, and in its end mark.

import type { HistogramState } from "../base/histogram.ts";
import type { MetricSample, MetricsSnapshot } from "./metrics.ts";
import { metricFamilies, metricNames, type MetricFamily } from "./metrics-catalogue.ts";

export type MetricsFormat = "prometheus" | "openmetrics";

export const metricsContentTypes: Readonly<Record<MetricsFormat, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** Prometheus' scrapers ask for OpenMetrics by name; everybody else gets the plain text. */
export function metricsFormatFor(accept: string | undefined): MetricsFormat {
  const ranges = (accept ?? "").toLowerCase().split(",");
  const wanted = ranges.find((range) => range.trim().startsWith("application/openmetrics-text"));
  if (wanted === undefined || /;\s*q=0(?:\.0*)?\s*(?:;|$)/.test(wanted)) return "prometheus";
  return "openmetrics";
}

export function formatMetrics(snapshot: MetricsSnapshot, format: MetricsFormat): string {
  const lines: string[] = [];
  for (const name of metricNames) {
    const samples = snapshot[name];
    if (samples === undefined || samples.length === 0) continue;
    const family = metricFamilies[name];
    const isStripped = format === "openmetrics" && family.type === "counter";
    const familyName = isStripped ? name.replace(/_total$/, "") : name;
    lines.push(`# HELP ${familyName} ${escapeHelp(family.help, format)}`);
    lines.push(`# TYPE ${familyName} ${family.type}`);
    for (const sample of samples) pushSample(lines, name, family, sample);
  }
  if (format === "openmetrics") lines.push("# EOF");
  return `${lines.join("\n")}\n`;
}

function pushSample(
  lines: string[],
  name: string,
  family: MetricFamily,
  { labels, value }: MetricSample,
): void {
  const pairs = family.labels.map(
    (label, index) => `${label}="${escapeLabel(labels[index] ?? "")}"`,
  );
  if (typeof value === "number") lines.push(`${name}${braced(pairs)} ${formatNumber(value)}`);
  else pushHistogram(lines, name, { pairs, bounds: family.bounds ?? [] }, value);
}

function pushHistogram(
  lines: string[],
  name: string,
  { pairs, bounds }: { readonly pairs: readonly string[]; readonly bounds: readonly number[] },
  { counts, sum }: HistogramState,
): void {
  let cumulative = 0;
  for (const [index, count] of counts.entries()) {
    cumulative += count;
    const bound = bounds[index];
    const limit = bound === undefined ? "+Inf" : formatNumber(bound);
    lines.push(`${name}_bucket${braced([...pairs, `le="${limit}"`])} ${cumulative}`);
  }
  lines.push(`${name}_sum${braced(pairs)} ${formatNumber(sum)}`);
  lines.push(`${name}_count${braced(pairs)} ${cumulative}`);
}

function braced(pairs: readonly string[]): string {
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function formatNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "+Inf";
  if (value === Number.NEGATIVE_INFINITY) return "-Inf";
  return String(value);
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}

function escapeHelp(text: string, format: MetricsFormat): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return format === "openmetrics" ? escaped.replaceAll('"', '\\"') : escaped;
}
