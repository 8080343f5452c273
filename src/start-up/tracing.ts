// Traces, where they are configured: the packages that send them are loaded only then.

import type { Log } from "../telemetry/log.ts";
import { Tracing } from "../telemetry/tracing.ts";
import { readVersion } from "./version.ts";

export interface TracingOptions {
  /** Where an OpenTelemetry collector takes traces, OTLP over HTTP: `http://collector:4318/v1/traces`. */
  readonly url: string;
}

/** As often a failing collector is worth a line. */
const silenceMilliseconds = 60_000;

export async function openTracing(
  options: TracingOptions | undefined,
  log: Log,
): Promise<Tracing | undefined> {
  if (options === undefined) return undefined;
  const { createOpenTelemetryTracer } = await import("../telemetry/open-telemetry.ts");
  let toldMilliseconds = Number.NEGATIVE_INFINITY;
  const onLost = (error: unknown): void => {
    const now = performance.now();
    if (now - toldMilliseconds < silenceMilliseconds) return;
    toldMilliseconds = now;
    log.tracesLost(error);
  };
  const tracer = createOpenTelemetryTracer({ ...options, version: await readVersion(), onLost });
  return new Tracing(tracer);
}

/**
 * What the environment says, in OpenTelemetry's own words. `endpoint` is the base of all signals,
 * `tracesEndpoint` the whole URL (OpenTelemetry, "OTLP Exporter Configuration").
 */
export function tracingOptionsOf(settings: {
  /** Both empty where there is none. */
  readonly endpoint: string;
  readonly tracesEndpoint: string;
  readonly isDisabled: boolean;
}): TracingOptions | undefined {
  const { endpoint, tracesEndpoint, isDisabled } = settings;
  if (isDisabled) return undefined;
  if (tracesEndpoint !== "") return { url: tracesEndpoint };
  if (endpoint === "") return undefined;
  return { url: `${endpoint.replace(/\/+$/, "")}/v1/traces` };
}
