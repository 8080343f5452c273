// Judges what the header fields of a request say about its body and its connection: what a proxy in
// front could read differently is refused.

import type { HttpLimits, RefusalReason } from "./http-server.ts";

export interface Framing {
  /** `undefined` for a chunked body; 0 without a body. */
  readonly declaredBytes: number | undefined;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
  /** Whether the client wants to send further requests on the connection. */
  readonly keepsAlive: boolean;
  readonly isVersion11: boolean;
}

const plain: Framing = {
  declaredBytes: 0,
  expectsContinue: false,
  keepsAlive: true,
  isVersion11: true,
};

interface FramingFields {
  hosts: number;
  length: string | undefined;
  coding: string | undefined;
  connection: string | undefined;
  expectation: string | undefined;
}

/** One pass over name, value, name, value …, comparing lengths first: this runs for every request. */
export function judgeFraming(
  rawHeaders: readonly string[],
  isVersion11: boolean,
  limits: Pick<HttpLimits, "maximumHeaderFields" | "maximumFieldBytes">,
): Framing | RefusalReason {
  if (rawHeaders.length > limits.maximumHeaderFields * 2) return "headers-too-large";
  const fields: FramingFields = {
    hosts: 0,
    length: undefined,
    coding: undefined,
    connection: undefined,
    expectation: undefined,
  };
  // A colon, a blank and the end of the line for each field.
  let fieldBytes = rawHeaders.length * 2;
  for (let position = 0; position < rawHeaders.length; position += 2) {
    const name = rawHeaders[position] as string;
    const value = rawHeaders[position + 1] as string;
    fieldBytes += name.length + value.length;
    const isSound = collect(fields, name, value);
    if (!isSound) return "malformed";
  }
  if (fieldBytes > limits.maximumFieldBytes) return "headers-too-large";
  // A request of HTTP/1.1 names exactly one host (RFC 9112, 3.2).
  if (fields.hosts > 1 || (fields.hosts === 0 && isVersion11)) return "malformed";
  return judgeFields(fields, isVersion11);
}

function collect(fields: FramingFields, name: string, value: string): boolean {
  switch (name.length) {
    case 4:
      if (name.toLowerCase() === "host") fields.hosts += 1;
      return true;
    case 6:
      if (name.toLowerCase() === "expect") fields.expectation = join(fields.expectation, value);
      return true;
    case 10:
      if (name.toLowerCase() === "connection") fields.connection = join(fields.connection, value);
      return true;
    case 14: {
      if (name.toLowerCase() !== "content-length") return true;
      const isFirst = fields.length === undefined;
      fields.length = value;
      return isFirst;
    }
    case 17: {
      if (name.toLowerCase() !== "transfer-encoding") return true;
      const isFirst = fields.coding === undefined;
      fields.coding = value;
      return isFirst;
    }
    default:
      return true;
  }
}

function join(earlier: string | undefined, value: string): string {
  return earlier === undefined ? value : `${earlier},${value}`;
}

function judgeFields(fields: FramingFields, isVersion11: boolean): Framing | RefusalReason {
  const { length, coding, connection, expectation } = fields;
  let declaredBytes: number | undefined = 0;
  if (coding !== undefined) {
    // RFC 9112, 6.1: both fields, or a transfer coding in HTTP/1.0, are the shapes of smuggling.
    if (length !== undefined || !isVersion11) return "malformed";
    const codings = coding.toLowerCase();
    if (codings !== "chunked") {
      const last = codings.slice(codings.lastIndexOf(",") + 1).trim();
      // Without `chunked` at the end nobody knows where the body ends (RFC 9112, 6.3).
      return last === "chunked" ? "transfer-coding-unsupported" : "malformed";
    }
    declaredBytes = undefined;
  } else if (length !== undefined) {
    declaredBytes = parseLength(length);
    if (declaredBytes === undefined) return "malformed";
  }
  if (expectation === undefined && connection === undefined && isVersion11 && declaredBytes === 0) {
    return plain;
  }
  let expectsContinue = false;
  // A client of HTTP/1.0 does not understand `100 Continue` (RFC 9110, 10.1.1). S3 ignores other
  // expectations (ceph/s3-tests, bad_expect_mismatch and bad_expect_empty).
  if (isVersion11 && expectation?.toLowerCase() === "100-continue") {
    expectsContinue = declaredBytes !== 0;
  }
  const keepsAlive = isVersion11
    ? !hasConnectionOption(connection, "close")
    : hasConnectionOption(connection, "keep-alive") && !hasConnectionOption(connection, "close");
  return { declaredBytes, expectsContinue, keepsAlive, isVersion11 };
}

/** Decimal digits alone, and no more than a double holds exactly. */
function parseLength(text: string): number | undefined {
  if (text.length === 0) return undefined;
  for (let position = 0; position < text.length; position += 1) {
    const code = text.charCodeAt(position);
    if (code < 0x30 || code > 0x39) return undefined;
  }
  const length = Number(text);
  return Number.isSafeInteger(length) ? length : undefined;
}

function hasConnectionOption(connection: string | undefined, option: string): boolean {
  if (connection === undefined) return false;
  const value = connection.toLowerCase();
  if (value === option) return true;
  return value.includes(",") && value.split(",").some((part) => part.trim() === option);
}
