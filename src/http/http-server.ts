// What an HTTP engine is to the rest of the server: how it is started, bounded, drained and closed.
// The engine is in start-http-server.ts; nothing else in Holdfast touches a socket of a client.

import type { Clock } from "../base/clock.ts";
import type { HttpRequest, HttpResponse } from "./http-message.ts";

export interface HttpLimits {
  /** From the first byte of a request (or the opening of a connection) to the end of its headers. */
  readonly headerTimeoutMilliseconds: number;
  /** Without one byte read from, or taken by, a client that the server waits for. */
  readonly idleTimeoutMilliseconds: number;
  /**
   * How slow a body may be all in all: measured over the time that the server waited for it, once it
   * waited longer than the grace. Without it one byte now and then would hold a connection for ever.
   */
  readonly minimumBodyBytesPerSecond: number;
  readonly slowBodyGraceMilliseconds: number;
  /** Between two requests on one connection. */
  readonly keepAliveTimeoutMilliseconds: number;
  /** Request line and header fields together; more is refused before the request is seen. */
  readonly maximumHeaderBytes: number;
  readonly maximumHeaderFields: number;
  /** Names and values of the header fields, as they are sent, without the request line. */
  readonly maximumFieldBytes: number;
  readonly maximumConnections: number;
  /** Requests that a client may send ahead on one connection before the first is answered. */
  readonly maximumPipelinedRequests: number;
  /** Of a body that the answer did not wait for: read and thrown away so that the answer arrives. */
  readonly maximumDiscardedBytes: number;
  readonly maximumDiscardMilliseconds: number;
}

export const defaultHttpLimits: HttpLimits = {
  headerTimeoutMilliseconds: 20_000,
  idleTimeoutMilliseconds: 20_000,
  // 2 kbit/s: slower than any line over which a client of S3 could do its work.
  minimumBodyBytesPerSecond: 256,
  slowBodyGraceMilliseconds: 60_000,
  keepAliveTimeoutMilliseconds: 60_000,
  // The fields as S3 allows them; a presigned target with a key of 1,024 bytes, each sent as three
  // characters, comes on top of them.
  maximumHeaderBytes: 16 * 1024,
  maximumHeaderFields: 256,
  maximumFieldBytes: 8 * 1024,
  maximumConnections: 10_000,
  maximumPipelinedRequests: 128,
  maximumDiscardedBytes: 16 * 1024 * 1024,
  maximumDiscardMilliseconds: 5_000,
};

/** Why a request was refused before any handler saw it. */
export type RefusalReason =
  /** Broken or ambiguous framing, forbidden characters, a missing or doubled Host. */
  | "malformed"
  /** More header bytes or fields than allowed. */
  | "headers-too-large"
  /** The headers did not arrive in time. */
  | "timeout"
  /** A Transfer-Encoding other than `chunked`. */
  | "transfer-coding-unsupported"
  /** CONNECT. */
  | "method-unsupported";

export interface HttpServerOptions {
  readonly host: string;
  /** 0: a free port. */
  readonly port: number;
  readonly tls?: { readonly key: string | Uint8Array; readonly certificate: string | Uint8Array };
  readonly limits?: Partial<HttpLimits>;
  /** Lets several processes listen on the same port, where the system can. */
  readonly reusePort?: boolean;
  /** Tells the time of the Date header; default: the system's clock. Timeouts are in real time. */
  readonly clock?: Clock;
  /** The answer to a request that no handler sees; the connection is closed after it. */
  readonly onClientError?: (reason: RefusalReason) => HttpResponse;
  /** A response broke after its handler had returned it: its body threw, or it was not valid. */
  readonly onResponseError?: (error: unknown, request: HttpRequest) => void;
}

/** What the engine counts; the totals are those since it was started. */
export interface HttpTraffic {
  readonly openConnections: number;
  /** Being handled, or answered to a client that has not taken the answer. */
  readonly requestsInFlight: number;
  readonly acceptedConnections: number;
  /** Closed at once, because there were too many. */
  readonly refusedConnections: number;
  /** Of everything, heads included; under TLS before its encryption. */
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** Of at least one server. */
export function sumTraffic(traffics: readonly HttpTraffic[]): HttpTraffic {
  return traffics.reduce((sum, each) => ({
    openConnections: sum.openConnections + each.openConnections,
    requestsInFlight: sum.requestsInFlight + each.requestsInFlight,
    acceptedConnections: sum.acceptedConnections + each.acceptedConnections,
    refusedConnections: sum.refusedConnections + each.refusedConnections,
    receivedBytes: sum.receivedBytes + each.receivedBytes,
    sentBytes: sum.sentBytes + each.sentBytes,
  }));
}

export interface HttpServer extends AsyncDisposable {
  readonly address: { readonly host: string; readonly port: number };
  traffic(): HttpTraffic;
  /**
   * Accepts nothing more, lets requests in flight finish, and closes what remains after
   * `timeoutMilliseconds`. Resolves when every connection is closed; true when none was cut off.
   */
  drain(timeoutMilliseconds: number): Promise<boolean>;
}
