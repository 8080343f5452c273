// Decides how an answer travels (framed how, with or without its body, and whether the connection goes
// on after it) and sends it.

import type { Socket } from "node:net";

import type { ByteStream } from "../base/bytes.ts";
import type { Exchange } from "./exchange.ts";
import type { HttpResponse } from "./http-message.ts";
import { declaredLength, type ResponseFraming, type ResponseHeads } from "./response-head.ts";
import {
  ClientGoneError,
  closeUnread,
  sendByteStream,
  type StreamTarget,
} from "./send-byte-stream.ts";
import type { SocketOutput } from "./socket-output.ts";

export interface AnswerSending {
  readonly answer: HttpResponse;
  readonly exchange: Exchange;
  /** Nothing else will be answered on this connection. */
  readonly isLast: boolean;
  readonly heads: ResponseHeads;
  readonly output: SocketOutput;
  readonly socket: Socket;
  readonly target: StreamTarget;
}

export interface AnswerOutcome {
  readonly bodyBytes: number;
  /** Whether the connection may go on, as the answer has told the client. */
  readonly keepsAlive: boolean;
  readonly failure?: unknown;
  readonly isClientGone?: boolean;
}

/** A rest of a body that is quicker read than a new connection is made: keep-alive goes on after it. */
const cheapToDiscardBytes = 256 * 1024;

/** Done at once for all but streams. Throws for what HTTP cannot carry; its promise never rejects. */
export function sendAnswer(sending: AnswerSending): AnswerOutcome | Promise<AnswerOutcome> {
  const { answer, exchange, output, socket, heads } = sending;
  const { body, status } = answer;
  const isStream = typeof body === "object" && !(body instanceof Uint8Array);
  const mayHaveBody = exchange.method !== "HEAD" && status !== 204 && status !== 304;
  const declaredBytes = declaredLength(answer.headers);
  let keepsAlive = exchange.keepsAlive && !sending.isLast && !mustEnd(exchange);
  if (isStream && mayHaveBody) {
    let framing: ResponseFraming = "given";
    if (declaredBytes === undefined) framing = exchange.isVersion11 ? "chunked" : "close";
    if (framing === "close") keepsAlive = false;
    const head = heads.write(answer, framing, keepsAlive);
    const isChunked = framing === "chunked";
    return sendStream(sending, body, { head, isChunked, declaredBytes, keepsAlive });
  }
  if (!mayHaveBody || isStream) {
    const head = heads.write(answer, "given", keepsAlive);
    output.write(socket, { head, body: undefined, bodyBytes: 0, tail: "" });
    if (isStream) closeUnread(body);
    return { bodyBytes: 0, keepsAlive };
  }
  const bytes = body ?? "";
  const bodyBytes = typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.byteLength;
  if (declaredBytes !== undefined && declaredBytes !== bodyBytes) {
    throw new Error("the body has not its declared length");
  }
  const head = heads.write(answer, declaredBytes === undefined ? bodyBytes : "given", keepsAlive);
  output.write(socket, { head, body: bytes, bodyBytes, tail: "" });
  return { bodyBytes, keepsAlive };
}

interface StreamStart {
  readonly head: string;
  readonly isChunked: boolean;
  readonly declaredBytes: number | undefined;
  readonly keepsAlive: boolean;
}

async function sendStream(
  { target }: AnswerSending,
  body: ByteStream,
  { head, isChunked, declaredBytes, keepsAlive }: StreamStart,
): Promise<AnswerOutcome> {
  const outcome = await sendByteStream({ body, head, isChunked, declaredBytes, target });
  const isClientGone = outcome.failure instanceof ClientGoneError;
  return { ...outcome, keepsAlive, isClientGone };
}

/**
 * Whether the connection has to end because the request's body was left unread and is too long to be
 * swallowed for its sake. A client that still waits for `100 Continue` gets its final answer instead,
 * and the connection ends, because nobody can know whether the body comes all the same.
 */
function mustEnd(exchange: Exchange): boolean {
  if (exchange.isReceived) return false;
  const { body } = exchange;
  return body.isBroken || body.isContinueOwed || body.missingBytes > cheapToDiscardBytes;
}
