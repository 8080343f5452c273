// Requests to receivers that speak HTTP, over connections that are kept. Follows no redirect, which would
// carry a secret along, and reads little of the answers.

import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { TlsSettings } from "../../model/notification-destinations.ts";
import { tlsOptions } from "./tls-options.ts";

export interface SentRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface SenderAnswer {
  readonly status: number;
  readonly body: string;
}

const maximumAnswerCharacters = 1024 * 1024;

export class HttpSender implements Disposable {
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #isEncrypted: boolean;

  constructor(options: {
    readonly isEncrypted: boolean;
    readonly tls: TlsSettings | undefined;
    readonly connections: number;
  }) {
    this.#isEncrypted = options.isEncrypted;
    const agentOptions = { keepAlive: true, maxSockets: options.connections };
    this.#agent = options.isEncrypted
      ? new HttpsAgent({ ...agentOptions, ...tlsOptions(options.tls) })
      : new HttpAgent(agentOptions);
  }

  /** Rejects when there is no whole answer. */
  async post(sent: SentRequest, signal: AbortSignal): Promise<SenderAnswer> {
    try {
      return await this.#post(sent, signal);
    } catch (error) {
      // A kept connection may end at the moment in which it is used again.
      if (signal.aborted || !isStaleConnection(error)) throw error;
      return await this.#post(sent, signal);
    }
  }

  #post({ url, headers, body }: SentRequest, signal: AbortSignal): Promise<SenderAnswer> {
    const bytes = Buffer.from(body, "utf8");
    const send = this.#isEncrypted ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request = send(url, {
        method: "POST",
        agent: this.#agent,
        headers: { ...headers, "content-length": String(bytes.byteLength) },
        signal,
      });
      request.once("error", reject);
      request.once("response", (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => {
          if (text.length < maximumAnswerCharacters) text += part;
        });
        response.once("error", reject);
        response.once("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
      });
      request.end(bytes);
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

function isStaleConnection(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ECONNRESET";
}

/** Throws for an answer that is no success; the answer's own words are left out, they may repeat a secret. */
export function checkStatus({ status }: SenderAnswer): void {
  if (status >= 200 && status < 300) return;
  throw new StatusError(status);
}

/** An answer that is no success. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly status: number;

  constructor(status: number) {
    super(`the receiver answered with status ${status}`);
    this.status = status;
  }
}
