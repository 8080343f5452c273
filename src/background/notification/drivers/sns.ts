// Topics of SNS, on any endpoint that speaks its query protocol.

import type { Clock } from "../../../base/clock.ts";
import type { SettingsOf } from "../../../model/notification-destinations.ts";
import { AwsSender } from "../aws-sender.ts";
import type { Destination, Message, Outcomes } from "../destination.ts";

/** Reference, PublishBatch: up to 10. */
const entriesOfBatch = 10;
/** As S3 has it. */
const subject = "Amazon S3 Notification";

export class SnsDestination implements Destination {
  readonly batchLimit = entriesOfBatch;
  readonly #topicArn: string;
  readonly #sender: AwsSender;

  constructor(settings: SettingsOf<"sns">, clock: Clock) {
    this.#topicArn = settings.topicArn;
    this.#sender = new AwsSender({
      endpoint: settings.endpoint,
      service: "sns",
      contentType: "application/x-www-form-urlencoded; charset=utf-8",
      settings,
      clock,
    });
  }

  async send(messages: readonly Message[], signal: AbortSignal): Promise<Outcomes> {
    const form = new URLSearchParams({
      Action: "PublishBatch",
      Version: "2010-03-31",
      TopicArn: this.#topicArn,
    });
    for (const [index, { body }] of messages.entries()) {
      const entry = `PublishBatchRequestEntries.member.${index + 1}`;
      form.set(`${entry}.Id`, String(index));
      form.set(`${entry}.Message`, body);
      form.set(`${entry}.Subject`, subject);
    }
    const answer = await this.#sender.call(undefined, form.toString(), signal);
    const taken = new Set(idsIn(elementOf(answer, "Successful")));
    return messages.map((_, index) =>
      taken.has(String(index)) ? undefined : new Error("the topic did not take the message"),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sender[Symbol.dispose]();
  }
}

/** The answer's elements have no attributes, and ids are ours: digits. */
function elementOf(xml: string, name: string): string {
  return new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(xml)?.[1] ?? "";
}

function idsIn(xml: string): readonly string[] {
  return [...xml.matchAll(/<Id>(\d+)<\/Id>/g)].map((match) => match[1] as string);
}
