// What a destination is sent for a row of its feed.

import type { FeedRow } from "../../objects/feed-rows.ts";
import { messageIdOf } from "../../objects/dead-letters.ts";
import type { DestinationSettings } from "../../model/notification-destinations.ts";
import type { Message } from "./destination.ts";
import { eventBridgeEnvelope } from "./event-bridge-envelope.ts";
import { detailsOf, recordedEventName, recordsEnvelope } from "./records-envelope.ts";

export function messageOf(
  row: FeedRow,
  { region, settings }: { readonly region: string; readonly settings: DestinationSettings },
): Message {
  const { change } = row;
  const id = messageIdOf(row);
  const envelope =
    settings.kind === "event-bridge"
      ? "event-bridge"
      : (settings.envelope ?? detailsOf(change).envelope);
  const { event, bucketName, key, timeMilliseconds } = change;
  return {
    id,
    body:
      envelope === "event-bridge"
        ? eventBridgeEnvelope(change, { id, region })
        : recordsEnvelope(change, region),
    event: recordedEventName(change),
    bucketName,
    key,
    timeMilliseconds,
    isRemoval: event.startsWith("ObjectRemoved:") || event.startsWith("LifecycleExpiration:"),
  };
}
