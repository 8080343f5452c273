// Kafka: every record is acknowledged by all replicas in sync (`acks=all`). The record's key is bucket and
// key, so that the events of an object stay in their order within one partition.

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
  readonly #topic: string;
  readonly #kept: KeptConnection<TextProducer>;

  constructor(settings: SettingsOf<"kafka">) {
    this.#topic = settings.topic;
    this.#kept = new KeptConnection({
      open: async () => newProducer(settings),
      close: (producer) => producer.close(true),
    });
  }

  async send(messages: readonly Message[]): Promise<Outcomes> {
    return this.#kept.use(async (producer) => {
      await producer.send({
        acks: ProduceAcks.ALL,
        messages: messages.map((message) => ({
          topic: fillTemplate(this.#topic, message),
          key: `${message.bucketName}/${message.key}`,
          value: message.body,
          headers: { "event-id": message.id, "event-name": message.event },
          timestamp: BigInt(message.timeMilliseconds),
        })),
      });
      return allTaken(messages);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#kept[Symbol.asyncDispose]();
  }
}

function newProducer(settings: SettingsOf<"kafka">): TextProducer {
  const { brokers, sasl, encrypted, tls } = settings;
  const isEncrypted = encrypted === true || tls !== undefined;
  return new Producer({
    clientId: "holdfast",
    bootstrapBrokers: brokers,
    serializers: stringSerializers,
    // The feed tries again, and says so.
    retries: 1,
    ...(isEncrypted ? { tls: tlsOptions(tls) } : {}),
    ...(sasl === undefined ? {} : { sasl }),
  });
}
