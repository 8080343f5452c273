// A bucket's notification configuration: what may be put, what S3 makes of it, and how it is kept.
// Whether destinations are there is not judged here. Pure rules.

import { randomUUID } from "node:crypto";
import { S3Error } from "../model/errors.ts";
import { notificationFilterBytes, ruleIdCharacters } from "../model/limits.ts";
import type {
  FilterRule,
  NotificationConfiguration,
  NotificationConfigurationFilter,
} from "../model/types.generated.ts";
import { configurableEvents, eventsOf } from "./notification-events.ts";

/** Of the bucket's documents. */
export const notificationKind = "notification";

/** One entry of a configuration, whichever kind of destination it names. */
export interface NotificationEntry {
  readonly id: string | undefined;
  readonly destination: NotificationDestinationKind;
  readonly arn: string;
  readonly events: readonly string[];
  readonly filter: NotificationConfigurationFilter | undefined;
}

export type NotificationDestinationKind = "topic" | "queue" | "function" | "event-bus";

/** As it is kept. */
export interface BucketNotification {
  readonly configuration: NotificationConfiguration;
  /** Where events for EventBridge go: the default bus of the bucket's owner. Absent: nowhere. */
  readonly eventBusArn?: string;
}

/** The service in the ARN of each kind: `arn:aws:sns:us-east-1:123456789012:orders`. */
const services: Readonly<Record<Exclude<NotificationDestinationKind, "event-bus">, string>> = {
  topic: "sns",
  queue: "sqs",
  function: "lambda",
};

/**
 * The configuration as S3 answers it afterwards: with ids, and names of filter rules as `Prefix` and
 * `Suffix` (aws/aws-sdk#389). Throws S3Error.
 */
export function checkNotification(
  configuration: NotificationConfiguration,
): NotificationConfiguration {
  const { TopicConfigurations, QueueConfigurations, LambdaFunctionConfigurations } = configuration;
  const completed: NotificationConfiguration = {
    ...(TopicConfigurations === undefined
      ? {}
      : { TopicConfigurations: TopicConfigurations.map(complete) }),
    ...(QueueConfigurations === undefined
      ? {}
      : { QueueConfigurations: QueueConfigurations.map(complete) }),
    ...(LambdaFunctionConfigurations === undefined
      ? {}
      : {
          // The role of the old form is read, and not kept.
          LambdaFunctionConfigurations: LambdaFunctionConfigurations.map(
            ({ Id, LambdaFunctionArn, Events, Filter }) =>
              complete({ Id, LambdaFunctionArn, Events, Filter }),
          ),
        }),
    ...(configuration.EventBridgeConfiguration === undefined
      ? {}
      : { EventBridgeConfiguration: configuration.EventBridgeConfiguration }),
  };
  const entries = entriesOf(completed);
  for (const entry of entries) checkEntry(entry);
  checkIds(entries);
  for (const [index, entry] of entries.entries()) {
    for (const other of entries.slice(0, index)) checkPair(other, entry);
  }
  return completed;
}

export function entriesOf(configuration: NotificationConfiguration): readonly NotificationEntry[] {
  const {
    TopicConfigurations: topics = [],
    QueueConfigurations: queues = [],
    LambdaFunctionConfigurations: functions = [],
  } = configuration;
  return [
    ...topics.map((each) => entryOf("topic", each.TopicArn, each)),
    ...queues.map((each) => entryOf("queue", each.QueueArn, each)),
    ...functions.map((each) => entryOf("function", each.LambdaFunctionArn, each)),
  ];
}

interface Described {
  readonly Id?: string | undefined;
  readonly Events: readonly string[];
  readonly Filter?: NotificationConfigurationFilter | undefined;
}

function entryOf(
  destination: NotificationDestinationKind,
  arn: string,
  { Id, Events, Filter }: Described,
): NotificationEntry {
  return { id: Id, destination, arn, events: Events, filter: Filter };
}

function complete<Entry extends Described>(entry: Entry): Entry {
  const { Id, Filter } = entry;
  return {
    ...entry,
    // Base64 of a UUID, as the ids that the service makes.
    Id: Id === undefined || Id === "" ? Buffer.from(randomUUID()).toString("base64") : Id,
    ...(Filter === undefined ? {} : { Filter: withCapitalNames(Filter) }),
  };
}

function withCapitalNames(
  filter: NotificationConfigurationFilter,
): NotificationConfigurationFilter {
  const rules = filter.Key?.FilterRules;
  if (rules === undefined) return filter;
  return {
    Key: {
      FilterRules: rules.map((rule) => {
        const kind = kindOfRule(rule);
        const Name = kind === "prefix" ? "Prefix" : kind === "suffix" ? "Suffix" : rule.Name;
        return { ...rule, ...(Name === undefined ? {} : { Name }) };
      }),
    },
  };
}

function kindOfRule({ Name = "" }: FilterRule): "prefix" | "suffix" | undefined {
  const name = Name.toLowerCase();
  return name === "prefix" || name === "suffix" ? name : undefined;
}

