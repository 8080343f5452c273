// Kafka: every record is acknowledged by all replicas in sync (`acks=all`). The record's key is bucket and
// key, so that the events of an object stay in their order within one partition.

import { isIP } from "node:net";
import { ProduceAcks, Producer, stringSerializers } from "@platformatic/kafka";
import type { SettingsOf } from "../../../model/notification-destinations.ts";
import {
  allTaken,
  fillTemplate,
  type Destination,
  type Message,
  type Outcomes,
} from "../destination.ts";
import { KeptConnection } from "../kept-connection.ts";
import { tlsOptions } from "../tls-options.ts";

const batchMessages = 500;

type TextProducer = Producer<string, string, string, string>;

export class KafkaDestination implements Destination {
  readonly batchLimit = batchMessages;
  readonly #settings: SettingsOf<"kafka">;
  readonly #kept: KeptConnection<TextProducer>;

  constructor(settings: SettingsOf<"kafka">) {
    this.#settings = settings;
    this.#kept = new KeptConnection({
      open: async () => newProducer(settings),
      close: (producer) => producer.close(true),
    });
  }

  async send(messages: readonly Message[], signal: AbortSignal): Promise<Outcomes> {
    return this.#kept.use(signal, async (producer) => {
      await this.#send(producer, messages);
      return allTaken(messages);
    });
  }

  async #send(producer: TextProducer, messages: readonly Message[]): Promise<void> {
    try {
      await producer.send({
        acks: ProduceAcks.ALL,
        messages: messages.map((message) => ({
          topic: fillTemplate(this.#settings.topic, message),
          key: `${message.bucketName}/${message.key}`,
          value: message.body,
          headers: { "event-id": message.id, "event-name": message.event },
          timestamp: BigInt(message.timeMilliseconds),
        })),
      });
    } catch (error) {
      throw explain(error, this.#settings);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#kept[Symbol.asyncDispose]();
  }
}

function newProducer(settings: SettingsOf<"kafka">): TextProducer {
  const { brokers, sasl, tls } = settings;
  const hasServerName = tls?.serverName !== undefined || brokers.some(isAddress);
  return new Producer({
    clientId: "holdfast",
    bootstrapBrokers: brokers,
    serializers: stringSerializers,
    // The feed tries again, and says so.
    retries: 1,
    // Without a name of its own each broker is told the one by which it is looked for.
    ...(isEncrypted(settings) ? { tls: tlsOptions(tls), tlsServerName: !hasServerName } : {}),
    ...(sasl === undefined ? {} : { sasl }),
  });
}

/** Of `host:port`. */
function isAddress(broker: string): boolean {
  return isIP(broker.replace(/:\d+$/, "").replaceAll(/[[\]]/g, "")) !== 0;
}

/** A broker that wants something else of its clients says nothing and closes the connection. */
function explain(error: unknown, settings: SettingsOf<"kafka">): unknown {
  const innermost = innermostOf(error);
  if (!(innermost instanceof Error) || !innermost.message.startsWith("Connection closed")) {
    return error;
  }
  const { sasl, tls } = settings;
  const missing = [
    ...(isEncrypted(settings) ? [] : ["TLS (encrypted)"]),
    ...(tls?.certificate === undefined ? ["a client certificate (tls.certificate)"] : []),
    ...(sasl === undefined ? ["a password (sasl)"] : []),
  ];
  const guess = missing.length === 0 ? "" : `; it may want ${missing.join(" or ")}`;
  return new Error(`the broker closed the connection${guess}`);
}

function innermostOf(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return innermostOf(error.errors[0]);
  }
  return error instanceof Error && error.cause !== undefined ? innermostOf(error.cause) : error;
}

function isEncrypted({ encrypted, tls }: SettingsOf<"kafka">): boolean {
  return encrypted === true || tls !== undefined;
}
