// Begins the trace of each request, inside which everything is done for it.

import type { HttpHandler } from "../http/http-message.ts";
import type { Tracing } from "../telemetry/tracing.ts";

/** Without `tracing` the handler itself. */
export function traced(tracing: Tracing | undefined, handler: HttpHandler): HttpHandler {
  if (tracing === undefined) return handler;
  return (request) => {
    const traceparent = request.headers.get("traceparent");
    const tracestate = request.headers.get("tracestate");
    return tracing.begin({ traceparent, tracestate }, () => handler(request));
  };
}
