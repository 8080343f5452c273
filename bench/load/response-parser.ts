// Reads HTTP/1.1 answers from one connection as their bytes come in, with nothing allocated per
// answer. It knows just what a load generator needs: status, length or chunks, and whether the
// connection stays open.

const carriageReturn = 13;
const lineFeed = 10;
const colon = 58;
const headLimitBytes = 64 * 1024;
const keptErrorBytes = 2048;
const endOfHead = Buffer.from("\r\n\r\n");
const contentLengthName = Buffer.from("content-length");
const transferEncodingName = Buffer.from("transfer-encoding");
const connectionName = Buffer.from("connection");

type State = "head" | "body" | "chunk-size" | "chunk-data" | "chunk-end" | "trailers" | "broken";

export interface ResponseReceiver {
  /** The answer is complete. `isLast`: the server will close the connection. */
  onResponse(status: number, bodyBytes: number, isLast: boolean): void;
  onBroken(reason: string): void;
}

export class ResponseParser {
  /** Answers to HEAD have a length and no body. */
  readonly #isHead: boolean;
  readonly #receiver: ResponseReceiver;
  #state: State = "head";
  /** The beginning of a head that did not come in one piece. */
  #pending: Buffer | undefined;
  #pendingBytes = 0;
  #status = 0;
  #isLast = false;
  #contentLength = -1;
  #isChunked = false;
  /** Bytes still to come of the body or the chunk; while a chunk's size is read, that size. */
  #remaining = 0;
  #bodyBytes = 0;
  #inExtension = false;
  #lineBytes = 0;
  #keptBody: Buffer | undefined;

  constructor(isHead: boolean, receiver: ResponseReceiver) {
    this.#isHead = isHead;
    this.#receiver = receiver;
  }

  /** The first bytes of the body of the latest answer with a status of 300 or more. */
  get errorBody(): string {
    return this.#keptBody?.toString("utf8") ?? "";
  }

  reset(): void {
    this.#state = "head";
    this.#pendingBytes = 0;
  }

  /** Takes the first `length` bytes of `bytes`, which may be reused as soon as this returns. */
  feed(bytes: Buffer, length: number): void {
    let position = 0;
    while (position < length && this.#state !== "broken") {
      switch (this.#state) {
        case "head":
          position = this.#readHead(bytes, position, length);
          break;
        case "body":
        case "chunk-data":
          position = this.#readBody(bytes, position, length);
          break;
        default:
          position = this.#readChunkLine(bytes[position] as number, position, length);
      }
    }
  }

  #readHead(bytes: Buffer, position: number, length: number): number {
    if (this.#pendingBytes === 0) {
      const end = bytes.indexOf(endOfHead, position);
      // The buffer is reused: what lies behind `length` belongs to earlier answers.
      if (end >= 0 && end + 4 <= length) {
        this.#parseHead(bytes, position, end + 2);
        return this.#beginBody(end + 4, length);
      }
    }
    this.#pending ??= Buffer.alloc(headLimitBytes);
    const before = this.#pendingBytes;
    const taken = Math.min(length - position, headLimitBytes - before);
    bytes.copy(this.#pending, before, position, position + taken);
    this.#pendingBytes = before + taken;
    const end = this.#pending.indexOf(endOfHead, Math.max(0, before - 3));
    if (end >= 0 && end + 4 <= this.#pendingBytes) {
      this.#pendingBytes = 0;
      this.#parseHead(this.#pending, 0, end + 2);
      return this.#beginBody(position + end + 4 - before, length);
    }
    if (this.#pendingBytes === headLimitBytes) this.#break("the head is too long");
    return length;
  }

  #parseHead(bytes: Buffer, start: number, end: number): void {
    this.#status =
      digit(bytes, start + 9) * 100 + digit(bytes, start + 10) * 10 + digit(bytes, start + 11);
    this.#contentLength = -1;
    this.#isChunked = false;
    this.#isLast = false;
    let line = bytes.indexOf(lineFeed, start) + 1;
    while (line < end) {
      const next = bytes.indexOf(lineFeed, line) + 1;
      if (isField(bytes, line, contentLengthName)) {
        this.#contentLength = parseDecimal(bytes, line + contentLengthName.length + 1, next);
      } else if (isField(bytes, line, transferEncodingName)) {
        this.#isChunked = true;
      } else if (isField(bytes, line, connectionName)) {
        const value = bytes.toString("latin1", line + connectionName.length + 1, next);
        this.#isLast = value.trim().toLowerCase() === "close";
      }
      line = next;
    }
  }

