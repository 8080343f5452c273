// Cuts the bytes of one connection into requests: heads and bodies, over any splits of the bytes. Knows
// nothing of sockets and answers.

import { ChunkedDecoder } from "./chunked-decoder.ts";
import { mayBecomeHead } from "./header-grammar.ts";
import type { HttpLimits, RefusalReason } from "./http-server.ts";
import { mayBeginHead, parseRequestHead, type RequestHead } from "./request-head.ts";

export interface RequestSink {
  /** Returns where the request's body goes, if it has one. */
  onRequest(head: RequestHead): BodySink | undefined;
  /** What followed the last request is none; nothing more is read. */
  onRefusal(reason: RefusalReason): void;
}

export interface BodySink {
  push(bytes: Uint8Array): void;
  end(): void;
  /** The framing broke; nothing more is read. */
  break(): void;
}

/** Where the reader stands; `stopped`: what arrives is thrown away. */
export type ReaderStage = "between" | "head" | "body" | "stopped";

const endOfHead = Buffer.from("\r\n\r\n");
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

export class RequestReader {
  readonly #limits: HttpLimits;
  readonly #sink: RequestSink;
  #stage: ReaderStage = "between";
  /** The beginning of a head that did not arrive in one piece. */
  #partial: Buffer | undefined;
  #partialBytes = 0;
  /** An empty line stood before the head that is read. */
  #hasSkippedLine = false;
  #body: BodySink | undefined;
  /** Of a body with a declared length. */
  #missingBytes = 0;
  #decoder: ChunkedDecoder | undefined;
  readonly #onData = (data: Uint8Array): void => this.#body?.push(data);

  constructor(limits: HttpLimits, sink: RequestSink) {
    this.#limits = limits;
    this.#sink = sink;
  }

  get stage(): ReaderStage {
    return this.#stage;
  }

  /** The bytes are handed on without a copy: the caller must not use the chunk again. */
  read(chunk: Buffer): void {
    let position = 0;
    while (position < chunk.length && this.#stage !== "stopped") {
      if (this.#stage === "body") position = this.#readBody(chunk, position);
      else if (this.#partial !== undefined) position = this.#continueHead(chunk, position);
      else position = this.#readHead(chunk, position);
    }
  }

  stop(): void {
    this.#stage = "stopped";
    this.#partial = undefined;
    this.#body = undefined;
    this.#decoder = undefined;
  }

  #readHead(chunk: Buffer, start: number): number {
    // One empty line before a request is forgiven (RFC 9112, 2.2).
    if (!this.#hasSkippedLine && chunk[start] === carriageReturn && chunk[start + 1] === lineFeed) {
      this.#hasSkippedLine = true;
      return start + 2;
    }
    const end = chunk.indexOf(endOfHead, start);
    if (end < 0) {
      this.#stage = "head";
      this.#partial = Buffer.allocUnsafe(this.#limits.maximumHeaderBytes);
      this.#partialBytes = 0;
      return start;
    }
    this.#takeHead(chunk, start, end);
    return end + 4;
  }

  #continueHead(chunk: Buffer, from: number): number {
    const partial = this.#partial as Buffer; // the caller has looked
    const before = this.#partialBytes;
    if (before === 1 && partial[0] === carriageReturn && chunk[from] === lineFeed) {
      if (!this.#hasSkippedLine) {
        this.#hasSkippedLine = true;
        this.#partial = undefined;
        this.#stage = "between";
        return from + 1;
      }
    }
    const filled = before + chunk.copy(partial, before, from);
    const end = partial.subarray(0, filled).indexOf(endOfHead, Math.max(0, before - 3));
    if (end >= 0) {
      this.#partial = undefined;
      this.#takeHead(partial, 0, end);
      return from + end + 4 - before;
    }
    this.#partialBytes = filled;
    // Nonsense is refused at once instead of after the time for a head.
    const isSound =
      mayBecomeHead(partial, Math.max(0, before - 1), filled) && mayBeginHead(partial, filled);
    if (!isSound) this.#refuse("malformed");
    else if (filled === partial.length) this.#refuse("headers-too-large");
    return chunk.length;
  }

  /** `end` is where the last line ends, before its CR LF and the empty line. */
  #takeHead(bytes: Buffer, start: number, end: number): void {
    if (end + 4 - start > this.#limits.maximumHeaderBytes) {
      this.#refuse("headers-too-large");
      return;
    }
    const head = parseRequestHead(bytes, start, end + 2, this.#limits);
    if (typeof head === "string") {
      this.#refuse(head);
      return;
    }
    const { declaredBytes } = head.framing;
    this.#hasSkippedLine = false;
    this.#stage = declaredBytes === 0 ? "between" : "body";
    this.#missingBytes = declaredBytes ?? 0;
    this.#decoder =
      declaredBytes === undefined ? new ChunkedDecoder(this.#limits.maximumFieldBytes) : undefined;
    this.#body = this.#sink.onRequest(head);
  }

  #refuse(reason: RefusalReason): void {
    this.stop();
    this.#sink.onRefusal(reason);
  }

  #readBody(chunk: Buffer, from: number): number {
    const body = this.#body as BodySink; // a sink gives one for every request with a body
    let position: number;
    if (this.#decoder === undefined) {
      position = Math.min(chunk.length, from + this.#missingBytes);
      this.#missingBytes -= position - from;
      const isWhole = from === 0 && position === chunk.length;
      const isLast = this.#missingBytes === 0;
      if (isLast) this.#endBody();
      body.push(isWhole ? chunk : chunk.subarray(from, position));
      if (isLast) body.end();
      return position;
    }
    position = this.#decoder.read(chunk, from, this.#onData);
    if (position < 0) {
      this.stop();
      body.break();
      return chunk.length;
    }
    if (this.#decoder.isDone) {
      this.#endBody();
      body.end();
    }
    return position;
  }

  #endBody(): void {
    this.#stage = "between";
    this.#body = undefined;
    this.#decoder = undefined;
  }
}
