// One request and its answer over node:http: what the handler sees of the request (computed only when
// asked for), and how the answer travels back.

import type { IncomingMessage, ServerResponse } from "node:http";

import type { ByteStream } from "../base/bytes.ts";
import { HttpHeaders, type HttpRequest, type HttpResponse } from "./http-message.ts";
import { NodeRequestBody } from "./node-request-body.ts";
import { ClientGoneError, sendByteStream } from "./node-response-stream.ts";

/** What the framing headers of a request say. */
export interface Framing {
  /** `undefined` for a chunked body. */
  readonly declaredBytes: number | undefined;
  readonly expectsContinue: boolean;
}

export interface SendLimits {
  readonly maximumDiscardedBytes: number;
  readonly maximumDiscardMilliseconds: number;
}

/** A rest of a body that is quicker read than a new connection is made: keep-alive goes on after it. */
const cheapToDiscardBytes = 256 * 1024;

export class NodeExchange implements HttpRequest {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly hasBody: boolean;
  readonly #framing: Framing;
  #body: NodeRequestBody | undefined;
  #headers: HttpHeaders | undefined;
  #abortController: AbortController | undefined;
  #isBroken = false;
  /** Whether the answer waits for the client to take bytes. */
  isWaitingForClient = false;

  constructor(request: IncomingMessage, response: ServerResponse, framing: Framing) {
    this.#request = request;
    this.#response = response;
    this.hasBody = framing.declaredBytes !== 0;
    this.#framing = framing;
  }

  get body(): NodeRequestBody {
    if (this.#body === undefined) {
      const { declaredBytes, expectsContinue } = this.#framing;
      const continueThrough = expectsContinue ? this.#response : undefined;
      this.#body = new NodeRequestBody(this.#request, declaredBytes, continueThrough);
    }
    return this.#body;
  }

  get method(): string {
    return this.#request.method as string; // always set on a server's requests
  }

  get target(): string {
    return this.#request.url as string; // always set on a server's requests
  }

  get headers(): HttpHeaders {
    return (this.#headers ??= new HttpHeaders(this.#request.rawHeaders));
  }

  get remoteAddress(): string {
    return this.#request.socket.remoteAddress ?? "";
  }

  get isEncrypted(): boolean {
    return "encrypted" in this.#request.socket;
  }

  get signal(): AbortSignal {
    if (this.#abortController === undefined) {
      const controller = new AbortController();
      const response = this.#response;
      this.#abortController = controller;
      if (this.isGone) controller.abort();
      else {
        response.once("close", () => {
          if (!response.writableFinished) controller.abort();
        });
      }
    }
    return this.#abortController.signal;
  }

  /** Whether the whole request, its body included, has been received and understood. */
  get isReceived(): boolean {
    return this.#request.complete;
  }

  get isGone(): boolean {
    return this.#response.destroyed || this.#request.socket.destroyed;
  }

  /** The connection will carry no further request after this answer. */
  closeAfterwards(): void {
    this.#response.shouldKeepAlive = false;
  }

  /**
   * Sends the answer. Resolves when the connection may go on with the next request; never rejects.
   * Returns nothing when all was handed over at once, which is the case for most answers.
   */
  send(answer: HttpResponse, limits: SendLimits): Promise<unknown> | undefined {
    const body = answer.body;
    const isStream = typeof body === "object" && !(body instanceof Uint8Array);
    if (this.isGone) {
      if (isStream) closeUnread(body);
      const failure = new ClientGoneError("the client went away before the answer");
      answer.onSettled?.(0, failure);
      return undefined;
    }
    const mayHaveBody =
      this.#request.method !== "HEAD" && answer.status !== 204 && answer.status !== 304;
    if (this.#mustDiscard()) return this.#sendThenDiscard(answer, mayHaveBody, limits);
    if (isStream && mayHaveBody) return this.#sendStream(answer, body, true);
    if (isStream) closeUnread(body);
    return this.#sendWhole(answer, mayHaveBody && !isStream ? (body ?? "") : undefined);
  }

  /** The parser gave up in the middle of the body: its reader learns it; this is the last answer here. */
  breakOff(error: Error): void {
    this.#isBroken = true;
    this.body.fail(error);
    this.closeAfterwards();
  }

  /** Cuts the connection: the only way left to say that a begun answer is not whole. */
  destroy(): void {
    this.#request.socket.destroy();
  }

  #sendWhole(answer: HttpResponse, body: string | Uint8Array | undefined): undefined {
    const response = this.#response;
    if (body === undefined) {
      response.writeHead(answer.status, answer.headers as string[]);
      response.end();
      this.#abandonBody();
      answer.onSettled?.(0, undefined);
      return undefined;
    }
    const lengthBytes = writeHeadWithLength(response, answer, body);
    endWith(response, body, lengthBytes);
    this.#abandonBody();
    answer.onSettled?.(lengthBytes, undefined);
    return undefined;
  }

  async #sendStream(answer: HttpResponse, body: ByteStream, mayEnd: boolean): Promise<unknown> {
    let outcome: { bodyBytes: number; failure: unknown };
    try {
      this.#response.writeHead(answer.status, answer.headers as string[]);
      outcome = await sendByteStream({
        body,
        declaredBytes: declaredLength(answer.headers),
        response: this.#response,
        mayEnd,
        waiting: this,
      });
    } catch (error) {
      closeUnread(body);
      outcome = { bodyBytes: 0, failure: error };
    }
    if (outcome.failure !== undefined) this.destroy();
    else if (mayEnd) this.#abandonBody();
    answer.onSettled?.(outcome.bodyBytes, outcome.failure);
    return outcome.failure;
  }

