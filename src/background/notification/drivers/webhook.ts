// A web hook: each event is a POST of its envelope; where many wait one POST has the records of as many
// events as its settings allow. With a secret each request carries
// `holdfast-signature: t=<seconds>,v1=<HMAC-SHA256 in hexadecimal>` over `<seconds>.<body>`, so that a
// receiver knows who sent it and that it is not an old one.

import { createHmac } from "node:crypto";
import type { Clock } from "../../../base/clock.ts";
import type { SettingsOf } from "../../../model/notification-destinations.ts";
import { asError, type Destination, type Message, type Outcomes } from "../destination.ts";
import { checkStatus, HttpSender, StatusError } from "../http-sender.ts";

const simultaneousRequests = 16;
/** Records of a request where more events wait than requests go out together. */
const defaultRecordsPerRequest = 100;
const signatureHeader = "holdfast-signature";

export class WebhookDestination implements Destination {
  readonly batchLimit: number;
  readonly #settings: SettingsOf<"webhook">;
  readonly #clock: Clock;
  readonly #sender: HttpSender;

  constructor(settings: SettingsOf<"webhook">, clock: Clock) {
    this.#settings = settings;
    this.batchLimit =
      simultaneousRequests * (settings.recordsPerRequest ?? defaultRecordsPerRequest);
    this.#clock = clock;
    this.#sender = new HttpSender({
      isEncrypted: new URL(settings.url).protocol === "https:",
      tls: settings.tls,
      connections: simultaneousRequests * (settings.concurrency ?? 1),
    });
  }

  async send(messages: readonly Message[], signal: AbortSignal): Promise<Outcomes> {
    const size = messages.every(({ body }) => hasRecords(body)) ? this.#groupSize(messages) : 1;
    const groups: (readonly Message[])[] = [];
    for (let at = 0; at < messages.length; at += size) groups.push(messages.slice(at, at + size));
    const outcomes = await Promise.all(groups.map((group) => this.#sendGroup(group, signal)));
    return outcomes.flat();
  }

  /** Unless told otherwise few go one by one, as S3's own do, and many together. */
  #groupSize({ length }: readonly Message[]): number {
    const { recordsPerRequest } = this.#settings;
    if (recordsPerRequest !== undefined) return recordsPerRequest;
    return length > simultaneousRequests ? defaultRecordsPerRequest : 1;
  }

  /** A record that the receiver refuses is found by sending each alone. */
  async #sendGroup(group: readonly Message[], signal: AbortSignal): Promise<Outcomes> {
    try {
      await this.#post(group, signal);
      return group.map(() => undefined);
    } catch (error) {
      const isRefusal = error instanceof StatusError && error.status < 500;
      if (group.length === 1 || !isRefusal) return group.map(() => asError(error));
      const alone = await Promise.all(group.map((each) => this.#sendGroup([each], signal)));
      return alone.flat();
    }
  }

  async #post(group: readonly Message[], signal: AbortSignal): Promise<void> {
    const body = bodyOf(group);
    const { url, secret, bearerToken, headers } = this.#settings;
    const answer = await this.#sender.post(
      {
        url,
        headers: {
          ...headers,
          "content-type": "application/json",
          "holdfast-event": [...new Set(group.map(({ event }) => event))].join(", "),
          "holdfast-event-id": group.map(({ id }) => id).join(", "),
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

const recordsStart = '{"Records":[';
const recordsEnd = "]}";

function hasRecords(body: string): boolean {
  return body.startsWith(recordsStart);
}

/** One list of the records of all. */
function bodyOf(group: readonly Message[]): string {
  if (group.length === 1) return group[0]?.body ?? "";
  const records = group.map(({ body }) => body.slice(recordsStart.length, -recordsEnd.length));
  return `${recordsStart}${records.join(",")}${recordsEnd}`;
}

function signatureOf(secret: string, milliseconds: number, body: string): string {
  const seconds = Math.floor(milliseconds / 1000);
  const code = createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex");
  return `t=${seconds},v1=${code}`;
}
