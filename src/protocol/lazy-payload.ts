// A request's body, opened when it is first looked at: most requests have none to check.

import type { PayloadIntegrity } from "../access/signed-request.ts";
import { openPayload } from "../body/open-payload.ts";
import type { RequestPayload } from "../body/request-payload.ts";
import type { HttpRequest } from "../http/http-message.ts";

/** Every member throws what `openPayload` throws. */
export class LazyPayload implements RequestPayload {
  readonly #request: HttpRequest;
  readonly #integrity: PayloadIntegrity;
  #opened: RequestPayload | undefined;

  constructor(request: HttpRequest, integrity: PayloadIntegrity) {
    this.#request = request;
    this.#integrity = integrity;
  }

  get stream(): RequestPayload["stream"] {
    return this.#open().stream;
  }

  get lengthBytes(): number | undefined {
    return this.#open().lengthBytes;
  }

  get isTransferCoded(): boolean {
    return this.#open().isTransferCoded;
  }

  get announcedTrailers(): readonly string[] {
    return this.#open().announcedTrailers;
  }

  get trailers(): ReadonlyMap<string, string> {
    return this.#open().trailers;
  }

  get undigested(): RequestPayload["undigested"] {
    return this.#open().undigested;
  }

  #open(): RequestPayload {
    const { body, headers } = this.#request;
    return (this.#opened ??= openPayload(body, headers, this.#integrity));
  }
}
