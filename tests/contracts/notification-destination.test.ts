// The kinds of destinations that speak HTTP, against receivers inside the test that answer as the services'
// references say. Those with brokers are tested by tests/compatibility/brokers.sh.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { systemClock } from "../../src/base/clock.ts";
import { openDestination } from "../../src/background/notification/open-destination.ts";
import { NotificationReceiver } from "../s3/notification-receiver.ts";
import { describeDestination } from "./notification-destination-suite.ts";

const aws = { region: "eu-west-1", accessKeyId: "AKIDEXAMPLE", secretAccessKey: "hidden" };

const [hook, sqs, sns, bus] = (await Promise.all(
  Array.from({ length: 4 }, () => new NotificationReceiver().start()),
)) as [NotificationReceiver, NotificationReceiver, NotificationReceiver, NotificationReceiver];
after(async () => {
  for (const each of [hook, sqs, sns, bus]) await each[Symbol.asyncDispose]();
});

interface RecordsBody {
  readonly Records: readonly { readonly name: string }[];
}

interface SqsRequest {
  readonly QueueUrl: string;
  readonly Entries: readonly { readonly Id: string; readonly MessageBody: string }[];
}

interface BusRequest {
  readonly Entries: readonly Readonly<Record<string, string>>[];
}

sqs.answer = ({ body }) => {
  const { Entries } = JSON.parse(body) as SqsRequest;
  const Successful = Entries.map(({ Id }) => ({ Id, MessageId: `m-${Id}`, MD5OfMessageBody: "" }));
  return { status: 200, body: JSON.stringify({ Successful, Failed: [] }) };
};
sns.answer = ({ body }) => {
  const members = idsOf(body).map(
    (id) => `<member><Id>${id}</Id><MessageId>m</MessageId></member>`,
  );
  return {
    status: 200,
    body: `<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishBatchResult><Failed/><Successful>${members.join("")}</Successful></PublishBatchResult></PublishBatchResponse>`,
  };
};
bus.answer = ({ body }) => {
  const { Entries } = JSON.parse(body) as BusRequest;
  return {
    status: 200,
    body: JSON.stringify({ FailedEntryCount: 0, Entries: Entries.map(() => ({ EventId: "e" })) }),
  };
};

function idsOf(form: string): readonly string[] {
  return [...new URLSearchParams(form)]
    .filter(([name]) => name.endsWith(".Id"))
    .map(([, value]) => value);
}

function portOf({ url }: NotificationReceiver): number {
  return Number(new URL(url).port);
}

describeDestination("webhook", {
  port: portOf(hook),
  settings: ({ port }) => ({ kind: "webhook", url: `http://127.0.0.1:${port}/hook` }),
  received: async () => hook.requests.map(({ body }) => body),
});

describeDestination("sqs", {
  port: portOf(sqs),
  settings: ({ port }) => ({
    kind: "sqs",
    queueUrl: `http://127.0.0.1:${port}/123456789012/orders`,
    ...aws,
  }),
  received: async () =>
    sqs.requests.flatMap(({ body }) =>
      (JSON.parse(body) as SqsRequest).Entries.map(({ MessageBody }) => MessageBody),
    ),
});

describeDestination("sns", {
  port: portOf(sns),
  settings: ({ port }) => ({
    kind: "sns",
    endpoint: `http://127.0.0.1:${port}`,
    topicArn: "arn:aws:sns:eu-west-1:123456789012:orders",
    ...aws,
  }),
  received: async () =>
    sns.requests.flatMap(({ body }) =>
      [...new URLSearchParams(body)]
        .filter(([name]) => name.endsWith(".Message"))
        .map(([, value]) => value),
    ),
});

const messageOf = (key: string) => ({
  id: `id-${key}`,
  body: JSON.stringify({
    source: "aws.s3",
    "detail-type": "Object Created",
    resources: ["arn:aws:s3:::bucket"],
    detail: { object: { key } },
  }),
  event: "ObjectCreated:Put",
  bucketName: "bucket",
  key,
  timeMilliseconds: 1_700_000_000_123,
  isRemoval: false,
});

const never = new AbortController().signal;

