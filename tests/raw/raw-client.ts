// Whole requests over a bare socket: exact bytes out, the answer's bytes in. Nothing is added, repaired
// or tried again.

import assert from "node:assert/strict";
import { RawClient } from "../http/raw-client.ts";
import { elementOf } from "../s3/test-server.ts";
import { valueOf, type HeaderField, type RawRequest } from "./raw-signer.ts";

export interface RawAnswer {
  readonly status: number;
  /** By lower-case name; the last of several. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  readonly text: string;
}

export interface Expectation {
  readonly status: number;
  /** Absent for an answer without a body. */
  readonly code?: string;
  readonly message?: string | RegExp;
  /** Elements of the error document beside code and message. */
  readonly fields?: Readonly<Record<string, string | RegExp>>;
}

/** A request without signature. `Host` is added unless the headers hold one. */
export function rawRequest(
  method: string,
  target: string,
  options: {
    readonly headers?: readonly HeaderField[];
    readonly body?: string | Uint8Array;
    readonly host?: string;
  } = {},
): RawRequest {
  const { headers = [], body = "", host = "127.0.0.1" } = options;
  const hasHost = headers.some(([name]) => name.toLowerCase() === "host");
  return {
    method,
    target,
    headers: hasHost ? headers : [["Host", host], ...headers],
    body: typeof body === "string" ? Buffer.from(body, "utf8") : body,
  };
}

/** The bytes of the head alone; a body gets a Content-Length unless the headers frame it. */
export function headBytes(request: RawRequest, version = "HTTP/1.1"): Buffer {
  const { method, target, headers, body } = request;
  const isFramed = headers.some(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name));
  const needsLength = !isFramed && (body.byteLength > 0 || /^(?:PUT|POST)$/.test(method));
  const fields = needsLength
    ? [...headers, ["Content-Length", String(body.byteLength)] as const]
    : headers;
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return Buffer.from(`${method} ${target} ${version}\r\n${lines}\r\n`, "latin1");
}

export function requestBytes(request: RawRequest, version?: string): Buffer {
  return Buffer.concat([headBytes(request, version), request.body]);
}

/** Sends bytes over a connection of their own and reads one final answer. */
export async function exchange(
  port: number,
  bytes: Uint8Array,
  options: {
    readonly method?: string;
    /** Ends the sending side behind the bytes, as a client that vanishes politely does. */
    readonly endsSending?: boolean;
  } = {},
): Promise<RawAnswer> {
  using client = await RawClient.connect(port);
  client.send(bytes);
  if (options.endsSending === true) client.endSending();
  // Awaited here: the client is closed when this function returns.
  return await readAnswer(client, options.method);
}

/** The next final answer on a connection; `100 Continue` is passed over. */
export async function readAnswer(client: RawClient, method = "GET"): Promise<RawAnswer> {
  for (;;) {
    const { status, headers, body } = await client.response({ method });
    if (status >= 200) return { status, headers, body, text: body.toString("utf8") };
  }
}

/** Asserts that an answer is this error of S3's, in a whole and well-formed document. */
export function assertError(answer: RawAnswer, expected: Expectation): void {
  assert.equal(answer.status, expected.status, `status ${answer.status}: ${answer.text}`);
  assertWellFormed(answer);
  if (expected.code === undefined) {
    assert.equal(answer.text, "");
    return;
  }
  assert.equal(elementOf(answer.text, "Code"), expected.code, answer.text);
  for (const [name, value] of Object.entries({
    ...(expected.message === undefined ? {} : { Message: expected.message }),
    ...expected.fields,
  })) {
    const found = elementOf(answer.text, name);
    if (typeof value === "string") assert.equal(found, value, `${name} in ${answer.text}`);
    else assert.match(found ?? "", value, `${name} in ${answer.text}`);
  }
}

/** What holds for every answer: an id, and for an error with a body the document that names it too. */
export function assertWellFormed(answer: RawAnswer): void {
  const requestId = answer.headers.get("x-amz-request-id");
  assert.match(requestId ?? "", /^[0-9A-Z]{16}$/);
  assert.ok(answer.headers.get("x-amz-id-2"));
  assert.ok(answer.headers.get("date"));
  assert.notEqual(answer.status, 500, answer.text);
  if (answer.status < 400 || answer.body.byteLength === 0) return;
  assert.equal(answer.headers.get("content-type"), "application/xml");
  assert.match(
    answer.text,
    /^<\?xml version="1\.0" encoding="UTF-8"\?>\n?<Error><Code>[A-Za-z0-9]+<\/Code><Message>[^<]+<\/Message>(?:<([A-Za-z0-9-]+)>[^<]*<\/\1>)*<\/Error>$/,
  );
  assert.equal(elementOf(answer.text, "RequestId"), requestId);
  // eslint-disable-next-line no-control-regex -- XML 1.0 has no place for them
  assert.doesNotMatch(answer.text, /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/);
}

/** A request with one header more, or with another value in it. */
export function withHeader(request: RawRequest, name: string, value: string): RawRequest {
  const others = request.headers.filter(([sent]) => sent.toLowerCase() !== name.toLowerCase());
  return { ...request, headers: [...others, [name, value]] };
}

export function headerOf(request: RawRequest, name: string): string {
  return valueOf(request.headers, name.toLowerCase());
}
