// The way out: every answer, good or bad, gets the headers that all have, and is told about when it has
// left.

import type { Clock } from "../base/clock.ts";
import type { HttpResponse } from "../http/http-message.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import { recordAccess, type AccessRecorder } from "./access-record.ts";
import type { EncodedOutput } from "./encode-output.ts";
import type { Exchange } from "./exchange.ts";
import { elapsedOf, RequestRecord } from "./request-record.ts";

export interface RecordingOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  /** Called once, when the answer has left or is known never to leave. */
  readonly observe?: ((record: RequestRecord) => void) | undefined;
  readonly tracing?: Tracing | undefined;
  /** Who writes down requests of buckets that want it. */
  readonly accessLog?: AccessRecorder | undefined;
}

export function recordAnswer(
  exchange: Exchange,
  { status, headers, body }: EncodedOutput,
  options: RecordingOptions,
): HttpResponse {
  const { observe, clock, tracing } = options;
  if (exchange.corsHeaders !== undefined) headers.push(...exchange.corsHeaders);
  headers.push("x-amz-request-id", exchange.requestId);
  headers.push("x-amz-id-2", exchange.hostId, "Server", "Holdfast");
  exchange.trace?.enter("send");
  const answeredElapsed = observe === undefined ? 0 : elapsedOf(clock);
  const endAccess = recordAccess(exchange, { status, headers }, options);
  return {
    status,
    headers,
    ...(body === undefined ? {} : { body: bound(exchange, body, tracing) }),
    ...(observe === undefined && endAccess === undefined
      ? {}
      : {
          onSettled: (bodyBytes: number, sendFailure: unknown) => {
            endAccess?.(bodyBytes);
            const outcome = { status, bodyBytes, sendFailure, answeredElapsed };
            observe?.(new RequestRecord(exchange, clock, outcome));
          },
        }),
  };
}

/** What a stream does while the engine sends it belongs to the request, too. */
function bound(
  { trace }: Exchange,
  body: NonNullable<EncodedOutput["body"]>,
  tracing: Tracing | undefined,
): NonNullable<EncodedOutput["body"]> {
  if (trace === undefined || tracing === undefined) return body;
  return typeof body === "string" || body instanceof Uint8Array ? body : tracing.bind(trace, body);
}
