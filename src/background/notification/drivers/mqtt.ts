// MQTT: quality of service 1, so that the broker acknowledges each message.

import { connectAsync, type MqttClient } from "mqtt";
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
import { urlWithUser } from "../url-with-user.ts";

const batchMessages = 100;
const connectMilliseconds = 10_000;

export class MqttDestination implements Destination {
  readonly batchLimit = batchMessages;
  readonly #topic: string;
  readonly #kept: KeptConnection<MqttClient>;

  constructor(settings: SettingsOf<"mqtt">) {
    this.#topic = settings.topic;
    this.#kept = new KeptConnection({
      open: (dropped) => open(settings, dropped),
      close: (client) => client.endAsync(true),
    });
  }

  async send(messages: readonly Message[], signal: AbortSignal): Promise<Outcomes> {
    return this.#kept.use(signal, async (client) => {
      const published = messages.map((message) =>
        client.publishAsync(fillTemplate(this.#topic, message), message.body, { qos: 1 }),
      );
      await Promise.race([Promise.all(published), rejectsAtEnd(client)]);
      return allTaken(messages);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#kept[Symbol.asyncDispose]();
  }
}

const ends = new WeakMap<MqttClient, Promise<never>>();

/** The library waits for a connection that never comes again. */
function rejectsAtEnd(client: MqttClient): Promise<never> {
  const known = ends.get(client);
  if (known !== undefined) return known;
  const end = new Promise<never>((_, reject) => {
    client.once("close", () => reject(new Error("the connection to the broker was closed")));
  });
  end.catch(() => {
    // Told to whoever sends at that time.
  });
  ends.set(client, end);
  return end;
}

async function open(settings: SettingsOf<"mqtt">, dropped: () => void): Promise<MqttClient> {
  const { clientId, tls } = settings;
  const url = urlWithUser(settings);
  // The library would find another password in a URL that has a colon in it.
  const [username, password] = [url.username, url.password].map(decodeURIComponent);
  url.username = "";
  url.password = "";
  const client = await connectAsync(
    url.href,
    {
      // The feed tries again, and says so.
      reconnectPeriod: 0,
      connectTimeout: connectMilliseconds,
      clean: true,
      ...(clientId === undefined ? {} : { clientId }),
      ...(username === undefined || username === "" ? {} : { username }),
      ...(password === undefined || password === "" ? {} : { password }),
      ...tlsOptions(tls),
    },
    false,
  );
  client.on("close", dropped);
  client.on("error", dropped);
  return client;
}
