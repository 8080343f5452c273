// Destinations of notifications on real brokers that want TLS, certificates and passwords: what arrives
// with the right settings, and what an administrator is told of wrong ones. brokers.sh starts the brokers.

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { S3 } from "@aws-sdk/client-s3";
import { createServer } from "../../src/app.ts";
import { failureText } from "../../src/background/notification/failure-text.ts";
import { openDestination } from "../../src/background/notification/open-destination.ts";
import type {
  DestinationSettings,
  SettingsOf,
  TlsSettings,
} from "../../src/model/notification-destinations.ts";
import { systemClock } from "../../src/base/clock.ts";
import { Log } from "../../src/telemetry/log.ts";
import { ManagementClient, type Answer } from "../admin/management-client.ts";
import { describeDestination, newMessage } from "../contracts/notification-destination-suite.ts";
import { escapedPassword, password, ports } from "./broker-receivers.ts";
import {
  openSecured,
  readCertificate,
  rightTls,
  strangerSeed,
  type SecuredAddress,
  type SecuredBroker,
} from "./secured-destinations.ts";

const resources = new AsyncDisposableStack();
after(() => resources.disposeAsync());
const brokers = await openSecured(resources);

/** The others differ from them in how they log in, and not in how they connect. */
const oneOfEachKind = new Set(
  "webhook amqp kafka-scram-512 nats jetstream mqtt redis postgresql".split(" "),
);

for (const [name, { settings, ...broker }] of Object.entries(brokers)) {
  if (!oneOfEachKind.has(name)) continue;
  describeDestination(`${name} over TLS`, {
    ...broker,
    host: "localhost",
    // By whichever way the broker is reached: its certificate is for this name.
    settings: (address) =>
      settings({ ...address, password, tls: { ...rightTls, serverName: "localhost" } }),
  });
}

const wrongPassword = "not-the-password";

interface Mistake {
  readonly address: Partial<SecuredAddress>;
  readonly told: (broker: SecuredBroker) => RegExp | undefined;
}

const untrusted = /the receiver's certificate is not trusted: (?:self-signed|unable to verify)/;
const { ca } = rightTls;

/** Nothing is told of the first two: they are none. */
const mistakes: Readonly<Record<string, Mistake>> = {
  none: { address: {}, told: () => undefined },
  unchecked: {
    address: {
      host: "127.0.0.1",
      tls: { certificate: rightTls.certificate, key: rightTls.key, insecure: true },
    },
    told: () => undefined,
  },
  "other-authority": {
    address: { tls: { ...rightTls, ca: readCertificate("other-ca.pem") } },
    told: () => untrusted,
  },
  "usual-authorities": {
    address: { tls: { certificate: rightTls.certificate, key: rightTls.key } },
    told: () => untrusted,
  },
  "other-host": {
    address: { host: "127.0.0.1" },
    told: () => /certificate is not trusted: Hostname\/IP does not match .*IP: 127\.0\.0\.1/,
  },
  "other-name": {
    address: { tls: { ...rightTls, serverName: "example.com" } },
    told: () => /certificate is not trusted: Hostname\/IP does not match .*Host: example\.com/,
  },
  "no-certificate": { address: { tls: { ca } }, told: ({ noCertificate }) => noCertificate },
  "in-clear": { address: { tls: undefined }, told: ({ inClear }) => inClear },
  "wrong-password": {
    address: { password: wrongPassword },
    told: ({ wrongPassword: refusal }) => refusal,
  },
};

interface Case {
  readonly name: string;
  readonly arn: string;
  readonly broker: SecuredBroker;
  readonly settings: DestinationSettings;
  /** `undefined`: it arrives. */
  readonly told: RegExp | undefined;
}

const cases: readonly Case[] = Object.entries(brokers).flatMap(([brokerName, broker]) =>
  Object.entries(mistakes)
    .map(([mistake, { address, told }]) => {
      const name = `${brokerName}-${mistake}`;
      const right = { host: "localhost", port: broker.port, password, tls: rightTls };
      return {
        name,
        arn: `arn:aws:sqs:us-east-1:123456789012:${name}`,
        broker,
        settings: broker.settings({ ...right, ...address }),
        told: told(broker),
        isRight: mistake === "none" || mistake === "unchecked",
        isOfLogin: mistake === "wrong-password" || mistake === "no-certificate",
      };
    })
    .filter(({ told, isRight }) => isRight || told !== undefined)
    .filter(({ isOfLogin, isRight }) => isRight || isOfLogin || oneOfEachKind.has(brokerName)),
);

