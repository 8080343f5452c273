// Calls of AWS KMS's JSON protocol, signed with Signature Version 4, on any endpoint that speaks it.

import type { Clock } from "../base/clock.ts";
import { isKmsErrorName, KmsError } from "./kms-error.ts";
import { signJsonRequest, type AwsCredentials } from "./sign-json-request.ts";
import { callRemote, parseFields, type RemoteBounds, type RemoteRequest } from "./remote-call.ts";

export interface AwsJsonClientOptions {
  /** `https://kms.eu-central-1.amazonaws.com`. */
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: AwsCredentials;
  readonly clock: Clock;
  readonly bounds: RemoteBounds;
}

export class AwsJsonClient {
  readonly #options: AwsJsonClientOptions;

  constructor(options: AwsJsonClientOptions) {
    this.#options = options;
  }

  /** Throws KmsError: what the service answered, or DependencyTimeoutException. */
  async call(
    operation: string,
    input: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, unknown>>> {
    const body = JSON.stringify(input);
    const { bounds } = this.#options;
    const signer = { ...this.#options, service: "kms" };
    const sign = (): RemoteRequest => signJsonRequest(signer, `TrentService.${operation}`, body);
    const answer = await callRemote(sign, bounds, signal);
    const fields = parseFields(answer.body);
    if (answer.status === 200) return fields;
    throw errorOf(answer.status, fields);
  }
}

/** `{"__type":"NotFoundException","message":"…"}`; the type may carry a namespace before a `#`. */
function errorOf(status: number, fields: Readonly<Record<string, unknown>>): KmsError {
  const { __type, message, Message } = fields;
  const type = typeof __type === "string" ? (__type.split("#").at(-1) as string) : "";
  const texts = [message, Message].filter((text) => typeof text === "string");
  const cause = new Error(`status ${status}: ${type} ${texts[0] ?? ""}`);
  if (type === "AccessDeniedException") {
    // Its message names the principal of this server, which is nothing for a client of it.
    return new KmsError(type, "The key provider does not let this server use the key.", { cause });
  }
  if (isKmsErrorName(type)) return new KmsError(type, texts[0] ?? "", { cause });
  if (status >= 500 || status === 429) {
    return new KmsError("DependencyTimeoutException", "The key provider cannot answer now.", {
      cause,
    });
  }
  // Among others: wrong credentials of this server.
  return new KmsError("ValidationException", "The key provider refused the request.", { cause });
}
