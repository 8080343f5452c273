// Destinations of notifications on real brokers, and a whole server that notifies them. brokers.sh starts
// them and says by its variables where they are.

import assert from "node:assert/strict";
import { connect as connectTcp } from "node:net";
import { after, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect as connectNats } from "@nats-io/transport-node";
import { Admin, Consumer, stringDeserializers } from "@platformatic/kafka";
import { createClient } from "@redis/client";
import { connect as connectAmqp } from "amqplib";
import { connectAsync } from "mqtt";
import { Pool } from "pg";
import { createServer } from "../../src/app.ts";
import { S3 } from "@aws-sdk/client-s3";
import { openDestination } from "../../src/background/notification/open-destination.ts";
import { systemClock } from "../../src/base/clock.ts";
import type { DestinationSettings } from "../../src/model/notification-destinations.ts";
import {
  describeDestination,
  newMessage,
  type DestinationUnderTest,
} from "../contracts/notification-destination-suite.ts";

const password = variable("BROKER_PASSWORD");
const ports = {
  redis: Number(variable("REDIS_PORT")),
  nats: Number(variable("NATS_PORT")),
  mqtt: Number(variable("MQTT_PORT")),
  amqp: Number(variable("AMQP_PORT")),
  postgresql: Number(variable("POSTGRESQL_PORT")),
  kafka: Number(variable("KAFKA_PORT")),
};
const readyMilliseconds = 90_000;

function variable(name: string): string {
  const value = process.env[name];
  assert.ok(value, `${name} says where a broker is`);
  return value;
}

/** A broker listens a while after it was started, and takes work a while after that. */
async function whenReady<Value>(port: number, open: () => Promise<Value>): Promise<Value> {
  const ends = Date.now() + readyMilliseconds;
  for (;;) {
    try {
      await new Promise<void>((resolve, reject) => {
        const socket = connectTcp(port, "127.0.0.1", () => {
          socket.destroy();
          resolve();
        });
        socket.once("error", reject);
      });
      return await open();
    } catch (error) {
      if (Date.now() > ends) throw error;
      await pause(250);
    }
  }
}

const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());

const tested: Record<string, DestinationUnderTest> = {};

const redis = await whenReady(ports.redis, async () => {
  const client = createClient({ url: `redis://:${password}@127.0.0.1:${ports.redis}` });
  client.on("error", () => {});
  return client.connect();
});
const subscriber = redis.duplicate();
subscriber.on("error", () => {});
await subscriber.connect();
resources.defer(() => {
  redis.destroy();
  subscriber.destroy();
});
const published: string[] = [];
await subscriber.subscribe("events-channel", (text) => published.push(text));
for (const mode of ["list", "channel", "stream"] as const) {
  tested[`redis ${mode}`] = {
    port: ports.redis,
    settings: ({ host, port }) => ({
      kind: "redis",
      url: `redis://:${password}@${host}:${port}/0`,
      mode,
      key: `events-${mode}`,
    }),
    received: async () => {
      if (mode === "list") return redis.lRange("events-list", 0, -1);
      if (mode === "channel") return published;
      const entries = await redis.xRange("events-stream", "-", "+");
      return (entries ?? []).map(({ message }) => message["event"] ?? "");
    },
  };
}

const pool = await whenReady(ports.postgresql, async () => {
  const opened = new Pool({ connectionString: postgresqlUrl("127.0.0.1", ports.postgresql) });
  await opened.query("SELECT 1");
  return opened;
});
resources.defer(() => pool.end());
for (const mode of ["append", "namespace"] as const) {
  const [table, column] = mode === "append" ? ["events", "event_data"] : ["objects", "value"];
  tested[`postgresql ${mode}`] = {
    port: ports.postgresql,
    settings: ({ host, port }) => ({
      kind: "postgresql",
      url: postgresqlUrl(host, port),
      table,
      mode,
    }),
    received: async () => {
      // The table comes with the first message.
      const { rows } = await pool.query<{ to_regclass: string | null }>(
        `SELECT to_regclass('${table}')`,
      );
      if (rows[0]?.to_regclass === null) return [];
      const found = await pool.query<{ text: string }>(
        `SELECT ${column}::text AS text FROM ${table}`,
      );
      return found.rows.map(({ text }) => text);
    },
  };
}

