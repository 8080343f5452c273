// Calls of AWS KMS's JSON protocol, signed with Signature Version 4, on any endpoint that speaks it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

import { createHash, createHmac } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { isKmsErrorName, KmsError } from "./kms-error.ts";
import { callRemote, parseFields, type RemoteBounds, type RemoteRequest } from "./remote-call.ts";

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

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
    const answer = await callRemote(() => this.#sign(operation, body), bounds, signal);
    const fields = parseFields(answer.body);
    if (answer.status === 200) return fields;
    throw errorOf(answer.status, fields);
  }

  #sign(operation: string, body: string): RemoteRequest {
    const { endpoint, region, credentials, clock } = this.#options;
    const url = new URL("/", endpoint);
    const timestamp = new Date(clock.now()).toISOString().replaceAll(/[-:]|\.\d+/g, "");
    const headers: Record<string, string> = {
      "content-type": "application/x-amz-json-1.1",
      host: url.host,
      "x-amz-date": timestamp,
      ...(credentials.sessionToken === undefined
        ? {}
        : { "x-amz-security-token": credentials.sessionToken }),
      "x-amz-target": `TrentService.${operation}`,
    };
    const names = Object.keys(headers).toSorted();
    const canonical = [
      "POST",
      "/",
      "",
      ...names.map((name) => `${name}:${headers[name]}`),
      "",
      names.join(";"),
      sha256(body),
    ].join("\n");
    const date = timestamp.slice(0, 8);
    const scope = `${date}/${region}/kms/aws4_request`;
    const text = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${sha256(canonical)}`;
    let key: Buffer | string = `AWS4${credentials.secretAccessKey}`;
    for (const part of [date, region, "kms", "aws4_request"]) key = hmac(key, part);
    const signature = hmac(key, text).toString("hex");
    const credential = `${credentials.accessKeyId}/${scope}`;
    headers["authorization"] =
      `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
    return { url: url.href, method: "POST", headers, body };
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

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
