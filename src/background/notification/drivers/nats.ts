// NATS: with JetStream each message is acknowledged by its stream, which knows repetitions by their id;
// without it the server's receipt of the batch is all that NATS promises.

import { isIP } from "node:net";
import { jetstream, type JetStreamClient } from "@nats-io/jetstream";
import {
  connect,
  credsAuthenticator,
  headers as newHeaders,
  nkeyAuthenticator,
  type Authenticator,
  type ConnectionOptions,
  type MsgHdrs,
  type NatsConnection,
} from "@nats-io/transport-node";
import type { SettingsOf, TlsSettings } from "../../../model/notification-destinations.ts";
import {
  asError,
  fillTemplate,
  type Destination,
  type Message,
  type Outcomes,
} from "../destination.ts";
import { KeptConnection } from "../kept-connection.ts";
import { hostOf, tlsOptions, type TlsOptions } from "../tls-options.ts";

const batchMessages = 200;
const connectMilliseconds = 5000;

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
    return this.#kept.use(signal, async (opened) => {
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
      // What the library makes of a publication to which nobody answers.
      if (error instanceof Error && error.name === "JetStreamNotEnabled") {
        return new Error("no stream of JetStream takes the subject");
      }
      return asError(error);
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

/** The first of the servers that takes us. */
async function open(settings: SettingsOf<"nats">, dropped: () => void): Promise<Opened> {
  const failures: unknown[] = [];
  for (const server of settings.servers) {
    try {
      const connection = await connect(optionsOf(settings, server));
      connection.closed().then(dropped, dropped);
      return {
        connection,
        stream: settings.jetStream === true ? jetstream(connection) : undefined,
      };
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures);
}

function optionsOf(settings: SettingsOf<"nats">, server: string): ConnectionOptions {
  const { username, password, token, tls } = settings;
  const authenticator = authenticatorOf(settings);
  const url = new URL(server);
  // The library takes a server's word for it that there is no TLS, unless TLS is asked for like this.
  const isEncrypted = url.protocol === "tls:" || tls !== undefined;
  return {
    servers: [server],
    name: "holdfast",
    timeout: connectMilliseconds,
    // The feed tries again, and says so.
    reconnect: false,
    ...(username === undefined ? {} : { user: username }),
    ...(password === undefined ? {} : { pass: password }),
    ...(token === undefined ? {} : { token }),
    ...(authenticator === undefined ? {} : { authenticator }),
    ...(isEncrypted ? { tls: natsTlsOptions(tls, hostOf(url)) } : {}),
  };
}

/**
 * They reach Node.js as they are, beyond what the library's type names. Of a server whose address is
 * given it would look for the name `localhost` in the certificate: `host` says for what to look.
 */
function natsTlsOptions(tls: TlsSettings | undefined, host: string): TlsOptions {
  return { ...tlsOptions(tls), ...(isIP(host) === 0 ? {} : { host }) };
}

function authenticatorOf({ credentials, nkeySeed }: SettingsOf<"nats">): Authenticator | undefined {
  const bytes = new TextEncoder();
  if (credentials !== undefined) return credsAuthenticator(bytes.encode(credentials));
  if (nkeySeed !== undefined) return nkeyAuthenticator(bytes.encode(nkeySeed.trim()));
  return undefined;
}
