// What real brokers got: readers of each, behind the door that needs no TLS. brokers.sh starts the brokers
// and says by its variables where they are.

import assert from "node:assert/strict";
import { connect as connectTcp } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect as connectNats, type NatsConnection } from "@nats-io/transport-node";
import { Admin, Consumer, stringDeserializers } from "@platformatic/kafka";
import { createClient } from "@redis/client";
import { connect as connectAmqp } from "amqplib";
import { connectAsync } from "mqtt";
import { Pool } from "pg";

export const password = variable("BROKER_PASSWORD");
/** As URLs have it. */
export const escapedPassword = encodeURIComponent(password);

export const ports = {
  redis: Number(variable("REDIS_PORT")),
  nats: Number(variable("NATS_PORT")),
  mqtt: Number(variable("MQTT_PORT")),
  amqp: Number(variable("AMQP_PORT")),
  postgresql: Number(variable("POSTGRESQL_PORT")),
  kafka: Number(variable("KAFKA_PORT")),
};
const readyMilliseconds = 90_000;

export type Received = () => Promise<readonly string[]>;

export function variable(name: string): string {
  const value = process.env[name];
  assert.ok(value, `${name} says where a broker is`);
  return value;
}

/** A broker listens a while after it was started, and takes work a while after that. */
export async function whenReady<Value>(port: number, open: () => Promise<Value>): Promise<Value> {
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

/** Lists and streams are read with `received`, what is published on a channel is heard from now on. */
export async function openRedis(resources: AsyncDisposableStack, channel: string) {
  const client = await whenReady(ports.redis, () => {
    const opened = createClient({ url: `redis://:${escapedPassword}@127.0.0.1:${ports.redis}` });
    opened.on("error", () => {});
    return opened.connect();
  });
  resources.defer(() => client.destroy());
  const subscriber = client.duplicate();
  subscriber.on("error", () => {});
  await subscriber.connect();
  resources.defer(() => subscriber.destroy());
  const published: string[] = [];
  await subscriber.subscribe(channel, (text) => published.push(text));
  return {
    received: async (mode: "list" | "channel" | "stream", key: string) => {
      if (mode === "list") return client.lRange(key, 0, -1);
      if (mode === "channel") return published;
      const entries = await client.xRange(key, "-", "+");
      return (entries ?? []).map(({ message }) => message["event"] ?? "");
    },
  };
}

export async function openPostgresql(resources: AsyncDisposableStack) {
  const pool = await whenReady(ports.postgresql, async () => {
    const opened = new Pool({
      connectionString: `postgresql://notifier:${escapedPassword}@127.0.0.1:${ports.postgresql}/postgres`,
    });
    await opened.query("SELECT 1");
    return opened;
  });
  resources.defer(() => pool.end());
  return {
    pool,
    received: async (table: string, column: "event_data" | "value") => {
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

export type NatsOptions = Omit<NonNullable<Parameters<typeof connectNats>[0]>, "port">;

interface NatsAddress {
  readonly port: number;
  readonly host?: string;
}

export async function openNats(
  resources: AsyncDisposableStack,
  { port, host = "127.0.0.1", ...options }: NatsAddress & NatsOptions,
): Promise<{
  readonly hear: (subject: string) => Received;
  readonly hearStream: (stream: string, subject: string) => Promise<Received>;
}> {
  const connection: NatsConnection = await whenReady(port, () =>
    connectNats({ ...options, servers: [`${host}:${port}`] }),
  );
  resources.defer(() => connection.close());
  return {
    hear(subject) {
      const heard: string[] = [];
      connection.subscribe(subject, {
        callback: (_error, message) => void heard.push(message.string()),
      });
      return async () => heard;
    },
    async hearStream(stream, subject) {
      const manager = await jetstreamManager(connection);
      await manager.streams.add({ name: stream, subjects: [subject] });
      const consumer = await jetstream(connection).consumers.get(stream);
      const heard: string[] = [];
      const consuming = await consumer.consume({
        callback: (message) => void heard.push(message.string()),
      });
      resources.defer(async () => void (await consuming.close()));
      return async () => heard;
    },
  };
}

export async function hearMqtt(resources: AsyncDisposableStack, topic: string): Promise<Received> {
  const client = await whenReady(ports.mqtt, () =>
    connectAsync(`mqtt://127.0.0.1:${ports.mqtt}`, { username: "notifier", password }),
  );
  resources.defer(() => client.endAsync(true));
  const heard: string[] = [];
  client.on("message", (_topic, payload) => heard.push(payload.toString("utf8")));
  await client.subscribeAsync(topic, { qos: 1 });
  return async () => heard;
}

export async function hearAmqp(resources: AsyncDisposableStack, queue: string): Promise<Received> {
  const connection = await whenReady(ports.amqp, () =>
    connectAmqp({
      hostname: "127.0.0.1",
      port: ports.amqp,
      username: "notifier",
      password,
    }),
  );
  resources.defer(() => connection.close());
  const channel = await connection.createChannel();
  await channel.assertQueue(queue, { durable: true });
  const heard: string[] = [];
  await channel.consume(
    queue,
    (message) => {
      if (message !== null) heard.push(message.content.toString("utf8"));
    },
    { noAck: true },
  );
  return async () => heard;
}

export async function hearKafka(resources: AsyncDisposableStack, topic: string): Promise<Received> {
  const kafka = { clientId: "reader", bootstrapBrokers: [`127.0.0.1:${ports.kafka}`] };
  await whenReady(ports.kafka, async () => {
    const admin = new Admin({ ...kafka, retries: 0 });
    try {
      const known = await admin.listTopics();
      if (!known.includes(topic)) {
        await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 });
      }
    } finally {
      await admin.close();
    }
  });
  const consumer = new Consumer({ ...kafka, groupId: topic, deserializers: stringDeserializers });
  const stream = await consumer.consume({ topics: [topic], mode: "earliest" });
  resources.defer(() => consumer.close(true));
  const heard: string[] = [];
  stream.on("data", ({ value }) => heard.push(value));
  return async () => heard;
}