function postgresqlUrl(host: string, port: number): string {
  return `postgresql://notifier:${password}@${host}:${port}/postgres`;
}

const nats = await whenReady(ports.nats, () =>
  connectNats({ servers: [`nats://127.0.0.1:${ports.nats}`], user: "notifier", pass: password }),
);
resources.defer(() => nats.close());
const core: string[] = [];
nats.subscribe("events.core", { callback: (_error, message) => void core.push(message.string()) });
await (await jetstreamManager(nats)).streams.add({ name: "EVENTS", subjects: ["events.stream"] });
const streamed: string[] = [];
const consumer = await jetstream(nats).consumers.get("EVENTS");
const consuming = await consumer.consume({
  callback: (message) => void streamed.push(message.string()),
});
resources.defer(async () => void (await consuming.close()));
for (const isStream of [false, true]) {
  tested[isStream ? "jetstream" : "nats"] = {
    port: ports.nats,
    settings: ({ host, port }) => ({
      kind: "nats",
      servers: [`nats://${host}:${port}`],
      subject: isStream ? "events.stream" : "events.core",
      jetStream: isStream,
      username: "notifier",
      password,
    }),
    received: async () => (isStream ? streamed : core),
  };
}

const mqtt = await whenReady(ports.mqtt, () =>
  connectAsync(`mqtt://127.0.0.1:${ports.mqtt}`, { username: "notifier", password }),
);
resources.defer(() => mqtt.endAsync(true));
const overMqtt: string[] = [];
mqtt.on("message", (_topic, payload) => overMqtt.push(payload.toString("utf8")));
await mqtt.subscribeAsync("events/bucket", { qos: 1 });
tested["mqtt"] = {
  port: ports.mqtt,
  settings: ({ host, port }) => ({
    kind: "mqtt",
    url: `mqtt://${host}:${port}`,
    topic: "events/{bucket}",
    username: "notifier",
    password,
  }),
  received: async () => overMqtt,
};

const amqp = await whenReady(ports.amqp, () =>
  connectAmqp(`amqp://notifier:${password}@127.0.0.1:${ports.amqp}`),
);
resources.defer(() => amqp.close());
const channel = await amqp.createChannel();
await channel.assertQueue("events", { durable: true });
const overAmqp: string[] = [];
await channel.consume(
  "events",
  (message) => {
    if (message !== null) overAmqp.push(message.content.toString("utf8"));
  },
  { noAck: true },
);
tested["amqp"] = {
  port: ports.amqp,
  settings: ({ host, port }) => ({
    kind: "amqp",
    url: `amqp://notifier:${password}@${host}:${port}`,
    routingKey: "events",
  }),
  received: async () => overAmqp,
};

const kafka = { clientId: "reader", bootstrapBrokers: [`127.0.0.1:${ports.kafka}`] };
await whenReady(ports.kafka, async () => {
  const admin = new Admin({ ...kafka, retries: 0 });
  try {
    const known = await admin.listTopics();
    if (!known.includes("events")) {
      await admin.createTopics({ topics: ["events"], partitions: 3, replicas: 1 });
    }
  } finally {
    await admin.close();
  }
});
const kafkaConsumer = new Consumer({
  ...kafka,
  groupId: "reader",
  deserializers: stringDeserializers,
});
const kafkaStream = await kafkaConsumer.consume({ topics: ["events"], mode: "earliest" });
resources.defer(() => kafkaConsumer.close(true));
const overKafka: string[] = [];
kafkaStream.on("data", ({ value }) => overKafka.push(value));
tested["kafka"] = {
  port: ports.kafka,
  // The broker tells its own address to its clients.
  canBeProxied: false,
  settings: ({ host, port }) => ({ kind: "kafka", brokers: [`${host}:${port}`], topic: "events" }),
  received: async () => overKafka,
};

