// One keep-alive connection with one request outstanding. It owns a buffer that holds head and small
// body together, so that a request is one copy of a few hundred bytes and one write.

import { connect, type Socket } from "node:net";
import { ResponseParser } from "./response-parser.ts";
import type { SignedRequests } from "./signed-requests.ts";

/** Larger bodies are streamed from the shared block instead of being kept behind the head. */
const inlineBodyLimitBytes = 64 * 1024;
const longestHeadBytes = 16 * 1024;
const streamedPieceBytes = 256 * 1024;

// libuv reads and hands over synchronously, so one buffer serves every connection.
const receiveBuffer = Buffer.alloc(256 * 1024);

export interface ConnectionOwner {
  /** Position of the next request to send, or -1 when the run has ended. */
  takeRequest(): number;
  onAnswer(status: number, bodyBytes: number, microseconds: number, errorBody: string): void;
  onFailure(reason: string): void;
  onIdle(): void;
}

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly isHead: boolean;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #requests: SignedRequests;
  readonly #owner: ConnectionOwner;
  readonly #parser: ResponseParser;
  readonly #scratch: Buffer;
  readonly #inlineBody: boolean;
  #message: Buffer;
  #headLength = -1;
  #socket: Socket | undefined;
  #isOutstanding = false;
  #isStopped = false;
  #startedAt = 0;
  #bodyRest = 0;

  constructor(options: ConnectionOptions, requests: SignedRequests, owner: ConnectionOwner) {
    this.#options = options;
    this.#requests = requests;
    this.#owner = owner;
    this.#inlineBody = requests.body.lengthBytes <= inlineBodyLimitBytes;
    const bodyBytes = this.#inlineBody ? requests.body.lengthBytes : 0;
    this.#scratch = Buffer.allocUnsafe(longestHeadBytes + bodyBytes);
    this.#message = this.#scratch;
    this.#parser = new ResponseParser(options.isHead, {
      onResponse: (status, bodyBytes, isLast) => this.#onResponse(status, bodyBytes, isLast),
      onBroken: (reason) => this.#socket?.destroy(new Error(reason)),
    });
  }

  async open(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { host, port } = this.#options;
    const socket = connect({
      host,
      port,
      noDelay: true,
      onread: {
        buffer: receiveBuffer,
        callback: (bytes) => {
          this.#parser.feed(receiveBuffer, bytes);
          return true;
        },
      },
    });
    let failure = "the server closed the connection";
    socket.once("connect", resolve);
    socket.on("drain", () => this.#streamBody());
    socket.on("error", (error) => {
      failure = error.message;
      reject(error);
    });
    socket.on("close", () => {
      if (this.#socket === socket) this.#onClose(failure);
    });
    this.#parser.reset();
    await promise;
    this.#socket = socket;
  }

  /** Sends the next request, or reports that this connection has nothing more to do. */
  send(): void {
    const position = this.#isStopped ? -1 : this.#owner.takeRequest();
    const socket = this.#socket;
    if (position < 0 || socket === undefined) {
      this.#owner.onIdle();
      return;
    }
    const { body } = this.#requests;
    const headLength = this.#requests.headLength(position);
    if (headLength !== this.#headLength) this.#layOut(headLength);
    this.#requests.copyHead(position, this.#scratch);
    this.#isOutstanding = true;
    this.#bodyRest = this.#inlineBody ? 0 : body.lengthBytes;
    this.#startedAt = performance.now();
    socket.write(this.#message);
    if (this.#bodyRest > 0) this.#streamBody();
  }

  close(): void {
    this.#isStopped = true;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
  }

  #layOut(headLength: number): void {
    if (headLength > longestHeadBytes) throw new Error("the head of a request is too long");
    const bodyBytes = this.#inlineBody ? this.#requests.body.lengthBytes : 0;
    if (bodyBytes > 0) this.#requests.body.block.copy(this.#scratch, headLength);
    this.#headLength = headLength;
    this.#message = this.#scratch.subarray(0, headLength + bodyBytes);
  }

  #streamBody(): void {
    const { block, lengthBytes } = this.#requests.body;
    while (this.#bodyRest > 0 && this.#socket !== undefined) {
      const start = (lengthBytes - this.#bodyRest) % block.length;
      const end = Math.min(block.length, start + streamedPieceBytes, start + this.#bodyRest);
      this.#bodyRest -= end - start;
      if (!this.#socket.write(block.subarray(start, end))) return;
    }
  }

  #onResponse(status: number, bodyBytes: number, isLast: boolean): void {
    const microseconds = (performance.now() - this.#startedAt) * 1000;
    this.#isOutstanding = false;
    const errorBody = status >= 300 ? this.#parser.errorBody : "";
    this.#owner.onAnswer(status, bodyBytes, microseconds, errorBody);
    // An answer before the whole request was sent leaves the connection in the middle of a message.
    const isCut = this.#bodyRest > 0 || (this.#socket?.writableLength ?? 0) > 0;
    if (isLast || isCut) this.#reopen();
    else this.send();
  }

  #onClose(reason: string): void {
    if (this.#isOutstanding) this.#owner.onFailure(reason);
    this.#isOutstanding = false;
    this.#reopen();
  }

  #reopen(): void {
    const old = this.#socket;
    this.#socket = undefined;
    old?.destroy();
    this.open().then(
      () => this.send(),
      (error: unknown) => {
        this.#owner.onFailure(`cannot connect: ${String(error)}`);
        this.#owner.onIdle();
      },
    );
  }
}
