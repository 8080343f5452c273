// The doors of the brokers that want TLS, the client's certificate and a password: settings of each kind of
// destination for them, and what a broker says when something about these is wrong.

import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { escapeLiteral } from "pg";
import { credsAuthenticator, nkeyAuthenticator } from "@nats-io/transport-node";
import type {
  DestinationSettings,
  SettingsOf,
  TlsSettings,
} from "../../src/model/notification-destinations.ts";
import {
  hearAmqp,
  hearKafka,
  hearMqtt,
  openNats,
  openPostgresql,
  openRedis,
  password,
  ports,
  variable,
  type NatsOptions,
  type Received,
} from "./broker-receivers.ts";

const certificates = variable("BROKER_CERTIFICATES");
const natsDirectory = variable("NATS_DIRECTORY");

export function readCertificate(name: string): string {
  return readFileSync(join(certificates, name), "utf8");
}

export const rightTls = {
  ca: readCertificate("ca.pem"),
  certificate: readCertificate("client.pem"),
  key: readCertificate("client.key"),
};

export interface SecuredAddress {
  readonly host: string;
  readonly port: number;
  readonly password: string;
  /** Absent: the destination is declared as one in clear. */
  readonly tls: TlsSettings | undefined;
}

export interface SecuredBroker {
  readonly port: number;
  readonly settings: (address: SecuredAddress) => DestinationSettings;
  readonly received: Received;
  /** False of those that tell their clients another address than that of the proxy. */
  readonly canBeProxied?: false;
  /** What is told of a wrong password; absent: there is none. */
  readonly wrongPassword?: RegExp;
  /** What is told when the client has no certificate; absent: the broker wants none. */
  readonly noCertificate?: RegExp;
  /** What is told when the destination is declared as one in clear. */
  readonly inClear: RegExp;
}

const closed = /^the (?:receiver|broker) closed the connection/;
/** The end of the connection may come before the words of TLS that say why. */
const wantsCertificate =
  /^the receiver refused the TLS connection: .*certificate|^the receiver closed the connection: /;

export async function openSecured(
  resources: AsyncDisposableStack,
): Promise<Readonly<Record<string, SecuredBroker>>> {
  const [redis, postgresql, mqtt, amqp, kafka, nats, web] = await Promise.all([
    openRedis(resources, "events-none"),
    openSecuredPostgresql(resources),
    hearMqtt(resources, "secured/bucket"),
    hearAmqp(resources, "secured"),
    hearKafka(resources, "secured"),
    openSecuredNats(resources),
    openWebReceiver(resources),
  ]);
  return {
    ...nats,
    webhook: web,
    redis: {
      port: Number(variable("REDIS_TLS_PORT")),
      settings: ({ host, port, password: given, tls }) => ({
        kind: "redis",
        url: `${tls === undefined ? "redis" : "rediss"}://${host}:${port}/0`,
        username: "notifier",
        password: given,
        mode: "list",
        key: "events-secured",
        ...tlsMember(tls),
      }),
      received: () => redis.received("list", "events-secured"),
      wrongPassword: /^WRONGPASS /,
      noCertificate: wantsCertificate,
      inClear: closed,
    },
    postgresql: {
      port: ports.postgresql,
      settings: ({ host, port, password: given, tls }) => ({
        kind: "postgresql",
        url: `postgresql://secured@${host}:${port}/postgres${tls === undefined ? "" : "?sslmode=verify-full"}`,
        password: given,
        table: "secured.events",
        mode: "append",
        ...tlsMember(tls),
      }),
      received: () => postgresql.received("secured.events", "event_data"),
      wrongPassword: /^password authentication failed for user "secured"$/,
      noCertificate: /^connection requires a valid client certificate$/,
      inClear: /^no pg_hba.conf entry for host "127.0.0.1", user "secured",.* no encryption$/,
    },
    mqtt: {
      port: Number(variable("MQTT_TLS_PORT")),
      settings: ({ host, port, password: given, tls }) => ({
        kind: "mqtt",
        url: `${tls === undefined ? "mqtt" : "mqtts"}://${host}:${port}`,
        topic: "secured/{bucket}",
        username: "notifier",
        password: given,
        ...tlsMember(tls),
      }),
      received: mqtt,
      wrongPassword: /^Connection refused: Not authorized$/,
      noCertificate: wantsCertificate,
      inClear: closed,
    },
    amqp: {
      port: Number(variable("AMQP_TLS_PORT")),
      settings: ({ host, port, password: given, tls }) => ({
        kind: "amqp",
        url: `${tls === undefined ? "amqp" : "amqps"}://${host}:${port}`,
        username: "notifier",
        password: given,
        routingKey: "secured",
        ...tlsMember(tls),
      }),
      received: amqp,
      wrongPassword: /ACCESS_REFUSED - Login was refused/,
      noCertificate: wantsCertificate,
      inClear: closed,
    },
    "kafka-certificate": kafkaOf("KAFKA_TLS_PORT", kafka, undefined),
    "kafka-plain": kafkaOf("KAFKA_SASL_PORT", kafka, "PLAIN"),
    "kafka-scram-256": kafkaOf("KAFKA_SASL_PORT", kafka, "SCRAM-SHA-256"),
    "kafka-scram-512": kafkaOf("KAFKA_SASL_PORT", kafka, "SCRAM-SHA-512"),
  };
}

