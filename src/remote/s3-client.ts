// A small client of the S3 API of another server: signed requests, streamed bodies, bounded answers.
// Says what the server answered; what an answer means is the caller's business. Follows no redirect and
// tries nothing twice: its callers know what may be repeated.

import {
  Agent as HttpAgent,
  request as requestHttp,
  type ClientRequest,
  type IncomingMessage,
} from "node:http";
import { setImmediate } from "node:timers/promises";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { ByteStream } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { encodePath, sha256, signRequest } from "./sign-request.ts";

export interface RemoteEndpoint {
  /** `https://s3.example.com`. Buckets are addressed by path. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface RemoteRequest {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  readonly bucketName: string;
  readonly key?: string;
  readonly query?: readonly (readonly [name: string, value: string])[];
  /** By lower-case name; values are Latin-1 or will be encoded as UTF-8 bytes. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | RemoteBody;
}

/** Bytes that are streamed. Chunks may be transient. */
export interface RemoteBody {
  readonly lengthBytes: number;
  readonly stream: ByteStream | Uint8Array;
}

export interface RemoteAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** `bytes` as text. */
  readonly body: string;
  readonly bytes: Buffer;
}

/** No answer: the server cannot be reached, or the connection broke. The message holds no secret. */
export class RemoteUnreachableError extends Error {
  override readonly name = "RemoteUnreachableError";
}

const maximumAnswerBytes = 1024 * 1024;
/** For a connection on which nothing moves: the other server may be busy with a large part. */
const idleMilliseconds = 120_000;
const maximumSockets = 64;
/**
 * Longer bodies wait until the server wants them. One that refuses early may close the connection on bytes
 * that it has not read, and its answer is lost with them.
 */
const askedBodyBytes = 128 * 1024;
/** RFC 9110, 10.1.1: a client does not wait for ever, because not every server says `100 Continue`. */
const continueMilliseconds = 1000;

export class RemoteS3Client implements Disposable {
  readonly #endpoint: RemoteEndpoint;
  readonly #url: URL;
  readonly #clock: Clock;
  readonly #agent: HttpAgent;
  /** Until it has once let a body wait in vain. */
  #saysContinue = true;

  constructor(endpoint: RemoteEndpoint, clock: Clock) {
    this.#endpoint = endpoint;
    this.#url = new URL(endpoint.endpoint);
    this.#clock = clock;
    const options = { keepAlive: true, maxSockets: maximumSockets };
    this.#agent =
      this.#url.protocol === "https:" ? new HttpsAgent(options) : new HttpAgent(options);
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  /** Throws RemoteUnreachableError; what the body's stream throws; the signal's reason. */
  async send(request: RemoteRequest, signal: AbortSignal): Promise<RemoteAnswer> {
    const { method, bucketName, key, query = [], body } = request;
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(request.headers ?? {})) {
      if (value !== undefined) headers[name] = toHeaderText(value);
    }
    if (body !== undefined) headers["content-length"] = String(lengthOf(body));
    else if (method === "PUT" || method === "POST") headers["content-length"] = "0";
    const isStream = typeof body === "object";
    const signed = signRequest(
      { ...this.#endpoint, clock: this.#clock },
      {
        method,
        host: this.#url.host,
        path: this.#url.pathname.replace(/\/$/, "") + encodePath(bucketName, key),
        query,
        headers,
        payloadHash: isStream ? "UNSIGNED-PAYLOAD" : sha256(body ?? ""),
      },
    );
    return this.#exchange(method, signed, body, signal);
  }

  #exchange(
    method: string,
    { target, headers }: ReturnType<typeof signRequest>,
    body: RemoteRequest["body"],
    signal: AbortSignal,
  ): Promise<RemoteAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<RemoteAnswer>();
    const send = this.#url.protocol === "https:" ? requestHttps : requestHttp;
    const { hostname, port } = this.#url;
    const asks = this.#saysContinue && body !== undefined && lengthOf(body) > askedBodyBytes;
    const outgoing = send({
      hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
      port,
      method,
      path: target,
      // Not signed: it is for the next hop.
      headers: asks ? { ...headers, expect: "100-continue" } : headers,
      agent: this.#agent,
      signal,
      timeout: idleMilliseconds,
    });
    let isAnswered = false;
    const fail = (cause: unknown): void => {
      if (signal.aborted) reject(signal.reason as Error);
      else reject(cause instanceof BodyError ? cause.cause : unreachable(cause));
      outgoing.destroy();
    };
    const failSending = (cause: unknown): void => {
      // The rest of a body whose answer has come is wanted by nobody.
      if (!isAnswered || cause instanceof BodyError) fail(cause);
    };
    outgoing.on("timeout", () => fail(new Error("nothing moved on the connection")));
    outgoing.on("error", failSending);
    outgoing.on("response", (incoming) => {
      isAnswered = true;
      readAnswer(incoming, method)
        .then(resolve, fail)
        .finally(() => {
          if (!outgoing.writableFinished) outgoing.destroy();
        });
    });
    const mayBegin = asks ? this.#whenWanted(outgoing) : Promise.resolve(true);
    sendBody(outgoing, body, mayBegin).catch(failSending);
    return promise;
  }

  /** Resolves with whether the body is to be sent: not when the answer is there without it. */
  #whenWanted(outgoing: ClientRequest): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isWanted: boolean) => (): void => {
        clearTimeout(timer);
        resolve(isWanted);
      };
      const timer = setTimeout(() => {
        this.#saysContinue = false;
        resolve(true);
      }, continueMilliseconds);
      outgoing.once("continue", settle(true));
      outgoing.once("response", settle(false));
      outgoing.once("close", settle(false));
      outgoing.flushHeaders();
    });
  }
}

