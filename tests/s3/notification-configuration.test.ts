// PutBucketNotificationConfiguration and its kin: what is taken, what is refused and in which words, what
// is read back.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { NotificationConfiguration } from "@aws-sdk/client-s3";
import { NotificationReceiver } from "./notification-receiver.ts";
import {
  assertErrorAnswer,
  assertRefused,
  elementOf,
  elementsOf,
  startTestServer,
} from "./test-server.ts";

const topic = "arn:aws:sns:us-east-1:123456789012:orders";
const queue = "arn:aws:sqs:us-east-1:123456789012:orders";
const lambda = "arn:aws:lambda:us-east-1:123456789012:function:resize";
const deadQueue = "arn:aws:sqs:us-east-1:123456789012:dead";

const receiver = await new NotificationReceiver().start();
const server = await startTestServer({
  provisioning: {
    notifications: {
      [topic]: { kind: "webhook", url: receiver.url },
      [queue]: { kind: "webhook", url: receiver.url },
      [lambda]: { kind: "webhook", url: receiver.url },
      [deadQueue]: { kind: "webhook", url: "http://127.0.0.1:1" },
      "arn:aws:events:*:*:event-bus/default": { kind: "webhook", url: receiver.url },
    },
  },
});
const { s3 } = server;
after(() => receiver[Symbol.asyncDispose]());

async function put(
  Bucket: string,
  NotificationConfiguration: NotificationConfiguration,
  SkipDestinationValidation?: boolean,
): Promise<unknown> {
  return s3.putBucketNotificationConfiguration({
    Bucket,
    NotificationConfiguration,
    ...(SkipDestinationValidation === undefined ? {} : { SkipDestinationValidation }),
  });
}

async function get(Bucket: string): Promise<NotificationConfiguration> {
  const { $metadata: _, ...found } = await s3.getBucketNotificationConfiguration({ Bucket });
  return found;
}

function filter(rules: Readonly<Record<string, string>>) {
  const FilterRules = Object.entries(rules).map(([Name, Value]) => ({
    Name: Name as "prefix", // names are tried in every case
    Value,
  }));
  return { Filter: { Key: { FilterRules } } };
}