/** With a user whom the server lets in through TLS alone. */
async function openSecuredPostgresql(resources: AsyncDisposableStack) {
  const opened = await openPostgresql(resources);
  await opened.pool.query(`
    CREATE ROLE secured LOGIN PASSWORD ${escapeLiteral(password)};
    CREATE SCHEMA secured AUTHORIZATION secured;`);
  return opened;
}

function tlsMember(tls: TlsSettings | undefined): { readonly tls?: TlsSettings } {
  return tls === undefined ? {} : { tls };
}

/** By a password over TLS, or by the certificate alone. */
function kafkaOf(
  portVariable: string,
  received: Received,
  mechanism: NonNullable<SettingsOf<"kafka">["sasl"]>["mechanism"] | undefined,
): SecuredBroker {
  return {
    port: Number(variable(portVariable)),
    canBeProxied: false,
    settings: ({ host, port, password: given, tls }) => ({
      kind: "kafka",
      brokers: [`${host}:${port}`],
      topic: "secured",
      ...(mechanism === undefined
        ? {}
        : { sasl: { mechanism, username: "notifier", password: given } }),
      ...tlsMember(tls),
    }),
    received,
    ...(mechanism === undefined
      ? {
          noCertificate:
            /^the broker closed the connection; it may want a client certificate \(tls.certificate\)/,
        }
      : { wrongPassword: /^Connection to localhost:\d+ failed: SASL authentication failed/ }),
    inClear: /requires TLS|the broker closed the connection/,
  };
}

async function openSecuredNats(
  resources: AsyncDisposableStack,
): Promise<Readonly<Record<string, SecuredBroker>>> {
  const seed = readFileSync(join(natsDirectory, "user.seed"), "utf8");
  const credentials = readFileSync(join(natsDirectory, "user.creds"), "utf8");
  const bytes = new TextEncoder();
  const open = (portVariable: string, options: NatsOptions) => {
    const port = Number(variable(portVariable));
    const tls = { ca: rightTls.ca, cert: rightTls.certificate, key: rightTls.key };
    return openNats(resources, { ...options, port, host: "localhost", tls });
  };
  const [byUser, byToken, byCredentials] = await Promise.all([
    open("NATS_TLS_PORT", { authenticator: nkeyAuthenticator(bytes.encode(seed)) }),
    open("NATS_TOKEN_PORT", { token: password }),
    open("NATS_OPERATOR_PORT", { authenticator: credsAuthenticator(bytes.encode(credentials)) }),
  ]);
  const heard = byUser.hear("secured.events");
  const forUsers = { noCertificate: wantsCertificate };
  return {
    nats: {
      ...natsOf("NATS_TLS_PORT", heard, (given) => ({ username: "notifier", password: given })),
      ...forUsers,
    },
    jetstream: {
      ...natsOf("NATS_TLS_PORT", await byUser.hearStream("SECURED", "secured.stream"), (given) => ({
        username: "notifier",
        password: given,
        jetStream: true,
        subject: "secured.stream",
      })),
      ...forUsers,
    },
    "nats-nkey": {
      ...natsOf("NATS_TLS_PORT", heard, (given) => ({
        nkeySeed: given === password ? seed : strangerSeed,
      })),
      ...forUsers,
    },
    "nats-token": natsOf("NATS_TOKEN_PORT", byToken.hear("secured.events"), (given) => ({
      token: given,
    })),
    "nats-credentials": natsOf(
      "NATS_OPERATOR_PORT",
      byCredentials.hear("secured.events"),
      (given) => ({
        // The signed token of the user, with the key of somebody else.
        credentials:
          given === password ? credentials : credentials.replace(/^SU.*$/m, strangerSeed),
      }),
    ),
  };
}

function natsOf(
  portVariable: string,
  received: Received,
  login: (given: string) => Partial<SettingsOf<"nats">>,
): SecuredBroker {
  return {
    port: Number(variable(portVariable)),
    settings: ({ host, port, password: given, tls }) => ({
      kind: "nats",
      servers: [`${tls === undefined ? "nats" : "tls"}://${host}:${port}`],
      subject: "secured.events",
      ...login(given),
      ...tlsMember(tls),
    }),
    received,
    wrongPassword: /^Authorization Violation$/,
    // A client that was declared without TLS follows a server that wants it, and trusts nobody new.
    inClear: /^the receiver's certificate is not trusted: /,
  };
}

/** Of a user whom no server knows; from the documentation of NATS. */
export const strangerSeed = "SUAIBDPBAUTWCWBKIO6XHQNINK5FWJW4OHLXC3HQ2KFE4PEJUA44CNHTC4";

/** A receiver of web hooks that wants a certificate and a bearer token. */
async function openWebReceiver(resources: AsyncDisposableStack): Promise<SecuredBroker> {
  const bodies: string[] = [];
  const server: Server = createServer(
    {
      cert: readCertificate("server.pem"),
      key: readCertificate("server.key"),
      ca: rightTls.ca,
      requestCert: true,
    },
    (request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const isKnown = request.headers.authorization === `Bearer ${encodeURIComponent(password)}`;
        if (isKnown) bodies.push(Buffer.concat(parts).toString("utf8"));
        response.writeHead(isKnown ? 204 : 401).end();
      });
    },
  );
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  resources.defer(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port, // it listens on a port
    settings: ({ host, port, password: given, tls }) => ({
      kind: "webhook",
      url: `${tls === undefined ? "http" : "https"}://${host}:${port}/hook`,
      bearerToken: encodeURIComponent(given),
      ...tlsMember(tls),
    }),
    received: async () => bodies,
    wrongPassword: /^the receiver answered with status 401$/,
    noCertificate: wantsCertificate,
    inClear: closed,
  };
}
