// Signed requests to the APIs of AWS that take messages, on any endpoint that speaks them.

import type { Clock } from "../../base/clock.ts";
import { signJsonRequest } from "../../keys/sign-json-request.ts";
import type { TlsSettings } from "../../model/notification-destinations.ts";
import { HttpSender } from "./http-sender.ts";

export interface AwsSenderSettings {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  readonly tls?: TlsSettings | undefined;
  readonly concurrency?: number | undefined;
}

const defaultConnections = 16;

export class AwsSender implements Disposable {
  readonly #options: {
    readonly endpoint: string;
    readonly service: string;
    readonly contentType: string;
    readonly settings: AwsSenderSettings;
    readonly clock: Clock;
  };
  readonly #sender: HttpSender;

  constructor(options: {
    readonly endpoint: string;
    /** As the credential scope names it: `sqs`. */
    readonly service: string;
    readonly contentType: string;
    readonly settings: AwsSenderSettings;
    readonly clock: Clock;
  }) {
    this.#options = options;
    this.#sender = new HttpSender({
      isEncrypted: new URL(options.endpoint).protocol === "https:",
      tls: options.settings.tls,
      connections: options.settings.concurrency ?? defaultConnections,
    });
  }

  /** The body of a successful answer. `target` of a JSON API: `AmazonSQS.SendMessageBatch`. */
  async call(target: string | undefined, body: string, signal: AbortSignal): Promise<string> {
    const { endpoint, service, contentType, settings, clock } = this.#options;
    const { region, accessKeyId, secretAccessKey, sessionToken } = settings;
    const credentials = {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    };
    const signed = signJsonRequest(
      { endpoint, region, service, credentials, clock, contentType },
      target,
      body,
    );
    const answer = await this.#sender.post(signed, signal);
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    throw new Error(
      `${service} answered with status ${answer.status}: ${errorCodeOf(answer.body) ?? "no code"}`,
    );
  }

  [Symbol.dispose](): void {
    this.#sender[Symbol.dispose]();
  }
}

/** JSON: `{"__type":"com.amazonaws.sqs#QueueDoesNotExist"}`; XML: `<Code>NotFound</Code>`. */
function errorCodeOf(body: string): string | undefined {
  const found = /"__type"\s*:\s*"(?:[^"#]*#)?([\w.]{1,100})"|<Code>([\w.]{1,100})<\/Code>/.exec(
    body,
  );
  return found?.[1] ?? found?.[2];
}