describe("a notification configuration", () => {
  test("reads back as it was put, and is gone after an empty one", async () => {
    const Bucket = await server.newBucket();
    const configuration: NotificationConfiguration = {
      TopicConfigurations: [
        {
          Id: "topics",
          TopicArn: topic,
          Events: ["s3:ObjectCreated:*", "s3:ReducedRedundancyLostObject"],
          Filter: {
            Key: {
              FilterRules: [
                // As S3 spells them, whatever was put: aws/aws-sdk#389.
                { Name: "Prefix" as "prefix", Value: "images/" },
                { Name: "Suffix" as "suffix", Value: ".jpg" },
              ],
            },
          },
        },
      ],
      QueueConfigurations: [
        { Id: "queues", QueueArn: queue, Events: ["s3:ObjectRemoved:Delete", "s3:ObjectAcl:Put"] },
      ],
      LambdaFunctionConfigurations: [
        { Id: "functions", LambdaFunctionArn: lambda, Events: ["s3:ObjectTagging:*"] },
      ],
      EventBridgeConfiguration: {},
    };
    await put(Bucket, configuration);
    assert.deepEqual(await get(Bucket), configuration);
    await put(Bucket, {});
    assert.deepEqual(await get(Bucket), {});
  });

  test("gets ids where it has none, and names of filter rules in S3's spelling", async () => {
    const Bucket = await server.newBucket();
    await put(Bucket, {
      QueueConfigurations: [
        {
          QueueArn: queue,
          Events: ["s3:ObjectCreated:Put"],
          ...filter({ pReFix: "a", SUFFIX: "z" }),
        },
        { QueueArn: queue, Events: ["s3:ObjectCreated:Copy"] },
      ],
    });
    const { QueueConfigurations: [first, second] = [] } = await get(Bucket);
    assert.match(first?.Id ?? "", /^[\w+/=]{48}$/);
    assert.notEqual(first?.Id, second?.Id);
    assert.deepEqual(first?.Filter, filter({ Prefix: "a", Suffix: "z" }).Filter);
  });

  test("is taken in the older form, with one event, and a function with its role", async () => {
    const Bucket = await server.newBucket();
    const body = `<NotificationConfiguration>
      <TopicConfiguration><Topic>${topic}</Topic><Event>s3:ReducedRedundancyLostObject</Event></TopicConfiguration>
      <CloudFunctionConfiguration><Id>f</Id><Event>s3:ObjectCreated:Put</Event><Event>s3:ObjectCreated:Post</Event>
        <CloudFunction>${lambda}</CloudFunction><InvocationRole>arn:aws:iam::123456789012:role/r</InvocationRole>
      </CloudFunctionConfiguration></NotificationConfiguration>`;
    const path = `/${Bucket}`;
    const answer = await server.send({ method: "PUT", path, query: "notification=", body });
    assert.equal(answer.status, 200, answer.text);
    const read = await server.send({ path, query: "notification=" });
    assert.equal(elementOf(read.text, "CloudFunction"), lambda);
    assert.deepEqual(elementsOf(read.text, "Event"), [
      "s3:ReducedRedundancyLostObject",
      "s3:ObjectCreated:Put",
      "s3:ObjectCreated:Post",
    ]);
    assert.equal(elementOf(read.text, "InvocationRole"), undefined);
  });

  test("is refused for events, ARNs and filters that there are not", async () => {
    const Bucket = await server.newBucket();
    const of = (entry: object) =>
      put(Bucket, {
        QueueConfigurations: [{ QueueArn: queue, Events: ["s3:ObjectCreated:*"], ...entry }],
      });
    const cases: readonly (readonly [Promise<unknown>, string, string, string])[] = [
      [
        of({ Events: ["s3:ObjectStolen:*"] }),
        "A specified event is not supported for notifications",
        "Event",
        "s3:ObjectStolen:*",
      ],
      [
        of({ QueueArn: topic }),
        "A specified destination ARN does not exist or is not well-formed. Verify the destination ARN.",
        "ARN",
        topic,
      ],
      [
        of({ QueueArn: "orders" }),
        "A specified destination ARN does not exist or is not well-formed. Verify the destination ARN.",
        "ARN",
        "orders",
      ],
      [
        of(filter({ infix: "a" })),
        "filter rule name must be either prefix or suffix",
        "FilterRule.Name",
        "infix",
      ],
      [
        of(filter({ prefix: "a", Prefix: "b" })),
        "Cannot specify more than one prefix rule in a filter.",
        "FilterRule.Name",
        "prefix,prefix",
      ],
      [
        of(filter({ suffix: "a", Suffix: "b" })),
        "Cannot specify more than one suffix rule in a filter.",
        "FilterRule.Name",
        "suffix,suffix",
      ],
      [
        of(filter({ suffix: "ä".repeat(513) })),
        "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation",
        "FilterRule.Value",
        "ä".repeat(513),
      ],
    ];
    for (const [request, message, ArgumentName, ArgumentValue] of cases) {
      const fields = { ArgumentName, ArgumentValue };
      await assertRefused(request, { code: "InvalidArgument", status: 400, message, fields });
    }
    await assertRefused(of({ Events: [] }), { code: "MalformedXML", status: 400 });
    await assertRefused(of({ Id: "i".repeat(256) }), { code: "InvalidArgument", status: 400 });
    assert.deepEqual(await get(Bucket), {});
  });

  test("is refused when two entries want the same event of the same key", async () => {
    const Bucket = await server.newBucket();
    const pair = (
      one: object,
      other: object,
      events = ["s3:ObjectCreated:*", "s3:ObjectCreated:Put"],
    ) =>
      put(Bucket, {
        QueueConfigurations: [
          { QueueArn: queue, Events: [events[0] as "s3:ObjectCreated:*"], ...one },
        ],
        TopicConfigurations: [
          { TopicArn: topic, Events: [events[1] as "s3:ObjectCreated:*"], ...other },
        ],
      });
    const code = "InvalidArgument";
    // minio/minio#2472 shows the service's answer whole.
    await assertRefused(pair({}, {}), {
      code,
      status: 400,
      message:
        "Configurations overlap. Configurations on the same bucket cannot share a common event type.",
      fields: { ArgumentName: "Event", ArgumentValue: "s3:ObjectCreated:Put, s3:ObjectCreated:*" },
    });
    const message =
      "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type.";
    for (const [one, other] of [
      [{}, { prefix: "images" }],
      [{ prefix: "images/2026" }, { prefix: "images" }],
      [{ suffix: "jpg" }, { suffix: "pg" }],
      [{ prefix: "images", suffix: ".jpg" }, { prefix: "images/a" }],
      // Of the guide's invalid examples.
      [{ prefix: "images" }, { suffix: ".jpg" }],
    ] as const) {
      const request = pair(filter(one), filter(other));
      await assertRefused(request, { code, status: 400, message });
    }
    await pair(filter({ prefix: "images/" }), filter({ prefix: "logs/" }));
    await pair(
      filter({ prefix: "images", suffix: ".jpg" }),
      filter({ prefix: "images", suffix: ".png" }),
    );
    await pair({}, {}, ["s3:ObjectCreated:Put", "s3:ObjectCreated:Copy"]);
  });

  test("is refused for every destination that is not there, and taken without the check", async () => {
    const Bucket = await server.newBucket();
    const missing = "arn:aws:sqs:us-east-1:123456789012:missing";
    const missingLambda = "arn:aws:lambda:us-east-1:123456789012:function:missing";
    const configuration: NotificationConfiguration = {
      QueueConfigurations: [
        { Id: "a", QueueArn: missing, Events: ["s3:ObjectCreated:*"] },
        { Id: "b", QueueArn: deadQueue, Events: ["s3:ObjectRemoved:*"] },
        { Id: "c", QueueArn: queue, Events: ["s3:ObjectRestore:*"] },
      ],
      LambdaFunctionConfigurations: [
        { Id: "d", LambdaFunctionArn: missingLambda, Events: ["s3:ObjectAcl:Put"] },
      ],
    };
    const error = {
      code: "InvalidArgument",
      status: 400,
      message: "Unable to validate the following destination configurations",
      fields: {
        ArgumentName1: `${missing}, null`,
        ArgumentValue1: "The destination queue does not exist",
        ArgumentName2: `${deadQueue}, null`,
        ArgumentValue2:
          "Permissions on the destination queue do not allow S3 to publish notifications from this bucket",
        ArgumentName3: `${missingLambda}, null`,
        ArgumentValue3: `Not authorized to invoke function [${missingLambda}]`,
      },
    };
    await assertRefused(put(Bucket, configuration), error);
    assert.deepEqual(await get(Bucket), {});
    await put(Bucket, configuration, true);
    assert.deepEqual(await get(Bucket), configuration);
  });

  test("sends its topics and queues a test message before it is kept", async () => {
    const Bucket = await server.newBucket();
    receiver.requests.length = 0;
    const answer = await s3.putBucketNotificationConfiguration({
      Bucket,
      NotificationConfiguration: {
        TopicConfigurations: [{ TopicArn: topic, Events: ["s3:ObjectCreated:*"] }],
        LambdaFunctionConfigurations: [{ LambdaFunctionArn: lambda, Events: ["s3:ObjectAcl:Put"] }],
      },
    });
    // A function is not invoked.
    assert.equal(receiver.requests.length, 1);
    const { Time, HostId, ...told } = JSON.parse(receiver.requests[0]?.body ?? "") as Record<
      string,
      string
    >;
    assert.deepEqual(told, {
      Service: "Amazon S3",
      Event: "s3:TestEvent",
      Bucket,
      RequestId: answer.$metadata.requestId,
    });
    assert.ok(Math.abs(Date.parse(Time ?? "") - Date.now()) < 60_000);
    assert.equal(HostId, answer.$metadata.extendedRequestId);
  });

  test("is for buckets that are there", async () => {
    const path = "/no-such-bucket-here";
    const answer = await server.send({ path, query: "notification=" });
    assertErrorAnswer(answer, { code: "NoSuchBucket", status: 404 });
  });
});
