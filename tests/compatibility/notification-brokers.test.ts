// Destinations of notifications on real brokers, and a whole server that notifies them. brokers.sh starts
// them. What needs TLS is in secured-brokers.test.ts.

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
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
import {
  escapedPassword,
  hearAmqp,
  hearKafka,
  hearMqtt,
  openNats,
  openPostgresql,
  openRedis,
  password,
  ports,
} from "./broker-receivers.ts";

const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());

const [redis, postgresql, nats, overMqtt, overAmqp, overKafka] = await Promise.all([
  openRedis(resources, "events-channel"),
  openPostgresql(resources),
  openNats(resources, { port: ports.nats, user: "notifier", pass: password }),
  hearMqtt(resources, "events/bucket"),
  hearAmqp(resources, "events"),
  hearKafka(resources, "events"),
]);
const { pool } = postgresql;
const overNats = nats.hear("events.core");
const overStream = await nats.hearStream("EVENTS", "events.stream");

const tested: Record<string, DestinationUnderTest> = {};

for (const mode of ["list", "channel", "stream"] as const) {
  tested[`redis ${mode}`] = {
    port: ports.redis,
    settings: ({ host, port }) => ({
      kind: "redis",
      url: `redis://:${escapedPassword}@${host}:${port}/0`,
      mode,
      key: `events-${mode}`,
    }),
    received: () => redis.received(mode, `events-${mode}`),
  };
}

for (const mode of ["append", "namespace"] as const) {
  const table = mode === "append" ? "events" : "objects";
  tested[`postgresql ${mode}`] = {
    port: ports.postgresql,
    settings: ({ host, port }) => ({
      kind: "postgresql",
      url: `postgresql://notifier:${escapedPassword}@${host}:${port}/postgres`,
      table,
      mode,
    }),
    received: () => postgresql.received(table, mode === "append" ? "event_data" : "value"),
  };
}

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
    received: isStream ? overStream : overNats,
  };
}

tested["mqtt"] = {
  port: ports.mqtt,
  settings: ({ host, port }) => ({
    kind: "mqtt",
    url: `mqtt://notifier:${escapedPassword}@${host}:${port}`,
    topic: "events/{bucket}",
  }),
  received: overMqtt,
};

tested["amqp"] = {
  port: ports.amqp,
  settings: ({ host, port }) => ({
    kind: "amqp",
    url: `amqp://notifier:${escapedPassword}@${host}:${port}`,
    routingKey: "events",
  }),
  received: overAmqp,
};

tested["kafka"] = {
  port: ports.kafka,
  // The broker tells its own address to its clients.
  canBeProxied: false,
  settings: ({ host, port }) => ({ kind: "kafka", brokers: [`${host}:${port}`], topic: "events" }),
  received: overKafka,
};

for (const [name, each] of Object.entries(tested)) describeDestination(name, each);

it("a message that no queue of the AMQP broker takes counts as not delivered", async () => {
  await using destination = await openDestination(
    {
      kind: "amqp",
      url: `amqp://notifier:${escapedPassword}@127.0.0.1:${ports.amqp}`,
      routingKey: "no-such-queue",
    },
    systemClock,
  );
  const [outcome] = await destination.send([newMessage()], AbortSignal.timeout(10_000));
  assert.match(outcome?.message ?? "", /no queue takes the message/);
});

it("a message that no stream of JetStream takes counts as not delivered", async () => {
  await using destination = await openDestination(
    {
      kind: "nats",
      servers: [`nats://127.0.0.1:${ports.nats}`],
      subject: "no.such.stream",
      jetStream: true,
      username: "notifier",
      password,
    },
    systemClock,
  );
  const [outcome] = await destination.send([newMessage()], AbortSignal.timeout(10_000));
  assert.match(outcome?.message ?? "", /^no stream of JetStream takes the subject$/);
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
