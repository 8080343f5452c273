// The body of a request as a byte stream over Node's IncomingMessage: nothing is read, and no
// `100 Continue` is sent, before somebody asks. Cheaper than Readable's own iterator for small bodies.

import type { IncomingMessage, ServerResponse } from "node:http";

import type { ByteStream } from "../base/bytes.ts";
import { RequestAbortedError } from "./http-message.ts";

/** Bytes held for a consumer that is slower than the client; above it the socket is not read. */
const highWaterBytes = 256 * 1024;

interface Waiter {
  readonly resolve: (result: IteratorResult<Uint8Array>) => void;
  readonly reject: (error: Error) => void;
}

export class NodeRequestBody implements ByteStream, AsyncIterator<Uint8Array> {
  readonly #request: IncomingMessage;
  /** Set while the client waits for `100 Continue`. */
  #continueThrough: ServerResponse | undefined;
  /** By Content-Length; `undefined` for a chunked body. */
  readonly #declaredBytes: number | undefined;
  #receivedBytes = 0;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #isStarted = false;
  #isPaused = false;
  #isEnded = false;
  #failure: Error | undefined;
  #waiter: Waiter | undefined;

  constructor(
    request: IncomingMessage,
    declaredBytes: number | undefined,
    continueThrough: ServerResponse | undefined,
  ) {
    this.#request = request;
    this.#declaredBytes = declaredBytes;
    this.#continueThrough = continueThrough;
    if (declaredBytes === 0) this.#isEnded = true;
  }

  /** Whether the consumer waits for the client at this moment. */
  get isWaiting(): boolean {
    return this.#waiter !== undefined;
  }

  /** Whether the client still waits for `100 Continue`. */
  get isContinueOwed(): boolean {
    return this.#continueThrough !== undefined;
  }

  /** What has not arrived yet; Infinity where the client declared no length. */
  get missingBytes(): number {
    if (this.#isEnded) return 0;
    if (this.#declaredBytes === undefined) return Number.POSITIVE_INFINITY;
    return this.#declaredBytes - this.#receivedBytes;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    if (this.#isStarted) throw new Error("the body of a request can be read only once");
    this.#isStarted = true;
    this.#start();
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#queue.shift();
    if (chunk !== undefined) {
      this.#queuedBytes -= chunk.byteLength;
      if (this.#isPaused && this.#queuedBytes < highWaterBytes / 2) {
        this.#isPaused = false;
        this.#request.resume();
      }
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#isEnded) return Promise.resolve({ done: true, value: undefined });
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#queue = [];
    this.#queuedBytes = 0;
    if (!this.#isEnded && this.#failure === undefined) {
      this.#detach();
      this.#request.pause();
      this.#failure = new Error("the body was abandoned by its reader");
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends the body with an error, which its reader gets after the bytes that have already arrived. */
  fail(error: Error): void {
    if (this.#isEnded || this.#failure !== undefined) return;
    this.#failure = error;
    if (!this.#isStarted) return;
    this.#detach();
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.reject(error);
  }

  #start(): void {
    if (this.#isEnded || this.#failure !== undefined) return;
    const request = this.#request;
    if (request.destroyed) {
      this.fail(abortedError());
      return;
    }
    if (this.#continueThrough !== undefined) {
      this.#continueThrough.writeContinue();
      this.#continueThrough = undefined;
    }
    request.on("data", this.#onData);
    request.on("end", this.#onEnd);
    // Without a listener for "error" Node passes a broken connection on as "close" alone.
    request.on("close", this.#onClose);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#receivedBytes += chunk.byteLength;
    // With a declared length the last byte is the end: no need to wait another turn for "end".
    if (this.#receivedBytes === this.#declaredBytes) this.#finish();
    const waiter = this.#waiter;
    if (waiter !== undefined) {
      this.#waiter = undefined;
      waiter.resolve({ done: false, value: chunk });
      return;
    }
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.byteLength;
    if (this.#queuedBytes >= highWaterBytes && !this.#isEnded) {
      this.#isPaused = true;
      this.#request.pause();
    }
  };

  readonly #onEnd = (): void => {
    this.#finish();
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.resolve({ done: true, value: undefined });
  };

  readonly #onClose = (): void => {
    this.fail(abortedError());
  };

  #finish(): void {
    this.#isEnded = true;
    this.#detach();
    // The stream goes on flowing with no reader, so that Node sees its end and the connection can
    // carry the next request.
    this.#request.resume();
  }

  #detach(): void {
    const request = this.#request;
    request.off("data", this.#onData);
    request.off("end", this.#onEnd);
    request.off("close", this.#onClose);
  }
}

export function abortedError(): RequestAbortedError {
  return new RequestAbortedError("the client went away before the end of the body");
}
