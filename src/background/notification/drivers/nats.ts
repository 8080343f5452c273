// NATS: with JetStream each message is acknowledged by its stream, which knows repetitions by their id;
// without it the server's receipt of the batch is all that NATS promises.

import { jetstream, type JetStreamClient } from "@nats-io/jetstream";
import {
  connect,
  credsAuthenticator,
  headers as newHeaders,
  type MsgHdrs,
  type NatsConnection,
} from "@nats-io/transport-node";
import type { SettingsOf } from "../../../model/notification-destinations.ts";
import { fillTemplate, type Destination, type Message, type Outcomes } from "../destination.ts";
import { KeptConnection } from "../kept-connection.ts";

const batchMessages = 200;

interface Opened {
  readonly connection: NatsConnection;
  readonly stream: JetStreamClient | undefined;
}

export class NatsDestination implements Destination {
  readonly batchLimit = batchMessages;
  readonly #subject: string;
  readonly #kept: KeptConnection<Opened>;

  constructor(settings: SettingsOf<"nats">) {
    this.#subject = settings.subject;
    this.#kept = new KeptConnection({
      open: (dropped) => open(settings, dropped),
      close: ({ connection }) => connection.close(),
    });
  }

  async send(messages: readonly Message[], signal: AbortSignal): Promise<Outcomes> {
    return this.#kept.use(async (opened) => {
      signal.throwIfAborted();
      const outcomes = await Promise.all(messages.map((each) => this.#publish(opened, each)));
      // Nothing is left in a buffer of this process: the server has answered to what came behind.
      if (opened.stream === undefined) await opened.connection.flush();
      return outcomes;
    });
  }

  async #publish({ connection, stream }: Opened, message: Message): Promise<Error | undefined> {
    const subject = fillTemplate(this.#subject, message);
    const headers = headersOf(message);
    if (stream === undefined) {
      connection.publish(subject, message.body, { headers });
      return undefined;
    }
    try {
      await stream.publish(subject, message.body, { msgID: message.id, headers });
      return undefined;
    } catch (error) {
      if (connection.isClosed()) throw error;
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#kept[Symbol.asyncDispose]();
  }
}

function headersOf({ id, event }: Message): MsgHdrs {
  const headers = newHeaders();
  headers.set("Nats-Msg-Id", id);
  headers.set("Event-Name", event);
  return headers;
}

async function open(settings: SettingsOf<"nats">, dropped: () => void): Promise<Opened> {
  const { servers, username, password, token, credentials, tls } = settings;
  const connection = await connect({
    servers,
    name: "holdfast",
    // The feed tries again, and says so.
    reconnect: false,
    ...(username === undefined ? {} : { user: username }),
    ...(password === undefined ? {} : { pass: password }),
    ...(token === undefined ? {} : { token }),
    ...(credentials === undefined
      ? {}
      : { authenticator: credsAuthenticator(new TextEncoder().encode(credentials)) }),
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ...(tls.ca === undefined ? {} : { ca: tls.ca }),
            ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
            ...(tls.key === undefined ? {} : { key: tls.key }),
            ...(tls.insecure === true ? { rejectUnauthorized: false } : {}),
          },
        }),
  });
  connection.closed().then(dropped, dropped);
  return { connection, stream: settings.jetStream === true ? jetstream(connection) : undefined };
}
