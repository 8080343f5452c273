// Buses of EventBridge: its PutEvents, on any endpoint.

import type { Clock } from "../../../base/clock.ts";
import type { SettingsOf } from "../../../model/notification-destinations.ts";
import { AwsSender } from "../aws-sender.ts";
import type { Destination, Message, Outcomes } from "../destination.ts";
import type { EventBridgeEvent } from "../event-bridge-envelope.ts";

/** Reference, PutEvents: up to 10. */
const entriesOfBatch = 10;

interface PutEventsAnswer {
  readonly Entries?: readonly { readonly EventId?: string; readonly ErrorCode?: string }[];
}

export class EventBridgeDestination implements Destination {
  readonly batchLimit = entriesOfBatch;
  readonly #settings: SettingsOf<"event-bridge">;
  readonly #sender: AwsSender;

  constructor(settings: SettingsOf<"event-bridge">, clock: Clock) {
    this.#settings = settings;
    this.#sender = new AwsSender({
      endpoint: settings.endpoint,
      service: "events",
      contentType: "application/x-amz-json-1.1",
      settings,
      clock,
    });
  }

  async send(messages: readonly Message[], signal: AbortSignal): Promise<Outcomes> {
    const { eventBusName, source } = this.#settings;
    const body = JSON.stringify({
      Entries: messages.map((message) => {
        // What this process put into the envelope.
        const event = JSON.parse(message.body) as EventBridgeEvent;
        return {
          EventBusName: eventBusName,
          Source: source ?? event.source,
          DetailType: event["detail-type"],
          Detail: JSON.stringify(event.detail),
          Resources: event.resources,
          Time: Math.floor(message.timeMilliseconds / 1000),
        };
      }),
    });
    const answer = await this.#sender.call("AWSEvents.PutEvents", body, signal);
    const { Entries = [] } = JSON.parse(answer) as PutEventsAnswer; // checked below
    return messages.map((_, index) => {
      const entry = Entries[index];
      if (entry?.EventId !== undefined && entry.ErrorCode === undefined) return undefined;
      return new Error(`the bus did not take the event: ${entry?.ErrorCode ?? "no code"}`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sender[Symbol.dispose]();
  }
}
