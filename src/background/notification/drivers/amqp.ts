// AMQP 0-9-1 (RabbitMQ and others): persistent messages, published as mandatory and confirmed by the
// broker, so that what no queue gets counts as not delivered.

import { connect, credentials, type ChannelModel, type ConfirmChannel } from "amqplib";
import type { SettingsOf } from "../../../model/notification-destinations.ts";
import { fillTemplate, type Destination, type Message, type Outcomes } from "../destination.ts";
import { KeptConnection } from "../kept-connection.ts";
import { tlsOptions } from "../tls-options.ts";
import { urlWithUser } from "../url-with-user.ts";

const batchMessages = 100;
const heartbeatSeconds = 30;
const connectMilliseconds = 10_000;

interface Opened {
  readonly connection: ChannelModel;
  readonly channel: ConfirmChannel;
  /** Ids of messages that the broker sent back because no queue wanted them. */
  readonly returned: Set<string>;
}

export class AmqpDestination implements Destination {
  readonly batchLimit = batchMessages;
  readonly #settings: SettingsOf<"amqp">;
  readonly #kept: KeptConnection<Opened>;

  constructor(settings: SettingsOf<"amqp">) {
    this.#settings = settings;
    this.#kept = new KeptConnection({
      open: (dropped) => open(settings, dropped),
      close: ({ connection }) => connection.close(),
    });
  }

  async send(messages: readonly Message[], signal: AbortSignal): Promise<Outcomes> {
    return this.#kept.use(signal, (opened) =>
      Promise.all(messages.map((message) => this.#publish(opened, message))),
    );
  }

  /** Rejects when the channel ends before the broker confirmed or refused. */
  #publish({ channel, returned }: Opened, message: Message): Promise<Error | undefined> {
    const { exchange = "", routingKey } = this.#settings;
    return new Promise((resolve, reject) => {
      const close = (): void => reject(new Error("the channel to the broker was closed"));
      channel.once("close", close);
      const options = {
        persistent: true,
        mandatory: true,
        contentType: "application/json",
        messageId: message.id,
        type: message.event,
        timestamp: Math.floor(message.timeMilliseconds / 1000),
      };
      const body = Buffer.from(message.body, "utf8");
      channel.publish(exchange, fillTemplate(routingKey, message), body, options, (refusal) => {
        channel.off("close", close);
        // The broker returns a message before it confirms it.
        if (returned.delete(message.id)) resolve(new Error("no queue takes the message"));
        else resolve(refusal instanceof Error ? refusal : undefined);
      });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#kept[Symbol.asyncDispose]();
  }
}

async function open(settings: SettingsOf<"amqp">, dropped: () => void): Promise<Opened> {
  const url = urlWithUser(settings);
  if (!url.searchParams.has("heartbeat")) {
    url.searchParams.set("heartbeat", String(heartbeatSeconds));
  }
  const connection = await connect(url.href, {
    ...tlsOptions(settings.tls),
    timeout: connectMilliseconds,
    ...(url.username === "" && url.password === "" ? {} : { credentials: credentialsOf(url) }),
  });
  connection.on("error", dropped);
  connection.on("close", dropped);
  const channel = await connection.createConfirmChannel();
  // One listener for each message under way.
  channel.setMaxListeners(0);
  channel.on("error", dropped);
  channel.on("close", dropped);
  const returned = new Set<string>();
  channel.on("return", ({ properties }) => {
    if (typeof properties.messageId === "string") returned.add(properties.messageId);
  });
  return { connection, channel, returned };
}

/** The library itself reads `%C3%BC` of a URL as two letters. */
function credentialsOf({ username, password }: URL) {
  return credentials.plain(decodeURIComponent(username), decodeURIComponent(password));
}