test("SQS is asked in its JSON protocol, signed for its region, and refusals are of single messages", async () => {
  const refusing = await new NotificationReceiver().start();
  refusing.answer = () => ({
    status: 200,
    body: JSON.stringify({
      Successful: [{ Id: "1" }],
      Failed: [{ Id: "0", Code: "InvalidMessageContents", SenderFault: true }],
    }),
  });
  const queueUrl = `${refusing.url}/123456789012/orders.fifo`;
  await using destination = await openDestination({ kind: "sqs", queueUrl, ...aws }, systemClock);
  const outcomes = await destination.send([messageOf("a"), messageOf("b")], never);
  assert.match(outcomes[0]?.message ?? "", /InvalidMessageContents/);
  assert.equal(outcomes[1], undefined);
  const [request] = refusing.requests;
  assert.equal(request?.headers["x-amz-target"], "AmazonSQS.SendMessageBatch");
  assert.equal(request?.headers["content-type"], "application/x-amz-json-1.0");
  assert.match(
    request?.headers["authorization"] ?? "",
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/sqs\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=[\da-f]{64}$/,
  );
  const sent = JSON.parse(request?.body ?? "") as {
    readonly QueueUrl: string;
    readonly Entries: readonly Record<string, string>[];
  };
  assert.equal(sent.QueueUrl, queueUrl);
  assert.deepEqual(
    sent.Entries.map(({ MessageDeduplicationId }) => MessageDeduplicationId),
    ["id-a", "id-b"],
  );
  assert.notEqual(sent.Entries[0]?.["MessageGroupId"], sent.Entries[1]?.["MessageGroupId"]);
  await refusing[Symbol.asyncDispose]();
});

test("an error of a service is told by its code, without what it says", async () => {
  const refusing = await new NotificationReceiver().start();
  refusing.answer = () => ({
    status: 400,
    body: '{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"hidden"}',
  });
  const queueUrl = `${refusing.url}/1/q`;
  await using destination = await openDestination({ kind: "sqs", queueUrl, ...aws }, systemClock);
  await assert.rejects(destination.send([messageOf("a")], never), {
    message: "sqs answered with status 400: QueueDoesNotExist",
  });
  await refusing[Symbol.asyncDispose]();
});

test("EventBridge gets entries of what S3's envelope says", async () => {
  await using destination = await openDestination(
    { kind: "event-bridge", endpoint: bus.url, eventBusName: "default", source: "storage", ...aws },
    systemClock,
  );
  assert.deepEqual(await destination.send([messageOf("a"), messageOf("b")], never), [
    undefined,
    undefined,
  ]);
  const [request] = bus.requests;
  assert.equal(request?.headers["x-amz-target"], "AWSEvents.PutEvents");
  const { Entries } = JSON.parse(request?.body ?? "") as BusRequest;
  assert.deepEqual(Entries[0], {
    EventBusName: "default",
    Source: "storage",
    DetailType: "Object Created",
    Detail: '{"object":{"key":"a"}}',
    Resources: ["arn:aws:s3:::bucket"],
    Time: 1_700_000_000,
  });
});

test("a web hook gets few events one by one, and many together", async () => {
  const receiver = await new NotificationReceiver().start();
  await using destination = await openDestination(
    { kind: "webhook", url: receiver.url },
    systemClock,
  );
  const sizes = () =>
    receiver.requests
      .splice(0)
      .map(({ body }) => (JSON.parse(body) as RecordsBody).Records.length)
      .toSorted((a, b) => a - b);
  await destination.send(recordsOf(16), never);
  assert.deepEqual(
    sizes(),
    Array.from({ length: 16 }, () => 1),
  );
  const outcomes = await destination.send(recordsOf(250), never);
  assert.equal(outcomes.length, 250);
  assert.deepEqual(sizes(), [50, 100, 100]);
  await receiver[Symbol.asyncDispose]();
});

test("a web hook gets so many records in a request, and refuses single ones", async () => {
  const receiver = await new NotificationReceiver().start();
  receiver.answer = ({ body }) => ({ status: body.includes('"bad"') ? 400 : 200 });
  await using destination = await openDestination(
    { kind: "webhook", url: receiver.url, recordsPerRequest: 3, secret: "hidden" },
    systemClock,
  );
  const messages = ["a", "b", "c", "d", "bad", "e", "f"].map((name) => ({
    ...messageOf(name),
    body: JSON.stringify({ Records: [{ name }] }),
  }));
  assert.equal(destination.batchLimit, 48);
  const outcomes = await destination.send(messages, never);
  assert.deepEqual(
    outcomes.map((outcome) => outcome?.message),
    messages.map(({ key }) =>
      key === "bad" ? "the receiver answered with status 400" : undefined,
    ),
  );
  const sent = receiver.requests.map(({ body }) =>
    (JSON.parse(body) as RecordsBody).Records.map(({ name }) => name).join(" "),
  );
  assert.deepEqual(new Set(sent), new Set(["a b c", "d", "e", "f"]));
  const whole = receiver.requests.find(({ body }) => body.includes('"a"'));
  assert.equal(whole?.headers["holdfast-event-id"], "id-a, id-b, id-c");
  await receiver[Symbol.asyncDispose]();
});

function recordsOf(count: number) {
  return Array.from({ length: count }, (_, index) => ({
    ...messageOf(`key-${index}`),
    body: JSON.stringify({ Records: [{ name: `key-${index}` }] }),
  }));
}
