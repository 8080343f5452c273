// Spans by OpenTelemetry's own packages, sent to a collector with OTLP over HTTP (protobuf). Loaded only
// where traces are configured: the packages take 23 MB of memory and a fifth of a second.
//
// The packages read what else the specification knows from the environment: OTEL_SERVICE_NAME,
// OTEL_RESOURCE_ATTRIBUTES, OTEL_TRACES_SAMPLER, OTEL_BSP_…, OTEL_EXPORTER_OTLP_HEADERS, …_TIMEOUT and so on.

import { hostname } from "node:os";
import { inspect } from "node:util";
import {
  defaultTextMapGetter,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type HrTime,
  type Span as OpenSpan,
  type Tracer as OpenTracer,
} from "@opentelemetry/api";
import { ExportResultCode, W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
} from "@opentelemetry/sdk-trace-base";
import type { Span, SpanAttributes, Tracer } from "./tracing.ts";

export interface OpenTelemetryOptions {
  /** Of traces: `http://collector:4318/v1/traces`. */
  readonly url: string;
  readonly version: string;
  /** Spans could not be sent. */
  readonly onLost: (error: unknown) => void;
}

/** What stopping may take when the collector does not answer. */
const patienceMilliseconds = 2000;

export function createOpenTelemetryTracer(options: OpenTelemetryOptions): Tracer {
  const exporter = new OTLPTraceExporter({ url: options.url });
  const own = resourceFromAttributes({
    "service.name": "holdfast",
    "service.version": options.version,
    "host.name": hostname(),
    "process.pid": process.pid,
  });
  const provider = new BasicTracerProvider({
    // What the environment says wins.
    resource: own.merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(telling(exporter, options.onLost))],
  });
  const tracer = provider.getTracer("holdfast", options.version);
  const propagator = new W3CTraceContextPropagator();
  return {
    begin(carrier) {
      const parent = propagator.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
      // Its name is known when the request is understood.
      const now = startClock();
      const options = { kind: SpanKind.SERVER, startTime: now() };
      const span = tracer.startSpan("request", options, parent);
      return {
        ...describe({ tracer, now }, span),
        traceId: span.spanContext().traceId,
        name: (name) => void span.updateName(name),
      };
    },
    async [Symbol.asyncDispose]() {
      const patience = new Promise((resolve) => setTimeout(resolve, patienceMilliseconds).unref());
      await Promise.race([provider.shutdown().catch(options.onLost), patience]);
    },
  };
}

type Moment = () => HrTime;

/** One clock for all spans of a request: each on its own would begin in a millisecond of its own choice. */
function startClock(): Moment {
  const beganMilliseconds = Date.now();
  const beganElapsed = performance.now();
  return () => {
    const milliseconds = beganMilliseconds + (performance.now() - beganElapsed);
    const seconds = Math.floor(milliseconds / 1000);
    return [seconds, Math.floor((milliseconds - seconds * 1000) * 1e6)];
  };
}

interface Maker {
  readonly tracer: OpenTracer;
  readonly now: Moment;
}

function describe(maker: Maker, span: OpenSpan): Span {
  const { tracer, now } = maker;
  return {
    child(name, attributes = {}) {
      const parent = trace.setSpan(ROOT_CONTEXT, span);
      return describe(maker, tracer.startSpan(name, { attributes, startTime: now() }, parent));
    },
    set(attributes: SpanAttributes) {
      span.setAttributes(attributes);
    },
    end(failure) {
      if (failure !== undefined) {
        const message = failure instanceof Error ? failure.message : inspect(failure);
        span.setStatus({ code: SpanStatusCode.ERROR, message });
      }
      span.end(now());
    },
  };
}

/** The processor drops what cannot be sent without a word. */
function telling(exporter: OTLPTraceExporter, onLost: (error: unknown) => void): SpanExporter {
  return {
    export(spans: ReadableSpan[], done) {
      exporter.export(spans, (result) => {
        if (result.code === ExportResultCode.FAILED) onLost(result.error ?? new Error("refused"));
        done(result);
      });
    },
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
  };
}
