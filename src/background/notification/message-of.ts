// What a destination is sent for a row of its feed.

import { createHash } from "node:crypto";
import type { FeedRow } from "../../objects/change-log.ts";
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

/** A UUID of the row, the same for every try and for a replay. */
export function messageIdOf({ key, change }: FeedRow): string {
  const kept = change.details?.["messageId"];
  if (typeof kept === "string") return kept;
  const digest = createHash("sha256").update(key).digest();
  digest[6] = ((digest[6] as number) & 0x0f) | 0x80;
  digest[8] = ((digest[8] as number) & 0x3f) | 0x80;
  const text = digest.subarray(0, 16).toString("hex");
  return [0, 8, 12, 16, 20]
    .map((from, index) => text.slice(from, [8, 12, 16, 20][index]))
    .join("-");
}
