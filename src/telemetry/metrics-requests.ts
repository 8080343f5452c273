// Counts answered requests. Stands in the path of every request: two look-ups and some additions, and
// nothing is allocated after an operation's first request.

import { durationBoundsSeconds, Histogram } from "../base/histogram.ts";
import type { MetricsCollection } from "./metrics.ts";

/** What is counted of a request; the pipeline's record has it. */
export interface MeteredRequest {
  readonly service: string;
  readonly operation: string | undefined;
  readonly status: number;
  readonly errorCode: string | undefined;
  readonly receivedBodyBytes: number;
  readonly bodyBytes: number;
  readonly sendFailure: unknown;
  readonly durationMilliseconds: number;
}

/** Stands for requests that name no operation, and for operations and codes past the bound. */
const unknownOperation = "unknown";
const other = "other";
/** More than any service has of its own: what clients make up must not fill the memory. */
const largestSeries = 512;
const classes = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;

interface OperationCounts {
  readonly byClass: Float64Array;
  readonly durations: Histogram;
  receivedBodyBytes: number;
  sentBodyBytes: number;
}

interface ServiceCounts {
  readonly operations: Map<string, OperationCounts>;
  readonly errors: Map<string, number>;
}

export class RequestMeter {
  readonly #services = new Map<string, ServiceCounts>();
  #brokenResponses = 0;

  count(request: MeteredRequest): void {
    const { service, errorCode } = request;
    const counts = this.#services.get(service) ?? this.#addService(service);
    const operation = request.operation ?? unknownOperation;
    const found = counts.operations.get(operation) ?? addOperation(counts, operation);
    const position = Math.trunc(request.status / 100) - 1;
    (found.byClass[position] as number) += 1;
    found.durations.record(request.durationMilliseconds / 1000);
    found.receivedBodyBytes += request.receivedBodyBytes;
    found.sentBodyBytes += request.bodyBytes;
    if (errorCode !== undefined) countError(counts.errors, errorCode);
    if (request.sendFailure !== undefined) this.#brokenResponses += 1;
  }

  collect(metrics: MetricsCollection): void {
    for (const [service, { operations, errors }] of this.#services) {
      for (const [operation, counts] of operations) {
        // The other services' actions come as policies name them: `iam:CreateUser`.
        const prefix = `${service}:`;
        const name = operation.startsWith(prefix) ? operation.slice(prefix.length) : operation;
        for (const [position, code] of classes.entries()) {
          const count = counts.byClass[position] ?? 0;
          if (count > 0) {
            metrics.add("holdfast_http_requests_total", count, service, name, code);
          }
        }
        const labels = [service, name];
        const { durations, receivedBodyBytes, sentBodyBytes } = counts;
        metrics.add("holdfast_http_request_duration_seconds", durations.state, ...labels);
        metrics.add("holdfast_http_request_body_bytes_total", receivedBodyBytes, ...labels);
        metrics.add("holdfast_http_response_body_bytes_total", sentBodyBytes, ...labels);
      }
      for (const [code, count] of errors) {
        metrics.add("holdfast_http_errors_total", count, service, code);
      }
    }
    metrics.add("holdfast_http_broken_responses_total", this.#brokenResponses);
  }

  #addService(service: string): ServiceCounts {
    const made: ServiceCounts = { operations: new Map(), errors: new Map() };
    this.#services.set(service, made);
    return made;
  }
}

function addOperation({ operations }: ServiceCounts, operation: string): OperationCounts {
  const name = operations.size < largestSeries ? operation : other;
  const found = operations.get(name);
  if (found !== undefined) return found;
  const made: OperationCounts = {
    byClass: new Float64Array(classes.length),
    durations: new Histogram(durationBoundsSeconds),
    receivedBodyBytes: 0,
    sentBodyBytes: 0,
  };
  operations.set(name, made);
  return made;
}

function countError(errors: Map<string, number>, errorCode: string): void {
  const code = errors.has(errorCode) || errors.size < largestSeries ? errorCode : other;
  errors.set(code, (errors.get(code) ?? 0) + 1);
}
