// An HTTP engine with a handler made for tests: it remembers what it saw.

import { collectBytes } from "../../src/base/bytes.ts";
import type { HttpHandler, HttpRequest } from "../../src/http/http-message.ts";
import type { HttpServer, HttpServerOptions } from "../../src/http/http-server.ts";
import { startHttpServer } from "../../src/http/start-http-server.ts";

export interface Seen {
  readonly method: string;
  readonly target: string;
  readonly body: string;
}

export interface TestServer extends AsyncDisposable {
  readonly server: HttpServer;
  readonly port: number;
  /** Requests that reached the default handler, with their bodies. */
  readonly seen: readonly Seen[];
  readonly responseErrors: readonly unknown[];
}

export async function startTestServer(
  options: Partial<HttpServerOptions> = {},
  handler?: HttpHandler,
): Promise<TestServer> {
  const seen: Seen[] = [];
  const responseErrors: unknown[] = [];
  const recordingHandler = async (request: HttpRequest) => {
    try {
      const bytes = await collectBytes(request.body, 64 * 1024 * 1024);
      const body = Buffer.from(bytes).toString("latin1");
      seen.push({ method: request.method, target: request.target, body });
      return { status: 200, headers: ["Content-Type", "text/plain"], body: `got ${bytes.length}` };
    } catch (error) {
      return { status: 400, headers: [], body: (error as Error).name };
    }
  };
  const server = await startHttpServer(
    {
      host: "127.0.0.1",
      port: 0,
      onClientError: (reason) => ({
        status: 400,
        headers: ["Content-Type", "text/plain"],
        body: `refused: ${reason}`,
      }),
      onResponseError: (error) => responseErrors.push(error),
      ...options,
    },
    handler ?? recordingHandler,
  );
  return {
    server,
    port: server.address.port,
    seen,
    responseErrors,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Waits until a condition holds; fails after five seconds. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within five seconds: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
