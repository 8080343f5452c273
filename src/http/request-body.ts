// The body of a request as a byte stream: filled by the reader of its connection, and held back there
// when the consumer is slower than the client. `100 Continue` waits until somebody asks for the body.

import type { ByteStream } from "../base/bytes.ts";
import { RequestAbortedError } from "./http-message.ts";
import type { BodySink } from "./request-reader.ts";

/** The connection, as a body needs it. */
export interface BodySource {
  sendContinue(): void;
  pauseReading(): void;
  resumeReading(): void;
}

/** Bytes held for a consumer that is slower than the client; above it the socket is not read. */
const highWaterBytes = 256 * 1024;
/** The same for a body that nobody has asked for yet. */
const unreadWaterBytes = 64 * 1024;

interface Waiter {
  readonly resolve: (result: IteratorResult<Uint8Array>) => void;
  readonly reject: (error: Error) => void;
}

export class RequestBody implements ByteStream, AsyncIterator<Uint8Array>, BodySink {
  readonly #source: BodySource;
  /** By Content-Length; `undefined` for a chunked body. */
  readonly #declaredBytes: number | undefined;
  #receivedBytes = 0;
  /** Made for the first chunk that finds nobody waiting. */
  #queue: Uint8Array[] | undefined;
  #queuedBytes = 0;
  #isContinueOwed: boolean;
  #isStarted = false;
  #isPaused = false;
  #isDiscarding = false;
  #isReceived: boolean;
  readonly #beganMilliseconds = performance.now();
  /** From the head until the last byte was there; 0 before that. */
  receivingMilliseconds = 0;
  #failure: Error | undefined;
  #waiter: Waiter | undefined;
  /** The reader could not make sense of the rest: nothing after it on the connection can be trusted. */
  isBroken = false;
  /** How long the consumer has been seen waiting for the client, all in all. */
  waitedMilliseconds = 0;

  constructor(source: BodySource, declaredBytes: number | undefined, isContinueOwed: boolean) {
    this.#source = source;
    this.#declaredBytes = declaredBytes;
    this.#isContinueOwed = isContinueOwed;
    this.#isReceived = declaredBytes === 0;
  }

  /** Whether the consumer waits for the client at this moment. */
  get isWaiting(): boolean {
    return this.#waiter !== undefined;
  }

  /** Whether the client still waits for `100 Continue`. */
  get isContinueOwed(): boolean {
    return this.#isContinueOwed;
  }

  get isReceived(): boolean {
    return this.#isReceived;
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** What has not arrived yet; Infinity where the client declared no length. */
  get missingBytes(): number {
    if (this.#isReceived) return 0;
    if (this.#declaredBytes === undefined) return Number.POSITIVE_INFINITY;
    return this.#declaredBytes - this.#receivedBytes;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    if (this.#isStarted) throw new Error("the body of a request can be read only once");
    this.#isStarted = true;
    if (this.#isContinueOwed && this.#failure === undefined) {
      this.#isContinueOwed = false;
      this.#source.sendContinue();
    }
    this.#resume();
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#queue?.shift();
    if (chunk !== undefined) {
      this.#queuedBytes -= chunk.byteLength;
      if (this.#queuedBytes < highWaterBytes / 2) this.#resume();
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#isReceived) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.#queue = undefined;
    this.#queuedBytes = 0;
    if (!this.#isReceived) this.#failure ??= new Error("the body was abandoned by its reader");
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Nobody will read what is left: it is thrown away as it arrives. */
  discard(): void {
    this.#isDiscarding = true;
    this.#queue = undefined;
    this.#queuedBytes = 0;
    this.#resume();
  }

  push(bytes: Uint8Array): void {
    this.#receivedBytes += bytes.byteLength;
    // Who sends the body does not wait for leave any more.
    this.#isContinueOwed = false;
    if (this.#isDiscarding) return;
    const waiter = this.#waiter;
    if (waiter !== undefined) {
      this.#waiter = undefined;
      waiter.resolve({ done: false, value: bytes });
      return;
    }
    if (this.#queue === undefined) this.#queue = [bytes];
    else this.#queue.push(bytes);
    this.#queuedBytes += bytes.byteLength;
    const limitBytes = this.#isStarted ? highWaterBytes : unreadWaterBytes;
    if (this.#queuedBytes >= limitBytes && !this.#isPaused && this.missingBytes > 0) {
      this.#isPaused = true;
      this.#source.pauseReading();
    }
  }

  end(): void {
    this.#isReceived = true;
    this.receivingMilliseconds = performance.now() - this.#beganMilliseconds;
    this.#resume();
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.resolve({ done: true, value: undefined });
  }

  break(): void {
    this.isBroken = true;
    this.fail(abortedError());
  }

  /** Ends the body with an error, which its reader gets after the bytes that have already arrived. */
  fail(error: Error): void {
    if (this.#isReceived || this.#failure !== undefined) return;
    this.#failure = error;
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.reject(error);
  }

  #resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#source.resumeReading();
  }
}

export function abortedError(): RequestAbortedError {
  return new RequestAbortedError("the client went away before the end of the body");
}
