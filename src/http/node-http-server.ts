// The HTTP engine over node:http and node:https: connections, their order of requests, timeouts,
// refusals and draining. Requests of one connection are handled one after the other.

import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";

import type { Clock } from "../base/clock.ts";
import { RequestTimeoutError, type HttpHandler, type HttpResponse } from "./http-message.ts";
import {
  defaultHttpLimits,
  type HttpLimits,
  type HttpServer,
  type HttpServerOptions,
  type RefusalReason,
} from "./http-server.ts";
import { NodeConnection } from "./node-connection.ts";
import { NodeExchange } from "./node-exchange.ts";
import { ClientGoneError } from "./node-response-stream.ts";
import { abortedError } from "./node-request-body.ts";
import { serializeRefusal } from "./refusal.ts";
import { judgeFraming } from "./request-framing.ts";

/** Starts listening; rejects with the system's error when the address cannot be had. */
export async function startHttpServer(
  options: HttpServerOptions,
  handler: HttpHandler,
): Promise<HttpServer> {
  const server = new NodeHttpServer(options, handler);
  await server.listen();
  return server;
}

class NodeHttpServer implements HttpServer {
  readonly #options: HttpServerOptions;
  readonly #handler: HttpHandler;
  readonly #limits: HttpLimits;
  readonly #server: Server;
  readonly #connections = new Map<Duplex, NodeConnection>();
  /** Below TLS, where there is one: cut when draining takes too long. */
  readonly #rawSockets = new Set<Socket>();
  #isDraining = false;
  #closing: Promise<boolean> | undefined;
  address: { readonly host: string; readonly port: number };

  constructor(options: HttpServerOptions, handler: HttpHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#limits = { ...defaultHttpLimits, ...options.limits };
    this.address = { host: options.host, port: options.port };
    this.#server = this.#createServer();
    this.#attach();
  }

