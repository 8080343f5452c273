// A web hook: each event is a POST of its envelope. With a secret each request carries
// `holdfast-signature: t=<seconds>,v1=<HMAC-SHA256 in hexadecimal>` over `<seconds>.<body>`, so that a
// receiver knows who sent it and that it is not an old one.

import { createHmac } from "node:crypto";
import type { Clock } from "../../../base/clock.ts";
import type { SettingsOf } from "../../../model/notification-destinations.ts";
import { type Destination, type Message, type Outcomes } from "../destination.ts";
import { checkStatus, HttpSender } from "../http-sender.ts";

const simultaneousRequests = 16;
const signatureHeader = "holdfast-signature";

export class WebhookDestination implements Destination {
  readonly batchLimit = simultaneousRequests;
  readonly #settings: SettingsOf<"webhook">;
  readonly #clock: Clock;
  readonly #sender: HttpSender;

  constructor(settings: SettingsOf<"webhook">, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#sender = new HttpSender({
      isEncrypted: new URL(settings.url).protocol === "https:",
      tls: settings.tls,
      connections: simultaneousRequests * (settings.concurrency ?? 1),
    });
  }

  async send(messages: readonly Message[], signal: AbortSignal): Promise<Outcomes> {
    const sent = await Promise.allSettled(messages.map((each) => this.#post(each, signal)));
    return sent.map((each) => (each.status === "fulfilled" ? undefined : asError(each.reason)));
  }

  async #post({ id, body, event }: Message, signal: AbortSignal): Promise<void> {
    const { url, secret, bearerToken, headers } = this.#settings;
    const answer = await this.#sender.post(
      {
        url,
        headers: {
          ...headers,
          "content-type": "application/json",
          "holdfast-event": event,
          "holdfast-event-id": id,
          ...(bearerToken === undefined ? {} : { authorization: `Bearer ${bearerToken}` }),
          ...(secret === undefined
            ? {}
            : { [signatureHeader]: signatureOf(secret, this.#clock.now(), body) }),
        },
        body,
      },
      signal,
    );
    checkStatus(answer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sender[Symbol.dispose]();
  }
}

function signatureOf(secret: string, milliseconds: number, body: string): string {
  const seconds = Math.floor(milliseconds / 1000);
  const code = createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex");
  return `t=${seconds},v1=${code}`;
}

export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
