// Which destinations hear of a change: the pure rules of a bucket's notification configuration, compiled
// once for each document. Each destination has a feed of its own, so that one that is down holds up no
// other.

import { parseNotification, entriesOf, filterValues } from "./notification-configuration.ts";
import { eventBridgeKindOf, eventNameOf, eventsOf } from "./notification-events.ts";
import type { ChangeEvent } from "./records/change-record.ts";

/** What the consumer of a notification feed wants to know beside the change. No interface: it is stored. */
export type NotificationDetails = NotificationFacts & {
  /** Absent for EventBridge, whose events name no configuration. */
  readonly configurationId?: string;
  readonly envelope: "records" | "event-bridge";
};

/** What events tell that is not of the change itself. */
export type NotificationFacts = {
  /** Of a transition the new one, of a restoration the one that the object lies in. */
  readonly storageClass?: string;
  /** When a restored copy ends. */
  readonly restoreExpiryMilliseconds?: number;
  /** Intelligent-Tiering: `ARCHIVE_ACCESS`. */
  readonly accessTier?: string;
};

export interface NotificationTarget {
  readonly arn: string;
  readonly details: NotificationDetails;
}

export interface CompiledNotification {
  /** By event, with `s3:`. */
  readonly rules: ReadonlyMap<string, readonly KeyRule[]>;
  readonly eventBus: NotificationTarget | undefined;
}

interface KeyRule {
  readonly prefixes: readonly string[];
  readonly suffixes: readonly string[];
  readonly target: NotificationTarget;
}

/** Beginning of the names of all feeds of notifications; the destination's ARN follows. */
export const notificationFeedPrefix = "notification/";
/** The same of feeds that keep what could not be delivered. */
export const deadLetterFeedPrefix = "dead-notification/";

export function compileNotification(text: string): CompiledNotification {
  const { configuration, eventBusArn } = parseNotification(text);
  const rules = new Map<string, KeyRule[]>();
  for (const { id = "", arn, events, filter } of entriesOf(configuration)) {
    const [prefix, suffix] = filterValues(filter);
    const rule: KeyRule = {
      prefixes: spellings(prefix),
      suffixes: spellings(suffix),
      target: { arn, details: { configurationId: id, envelope: "records" } },
    };
    for (const event of new Set(events.flatMap(eventsOf))) {
      rules.set(event, [...(rules.get(event) ?? []), rule]);
    }
  }
  const eventBus: NotificationTarget | undefined =
    eventBusArn === undefined
      ? undefined
      : { arn: eventBusArn, details: { envelope: "event-bridge" } };
  return { rules, eventBus };
}

/** At most one destination of those that choose events, and EventBridge, which hears of every one. */
export function findTargets(
  { rules, eventBus }: CompiledNotification,
  event: ChangeEvent,
  key: string,
): readonly NotificationTarget[] {
  const targets: NotificationTarget[] = [];
  const name = eventNameOf(event);
  const candidates = name === undefined ? undefined : rules.get(name);
  for (const { prefixes, suffixes, target } of candidates ?? []) {
    if (!prefixes.some((prefix) => key.startsWith(prefix))) continue;
    if (suffixes.some((suffix) => key.endsWith(suffix))) targets.push(target);
  }
  if (eventBus !== undefined && eventBridgeKindOf(event) !== undefined) targets.push(eventBus);
  return targets;
}

/**
 * Filters with special characters are to be written in URL encoding (User Guide, "Configuring event
 * notifications using object key name filtering"); what is written plainly means itself.
 */
function spellings(value: string): readonly string[] {
  if (!/[%+]/.test(value)) return [value];
  try {
    const decoded = decodeURIComponent(value.replaceAll("+", " "));
    return decoded === value ? [value] : [value, decoded];
  } catch {
    return [value];
  }
}
