// Redis: events are appended to a list or a stream, or published on a channel. Commands of a batch are one
// pipeline; each has its own answer.

import { createClient } from "@redis/client";
import type { SettingsOf } from "../../../model/notification-destinations.ts";
import {
  asError,
  fillTemplate,
  type Destination,
  type Message,
  type Outcomes,
} from "../destination.ts";
import { KeptConnection } from "../kept-connection.ts";
import { hostOf, tlsOptions } from "../tls-options.ts";
import { urlWithUser } from "../url-with-user.ts";

const batchMessages = 500;
const connectMilliseconds = 10_000;

type Client = ReturnType<typeof newClient>;

export class RedisDestination implements Destination {
  readonly batchLimit = batchMessages;
  readonly #settings: SettingsOf<"redis">;
  readonly #kept: KeptConnection<Client>;

  constructor(settings: SettingsOf<"redis">) {
    this.#settings = settings;
    this.#kept = new KeptConnection({
      open: async (dropped) => {
        const client = newClient(settings);
        client.on("error", dropped);
        client.on("end", dropped);
        await client.connect();
        return client;
      },
      close: async (client) => client.destroy(),
    });
  }

  async send(messages: readonly Message[], signal: AbortSignal): Promise<Outcomes> {
    return this.#kept.use(signal, async (client) => {
      const answers = await Promise.allSettled(
        messages.map((message) => client.sendCommand([...this.#command(message)])),
      );
      if (!client.isReady) await this.#kept.drop();
      return answers.map((answer) =>
        answer.status === "fulfilled" ? undefined : asError(answer.reason),
      );
    });
  }

  #command(message: Message): readonly string[] {
    const { mode, maximumLength } = this.#settings;
    const key = fillTemplate(this.#settings.key, message);
    switch (mode) {
      case "list":
        return ["RPUSH", key, message.body];
      case "channel":
        return ["PUBLISH", key, message.body];
      default:
        return [
          "XADD",
          key,
          ...(maximumLength === undefined ? [] : ["MAXLEN", "~", String(maximumLength)]),
          "*",
          "id",
          message.id,
          "event",
          message.body,
        ];
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#kept[Symbol.asyncDispose]();
  }
}

/** One connection, which is not made again by itself: the feed tries again, and says so. */
function newClient(settings: SettingsOf<"redis">) {
  const url = urlWithUser(settings);
  const isEncrypted = url.protocol === "rediss:";
  const common = { connectTimeout: connectMilliseconds, reconnectStrategy: false } as const;
  return createClient({
    url: url.href,
    disableOfflineQueue: true,
    socket: isEncrypted
      ? { ...common, tls: true, ...tlsOptions(settings.tls, hostOf(url)) }
      : common,
  });
}
