// Queues of SQS, on any endpoint that speaks its JSON protocol.

import type { Clock } from "../../../base/clock.ts";
import type { SettingsOf } from "../../../model/notification-destinations.ts";
import { AwsSender } from "../aws-sender.ts";
import type { Destination, Message, Outcomes } from "../destination.ts";

/** Reference, SendMessageBatch: up to 10. */
const entriesOfBatch = 10;

interface BatchAnswer {
  readonly Successful?: readonly { readonly Id?: string }[];
  readonly Failed?: readonly { readonly Id?: string; readonly Code?: string }[];
}

export class SqsDestination implements Destination {
  readonly batchLimit = entriesOfBatch;
  readonly #queueUrl: string;
  readonly #sender: AwsSender;

  constructor(settings: SettingsOf<"sqs">, clock: Clock) {
    this.#queueUrl = settings.queueUrl;
    this.#sender = new AwsSender({
      endpoint: settings.endpoint ?? new URL(settings.queueUrl).origin,
      service: "sqs",
      contentType: "application/x-amz-json-1.0",
      settings,
      clock,
    });
  }

  async send(messages: readonly Message[], signal: AbortSignal): Promise<Outcomes> {
    const isFifo = this.#queueUrl.endsWith(".fifo");
    const body = JSON.stringify({
      QueueUrl: this.#queueUrl,
      Entries: messages.map((message, index) => ({
        Id: String(index),
        MessageBody: message.body,
        ...(isFifo ? { MessageGroupId: groupOf(message), MessageDeduplicationId: message.id } : {}),
      })),
    });
    const answer = await this.#sender.call("AmazonSQS.SendMessageBatch", body, signal);
    const { Successful = [], Failed = [] } = JSON.parse(answer) as BatchAnswer; // checked below
    const taken = new Set(Successful.map(({ Id }) => Id));
    return messages.map((_, index) => {
      if (taken.has(String(index))) return undefined;
      const code = Failed.find(({ Id }) => Id === String(index))?.Code;
      return new Error(`the queue did not take the message: ${code ?? "no code"}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sender[Symbol.dispose]();
  }
}

/** One group a key keeps the order of its events. Up to 128 letters, digits and some signs. */
function groupOf({ bucketName, key }: Message): string {
  const encoded = Buffer.from(`${bucketName}/${key}`, "utf8").toString("base64url");
  return encoded.length <= 128 ? encoded : encoded.slice(-128);
}