  async listen(): Promise<void> {
    const { host, port, reusePort } = this.#options;
    const server = this.#server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port, reusePort: reusePort ?? false, backlog: 1024 }, () => {
        server.off("error", reject);
        resolve();
      });
    });
    const bound = server.address() as AddressInfo; // never a path: `listen` was given a port
    this.address = { host: bound.address, port: bound.port };
  }

  drain(timeoutMilliseconds: number): Promise<boolean> {
    this.#closing ??= this.#drain(timeoutMilliseconds);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(0);
  }

  async #drain(timeoutMilliseconds: number): Promise<boolean> {
    this.#isDraining = true;
    let wasCutOff = false;
    const cutOff = (): void => {
      if (this.#rawSockets.size > 0) wasCutOff = true;
      for (const socket of this.#rawSockets) socket.destroy();
    };
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections.values()) connection.drain();
    const timer = setTimeout(cutOff, timeoutMilliseconds);
    await closed;
    clearTimeout(timer);
    return !wasCutOff;
  }

  #createServer(): Server {
    const limits = this.#limits;
    const common = {
      maxHeaderSize: limits.maximumHeaderBytes,
      headersTimeout: limits.headerTimeoutMilliseconds,
      // A large upload may last for hours; what is bounded is the silence (see onTimeout).
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveTimeoutMilliseconds,
      connectionsCheckingInterval: Math.min(
        5000,
        Math.max(50, limits.headerTimeoutMilliseconds / 4),
      ),
      noDelay: true,
      insecureHTTPParser: false,
      // A missing Host is refused in judgeFraming, with an answer of ours.
      requireHostHeader: false,
      optimizeEmptyRequests: true,
    };
    const { tls } = this.#options;
    const server =
      tls === undefined
        ? createPlainServer(common)
        : createTlsServer({
            ...common,
            key: bufferOf(tls.key),
            cert: bufferOf(tls.certificate),
            handshakeTimeout: limits.headerTimeoutMilliseconds,
          });
    // 0: Node would silently drop the fields above its number; judgeFraming refuses them instead.
    server.maxHeadersCount = 0;
    server.maxConnections = limits.maximumConnections;
    server.timeout = limits.idleTimeoutMilliseconds;
    // Without it Node cuts off a client that ends its sending side before it has its answer. The
    // property is as old as Node and missing in its types.
    (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
    return server;
  }

  #attach(): void {
    const server = this.#server;
    server.on("connection", (socket: Socket) => {
      this.#rawSockets.add(socket);
      socket.once("close", () => this.#rawSockets.delete(socket));
    });
    server.on(this.#options.tls === undefined ? "connection" : "secureConnection", this.#onConnect);
    server.on("request", (request, response) => this.#onRequest(request, response, false));
    server.on("checkContinue", (request, response) => this.#onRequest(request, response, true));
    server.on("checkExpectation", (request, response) => {
      this.#refuse(request, response, "expectation-failed");
    });
    server.on("connect", (_request, socket) => this.#refuseRaw(socket, "method-unsupported"));
    server.on("clientError", this.#onClientError);
    server.on("timeout", this.#onTimeout);
  }

  readonly #onConnect = (socket: Socket): void => {
    this.#connections.set(socket, new NodeConnection(socket));
    socket.once("close", () => this.#connections.delete(socket));
  };

  #onRequest(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const framing = judgeFraming(request.rawHeaders, request.httpVersion, this.#limits);
    if (framing.refusal !== undefined) {
      this.#refuse(request, response, framing.refusal);
      return;
    }
    const exchange = new NodeExchange(request, response, {
      declaredBytes: framing.declaredBytes,
      expectsContinue: expectsContinue && framing.declaredBytes !== 0,
    });
    this.#enqueue(request.socket, exchange, this.#handler);
  }

  #enqueue(socket: Socket, exchange: NodeExchange, handler: HttpHandler): void {
    const connection = this.#connections.get(socket);
    if (connection === undefined || connection.isRefused) return;
    if (connection.current === undefined) {
      this.#handle(connection, exchange, handler);
    } else if (connection.waiting.length < this.#limits.maximumPipelinedRequests) {
      connection.waiting.push(() => this.#handle(connection, exchange, handler));
      connection.newest = exchange;
    } else {
      socket.destroy();
    }
  }

  #handle(connection: NodeConnection, exchange: NodeExchange, handler: HttpHandler): void {
    connection.current = exchange;
    if (connection.waiting.length === 0) connection.newest = exchange;
    handler(exchange).then(
      (answer) => this.#answer(connection, exchange, answer),
      (error: unknown) => {
        // A handler must not reject; when one does, no answer is better than a made-up one.
        this.#options.onResponseError?.(error, exchange);
        exchange.destroy();
      },
    );
  }

  #answer(connection: NodeConnection, exchange: NodeExchange, given: HttpResponse): void {
    if (this.#isDraining) exchange.closeAfterwards();
    const { clock } = this.#options;
    const answer = clock === undefined ? given : withDate(given, clock);
    let sending: Promise<unknown> | undefined;
    try {
      sending = exchange.send(answer, this.#limits);
    } catch (error) {
      // Thrown for a status or a header that HTTP cannot carry.
      this.#options.onResponseError?.(error, exchange);
      answer.onSettled?.(0, error);
      exchange.destroy();
      return;
    }
    if (sending === undefined) {
      connection.finish(this.#isDraining);
      return;
    }
    void this.#finishLater(connection, exchange, sending);
  }

  async #finishLater(
    connection: NodeConnection,
    exchange: NodeExchange,
    sending: Promise<unknown>,
  ): Promise<void> {
    const failure = await sending;
    // A client that went away is no failure of ours.
    if (failure !== undefined && !(failure instanceof ClientGoneError)) {
      this.#options.onResponseError?.(failure, exchange);
    }
    connection.finish(this.#isDraining);
  }

  /** Refuses a request that was parsed: in its turn, after the answers to those before it. */
  #refuse(request: IncomingMessage, response: ServerResponse, reason: RefusalReason): void {
    // Whatever the framing says, what follows the headers is not to be believed, only thrown away.
    const exchange = new NodeExchange(request, response, {
      declaredBytes: undefined,
      expectsContinue: false,
    });
    exchange.closeAfterwards();
    const answer = this.#options.onClientError?.(reason) ?? { status: 400, headers: [] };
    this.#enqueue(request.socket, exchange, () => Promise.resolve(answer));
    const connection = this.#connections.get(request.socket);
    // What follows on this connection cannot be trusted to be a request.
    if (connection !== undefined) connection.isRefused = true;
  }

  readonly #onClientError = (error: Error & { code?: string }, socket: Duplex): void => {
    const connection = this.#connections.get(socket);
    if (connection === undefined || !socket.writable) {
      socket.destroy();
      return;
    }
    if (error.code === "ECONNRESET" || error.code === "EPIPE") {
      socket.destroy();
      return;
    }
    if (connection.isRefused) return;
    connection.isRefused = true;
    const newest = connection.newest;
    if (newest !== undefined && !newest.isReceived) {
      newest.breakOff(abortedError());
      return;
    }
    const isSilent = error.code === "HPE_INVALID_EOF_STATE" || connection.socket.bytesRead === 0;
    if (isSilent) connection.afterAnswers(() => socket.end());
    else connection.afterAnswers(() => this.#refuseRaw(socket, reasonOf(error.code)));
  };

  /** Refuses what never became a request; then waits a moment for the client to take the answer. */
  #refuseRaw(socket: Duplex, reason: RefusalReason): void {
    const answer = this.#options.onClientError?.(reason) ?? { status: 400, headers: [] };
    socket.on("error", ignore);
    socket.end(serializeRefusal(answer));
    const timer = setTimeout(() => socket.destroy(), this.#limits.maximumDiscardMilliseconds);
    socket.once("close", () => clearTimeout(timer));
    socket.resume();
  }

  /** Nothing moved on a connection for the idle (or keep-alive) time. */
  readonly #onTimeout = (socket: Socket): void => {
    const connection = this.#connections.get(socket);
    const exchange = connection?.current;
    if (exchange === undefined || exchange.isWaitingForClient) {
      socket.destroy();
    } else {
      if (exchange.body.isWaiting) {
        exchange.closeAfterwards();
        exchange.body.fail(new RequestTimeoutError("the body did not arrive in time"));
      }
      // The silence may be ours: a handler at work. The time begins anew.
      socket.setTimeout(this.#limits.idleTimeoutMilliseconds);
    }
  };
}

function withDate(answer: HttpResponse, clock: Clock): HttpResponse {
  const date = new Date(clock.now()).toUTCString();
  return { ...answer, headers: [...answer.headers, "Date", date] };
}

function reasonOf(code: string | undefined): RefusalReason {
  if (code === "HPE_HEADER_OVERFLOW") return "headers-too-large";
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return "timeout";
  return "malformed";
}

function bufferOf(value: string | Uint8Array): string | Buffer {
  return typeof value === "string" ? value : Buffer.from(value);
}

function ignore(): void {}