for (const [name, each] of Object.entries(tested)) describeDestination(name, each);

it("a message that no queue of the AMQP broker takes counts as not delivered", async () => {
  await using destination = await openDestination(
    {
      kind: "amqp",
      url: `amqp://notifier:${password}@127.0.0.1:${ports.amqp}`,
      routingKey: "no-such-queue",
    },
    systemClock,
  );
  const [outcome] = await destination.send([newMessage()], AbortSignal.timeout(10_000));
  assert.match(outcome?.message ?? "", /no queue takes the message/);
});

async function rowKeys(): Promise<string> {
  const query = "SELECT key FROM objects WHERE key LIKE 'rows/%' ORDER BY key";
  const { rows } = await pool.query<{ key: string }>(query);
  return rows.map(({ key }) => key).join(" ");
}

async function waitForRows(keys: string): Promise<void> {
  const ends = Date.now() + 20_000;
  while ((await rowKeys()) !== keys && Date.now() < ends) await pause(20);
  assert.equal(await rowKeys(), keys);
}

describe("a server with a destination of every kind", () => {
  it("tells each what happened to an object", async () => {
    const arns = new Map(
      Object.keys(tested).map((name) => [
        name,
        `arn:aws:sqs:us-east-1:123456789012:${name.replace(" ", "-")}`,
      ]),
    );
    const notifications: Record<string, DestinationSettings> = {};
    for (const [name, { settings, port }] of Object.entries(tested)) {
      notifications[arns.get(name) as string] = settings({ host: "127.0.0.1", port });
    }
    await using server = await createServer({ provisioning: { notifications } });
    const { endpoint, region, credentials } = server;
    const s3 = new S3({ endpoint, region, credentials, forcePathStyle: true });
    // What the suite's receivers listen to is named by its bucket.
    const Bucket = "bucket";
    await s3.createBucket({ Bucket });
    for (const [name, each] of Object.entries(tested)) {
      await s3.putBucketNotificationConfiguration({
        Bucket,
        NotificationConfiguration: {
          QueueConfigurations: [{ QueueArn: arns.get(name), Events: ["s3:ObjectCreated:*"] }],
        },
      });
      const Key = `${name}-${Date.now()}`;
      await s3.putObject({ Bucket, Key, Body: "text" });
      const told = Key.replace(" ", "+");
      const ends = Date.now() + 20_000;
      while (!(await each.received()).some((body) => body.includes(told))) {
        assert.ok(Date.now() < ends, `${name} was not told of ${Key}`);
        await pause(20);
      }
    }
    s3.destroy();
  });

  it("takes an object's row out of a namespace when the object is deleted", async () => {
    const arn = "arn:aws:sqs:us-east-1:123456789012:rows";
    const settings = tested["postgresql namespace"]?.settings({
      host: "127.0.0.1",
      port: ports.postgresql,
    });
    assert.ok(settings !== undefined);
    await using server = await createServer({
      provisioning: { notifications: { [arn]: settings } },
    });
    const { endpoint, region, credentials } = server;
    const s3 = new S3({ endpoint, region, credentials, forcePathStyle: true });
    const Bucket = "rows";
    await s3.createBucket({ Bucket });
    await s3.putBucketNotificationConfiguration({
      Bucket,
      NotificationConfiguration: {
        QueueConfigurations: [
          { QueueArn: arn, Events: ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"] },
        ],
      },
    });
    for (const Key of ["a", "b"]) await s3.putObject({ Bucket, Key, Body: "text" });
    await s3.putObject({ Bucket, Key: "a", Body: "other" });
    await waitForRows("rows/a rows/b");
    await s3.deleteObject({ Bucket, Key: "a" });
    await waitForRows("rows/b");
    s3.destroy();
  });
});
