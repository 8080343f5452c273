// The head of a request: its request line and header fields, from the bytes of one whole block. Strict
// (RFC 9112): what two readers could understand differently is refused, never repaired.

import { METHODS } from "node:http";

import type { HttpLimits, RefusalReason } from "./http-server.ts";
import { parseFields, skipTarget, type FieldSource } from "./header-grammar.ts";
import { judgeFraming, type Framing } from "./request-framing.ts";

export interface RequestHead {
  readonly method: string;
  readonly target: string;
  /** Name, value, name, value … */
  readonly rawHeaders: string[];
  readonly framing: Framing;
}

const methods: ReadonlySet<string> = new Set(METHODS);
const lineFeed = 0x0a;
const blank = 0x20;
const slash = 0x2f;
const asterisk = 0x2a;
/** ` HTTP/1.1` with its line end. */
const versionBytes = 11;
// A name or an address with a port; no user information, which RFC 9110 (4.2.4) calls an error.
const absoluteForm = /^[A-Za-z]+:\/\/[A-Za-z0-9\-_.!~*'()%;:&=+$,[\]]+(?:[/?].*)?$/;

interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly isVersion11: boolean;
  /** Where the line has ended, in `text`. */
  readonly end: number;
}

/** `bytes` from `start` to `end` is the block with the line end of its last field, without the empty line. */
export function parseRequestHead(
  bytes: Buffer,
  start: number,
  end: number,
  limits: HttpLimits,
): RequestHead | RefusalReason {
  const text = bytes.toString("latin1", start, end);
  const line = parseRequestLine(bytes, start, text);
  if (line === undefined) return "malformed";
  const { method, target, isVersion11 } = line;
  const rawHeaders: string[] = [];
  const source: FieldSource = { bytes, end, text, textStart: start };
  if (!parseFields(source, start + line.end, rawHeaders)) return "malformed";
  if (method === "CONNECT") return "method-unsupported";
  const framing = judgeFraming(rawHeaders, isVersion11, limits);
  if (typeof framing === "string") return framing;
  return { method, target, rawHeaders, framing };
}

/** Whether a head can begin like this; true as long as its first line has not ended. */
export function mayBeginHead(bytes: Buffer, end: number): boolean {
  const lineEnd = bytes.subarray(0, end).indexOf(lineFeed) + 1;
  if (lineEnd === 0) return true;
  return parseRequestLine(bytes, 0, bytes.toString("latin1", 0, lineEnd)) !== undefined;
}

/** `text` holds the bytes from `start` as Latin-1 characters. */
function parseRequestLine(bytes: Buffer, start: number, text: string): RequestLine | undefined {
  const methodEnd = text.indexOf(" ");
  if (methodEnd < 1) return undefined;
  const method = text.slice(0, methodEnd);
  if (!methods.has(method)) return undefined;
  const targetStart = start + methodEnd + 1;
  const targetEnd = skipTarget(bytes, targetStart);
  if (targetEnd === targetStart || bytes[targetEnd] !== blank) return undefined;
  const version = targetEnd - start;
  const isVersion11 = text.startsWith(" HTTP/1.1\r\n", version);
  if (!isVersion11 && !text.startsWith(" HTTP/1.0\r\n", version)) return undefined;
  const target = text.slice(methodEnd + 1, version);
  const first = bytes[targetStart];
  if (first !== slash && first !== asterisk && method !== "CONNECT") {
    if (!absoluteForm.test(target)) return undefined;
  }
  return { method, target, isVersion11, end: version + versionBytes };
}
