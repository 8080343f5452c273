// Raw HTTP as the rest of the server sees it: no sockets, no Node.js types, no S3 words.

import type { ByteStream } from "../base/bytes.ts";

export interface HttpRequest {
  /** As sent: methods are case-sensitive. */
  readonly method: string;
  /** The request target as sent: never decoded, never normalized. Bytes as Latin-1 characters. */
  readonly target: string;
  readonly headers: HttpHeaders;
  /**
   * The body without its transfer coding. Nothing is read from the socket, and `100 Continue` is not
   * sent, before iteration begins. Throws RequestAbortedError when the client vanishes or the framing
   * breaks, RequestTimeoutError when it is too slow.
   */
  readonly body: ByteStream;
  /** Whether the message has a body at all (a Content-Length above 0, or a transfer coding). */
  readonly hasBody: boolean;
  /** Of the body, without its transfer coding, so far; an engine that does not count has none. */
  readonly receivedBodyBytes?: number;
  /** From the head until the last byte of the body was there; 0 where there is none, or not all of it. */
  readonly receivingMilliseconds?: number;
  readonly remoteAddress: string;
  readonly isEncrypted: boolean;
  /** `TLSv1.3`; absent without TLS. */
  readonly tlsVersion?: string | undefined;
  /** As OpenSSL names it, `ECDHE-RSA-AES128-GCM-SHA256`; absent without TLS. */
  readonly cipherSuite?: string | undefined;
  /** Absent: it is; `false`: HTTP/1.0. */
  readonly isVersion11?: boolean;
  /** Aborted when the client goes away before the response has ended. */
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  /**
   * Name, value, name, value …; values hold Latin-1 characters only. Date is added when missing.
   * Connection, Keep-Alive, Transfer-Encoding and Upgrade belong to the engine and are refused.
   */
  readonly headers: readonly string[];
  /**
   * A stream is sent chunked unless the headers carry a Content-Length. Ignored for HEAD, 204, 304.
   * A chunk of a stream has been handed to the system when the next one is asked for: its memory may be
   * used again from then on. Nothing is asked for ahead: a stream that should not wait for the client
   * reads ahead itself.
   */
  readonly body?: string | Uint8Array | ByteStream;
  /**
   * Called once, when the last byte was handed to the connection or it is known that it never will
   * be: `failure` then says why. `bodyBytes` is what was handed over.
   */
  readonly onSettled?: (bodyBytes: number, failure: unknown) => void;
}

/** Must not reject: whatever an application throws it turns into a response itself. */
export type HttpHandler = (request: HttpRequest) => Promise<HttpResponse>;

/** The header fields of a request in the order in which they were sent. */
export class HttpHeaders {
  /** Name, value, name, value …, names as sent, values as Latin-1 characters without outer blanks. */
  readonly raw: readonly string[];
  #index: Map<string, string> | undefined;

  constructor(raw: readonly string[]) {
    this.raw = raw;
  }

  /** The value of a field by its lower-case name; several fields of one name are joined by `,`. */
  get(name: string): string | undefined {
    return this.#byName().get(name);
  }

  has(name: string): boolean {
    return this.#byName().has(name);
  }

  /** Every field by lower-case name, in order of first appearance. */
  entries(): IterableIterator<[string, string]> {
    return this.#byName().entries();
  }

  #byName(): Map<string, string> {
    if (this.#index !== undefined) return this.#index;
    const index = new Map<string, string>();
    for (let position = 0; position + 1 < this.raw.length; position += 2) {
      const name = (this.raw[position] as string).toLowerCase();
      const value = this.raw[position + 1] as string;
      const earlier = index.get(name);
      index.set(name, earlier === undefined ? value : `${earlier},${value}`);
    }
    this.#index = index;
    return index;
  }
}

export class RequestAbortedError extends Error {
  override readonly name = "RequestAbortedError";
}

export class RequestTimeoutError extends Error {
  override readonly name = "RequestTimeoutError";
}
