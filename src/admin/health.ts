// /health/live and /health/ready, on a port of their own, outside the S3 namespace. Live: the process
// answers. Ready: it takes S3 requests, which it no longer does while it drains.

import type { HttpHandler, HttpResponse } from "../http/http-message.ts";

export interface Readiness {
  readonly isReady: boolean;
  readonly isDraining: boolean;
  readonly workers: { readonly ready: number; readonly configured: number };
}

export function createHealthHandler(readiness: () => Readiness): HttpHandler {
  return async (request) => {
    const path = request.target.split("?", 1)[0];
    if (path !== "/health/live" && path !== "/health/ready") {
      return answer(404, { status: "not found" });
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      return answer(405, { status: "method not allowed" }, ["Allow", "GET, HEAD"]);
    }
    if (path === "/health/live") return answer(200, { status: "live" });
    const { isReady, isDraining, workers } = readiness();
    if (isReady) return answer(200, { status: "ready", workers });
    return answer(503, { status: isDraining ? "draining" : "starting", workers });
  };
}

function answer(status: number, value: object, headers: readonly string[] = []): HttpResponse {
  return {
    status,
    headers: ["Content-Type", "application/json", "Cache-Control", "no-store", ...headers],
    body: `${JSON.stringify(value)}\n`,
  };
}
