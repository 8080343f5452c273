// Opens the destination of settings. Each kind's driver, and the client library in it, is loaded when
// somebody first uses it.

import type { Clock } from "../../base/clock.ts";
import type {
  DestinationKind,
  DestinationSettings,
  SettingsOf,
} from "../../model/notification-destinations.ts";
import type { Destination } from "./destination.ts";

type Open<Kind extends DestinationKind> = (
  settings: SettingsOf<Kind>,
  clock: Clock,
) => Promise<Destination>;

const openers: { readonly [Kind in DestinationKind]: Open<Kind> } = {
  async webhook(settings, clock) {
    const { WebhookDestination } = await import("./drivers/webhook.ts");
    return new WebhookDestination(settings, clock);
  },
  async sqs(settings, clock) {
    const { SqsDestination } = await import("./drivers/sqs.ts");
    return new SqsDestination(settings, clock);
  },
  async sns(settings, clock) {
    const { SnsDestination } = await import("./drivers/sns.ts");
    return new SnsDestination(settings, clock);
  },
  async "event-bridge"(settings, clock) {
    const { EventBridgeDestination } = await import("./drivers/event-bridge.ts");
    return new EventBridgeDestination(settings, clock);
  },
  async amqp(settings) {
    const { AmqpDestination } = await import("./drivers/amqp.ts");
    return new AmqpDestination(settings);
  },
  async kafka(settings) {
    const { KafkaDestination } = await import("./drivers/kafka.ts");
    return new KafkaDestination(settings);
  },
  async nats(settings) {
    const { NatsDestination } = await import("./drivers/nats.ts");
    return new NatsDestination(settings);
  },
  async mqtt(settings) {
    const { MqttDestination } = await import("./drivers/mqtt.ts");
    return new MqttDestination(settings);
  },
  async redis(settings) {
    const { RedisDestination } = await import("./drivers/redis.ts");
    return new RedisDestination(settings);
  },
  async postgresql(settings) {
    const { PostgresqlDestination } = await import("./drivers/postgresql.ts");
    return new PostgresqlDestination(settings);
  },
};

export function openDestination(settings: DestinationSettings, clock: Clock): Promise<Destination> {
  // The kind of settings and that of its opener are one.
  const open = openers[settings.kind] as Open<DestinationKind>;
  return open(settings, clock);
}
