// Undoes the chunked transfer coding (RFC 9112, 7.1) over any splits of the bytes. Extensions and
// trailers are checked, bounded and thrown away: S3 gives a meaning to neither.

import { parseFields } from "./header-grammar.ts";

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** A size line with its extensions; real clients send a few bytes. */
const maximumSizeLineBytes = 1024;
/** Of sixteen bits more than a double holds exactly nothing sensible can come. */
const maximumSizeDigits = 13;

const token = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const quoted = '"(?:[\\t !#-\\[\\]-~\\x80-\\xff]|\\\\[\\t -~\\x80-\\xff])*"';
const extensions = new RegExp(`^(?:;${token}(?:=(?:${token}|${quoted}))?)*$`);

export class ChunkedDecoder {
  readonly #maximumTrailerBytes: number;
  #stage: "size" | "data" | "data-end" | "trailers" = "size";
  #missingBytes = 0;
  /** The beginning of a line that has not ended yet. */
  #line = "";
  #trailerBytes = 0;
  isDone = false;

  constructor(maximumTrailerBytes: number) {
    this.#maximumTrailerBytes = maximumTrailerBytes;
  }

  /** Hands data on and returns where it stopped: at the end of `chunk`, or of the body. -1: broken. */
  read(chunk: Buffer, from: number, onData: (data: Uint8Array) => void): number {
    let position = from;
    while (position < chunk.length && !this.isDone) {
      if (this.#stage === "data") {
        const end = Math.min(chunk.length, position + this.#missingBytes);
        onData(chunk.subarray(position, end));
        this.#missingBytes -= end - position;
        position = end;
        if (this.#missingBytes === 0) this.#stage = "data-end";
      } else {
        position = this.#readLine(chunk, position);
        if (position < 0) return -1;
      }
    }
    return position;
  }

  #readLine(chunk: Buffer, from: number): number {
    const lineEnd = chunk.indexOf(lineFeed, from);
    const end = lineEnd < 0 ? chunk.length : lineEnd + 1;
    const limit = this.#lineLimit();
    if (this.#line.length + end - from > limit) return -1;
    this.#line += chunk.toString("latin1", from, end);
    if (lineEnd < 0) {
      // After the data of a chunk nothing but the line end may come: no need to wait for more.
      if (this.#stage === "data-end" && this.#line !== "\r") return -1;
      return end;
    }
    const line = this.#line;
    this.#line = "";
    const length = line.length - 2;
    if (length < 0 || line.charCodeAt(length) !== carriageReturn) return -1;
    return this.#takeLine(line, length) ? end : -1;
  }

  #lineLimit(): number {
    if (this.#stage === "data-end") return 2;
    if (this.#stage === "size") return maximumSizeLineBytes;
    return this.#maximumTrailerBytes - this.#trailerBytes;
  }

  /** `line` ends with CR LF, which `length` does not count. */
  #takeLine(line: string, length: number): boolean {
    if (this.#stage === "size") {
      const size = parseSizeLine(line, length);
      if (size < 0) return false;
      this.#missingBytes = size;
      this.#stage = size === 0 ? "trailers" : "data";
      return true;
    }
    if (this.#stage === "data-end") {
      this.#stage = "size";
      return length === 0;
    }
    if (length === 0) {
      this.isDone = true;
      return true;
    }
    this.#trailerBytes += line.length;
    const bytes = Buffer.from(line, "latin1");
    return parseFields({ bytes, end: bytes.length, text: line, textStart: 0 }, 0, []);
  }
}

function parseSizeLine(line: string, length: number): number {
  let size = 0;
  let position = 0;
  for (; position < length; position += 1) {
    const digit = hexadecimalDigit(line.charCodeAt(position));
    if (digit < 0) break;
    if (position === maximumSizeDigits) return -1;
    size = size * 16 + digit;
  }
  if (position === 0) return -1;
  if (position < length && !extensions.test(line.slice(position, length))) return -1;
  return size;
}

function hexadecimalDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
