// What is told of an answered request. Every request has one, and most readers want little of it: so
// the parts that cost something are made when they are asked for.

import type { Caller } from "../access/caller.ts";
import type { Judged } from "../access/request-authorization.ts";
import type { ServiceResponse } from "../access/service-request.ts";
import type { Clock } from "../base/clock.ts";
import type { HttpRequest } from "../http/http-message.ts";
import type { RequestTrace } from "../telemetry/tracing.ts";
import type { Address } from "./address.ts";
import type { StoreFacts } from "./resource-facts.ts";
import { findParameter, type QueryParameter } from "./query.ts";

/** What the pipeline knows of a request at its end. */
export interface ObservedExchange {
  readonly request: HttpRequest;
  readonly requestId: string;
  readonly method: string;
  readonly startedMilliseconds: number;
  /** Of the clock that nobody sets. */
  readonly startedElapsed: number;
  readonly address: Address | undefined;
  readonly query: readonly QueryParameter[];
  readonly definition: { readonly name: string } | undefined;
  readonly service: string;
  readonly serviceResponse: ServiceResponse | undefined;
  readonly caller: Caller | undefined;
  readonly access: { readonly lastDecision: Judged | undefined } | undefined;
  /** What was looked at of buckets and objects; absent: nothing. */
  readonly facts: StoreFacts | undefined;
  /** Of an uploaded form; other keys are in the address. */
  readonly formKey: string | undefined;
  readonly trace: RequestTrace | undefined;
  readonly errorCode: string | undefined;
}

export class RequestRecord {
  readonly #exchange: ObservedExchange;
  readonly #clock: Clock;
  readonly status: number;
  /** Bytes of the response's body that were handed to the connection. */
  readonly bodyBytes: number;
  /** Why the answer did not leave whole. */
  readonly sendFailure: unknown;
  readonly durationMilliseconds: number;
  /** From the request's last byte to the first of the answer. */
  readonly turnaroundMilliseconds: number;

  constructor(
    exchange: ObservedExchange,
    clock: Clock,
    outcome: {
      readonly status: number;
      readonly bodyBytes: number;
      readonly sendFailure: unknown;
      /** When the answer was there. */
      readonly answeredElapsed: number;
    },
  ) {
    this.#exchange = exchange;
    this.#clock = clock;
    this.status = outcome.status;
    this.bodyBytes = outcome.bodyBytes;
    this.sendFailure = outcome.sendFailure;
    const { request, startedElapsed } = exchange;
    const receivingMilliseconds = request.receivingMilliseconds ?? 0;
    this.turnaroundMilliseconds = Math.max(
      0,
      outcome.answeredElapsed - startedElapsed - receivingMilliseconds,
    );
    this.durationMilliseconds = Math.max(0, elapsedOf(clock) - exchange.startedElapsed);
  }

  get requestId(): string {
    return this.#exchange.requestId;
  }

  get method(): string {
    return this.#exchange.method;
  }

  get target(): string {
    return this.#exchange.request.target;
  }

  get remoteAddress(): string {
    return this.#exchange.request.remoteAddress;
  }

  /** `s3`, or the other service that answered. */
  get service(): string {
    return this.#exchange.service;
  }

  get operation(): string | undefined {
    const { serviceResponse, definition } = this.#exchange;
    return serviceResponse?.action ?? definition?.name;
  }

  get bucket(): string | undefined {
    return this.#exchange.address?.bucket;
  }

  get key(): string | undefined {
    return this.#exchange.address?.key ?? this.#exchange.formKey;
  }

  get versionId(): string | undefined {
    return findParameter(this.#exchange.query, "versionId");
  }

  get userAgent(): string | undefined {
    return this.#exchange.request.headers.get("user-agent");
  }

  get caller(): Caller | undefined {
    return this.#exchange.caller;
  }

  /** What was decided last: of a refused request, why. */
  get decision(): Judged | undefined {
    const { serviceResponse, access } = this.#exchange;
    return serviceResponse?.decision ?? access?.lastDecision;
  }

  /** How much another service than S3 did, where it says so. */
  get did(): Readonly<Record<string, number>> | undefined {
    return this.#exchange.serviceResponse?.did;
  }

  /** Of S3, or of the service that answered. */
  get errorCode(): string | undefined {
    const { serviceResponse, errorCode } = this.#exchange;
    return serviceResponse?.errorCode ?? errorCode;
  }

  get facts(): StoreFacts | undefined {
    return this.#exchange.facts;
  }

  get trace(): RequestTrace | undefined {
    return this.#exchange.trace;
  }

  /** As sent: `/bucket/key`, escaped. */
  get copySource(): string | undefined {
    return this.#exchange.request.headers.get("x-amz-copy-source");
  }

  /** Of the request's body, as far as it had arrived. */
  get receivedBodyBytes(): number {
    return this.#exchange.request.receivedBodyBytes ?? 0;
  }

  get startedMilliseconds(): number {
    return this.#exchange.startedMilliseconds;
  }

  /** By the clock as it is set now. */
  get endedMilliseconds(): number {
    return this.#clock.now();
  }
}

/** A manual clock has but one hand. */
export function elapsedOf(clock: Clock): number {
  return clock.elapsed?.() ?? clock.now();
}