class BodyError extends Error {
  override readonly name = "BodyError";
}

async function sendBody(
  outgoing: ClientRequest,
  body: RemoteRequest["body"],
  mayBegin: Promise<boolean>,
): Promise<void> {
  if (body === undefined || typeof body === "string" || body.stream instanceof Uint8Array) {
    if (await mayBegin) outgoing.end(typeof body === "object" ? body.stream : body);
    return;
  }
  const iterator = body.stream[Symbol.asyncIterator]();
  try {
    for (let isFirst = true; ; isFirst = false) {
      const next = await iterator.next().catch((cause: unknown) => {
        throw new BodyError("the body cannot be read", { cause });
      });
      // Begun in any case: only a stream that was begun lets go of what it holds.
      if (isFirst && !(await mayBegin)) return;
      if (next.done === true) break;
      if (outgoing.destroyed) return;
      // Chunks are transient: the next one is asked for when this one has left.
      await new Promise<void>((resolve, reject) => {
        outgoing.write(next.value, (error) => (error ? reject(error) : resolve()));
      });
      // An answer that has come is seen before a write fails on the connection that was closed behind it.
      await setImmediate();
    }
    outgoing.end();
  } finally {
    await iterator.return?.();
  }
}

async function readAnswer(incoming: IncomingMessage, method: string): Promise<RemoteAnswer> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(incoming.headers)) headers[name] = String(value);
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    sizeBytes += part.byteLength;
    if (sizeBytes > maximumAnswerBytes) throw new Error("the answer is too long");
    parts.push(part);
  }
  const bytes = method === "HEAD" ? Buffer.alloc(0) : Buffer.concat(parts);
  return {
    status: incoming.statusCode ?? 0,
    headers,
    bytes,
    get body() {
      return bytes.toString("utf8");
    },
  };
}

function lengthOf(body: string | RemoteBody): number {
  return typeof body === "string" ? Buffer.byteLength(body) : body.lengthBytes;
}

/** Header values carry UTF-8 as the characters of its bytes. */
function toHeaderText(value: string): string {
  return /^[\x20-\x7e]*$/.test(value) ? value : Buffer.from(value, "utf8").toString("latin1");
}

/** Codes such as ECONNREFUSED say enough, and nothing of what was sent. */
function unreachable(cause: unknown): RemoteUnreachableError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "no answer";
  return new RemoteUnreachableError(`the server cannot be reached (${code})`, { cause });
}

/** The text of the first element of this name in an answer of S3; `undefined`: there is none. */
export function elementText(xml: string, name: string): string | undefined {
  const match = new RegExp(`<${name}(?:\\s[^>]*)?>([^<]*)</${name}>`).exec(xml);
  return match?.[1] === undefined ? undefined : unescapeXml(match[1]);
}

export function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"'\r\n]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function unescapeXml(text: string): string {
  return text
    .replaceAll(/&#x([0-9a-f]+);/gi, (_, digits: string) => fromCode(digits, 16))
    .replaceAll(/&#(\d+);/g, (_, digits: string) => fromCode(digits, 10))
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}

function fromCode(digits: string, base: number): string {
  const code = Number.parseInt(digits, base);
  return code <= 0x10ffff ? String.fromCodePoint(code) : "";
}
