// One client's connection: its requests one after the other, their answers in order, its patience with
// the client, and its end.

import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

import { Exchange, type ExchangeConnection } from "./exchange.ts";
import { RequestTimeoutError, type HttpHandler, type HttpResponse } from "./http-message.ts";
import type { HttpLimits, RefusalReason } from "./http-server.ts";
import { abortedError } from "./request-body.ts";
import type { RequestHead } from "./request-head.ts";
import { RequestReader, type BodySink, type RequestSink } from "./request-reader.ts";
import type { ResponseHeads } from "./response-head.ts";
import { ClientGoneError, closeUnread, type StreamTarget } from "./send-byte-stream.ts";
import { sendAnswer, type AnswerOutcome } from "./send-answer.ts";
import type { SocketOutput } from "./socket-output.ts";

/** The server, as a connection needs it. */
export interface ConnectionOwner {
  readonly limits: HttpLimits;
  readonly heads: ResponseHeads;
  readonly output: SocketOutput;
  readonly isDraining: boolean;
  /** A clock that stands still between two checks, in milliseconds. */
  readonly now: number;
  /** Calls `connection.run` soon. */
  schedule(connection: Connection): void;
  answerRefusal(reason: RefusalReason): HttpResponse;
  reportBroken(error: unknown, exchange: Exchange): void;
  onClosed(connection: Connection): void;
}

/** Answers that the client has not taken; above it no further request of the connection is begun. */
const backlogBytes = 256 * 1024;
const unpausedLimitBytes = 1024 * 1024;

