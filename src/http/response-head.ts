// Writes the head of a response. What HTTP cannot carry is refused with an error: nothing that an
// application puts into a header can end the head or begin another one.

import { STATUS_CODES } from "node:http";

import type { Clock } from "../base/clock.ts";
import { isFieldValue, isToken } from "./header-grammar.ts";
import type { HttpResponse } from "./http-message.ts";

/** How the body of a response is delimited. */
export type ResponseFraming =
  /** By the length in the response's own header fields, or not at all: HEAD, 204, 304. */
  | "given"
  | "chunked"
  /** By the end of the connection: for clients of HTTP/1.0, and only when nothing else is left. */
  | "close"
  /** Bytes, for a response that does not say its length itself. */
  | number;

const knownNames = new Set<string>();
/** Names are constants of the server but for user metadata, which must not fill the memory. */
const maximumKnownNames = 512;
const statusLines: string[] = [];
/** The engine's own: they say what it does with the connection. */
const reservedNames = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade"]);

export class ResponseHeads {
  readonly #clock: Clock;
  readonly #keepAlive: string;
  #dateSecond = Number.NaN;
  #dateField = "";

  constructor(clock: Clock, keepAliveTimeoutMilliseconds: number) {
    this.#clock = clock;
    const seconds = Math.max(1, Math.floor(keepAliveTimeoutMilliseconds / 1000));
    this.#keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n\r\n`;
  }

  /** Latin-1 text with the empty line. Throws RangeError or TypeError for what is no response. */
  write(answer: HttpResponse, framing: ResponseFraming, keepsAlive: boolean): string {
    let head = statusLine(answer.status);
    let hasDate = false;
    const { headers } = answer;
    for (let position = 0; position < headers.length; position += 2) {
      const name = headers[position] as string;
      const value = headers[position + 1];
      checkName(name);
      if (typeof value !== "string" || !isFieldValue(value)) {
        throw new TypeError(`the value of the header field ${name} is not Latin-1 text`);
      }
      if (name.length === 4 && name.toLowerCase() === "date") hasDate = true;
      head += `${name}: ${value}\r\n`;
    }
    if (typeof framing === "number") head += `Content-Length: ${framing}\r\n`;
    else if (framing === "chunked") head += "Transfer-Encoding: chunked\r\n";
    if (!hasDate) head += this.#date();
    return head + (keepsAlive ? this.#keepAlive : "Connection: close\r\n\r\n");
  }

  #date(): string {
    const second = Math.floor(this.#clock.now() / 1000);
    if (second !== this.#dateSecond) {
      this.#dateSecond = second;
      this.#dateField = `Date: ${new Date(second * 1000).toUTCString()}\r\n`;
    }
    return this.#dateField;
  }
}

/** The Content-Length among a response's header fields. */
export function declaredLength(headers: readonly string[]): number | undefined {
  for (let position = 0; position < headers.length; position += 2) {
    const name = headers[position] as string;
    if (name.length === 14 && name.toLowerCase() === "content-length") {
      return Number(headers[position + 1]);
    }
  }
  return undefined;
}

function statusLine(status: number): string {
  const known = statusLines[status];
  if (known !== undefined) return known;
  if (!Number.isInteger(status) || status < 200 || status > 999) {
    throw new RangeError(`${status} is no status of a final response`);
  }
  const line = `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n`;
  statusLines[status] = line;
  return line;
}

/** `Not Found`. */
export function reasonPhrase(status: number): string {
  return STATUS_CODES[status] ?? "Unknown";
}

function checkName(name: string): void {
  if (knownNames.has(name)) return;
  if (!isToken(name)) throw new TypeError(`${JSON.stringify(name)} is no header field name`);
  if (reservedNames.has(name.toLowerCase())) {
    throw new TypeError(`the header field ${name} belongs to the connection, not to an answer`);
  }
  if (knownNames.size < maximumKnownNames) knownNames.add(name);
}
