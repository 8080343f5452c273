import assert from "node:assert/strict";
import { test } from "node:test";
import type { NotificationConfiguration } from "../model/types.generated.ts";
import { checkNotification, formatNotification } from "./notification-configuration.ts";
import { configurableEvents, eventNameOf, eventsOf } from "./notification-events.ts";
import { compileNotification, findTargets } from "./notification-rules.ts";
import type { ChangeEvent } from "./records/change-record.ts";

const queueArn = "arn:aws:sqs:us-east-1:123456789012:q";

function compile(
  entries: readonly {
    readonly events: readonly string[];
    readonly prefix?: string;
    readonly suffix?: string;
  }[],
  eventBusArn?: string,
) {
  const configuration: NotificationConfiguration = {
    QueueConfigurations: entries.map(({ events, prefix, suffix }, index) => ({
      Id: String(index),
      QueueArn: `${queueArn}${index}`,
      Events: events,
      Filter: {
        Key: {
          FilterRules: [
            ...(prefix === undefined ? [] : [{ Name: "prefix" as const, Value: prefix }]),
            ...(suffix === undefined ? [] : [{ Name: "Suffix" as const, Value: suffix }]),
          ],
        },
      },
    })),
  };
  const text = formatNotification({
    configuration: checkNotification(configuration),
    ...(eventBusArn === undefined ? {} : { eventBusArn }),
  });
  return compileNotification(text);
}

function targetsOf(rules: ReturnType<typeof compile>, event: ChangeEvent, key: string) {
  return findTargets(rules, event, key).map(({ arn, details }) => [
    arn.replace(queueArn, ""),
    details.configurationId,
    details.envelope,
  ]);
}

test("every name that can be configured stands for events, a family for all of its own", () => {
  assert.deepEqual(eventsOf("s3:ObjectRemoved:*"), [
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
  ]);
  assert.deepEqual(eventsOf("s3:LifecycleTransition"), ["s3:LifecycleTransition"]);
  for (const name of configurableEvents) assert.ok(eventsOf(name).length > 0, name);
  const families = configurableEvents.filter((name) => name.endsWith(":*"));
  assert.equal(families.length, 7);
  for (const name of families) assert.ok(eventsOf(name).length > 1, name);
});

test("changes that S3 makes no event of have no name", () => {
  assert.equal(eventNameOf("ObjectLock:Retention"), "s3:ObjectRetention:Put");
  for (const event of [
    "ObjectLock:LegalHold",
    "ObjectEncryption:Put",
    "ObjectReplica:Status",
  ] as const) {
    assert.equal(eventNameOf(event), undefined);
  }
});

test("the rule of the event and the key tells the destination", () => {
  const rules = compile([
    { events: ["s3:ObjectCreated:*"], prefix: "images/", suffix: ".jpg" },
    { events: ["s3:ObjectCreated:Put", "s3:ObjectRemoved:*"], prefix: "logs/" },
  ]);
  for (const [event, key, expected] of [
    ["ObjectCreated:Put", "images/a.jpg", "0"],
    ["ObjectCreated:CompleteMultipartUpload", "images/.jpg", "0"],
    ["ObjectCreated:Put", "images/a.png", undefined],
    ["ObjectCreated:Put", "a/images/a.jpg", undefined],
    ["ObjectCreated:Put", "logs/1", "1"],
    ["ObjectCreated:Copy", "logs/1", undefined],
    ["ObjectRemoved:DeleteMarkerCreated", "logs/1", "1"],
    ["ObjectTagging:Put", "logs/1", undefined],
    ["ObjectEncryption:Put", "logs/1", undefined],
  ] as const) {
    const wanted = expected === undefined ? [] : [[expected, expected, "records"]];
    assert.deepEqual(targetsOf(rules, event, key), wanted, `${event} ${key}`);
  }
});

test("a filter means what it says, and what it says in URL encoding", () => {
  for (const [prefix, key, fits] of [
    ["a+b", "a b/1", true],
    ["a+b", "a+b/1", true],
    ["a%2Bb", "a+b/1", true],
    ["a%20b", "a b", true],
    ["100%", "100%", true],
    ["%E4", "\u00e4", false],
    ["%C3%A4", "\u00e4", true],
    ["date=", "date=1", true],
    ["date%3D", "date=1", true],
  ] as const) {
    const rules = compile([{ events: ["s3:ObjectCreated:*"], prefix }]);
    const found = targetsOf(rules, "ObjectCreated:Put", key);
    assert.equal(found.length === 1, fits, `${prefix} ${key}`);
  }
});

test("a bus hears of everything that EventBridge knows, beside the destination of the rules", () => {
  const rules = compile([{ events: ["s3:ObjectCreated:*", "s3:Replication:*"] }], "bus");
  assert.deepEqual(targetsOf(rules, "ObjectCreated:Post", "a"), [
    ["0", "0", "records"],
    ["bus", undefined, "event-bridge"],
  ]);
  assert.deepEqual(targetsOf(rules, "ObjectAcl:Put", "a"), [["bus", undefined, "event-bridge"]]);
  assert.deepEqual(targetsOf(rules, "Replication:OperationFailedReplication", "a"), [
    ["0", "0", "records"],
  ]);
});
