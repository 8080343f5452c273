// What the pipeline knows of a request so far; every stage adds its part.

import type { RequestAuthorization } from "../access/request-authorization.ts";
import type { Caller } from "../access/caller.ts";
import type { ServiceName, ServiceResponse } from "../access/service-request.ts";
import type { Clock } from "../base/clock.ts";
import { noteRequest } from "../base/foreground.ts";
import type { HttpRequest } from "../http/http-message.ts";
import type { ErrorCode } from "../model/errors.ts";
import type { OperationDefinition } from "../model/operation-table.ts";
import type { RequestTrace, Tracing } from "../telemetry/tracing.ts";
import type { Address } from "./address.ts";
import type { RequestNotes } from "../operations/request-notes.ts";
import type { QueryParameter } from "./query.ts";
import type { RequestIds } from "./request-ids.ts";
import { elapsedOf } from "./request-record.ts";
import type { StoreFacts } from "./resource-facts.ts";

export interface BeginningOptions {
  readonly ids: RequestIds;
  readonly clock: Clock;
  readonly tracing: Tracing | undefined;
}

export interface Exchange {
  readonly request: HttpRequest;
  readonly requestId: string;
  readonly hostId: string;
  readonly method: string;
  readonly startedMilliseconds: number;
  /** By the clock that nobody sets. */
  readonly startedElapsed: number;
  address: Address | undefined;
  query: readonly QueryParameter[];
  /** What the request asks for, also when it is refused before anybody looks at that. */
  routed: OperationDefinition | undefined;
  /** What it asks for, of a caller who is known. */
  definition: OperationDefinition | undefined;
  isControl: boolean;
  service: "s3" | "website" | ServiceName;
  /** What another service answered. */
  serviceResponse: ServiceResponse | undefined;
  caller: Caller | undefined;
  access: RequestAuthorization | undefined;
  /** What was looked at of buckets and objects. */
  facts: StoreFacts | undefined;
  /** Of an uploaded form. */
  formKey: string | undefined;
  formSignature: "v2" | "v4" | undefined;
  /** Of the page that a visitor of a website wanted, whatever is shown instead. */
  visitedKey: string | undefined;
  errorCode: ErrorCode | undefined;
  /** What the operation has told of itself. */
  notes: RequestNotes | undefined;
  /** Absent: requests are not traced. */
  readonly trace: RequestTrace | undefined;
  /** For the page of another origin that asks. */
  corsHeaders: readonly string[] | undefined;
}

export function beginExchange(
  request: HttpRequest,
  { ids, clock, tracing }: BeginningOptions,
): Exchange {
  noteRequest();
  return {
    request,
    requestId: ids.nextRequestId(),
    hostId: ids.hostId,
    method: request.method,
    startedMilliseconds: clock.now(),
    startedElapsed: elapsedOf(clock),
    address: undefined,
    query: [],
    routed: undefined,
    definition: undefined,
    isControl: false,
    service: "s3",
    serviceResponse: undefined,
    caller: undefined,
    access: undefined,
    facts: undefined,
    formKey: undefined,
    formSignature: undefined,
    visitedKey: undefined,
    errorCode: undefined,
    notes: undefined,
    trace: tracing?.active,
    corsHeaders: undefined,
  };
}