  #beginBody(position: number, length: number): number {
    if (this.#status < 100 || this.#status > 599) {
      this.#break("no status line");
      return position;
    }
    if (this.#status < 200) return position;
    this.#bodyBytes = 0;
    this.#keptBody = this.#status >= 300 ? Buffer.alloc(0) : undefined;
    const hasNoBody = this.#isHead || this.#status === 204 || this.#status === 304;
    if (hasNoBody || this.#contentLength === 0) return this.#complete(position, length);
    if (this.#isChunked) {
      this.#beginChunkSize();
    } else if (this.#contentLength > 0) {
      this.#state = "body";
      this.#remaining = this.#contentLength;
    } else {
      this.#break("an answer without a length");
    }
    return position;
  }

  #readBody(bytes: Buffer, position: number, length: number): number {
    const taken = Math.min(this.#remaining, length - position);
    if (this.#keptBody !== undefined && this.#keptBody.length < keptErrorBytes) {
      const part = Buffer.from(
        bytes.subarray(position, position + Math.min(taken, keptErrorBytes)),
      );
      this.#keptBody = Buffer.concat([this.#keptBody, part]);
    }
    this.#remaining -= taken;
    this.#bodyBytes += taken;
    const next = position + taken;
    if (this.#remaining > 0) return next;
    if (this.#state === "body") return this.#complete(next, length);
    this.#state = "chunk-end";
    return next;
  }

  #beginChunkSize(): void {
    this.#state = "chunk-size";
    this.#remaining = 0;
    this.#inExtension = false;
  }

  /** One byte of what stands between chunks: sizes, line ends and trailing fields. */
  #readChunkLine(byte: number, position: number, length: number): number {
    const next = position + 1;
    if (byte === carriageReturn) return next;
    if (this.#state === "chunk-end") {
      if (byte === lineFeed) this.#beginChunkSize();
      else this.#break("a chunk does not end where it should");
    } else if (this.#state === "trailers") {
      if (byte !== lineFeed) this.#lineBytes += 1;
      else if (this.#lineBytes === 0) return this.#complete(next, length);
      else this.#lineBytes = 0;
    } else if (byte === lineFeed) {
      this.#state = this.#remaining === 0 ? "trailers" : "chunk-data";
      this.#lineBytes = 0;
    } else if (!this.#inExtension) {
      const value = hexDigit(byte);
      if (value >= 0) this.#remaining = this.#remaining * 16 + value;
      else this.#inExtension = true;
    }
    return next;
  }

  #complete(position: number, length: number): number {
    this.#state = "head";
    // One request is outstanding per connection, so nothing may follow its answer.
    if (position !== length) this.#break("bytes after the end of an answer");
    else this.#receiver.onResponse(this.#status, this.#bodyBytes, this.#isLast);
    return position;
  }

  #break(reason: string): void {
    this.#state = "broken";
    this.#receiver.onBroken(reason);
  }
}

function digit(bytes: Buffer, position: number): number {
  return (bytes[position] as number) - 48;
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

function isField(bytes: Buffer, line: number, name: Buffer): boolean {
  if (bytes[line + name.length] !== colon) return false;
  for (let offset = 0; offset < name.length; offset += 1) {
    if (((bytes[line + offset] as number) | 32) !== ((name[offset] as number) | 32)) return false;
  }
  return true;
}

function parseDecimal(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let position = start; position < end; position += 1) {
    const byte = bytes[position] as number;
    if (byte >= 48 && byte <= 57) value = value * 10 + byte - 48;
  }
  return value;
}
