// GET /metrics, beside the health answers. What is gathered serves everybody who asks meanwhile.

import type { HttpHandler, HttpResponse } from "../http/http-message.ts";
import {
  formatMetrics,
  metricsContentTypes,
  metricsFormatFor,
} from "../telemetry/metrics-format.ts";
import type { MetricsSnapshot } from "../telemetry/metrics.ts";

/** Answers /metrics and leaves every other path to `others`. */
export function createMetricsHandler(
  collect: () => Promise<MetricsSnapshot>,
  others: HttpHandler,
): HttpHandler {
  let underWay: Promise<MetricsSnapshot> | undefined;
  const collectOnce = async (): Promise<MetricsSnapshot> => {
    try {
      return await collect();
    } finally {
      underWay = undefined;
    }
  };
  return async (request) => {
    if (request.target.split("?", 1)[0] !== "/metrics") return others(request);
    if (request.method !== "GET" && request.method !== "HEAD") {
      return answer(405, "text/plain", "method not allowed\n", ["Allow", "GET, HEAD"]);
    }
    const snapshot = await (underWay ??= collectOnce());
    const format = metricsFormatFor(request.headers.get("accept"));
    return answer(200, metricsContentTypes[format], formatMetrics(snapshot, format));
  };
}

function answer(
  status: number,
  type: string,
  body: string,
  headers: readonly string[] = [],
): HttpResponse {
  return {
    status,
    headers: ["Content-Type", type, "Cache-Control", "no-store", ...headers],
    body,
  };
}
