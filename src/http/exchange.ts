// One request as its handler sees it, with what the connection has to know of it besides.

import { HttpHeaders, type HttpRequest } from "./http-message.ts";
import { RequestBody, type BodySource } from "./request-body.ts";
import type { RequestHead } from "./request-head.ts";

/** The connection, as a request needs it. */
export interface ExchangeConnection extends BodySource {
  readonly remoteAddress: string;
  readonly isEncrypted: boolean;
  readonly tlsVersion: string | undefined;
  readonly cipherSuite: string | undefined;
  readonly isGone: boolean;
}

export class Exchange implements HttpRequest {
  readonly #connection: ExchangeConnection;
  readonly #head: RequestHead;
  readonly headers: HttpHeaders;
  #body: RequestBody | undefined;
  #abortController: AbortController | undefined;
  /** Whether the connection may carry a further request after the answer. */
  keepsAlive: boolean;
  isAnswered = false;

  constructor(connection: ExchangeConnection, head: RequestHead) {
    this.#connection = connection;
    this.#head = head;
    this.headers = new HttpHeaders(head.rawHeaders);
    this.keepsAlive = head.framing.keepsAlive;
    if (head.framing.declaredBytes !== 0) this.#body = this.#createBody();
  }

  get method(): string {
    return this.#head.method;
  }

  get target(): string {
    return this.#head.target;
  }

  get hasBody(): boolean {
    return this.#head.framing.declaredBytes !== 0;
  }

  get isVersion11(): boolean {
    return this.#head.framing.isVersion11;
  }

  get body(): RequestBody {
    return (this.#body ??= this.#createBody());
  }

  get receivedBodyBytes(): number {
    return this.#body?.receivedBytes ?? 0;
  }

  get receivingMilliseconds(): number {
    return this.#body?.receivingMilliseconds ?? 0;
  }

  get remoteAddress(): string {
    return this.#connection.remoteAddress;
  }

  get isEncrypted(): boolean {
    return this.#connection.isEncrypted;
  }

  get tlsVersion(): string | undefined {
    return this.#connection.tlsVersion;
  }

  get cipherSuite(): string | undefined {
    return this.#connection.cipherSuite;
  }

  get signal(): AbortSignal {
    if (this.#abortController === undefined) {
      this.#abortController = new AbortController();
      if (this.#connection.isGone && !this.isAnswered) this.#abortController.abort();
    }
    return this.#abortController.signal;
  }

  /** Whether the whole request, its body included, has been received and understood. */
  get isReceived(): boolean {
    return !this.hasBody || this.body.isReceived;
  }

  /** The client went away: nobody waits for the answer any more. */
  abort(error: Error): void {
    if (this.hasBody) this.body.fail(error);
    if (!this.isAnswered) this.#abortController?.abort();
  }

  #createBody(): RequestBody {
    const { declaredBytes, expectsContinue } = this.#head.framing;
    return new RequestBody(this.#connection, declaredBytes, expectsContinue);
  }
}
