// Sends a byte stream as the body of a response: with backpressure, one chunk read ahead, and the
// stream closed when the client goes away. Judges nothing; the caller decides what a failure means.

import type { ServerResponse } from "node:http";

import type { ByteStream } from "../base/bytes.ts";

export interface StreamSending {
  readonly body: ByteStream;
  /** By the response's Content-Length; `undefined` when it is sent chunked. */
  readonly declaredBytes: number | undefined;
  readonly response: ServerResponse;
  /** Whether the response is ended with its last byte; otherwise the caller does it. */
  readonly mayEnd: boolean;
  /** Told while the client is the one that is waited for. */
  readonly waiting: { isWaitingForClient: boolean };
}

export interface StreamOutcome {
  readonly bodyBytes: number;
  /** Why the body is not whole, or `undefined`. */
  readonly failure: unknown;
}

/** The client closed the connection before it had its answer. */
export class ClientGoneError extends Error {
  override readonly name = "ClientGoneError";
}

/** Never rejects. */
export async function sendByteStream(sending: StreamSending): Promise<StreamOutcome> {
  const { body, declaredBytes, response, mayEnd } = sending;
  const gate = new DrainGate(sending);
  let iterator: AsyncIterator<Uint8Array> | undefined;
  let bodyBytes = 0;
  let isDone = false;
  try {
    iterator = body[Symbol.asyncIterator]();
    let result = await iterator.next();
    while (result.done !== true) {
      if (response.destroyed) throw new ClientGoneError("the client went away during the answer");
      const chunk = result.value;
      if (declaredBytes !== undefined && bodyBytes + chunk.byteLength > declaredBytes) {
        throw new Error("the body is longer than its declared length");
      }
      bodyBytes += chunk.byteLength;
      let hasRoom = true;
      if (mayEnd && bodyBytes === declaredBytes) response.end(chunk);
      else if (chunk.byteLength > 0) hasRoom = response.write(chunk);
      const following = iterator.next();
      if (!hasRoom) {
        following.catch(ignore); // it is awaited below; until then it must not count as unhandled
        await gate.opened();
      }
      result = await following;
    }
    isDone = true;
    if (declaredBytes !== undefined && bodyBytes < declaredBytes) {
      throw new Error("the body is shorter than its declared length");
    }
    if (mayEnd && !response.writableEnded) response.end();
    return { bodyBytes, failure: undefined };
  } catch (error) {
    if (!isDone) await close(iterator);
    return { bodyBytes, failure: error };
  } finally {
    gate.detach();
  }
}

/** Waits until a response takes more bytes, or never will. */
class DrainGate {
  readonly #response: ServerResponse;
  readonly #waiting: { isWaitingForClient: boolean };
  #open: (() => void) | undefined;

  constructor(sending: StreamSending) {
    this.#response = sending.response;
    this.#waiting = sending.waiting;
  }

  opened(): Promise<void> {
    if (this.#response.destroyed) return Promise.resolve();
    this.#waiting.isWaitingForClient = true;
    if (this.#open === undefined) {
      this.#response.on("drain", this.#onChange);
      this.#response.on("close", this.#onChange);
    }
    return new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  detach(): void {
    this.#response.off("drain", this.#onChange);
    this.#response.off("close", this.#onChange);
  }

  readonly #onChange = (): void => {
    this.#waiting.isWaitingForClient = false;
    this.#open?.();
  };
}

async function close(iterator: AsyncIterator<Uint8Array> | undefined): Promise<void> {
  try {
    await iterator?.return?.();
  } catch {
    // The failure that led here is the one to report.
  }
}

function ignore(): void {}
