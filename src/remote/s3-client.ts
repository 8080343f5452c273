// A small client of the S3 API of another server: signed requests, streamed bodies, bounded answers.
// Says what the server answered; what an answer means is the caller's business. Follows no redirect and
// tries nothing twice: its callers know what may be repeated.

import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from "node:http";
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

export class RemoteS3Client implements Disposable {
  readonly #endpoint: RemoteEndpoint;
  readonly #url: URL;
  readonly #clock: Clock;
  readonly #agent: HttpAgent;

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
    const outgoing = send({
      hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
      port,
      method,
      path: target,
      headers,
      agent: this.#agent,
      signal,
      timeout: idleMilliseconds,
    });
    const fail = (cause: unknown): void => {
      if (signal.aborted) reject(signal.reason as Error);
      else reject(cause instanceof BodyError ? cause.cause : unreachable(cause));
      outgoing.destroy();
    };
    outgoing.on("timeout", () => fail(new Error("nothing moved on the connection")));
    outgoing.on("error", fail);
    outgoing.on("response", (incoming) => {
      readAnswer(incoming, method).then(resolve, fail);
    });
    sendBody(outgoing, body).catch(fail);
    return promise;
  }
}

class BodyError extends Error {
  override readonly name = "BodyError";
}

async function sendBody(
  outgoing: ReturnType<typeof requestHttp>,
  body: RemoteRequest["body"],
): Promise<void> {
  if (body === undefined || typeof body === "string") {
    outgoing.end(body);
    return;
  }
  const { stream } = body;
  if (stream instanceof Uint8Array) {
    outgoing.end(stream);
    return;
  }
  const iterator = stream[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await iterator.next().catch((cause: unknown) => {
        throw new BodyError("the body cannot be read", { cause });
      });
      if (next.done === true) break;
      if (outgoing.destroyed) return;
      // Chunks are transient: the next one is asked for when this one has left.
      await new Promise<void>((resolve, reject) => {
        outgoing.write(next.value, (error) => (error ? reject(error) : resolve()));
      });
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