function checkEntry({ id = "", destination, arn, events, filter }: NotificationEntry): void {
  if (events.length === 0) throw new S3Error("MalformedXML");
  if (id.length > ruleIdCharacters) {
    refuse(`ID cannot be longer than ${ruleIdCharacters} characters`, "ID", id);
  }
  if (destination !== "event-bus" && !isArnOf(arn, services[destination])) {
    // Reference, PutBucketNotification, "Errors".
    refuse(
      "A specified destination ARN does not exist or is not well-formed. Verify the destination ARN.",
      "ARN",
      arn,
    );
  }
  for (const event of events) {
    if (configurableEvents.includes(event)) continue;
    refuse("A specified event is not supported for notifications", "Event", event);
  }
  checkFilter(filter);
}

function isArnOf(arn: string, service: string): boolean {
  const [scheme, partition = "", found, , , ...resource] = arn.split(":");
  return (
    scheme === "arn" && partition !== "" && found === service && resource.join(":").trim() !== ""
  );
}

/** Messages as the service says them (aws/aws-cdk#3347, aws/aws-cli#1465); that about length is ours. */
function checkFilter(filter: NotificationConfigurationFilter | undefined): void {
  const seen = new Set<string>();
  for (const rule of filter?.Key?.FilterRules ?? []) {
    const { Name = "", Value = "" } = rule;
    const kind = kindOfRule(rule);
    if (kind === undefined) {
      refuse("filter rule name must be either prefix or suffix", "FilterRule.Name", Name);
    }
    if (seen.has(kind)) {
      refuse(
        `Cannot specify more than one ${kind} rule in a filter.`,
        "FilterRule.Name",
        `${kind},${kind}`,
      );
    }
    seen.add(kind);
    if (Buffer.byteLength(Value) > notificationFilterBytes) {
      refuse(
        `Size of filter rule value cannot exceed ${notificationFilterBytes} bytes in UTF-8 representation`,
        "FilterRule.Value",
        Value,
      );
    }
  }
}

/** Ids are of the whole configuration. The message is ours. */
function checkIds(entries: readonly NotificationEntry[]): void {
  const seen = new Set<string>();
  for (const { id = "" } of entries) {
    if (seen.has(id)) refuse("Configuration ids must be unique within a bucket.", "ID", id);
    seen.add(id);
  }
}

/**
 * User Guide, "Valid event notifications with object key name filtering": of one event no two entries
 * may want the same key. Code, messages and fields as seen on the service (minio/minio#2472,
 * matt-filion/serverless-external-s3-event#53).
 */
function checkPair(first: NotificationEntry, second: NotificationEntry): void {
  const shared = sharedEvents(first, second);
  if (shared === undefined) return;
  const [prefix, suffix] = filterValues(first.filter);
  const [otherPrefix, otherSuffix] = filterValues(second.filter);
  if (!prefix.startsWith(otherPrefix) && !otherPrefix.startsWith(prefix)) return;
  if (!suffix.endsWith(otherSuffix) && !otherSuffix.endsWith(suffix)) return;
  const isUnfiltered = [prefix, suffix, otherPrefix, otherSuffix].every((value) => value === "");
  refuse(
    isUnfiltered
      ? "Configurations overlap. Configurations on the same bucket cannot share a common event type."
      : "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type.",
    "Event",
    shared,
  );
}

/** Two names that stand for a common event, as the error's `ArgumentValue` names them. */
function sharedEvents(first: NotificationEntry, second: NotificationEntry): string | undefined {
  for (const name of first.events) {
    const covered = new Set(eventsOf(name));
    const other = second.events.find((each) => eventsOf(each).some((event) => covered.has(event)));
    if (other !== undefined) return `${name}, ${other}`;
  }
  return undefined;
}

/** Prefix and suffix; empty where there is none. */
export function filterValues(
  filter: NotificationConfigurationFilter | undefined,
): readonly [prefix: string, suffix: string] {
  const rules = filter?.Key?.FilterRules ?? [];
  const valueOf = (kind: string): string =>
    rules.find((rule) => kindOfRule(rule) === kind)?.Value ?? "";
  return [valueOf("prefix"), valueOf("suffix")];
}

function refuse(message: string, name: string, value: string): never {
  throw new S3Error("InvalidArgument", {
    message,
    fields: { ArgumentName: name, ArgumentValue: value },
  });
}

/** What the bucket's document of that kind holds. */
export function formatNotification(notification: BucketNotification): string {
  return JSON.stringify({ v: 1, ...notification });
}

export function parseNotification(text: string): BucketNotification {
  const { configuration, eventBusArn } = JSON.parse(text) as BucketNotification; // our own document
  return { configuration, ...(eventBusArn === undefined ? {} : { eventBusArn }) };
}

/** The bus that S3 sends a bucket's events to: the default one of its owner. */
export function eventBusArnOf(region: string, accountId: string): string {
  return `arn:aws:events:${region}:${accountId}:event-bus/default`;
}