  /** What is left of a short unread body is thrown away, so that the next request can be parsed. */
  #abandonBody(): void {
    if (!this.hasBody || this.isReceived) return;
    void this.body.return();
    this.#request.resume();
  }

  /**
   * Whether the request's body was left unread, and is too long to be swallowed for the sake of the
   * connection. A client that still waits for `100 Continue` gets its final answer instead, and the
   * connection ends, because nobody can know whether the body comes all the same.
   */
  #mustDiscard(): boolean {
    if (!this.hasBody || this.isReceived) return false;
    return (
      this.#isBroken || this.body.isContinueOwed || this.body.missingBytes > cheapToDiscardBytes
    );
  }

  /**
   * Closing at once would make the system send a reset, which takes the answer away from a client
   * that is still sending. So the answer goes out whole, and for a bounded time and number of bytes
   * the rest of the request is thrown away; then the connection closes.
   */
  async #sendThenDiscard(
    answer: HttpResponse,
    mayHaveBody: boolean,
    limits: SendLimits,
  ): Promise<unknown> {
    const response = this.#response;
    const { body } = answer;
    let failure: unknown;
    this.closeAfterwards();
    if (typeof body === "object" && !(body instanceof Uint8Array)) {
      if (mayHaveBody) failure = await this.#sendStream(answer, body, false);
      else closeUnread(body);
    } else if (mayHaveBody) {
      const lengthBytes = writeHeadWithLength(response, answer, body ?? "");
      if (lengthBytes > 0) response.write(body);
      else response.flushHeaders();
      answer.onSettled?.(lengthBytes, undefined);
    } else {
      response.writeHead(answer.status, answer.headers as string[]);
      response.flushHeaders();
      answer.onSettled?.(0, undefined);
    }
    if (failure !== undefined) return failure;
    void this.body.return();
    await discard(this.#request, limits);
    response.end();
    return undefined;
  }
}

/**
 * Reads the rest of a body away: until its end, the client's end, or a bound. Past a broken body the
 * parser itself throws everything away, and only the client's end and the time count.
 */
function discard(request: IncomingMessage, limits: SendLimits): Promise<void> {
  const { socket } = request;
  if (socket.readableEnded || socket.destroyed || request.complete) return Promise.resolve();
  return new Promise((resolve) => {
    let discardedBytes = 0;
    const stop = (): void => {
      clearTimeout(timer);
      request.off("data", onData);
      request.off("end", stop);
      socket.off("end", stop);
      socket.off("close", stop);
      resolve();
    };
    const onData = (chunk: Buffer): void => {
      discardedBytes += chunk.byteLength;
      if (discardedBytes > limits.maximumDiscardedBytes) stop();
    };
    const timer = setTimeout(stop, limits.maximumDiscardMilliseconds);
    request.on("data", onData);
    request.once("end", stop);
    socket.once("end", stop);
    socket.once("close", stop);
    request.resume();
  });
}

/** Writes the header and returns the length of the body in bytes. */
function writeHeadWithLength(
  response: ServerResponse,
  answer: HttpResponse,
  body: string | Uint8Array,
): number {
  const lengthBytes = typeof body === "string" ? Buffer.byteLength(body) : body.byteLength;
  const headers =
    declaredLength(answer.headers) === undefined
      ? [...answer.headers, "Content-Length", String(lengthBytes)]
      : (answer.headers as string[]);
  response.writeHead(answer.status, headers);
  return lengthBytes;
}

function endWith(response: ServerResponse, body: string | Uint8Array, lengthBytes: number): void {
  if (lengthBytes === 0) response.end();
  else if (typeof body !== "string") response.end(body);
  // Node joins a string to the header and writes both in one encoding. Latin-1 is right for the
  // header, and for a body only while it is pure ASCII.
  else if (lengthBytes === body.length) response.end(body, "latin1");
  else response.end(Buffer.from(body, "utf8"));
}

function declaredLength(headers: readonly string[]): number | undefined {
  for (let position = 0; position < headers.length; position += 2) {
    const name = headers[position] as string;
    if (name.length === 14 && name.toLowerCase() === "content-length") {
      return Number(headers[position + 1]);
    }
  }
  return undefined;
}

/** Lets a body that nobody will read release what it holds. */
export function closeUnread(body: ByteStream): void {
  try {
    Promise.resolve(body[Symbol.asyncIterator]().return?.()).catch(ignore);
  } catch {
    // A body that cannot even be asked holds nothing that could be released.
  }
}

function ignore(): void {}