describe("a server with secured destinations, and wrongly declared ones beside them", () => {
  it("delivers to the former, and tells why it does not to the latter, without a secret", async () => {
    const logged: string[] = [];
    const log = new Log({
      level: "debug",
      format: "json",
      clock: systemClock,
      requests: true,
      destination: { write: (text) => void logged.push(text), bufferedBytes: 0 },
    });
    const notifications = Object.fromEntries(cases.map(({ arn, settings }) => [arn, settings]));
    await using server = await createServer({ provisioning: { notifications }, log });
    const { endpoint, region, credentials } = server;
    const s3 = new S3({ endpoint, region, credentials, forcePathStyle: true });
    const root = new ManagementClient(endpoint, credentials);
    const Bucket = "bucket";
    await s3.createBucket({ Bucket });
    await s3.putBucketNotificationConfiguration({
      Bucket,
      SkipDestinationValidation: true,
      NotificationConfiguration: {
        QueueConfigurations: cases.map(({ name, arn }) => ({
          QueueArn: arn,
          Events: ["s3:ObjectCreated:*"],
          Filter: { Key: { FilterRules: [{ Name: "prefix", Value: `${name}/` }] } },
        })),
      },
    });
    await Promise.all(
      cases.map(({ name }) => s3.putObject({ Bucket, Key: `${name}/key`, Body: "text" })),
    );
    s3.destroy();

    const { destinations, answers } = await settled(root);
    for (const { arn, told, name, broker } of cases) {
      const { LastError, Waiting } = destinations.get(arn) ?? {};
      if (told === undefined) {
        assert.deepEqual([LastError, Waiting], [undefined, 0], name);
        const bodies = await broker.received();
        assert.ok(
          bodies.some((body) => body.includes(`${name}/key`)),
          name,
        );
      } else {
        assert.match(String(LastError), told, name);
        assert.equal(Waiting, 1, name);
      }
    }
    const shown = `${answers}\n${logged.join("")}`;
    for (const secret of secrets()) assert.ok(!shown.includes(secret), "a secret is shown");
  });

  it("does not send a password in clear to a server of NATS that knows no TLS", async () => {
    const arn = "arn:aws:sqs:us-east-1:123456789012:stripped";
    const settings: DestinationSettings = {
      kind: "nats",
      servers: [`tls://localhost:${ports.nats}`],
      subject: "secured.events",
      username: "notifier",
      password,
    };
    await using server = await createServer({
      provisioning: { notifications: { [arn]: settings } },
    });
    const { endpoint, region, credentials } = server;
    const s3 = new S3({ endpoint, region, credentials, forcePathStyle: true });
    const root = new ManagementClient(endpoint, credentials);
    await s3.createBucket({ Bucket: "bucket" });
    const configuration = {
      Bucket: "bucket",
      NotificationConfiguration: {
        QueueConfigurations: [{ QueueArn: arn, Events: ["s3:ObjectCreated:*" as const] }],
      },
    };
    // S3's test message is not taken either.
    await assert.rejects(s3.putBucketNotificationConfiguration(configuration), {
      name: "InvalidArgument",
    });
    await s3.putBucketNotificationConfiguration({
      ...configuration,
      SkipDestinationValidation: true,
    });
    await s3.putObject({ Bucket: "bucket", Key: "key", Body: "text" });
    s3.destroy();
    const ends = Date.now() + 10_000;
    let told: unknown;
    while (told === undefined && Date.now() < ends) {
      told = (await destinationsOf(root)).get(arn)?.["LastError"];
      await pause(20);
    }
    assert.equal(told, "server does not support 'tls'");
  });
});

it("sslmode of PostgreSQL means what it means to libpq", async () => {
  const { port, settings } = brokers["postgresql"] as SecuredBroker; // in the table
  const { ca: authority, ...own } = rightTls;
  // Its settings are those of its kind.
  const tryWith = async (mode: string, host: string, tls: TlsSettings): Promise<string> => {
    const declared = settings({ host, port, password, tls }) as SettingsOf<"postgresql">;
    const url = declared.url.replace(/\?.*$/, mode === "" ? "" : `?sslmode=${mode}`);
    await using destination = await openDestination({ ...declared, url }, systemClock);
    try {
      await destination.send([newMessage()], AbortSignal.timeout(10_000));
      return "taken";
    } catch (error) {
      return failureText(error, declared);
    }
  };
  const trusting = { ...own, ca: authority };
  const otherName = /does not match/;
  for (const [mode, host, tls, expected] of [
    ["disable", "localhost", trusting, /no encryption/],
    ["require", "127.0.0.1", own, /^taken$/],
    ["require", "127.0.0.1", trusting, /^taken$/],
    ["require", "localhost", { ...own, ca: readCertificate("other-ca.pem") }, untrusted],
    ["verify-ca", "127.0.0.1", trusting, /^taken$/],
    ["verify-ca", "localhost", own, untrusted],
    ["verify-full", "localhost", trusting, /^taken$/],
    ["verify-full", "127.0.0.1", trusting, otherName],
    ["", "localhost", trusting, /^taken$/],
    ["", "127.0.0.1", trusting, otherName],
  ] as const) {
    assert.match(await tryWith(mode, host, tls), expected, `${mode} ${host}`);
  }
});

async function destinationsOf(root: ManagementClient): Promise<ReadonlyMap<string, Answer>> {
  const { Destinations } = await root.call("ListNotificationDestinations");
  return new Map((Destinations as readonly Answer[]).map((each) => [String(each["Arn"]), each]));
}

/**
 * When each destination works, or says why it does not; with all that administrators were shown. On a
 * busy machine a broker may have lost its patience with us first, and says what is wrong the next time.
 */
async function settled(root: ManagementClient) {
  const ends = Date.now() + 60_000;
  for (;;) {
    const destinations = await destinationsOf(root);
    const isSettled = cases.every(({ arn, told }) => {
      const { LastError, Waiting } = destinations.get(arn) ?? {};
      return told === undefined ? Waiting === 0 : told.test(String(LastError));
    });
    if (isSettled || Date.now() > ends) {
      const workers = await root.call("ListWorkers");
      return { destinations, answers: JSON.stringify([[...destinations.values()], workers]) };
    }
    await pause(50);
  }
}

/** Lines of keys among them: a part of a secret is one too. */
function secrets(): readonly string[] {
  const lines = cases.flatMap(({ settings }) => {
    const { tls, ...rest } = settings;
    const { credentials = "", nkeySeed = "" } = rest as {
      readonly credentials?: string;
      readonly nkeySeed?: string;
    };
    return [tls?.key ?? "", credentials, nkeySeed].join("\n").split("\n");
  });
  const long = lines.map((line) => line.trim()).filter((line) => /^[^-]{16,}$/.test(line));
  return [password, escapedPassword, wrongPassword, strangerSeed, ...new Set(long)];
}
