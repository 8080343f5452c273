// Judges the framing of a parsed request: what a proxy in front could read differently is refused.
// The parser has already refused what breaks the grammar.

import type { HttpLimits, RefusalReason } from "./http-server.ts";

export interface JudgedFraming {
  /** Set when the request must be refused. */
  readonly refusal: RefusalReason | undefined;
  /** `undefined` for a chunked body; 0 without a body. */
  readonly declaredBytes: number | undefined;
}

const noBody: JudgedFraming = { refusal: undefined, declaredBytes: 0 };
const chunkedBody: JudgedFraming = { refusal: undefined, declaredBytes: undefined };
const malformed: JudgedFraming = { refusal: "malformed", declaredBytes: 0 };
const tooLarge: JudgedFraming = { refusal: "headers-too-large", declaredBytes: 0 };
const unsupportedCoding: JudgedFraming = {
  refusal: "transfer-coding-unsupported",
  declaredBytes: 0,
};

/** One pass over name, value, name, value …, comparing lengths first: this runs for every request. */
export function judgeFraming(
  rawHeaders: readonly string[],
  httpVersion: string,
  limits: Pick<HttpLimits, "maximumHeaderFields" | "maximumFieldBytes">,
): JudgedFraming {
  if (rawHeaders.length > limits.maximumHeaderFields * 2) return tooLarge;
  // The parser lets a request line without version pass as HTTP/0.9.
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return malformed;
  // A colon, a blank and the end of the line for each field.
  let fieldBytes = rawHeaders.length * 2;
  let hosts = 0;
  let length: string | undefined;
  let coding: string | undefined;
  for (let position = 0; position < rawHeaders.length; position += 2) {
    const name = rawHeaders[position] as string;
    fieldBytes += name.length + (rawHeaders[position + 1] as string).length;
    if (name.length === 4) {
      if (name.toLowerCase() === "host") hosts += 1;
    } else if (name.length === 14) {
      if (name.toLowerCase() === "content-length") {
        if (length !== undefined) return malformed;
        length = rawHeaders[position + 1] as string;
      }
    } else if (name.length === 17 && name.toLowerCase() === "transfer-encoding") {
      if (coding !== undefined) return malformed;
      coding = rawHeaders[position + 1] as string;
    }
  }
  if (fieldBytes > limits.maximumFieldBytes) return tooLarge;
  // A request of HTTP/1.1 names exactly one host (RFC 9112, 3.2).
  if (hosts > 1 || (hosts === 0 && httpVersion === "1.1")) return malformed;
  if (coding !== undefined) {
    // RFC 9112, 6.1: both fields, or a transfer coding in HTTP/1.0, are the shapes of smuggling.
    if (length !== undefined || httpVersion !== "1.1") return malformed;
    return coding.toLowerCase() === "chunked" ? chunkedBody : unsupportedCoding;
  }
  if (length === undefined || length === "0") return noBody;
  // The parser also takes numbers that a double cannot hold exactly.
  const declaredBytes = Number(length);
  if (!/^[0-9]+$/.test(length) || !Number.isSafeInteger(declaredBytes)) return malformed;
  return { refusal: undefined, declaredBytes };
}