export class Connection implements ExchangeConnection, RequestSink, StreamTarget {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #reader: RequestReader;
  /** The request that is being handled or answered. */
  #current: Exchange | undefined;
  /** Requests sent ahead (pipelining), begun one after the other. */
  readonly #waiting: Exchange[] = [];
  /** The last request with a body: what the reader reads belongs to it. */
  #receiving: Exchange | undefined;
  /** Why what follows the requests so far is none; answered in its turn. */
  #refusal: RefusalReason | undefined;
  /** The client has ended its sending side. */
  #isEnded = false;
  /** Answers pile up; waits until the client takes them. */
  #isBlocked = false;
  #isLingering = false;
  #discardedBytes = 0;
  #lastReadAt: number;
  /** Since when the connection is in the state that `check` looks at. */
  #since: number;
  #wakeWriter: (() => void) | undefined;
  #address: string | undefined;
  /** Bytes of a stream that the system took at once, one chunk after the other. */
  #unpausedBytes = 0;

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#owner = owner;
    this.#reader = new RequestReader(owner.limits, this);
    this.#lastReadAt = owner.now;
    this.#since = owner.now;
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("close", this.#onClose);
    // A broken connection is also closed, and that is what counts.
    socket.on("error", ignore);
    socket.on("timeout", this.#onWriteTimeout);
  }

  get remoteAddress(): string {
    return (this.#address ??= this.#socket.remoteAddress) ?? "";
  }

  get receivedBytes(): number {
    return this.#socket.bytesRead;
  }

  get sentBytes(): number {
    return this.#socket.bytesWritten;
  }

  get isGone(): boolean {
    return this.#socket.destroyed;
  }

  get isEncrypted(): boolean {
    return "encrypted" in this.#socket;
  }

  get tlsVersion(): string | undefined {
    return "getProtocol" in this.#socket
      ? ((this.#socket as TLSSocket).getProtocol() ?? undefined)
      : undefined;
  }

  get cipherSuite(): string | undefined {
    return "getCipher" in this.#socket ? (this.#socket as TLSSocket).getCipher()?.name : undefined;
  }

  /** Whether somebody waits for an answer, or has not taken it. */
  get isBusy(): boolean {
    return this.#current !== undefined || this.#isBlocked || this.#socket.writableLength > 0;
  }

  /** Gives the request whose turn it is to the handler. */
  run(handler: HttpHandler): void {
    const exchange = this.#current;
    if (exchange === undefined || this.isGone) return;
    try {
      handler(exchange).then(this.#onAnswer, this.#onHandlerFailure);
    } catch (error) {
      this.#onHandlerFailure(error);
    }
  }

  /** Closes the connection now when it is idle; otherwise it closes after the answer. */
  drain(): void {
    if (this.#current === undefined && !this.#isBlocked && !this.#isLingering) this.#close();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  sendContinue(): void {
    if (!this.isGone) this.#socket.write("HTTP/1.1 100 Continue\r\n\r\n", "latin1");
  }

  pauseReading(): void {
    this.#socket.pause();
  }

  resumeReading(): void {
    this.#socket.resume();
  }

  write(head: string, pieces: readonly Uint8Array[], tail: string): Promise<void> | undefined {
    if (this.isGone) return undefined;
    const socket = this.#socket;
    const bodyBytes = this.#owner.output.writePieces(
      socket,
      { head, pieces, tail },
      this.#onWritten,
    );
    if (socket.writableLength === 0) {
      this.#unpausedBytes += bodyBytes;
      if (this.#unpausedBytes < unpausedLimitBytes) return undefined;
      // A client as fast as the stream must not keep the event loop from all others.
      this.#unpausedBytes = 0;
      return new Promise(setImmediate);
    }
    this.#unpausedBytes = 0;
    // Begins anew whenever the system takes a byte.
    socket.setTimeout(this.#owner.limits.idleTimeoutMilliseconds);
    return new Promise((resolve) => {
      this.#wakeWriter = resolve;
    });
  }

  onRequest(head: RequestHead): BodySink | undefined {
    const exchange = new Exchange(this, head);
    if (exchange.hasBody) this.#receiving = exchange;
    if (this.#waiting.length >= this.#owner.limits.maximumPipelinedRequests) {
      this.#reader.stop();
      this.destroy();
      return undefined;
    }
    this.#waiting.push(exchange);
    this.#advance();
    return exchange.hasBody ? exchange.body : undefined;
  }

  onRefusal(reason: RefusalReason): void {
    this.#refusal = reason;
    this.#advance();
  }

  /** Lets go of a client that is too slow; called now and then. */
  check(elapsedMilliseconds: number): void {
    const { limits, now } = this.#owner;
    // Times are those of the last check: waiting one round more is never too short.
    const rounded = now - elapsedMilliseconds;
    const current = this.#current;
    if (this.#isLingering) {
      if (rounded - this.#since >= limits.maximumDiscardMilliseconds) this.destroy();
    } else if (current !== undefined) {
      if (!current.hasBody || !current.body.isWaiting) return;
      current.body.waitedMilliseconds += elapsedMilliseconds;
      const isSilent = rounded - this.#lastReadAt >= limits.idleTimeoutMilliseconds;
      if (isSilent || isDripping(current, limits)) {
        current.keepsAlive = false;
        current.body.fail(new RequestTimeoutError("the body did not arrive in time"));
      }
    } else if (!this.#isBlocked) {
      this.#checkIdle(rounded - this.#since);
    }
  }

  #checkIdle(idleMilliseconds: number): void {
    const { headerTimeoutMilliseconds, keepAliveTimeoutMilliseconds } = this.#owner.limits;
    const isSilent = this.#socket.bytesRead === 0;
    if (isSilent || this.#reader.stage === "head") {
      if (idleMilliseconds < headerTimeoutMilliseconds) return;
      this.#reader.stop();
      if (isSilent) this.#close();
      else this.onRefusal("timeout");
    } else if (idleMilliseconds >= keepAliveTimeoutMilliseconds) {
      if (this.#socket.writableLength > 0) this.destroy();
      else this.#close();
    }
  }

  /** Begins what is next: a request that waits, a refusal, or the end. */
  #advance(): void {
    if (this.#current !== undefined || this.#isBlocked || this.#isLingering) return;
    if (this.#waiting.length > 0) {
      if (this.#socket.writableLength > backlogBytes) {
        this.#block();
        return;
      }
      this.#current = this.#waiting.shift();
      this.#owner.schedule(this);
    } else if (this.#refusal !== undefined) {
      this.#refuse(this.#refusal);
    } else if (this.#isEnded) {
      this.#close();
    }
  }

  #block(): void {
    this.#isBlocked = true;
    this.#socket.setTimeout(this.#owner.limits.idleTimeoutMilliseconds);
    this.#socket.once("drain", () => {
      this.#isBlocked = false;
      this.#socket.setTimeout(0);
      this.#advance();
    });
  }

  async #finishLater(
    exchange: Exchange,
    answer: HttpResponse,
    sending: Promise<AnswerOutcome>,
  ): Promise<void> {
    const outcome = await sending;
    if (outcome.failure === undefined) {
      this.#finish(exchange, answer, outcome);
      return;
    }
    answer.onSettled?.(outcome.bodyBytes, outcome.failure);
    this.#breakOff(exchange, outcome.isClientGone ? undefined : outcome.failure);
  }

  #finish(exchange: Exchange, answer: HttpResponse, outcome: AnswerOutcome): void {
    exchange.isAnswered = true;
    this.#current = undefined;
    this.#since = this.#owner.now;
    answer.onSettled?.(outcome.bodyBytes, undefined);
    if (!exchange.isReceived) exchange.body.discard();
    if (outcome.keepsAlive && !this.#owner.isDraining) this.#advance();
    else if (exchange.isReceived) this.#close();
    else this.#linger();
  }

  /** Cuts the connection: the only way left to say that a begun answer is not whole. */
  #breakOff(exchange: Exchange, error: unknown): void {
    if (error !== undefined) this.#owner.reportBroken(error, exchange);
    exchange.abort(abortedError());
    this.#current = undefined;
    this.destroy();
  }

  /** The last words on this connection, to what never became a request. */
  #refuse(reason: RefusalReason): void {
    const { heads, output } = this.#owner;
    try {
      const answer = this.#owner.answerRefusal(reason);
      const { body: given } = answer;
      const body = typeof given === "string" || given instanceof Uint8Array ? given : "";
      const bodyBytes = Buffer.byteLength(body);
      const head = heads.write(answer, bodyBytes, false);
      output.write(this.#socket, { head, body, bodyBytes, tail: "" });
      this.#linger();
    } catch {
      this.destroy();
    }
  }

  /** Everything was read and answered. */
  #close(): void {
    this.#reader.stop();
    this.#waiting.length = 0;
    this.#socket.destroySoon();
  }

  /**
   * Closing at once would make the system send a reset, which takes the answer away from a client
   * that is still sending. So only the sending side ends, and for a bounded time and number of bytes
   * what arrives is thrown away.
   */
  #linger(): void {
    this.#reader.stop();
    this.#waiting.length = 0;
    this.#isLingering = true;
    this.#since = this.#owner.now;
    if (this.#isEnded) {
      this.#socket.destroySoon();
      return;
    }
    this.#socket.end();
    this.#socket.resume();
  }

  readonly #onAnswer = (answer: HttpResponse): void => {
    const exchange = this.#current as Exchange; // stays until it is answered
    if (this.isGone) {
      dropAnswer(answer);
      return;
    }
    const { heads, output, isDraining } = this.#owner;
    const isLast = isDraining || (this.#isEnded && this.#waiting.length === 0);
    try {
      const sent = sendAnswer({
        answer,
        exchange,
        isLast,
        heads,
        output,
        socket: this.#socket,
        target: this,
      });
      if (sent instanceof Promise) void this.#finishLater(exchange, answer, sent);
      else this.#finish(exchange, answer, sent);
    } catch (error) {
      // Thrown for a status, a header or a length that HTTP cannot carry.
      dropAnswer(answer, error);
      this.#breakOff(exchange, error);
    }
  };

  readonly #onHandlerFailure = (error: unknown): void => {
    // A handler must not reject; when one does, no answer is better than a made-up one.
    if (this.#current !== undefined) this.#breakOff(this.#current, error);
  };

  readonly #onData = (chunk: Buffer): void => {
    this.#lastReadAt = this.#owner.now;
    if (this.#isLingering) {
      this.#discardedBytes += chunk.byteLength;
      if (this.#discardedBytes > this.#owner.limits.maximumDiscardedBytes) this.destroy();
      return;
    }
    const stage = this.#reader.stage;
    this.#reader.read(chunk);
    // The time for a head begins with its first byte.
    if (this.#reader.stage === "head" && stage !== "head") this.#since = this.#owner.now;
  };

  readonly #onEnd = (): void => {
    this.#isEnded = true;
    const isMidBody = this.#reader.stage === "body";
    this.#reader.stop();
    if (isMidBody) this.#receiving?.body.break();
    this.#advance();
  };

  readonly #onClose = (): void => {
    this.#reader.stop();
    this.#waiting.length = 0;
    this.#wake();
    this.#current?.abort(abortedError());
    this.#owner.onClosed(this);
  };

  readonly #onWritten = (): void => {
    if (this.#socket.writableLength === 0) this.#wake();
  };

  #wake(): void {
    const wake = this.#wakeWriter;
    if (wake === undefined) return;
    this.#wakeWriter = undefined;
    this.#socket.setTimeout(0);
    wake();
  }

  /** Set only while the client is the one that is waited for: it took nothing. */
  readonly #onWriteTimeout = (): void => this.destroy();
}

function isDripping({ body }: Exchange, limits: HttpLimits): boolean {
  const { waitedMilliseconds, receivedBytes } = body;
  if (waitedMilliseconds < limits.slowBodyGraceMilliseconds) return false;
  return receivedBytes < (waitedMilliseconds / 1000) * limits.minimumBodyBytesPerSecond;
}

function dropAnswer(answer: HttpResponse, failure?: unknown): void {
  const { body } = answer;
  if (typeof body === "object" && !(body instanceof Uint8Array)) closeUnread(body);
  answer.onSettled?.(0, failure ?? new ClientGoneError("the client went away before the answer"));
}

function ignore(): void {}
