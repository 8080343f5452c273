// The HTTP/1.1 engine on bare sockets: listening, TLS, and what its connections share: batches of
// requests, timeouts and draining. Requests of one connection are handled one after the other.

import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";

import { systemClock } from "../base/clock.ts";
import { Connection, type ConnectionOwner } from "./connection.ts";
import type { Exchange } from "./exchange.ts";
import type { HttpHandler, HttpResponse } from "./http-message.ts";
import {
  defaultHttpLimits,
  type HttpLimits,
  type HttpServer,
  type HttpServerOptions,
  type HttpTraffic,
  type RefusalReason,
} from "./http-server.ts";
import { ResponseHeads } from "./response-head.ts";
import { SocketOutput } from "./socket-output.ts";

/** Starts listening; rejects with the system's error when the address cannot be had. */
export async function startHttpServer(
  options: HttpServerOptions,
  handler: HttpHandler,
): Promise<HttpServer> {
  const server = new SocketHttpServer(options, handler);
  await server.listen();
  return server;
}

/**
 * A lone client's request is handled the moment it is read. With more connections, the requests that
 * arrive in one turn of the event loop are begun together, so that their stages run in turn through the
 * same code while it is in the processor's caches: that halves the time of a small request.
 */
const unbatchedConnections = 1;
const slowestCheckMilliseconds = 1000;
const fastestCheckMilliseconds = 10;

class SocketHttpServer implements HttpServer, ConnectionOwner {
  readonly #options: HttpServerOptions;
  readonly #handler: HttpHandler;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  /** Below TLS, where there is one: cut when draining takes too long. */
  readonly #rawSockets = new Set<Socket>();
  #batch: Connection[] = [];
  #acceptedConnections = 0;
  #refusedConnections = 0;
  /** Of connections that are closed. */
  #receivedBytes = 0;
  #sentBytes = 0;
  #closing: Promise<boolean> | undefined;
  readonly limits: HttpLimits;
  readonly heads: ResponseHeads;
  readonly output = new SocketOutput();
  isDraining = false;
  now = 0;
  address: { readonly host: string; readonly port: number };

  constructor(options: HttpServerOptions, handler: HttpHandler) {
    this.#options = options;
    this.#handler = handler;
    this.limits = { ...defaultHttpLimits, ...options.limits };
    this.heads = new ResponseHeads(
      options.clock ?? systemClock,
      this.limits.keepAliveTimeoutMilliseconds,
    );
    this.address = { host: options.host, port: options.port };
    this.#server = this.#createServer();
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
    this.#checkRegularly();
  }

  traffic(): HttpTraffic {
    let requestsInFlight = 0;
    let receivedBytes = this.#receivedBytes;
    let sentBytes = this.#sentBytes;
    for (const connection of this.#connections) {
      if (connection.isBusy) requestsInFlight += 1;
      receivedBytes += connection.receivedBytes;
      sentBytes += connection.sentBytes;
    }
    return {
      openConnections: this.#connections.size,
      requestsInFlight,
      acceptedConnections: this.#acceptedConnections,
      refusedConnections: this.#refusedConnections,
      receivedBytes,
      sentBytes,
    };
  }

  drain(timeoutMilliseconds: number): Promise<boolean> {
    this.#closing ??= this.#drain(timeoutMilliseconds);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(0);
  }

  schedule(connection: Connection): void {
    if (this.#connections.size <= unbatchedConnections) {
      connection.run(this.#handler);
      return;
    }
    this.#batch.push(connection);
    if (this.#batch.length === 1) setImmediate(this.#runBatch);
  }

  answerRefusal(reason: RefusalReason): HttpResponse {
    return this.#options.onClientError?.(reason) ?? { status: 400, headers: [] };
  }

  reportBroken(error: unknown, exchange: Exchange): void {
    this.#options.onResponseError?.(error, exchange);
  }

  onClosed(connection: Connection): void {
    this.#connections.delete(connection);
    this.#receivedBytes += connection.receivedBytes;
    this.#sentBytes += connection.sentBytes;
  }

  readonly #runBatch = (): void => {
    const batch = this.#batch;
    this.#batch = [];
    for (const connection of batch) connection.run(this.#handler);
  };

  #createServer(): Server {
    const { tls } = this.#options;
    const { limits } = this;
    // Half-open: a client that has ended its sending side still gets its answers.
    const common = { noDelay: true, allowHalfOpen: true };
    const server =
      tls === undefined
        ? createServer(common)
        : createTlsServer({
            ...common,
            key: bufferOf(tls.key),
            cert: bufferOf(tls.certificate),
            handshakeTimeout: limits.headerTimeoutMilliseconds,
            ALPNProtocols: ["http/1.1"],
          });
    server.maxConnections = limits.maximumConnections;
    server.on("drop", () => {
      this.#refusedConnections += 1;
    });
    server.on("connection", (socket: Socket) => {
      this.#rawSockets.add(socket);
      socket.once("close", () => this.#rawSockets.delete(socket));
    });
    // A handshake that fails, or takes too long, leaves the socket open.
    server.on("tlsClientError", (_error: Error, socket: Socket) => socket.destroy());
    server.on(tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
      const connection = new Connection(socket, this);
      this.#connections.add(connection);
      this.#acceptedConnections += 1;
      if (this.isDraining) connection.drain();
    });
    return server;
  }

  async #drain(timeoutMilliseconds: number): Promise<boolean> {
    this.isDraining = true;
    let wasCutOff = false;
    const cutOff = (): void => {
      for (const connection of this.#connections) wasCutOff ||= connection.isBusy;
      for (const socket of this.#rawSockets) socket.destroy();
    };
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.drain();
    const timer = setTimeout(cutOff, timeoutMilliseconds);
    await closed;
    clearTimeout(timer);
    return !wasCutOff;
  }

  /** One timer for all connections: a timer for each request would cost more than the request's head. */
  #checkRegularly(): void {
    const { limits } = this;
    const shortest = Math.min(
      limits.headerTimeoutMilliseconds,
      limits.idleTimeoutMilliseconds,
      limits.keepAliveTimeoutMilliseconds,
      limits.maximumDiscardMilliseconds,
    );
    const period = Math.min(
      slowestCheckMilliseconds,
      Math.max(fastestCheckMilliseconds, shortest / 4),
    );
    let checkedAt = performance.now();
    const timer = setInterval(() => {
      const startedAt = performance.now();
      // When this process stood still, what clients sent meanwhile is read only after this check: the
      // time that was ours must not be counted as theirs.
      const elapsed = Math.min(startedAt - checkedAt, 2 * period);
      checkedAt = startedAt;
      this.now += elapsed;
      for (const connection of this.#connections) connection.check(elapsed);
    }, period);
    timer.unref();
    this.#server.once("close", () => clearInterval(timer));
  }
}

function bufferOf(value: string | Uint8Array): string | Buffer {
  return typeof value === "string" ? value : Buffer.from(value);
}
