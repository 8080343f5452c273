// Turns a response into the bytes of one whole message, for requests that the parser gave up on.

import { STATUS_CODES } from "node:http";

import type { HttpResponse } from "./http-message.ts";

/** The body must be text or bytes; the connection is announced to close. */
export function serializeRefusal(answer: HttpResponse): Uint8Array {
  const body = typeof answer.body === "string" ? Buffer.from(answer.body) : answer.body;
  const bytes = body instanceof Uint8Array ? body : Buffer.alloc(0);
  let head = `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? "Unknown"}\r\n`;
  for (let position = 0; position < answer.headers.length; position += 2) {
    const name = answer.headers[position] as string;
    if (/^(?:content-length|connection)$/i.test(name)) continue;
    head += `${name}: ${answer.headers[position + 1]}\r\n`;
  }
  head += `Date: ${new Date().toUTCString()}\r\n`;
  head += `Content-Length: ${bytes.byteLength}\r\nConnection: close\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), bytes]);
}
