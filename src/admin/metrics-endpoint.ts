// GET /metrics, beside the health answers. What is gathered serves everybody who asks meanwhile.

import { createHash, timingSafeEqual } from "node:crypto";

import type { HttpHandler, HttpResponse } from "../http/http-message.ts";
import {
  formatMetrics,
  metricsContentTypes,
  metricsFormatFor,
} from "../telemetry/metrics-format.ts";
import type { MetricsSnapshot } from "../telemetry/metrics.ts";

/**
 * Answers /metrics and leaves every other path to `others`. With a `token` it must come as Prometheus
 * sends it: `Authorization: Bearer TOKEN`.
 */
export function createMetricsHandler(
  collect: () => Promise<MetricsSnapshot>,
  { token, others }: { readonly token: string | undefined; readonly others: HttpHandler },
): HttpHandler {
  const wanted = token === undefined ? undefined : digest(token);
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
    if (wanted !== undefined && !isAuthorized(request.headers.get("authorization"), wanted)) {
      return answer(401, "text/plain", "unauthorized\n", ["WWW-Authenticate", "Bearer"]);
    }
    const snapshot = await (underWay ??= collectOnce());
    const format = metricsFormatFor(request.headers.get("accept"));
    return answer(200, metricsContentTypes[format], formatMetrics(snapshot, format));
  };
}

function isAuthorized(authorization: string | undefined, wanted: Buffer): boolean {
  const given = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
  return given !== undefined && timingSafeEqual(digest(given), wanted);
}

/** Makes equally long what is compared, whatever was given. */
function digest(token: string): Buffer {
  return createHash("sha256").update(token).digest();
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
