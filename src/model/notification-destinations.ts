// Destinations of notifications as they are declared: the strict schema of each kind. An unknown or
// misspelt name is an error with its place.

import { z } from "zod";

const text = z.string().min(1).max(2048);
const secret = z.string().min(1).max(65_536);

/** The name of a file in its place is a mistake that would come to light much later. */
const certificates = secret.regex(/-----BEGIN (?:TRUSTED )?CERTIFICATE-----/, {
  error: "must be certificates in PEM; { fromFile: PATH } reads them from a file",
});
const privateKey = secret.regex(/-----BEGIN (?:EC |RSA )?PRIVATE KEY-----/, {
  error: "must be an unencrypted private key in PEM; { fromFile: PATH } reads it from a file",
});

const tls = z
  .strictObject({
    /** Certificates of the authorities to trust instead of the usual ones. */
    ca: certificates.optional(),
    /** The client's own certificate, with its key. */
    certificate: certificates.optional(),
    key: privateKey.optional(),
    /** The name that the server's certificate must be for, where it is not the host's. */
    serverName: text.optional(),
    /** Takes any certificate. For tests. */
    insecure: z.boolean().optional(),
  })
  .refine(({ certificate, key }) => (certificate === undefined) === (key === undefined), {
    error: "certificate and key go together",
  });

/** Of destinations with a URL: what stands here is not looked for in the URL, and needs no escapes. */
const user = { username: text.optional(), password: secret.optional() };

/** How long one try takes at most. */
export const defaultTimeoutSeconds = 10;

const common = {
  /** How events are told: as S3 tells them to queues and topics, or as EventBridge does. */
  envelope: z.enum(["records", "event-bridge"]).optional(),
  /** What could not be delivered for so long becomes a dead letter; absent: it is tried for ever. */
  maximumAgeSeconds: z.int().min(1).optional(),
  /** How long one try may take; default `defaultTimeoutSeconds`. */
  timeoutSeconds: z.number().min(0.1).max(300).optional(),
  /** How many tries may be under way at once. */
  concurrency: z.int().min(1).max(64).optional(),
  tls: tls.optional(),
};

// Of what is no URL the error is that it is none.
const parse = (url: string): URL | undefined => (URL.canParse(url) ? new URL(url) : undefined);

function isWithoutUser(url: string): boolean {
  const { username = "", password = "" } = parse(url) ?? {};
  return username === "" && password === "";
}

/** Of libpq's modes those that do what they say: `prefer` would go on in clear. */
function hasKnownSslMode(url: string): boolean {
  const mode = parse(url)?.searchParams.get("sslmode") ?? "disable";
  return ["disable", "require", "verify-ca", "verify-full"].includes(mode);
}

function hasNoCertificateFiles(url: string): boolean {
  const names = ["ssl", "sslcert", "sslkey", "sslrootcert", "uselibpqcompat"];
  return names.every((name) => parse(url)?.searchParams.has(name) !== true);
}

const httpUrl = z.url({ protocol: /^https?$/ });

const aws = {
  region: text,
  accessKeyId: text,
  secretAccessKey: secret,
  sessionToken: secret.optional(),
};

/** In `topic`, `subject`, `routingKey` and `key` `{bucket}` and `{event}` stand for the event's own. */
const kinds = [
  z.strictObject({
    kind: z.literal("webhook"),
    url: httpUrl,
    /** Signs requests; see docs/guide/notifications.md. */
    secret: secret.optional(),
    bearerToken: secret.optional(),
    /** Of S3's envelope, whose records are a list: so many in one request where they wait. Default 1, or 100 where many wait. */
    recordsPerRequest: z.int().min(1).max(100).optional(),
    headers: z.record(z.string().regex(/^[!#$%&'*+.^_`|~\w-]{1,128}$/), secret).optional(),
    ...common,
  }),
  z.strictObject({
    kind: z.literal("sqs"),
    queueUrl: httpUrl,
    /** Default: the origin of the queue's URL. */
    endpoint: httpUrl.optional(),
    ...aws,
    ...common,
  }),
  z.strictObject({
    kind: z.literal("sns"),
    endpoint: httpUrl,
    topicArn: text,
    ...aws,
    ...common,
  }),
  z.strictObject({
    kind: z.literal("event-bridge"),
    endpoint: httpUrl,
    /** Name or ARN of the bus. */
    eventBusName: text,
    /** Default `aws.s3`, which AWS itself takes from nobody else. */
    source: text.optional(),
    ...aws,
    ...common,
  }),
  z.strictObject({
    kind: z.literal("amqp"),
    /** `amqp://user:password@host:5672/vhost` or `amqps:`. */
    url: z.url({ protocol: /^amqps?$/ }),
    /** Default: the default exchange, whose routing keys are names of queues. */
    exchange: z.string().max(255).optional(),
    routingKey: text,
    ...user,
    ...common,
  }),
  z.strictObject({
    kind: z.literal("kafka"),
    /** `host:port`. */
    brokers: z.array(z.string().regex(/^[^:/]+:\d+$|^\[[\da-f:]+\]:\d+$/i)).min(1),
    topic: text,
    sasl: z
      .strictObject({
        mechanism: z.enum(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]),
        username: text,
        password: secret,
      })
      .optional(),
    /** Whether connections are TLS; its details are in `tls`. */
    encrypted: z.boolean().optional(),
    ...common,
  }),
  z.strictObject({
    kind: z.literal("nats"),
    /** `nats://host:4222` or `tls:`. */
    servers: z
      .array(
        z.url({ protocol: /^(?:nats|tls)$/ }).refine(isWithoutUser, {
          error: "must not hold a user: username, password and token have settings of their own",
        }),
      )
      .min(1),
    subject: text,
    /** Waits for the stream's acknowledgement; without it NATS forgets what nobody hears. */
    jetStream: z.boolean().optional(),
    ...user,
    token: secret.optional(),
    /** Content of a `.creds` file. */
    credentials: secret
      .regex(/BEGIN NATS USER JWT[\s\S]*BEGIN USER NKEY SEED/, {
        error: "must be the content of a .creds file",
      })
      .optional(),
    /** Of a user that the server knows by its key alone: `SU…`. */
    nkeySeed: secret
      .regex(/^\s*SU[A-Z2-7]{56}\s*$/, {
        error: "must be the seed of a user: SU and 56 characters",
      })
      .optional(),
    ...common,
  }),
  z.strictObject({
    kind: z.literal("mqtt"),
    /** `mqtt://host:1883` or `mqtts:`. */
    url: z.url({ protocol: /^mqtts?$/ }),
    topic: text,
    clientId: text.optional(),
    ...user,
    ...common,
  }),
  z.strictObject({
    kind: z.literal("redis"),
    /** `redis://user:password@host:6379/0` or `rediss:`. */
    url: z.url({ protocol: /^rediss?$/ }),
    /** `list`: RPUSH; `channel`: PUBLISH, which Redis forgets when nobody listens; `stream`: XADD. */
    mode: z.enum(["list", "channel", "stream"]),
    key: text,
    /** Of a stream: about how many entries it keeps. */
    maximumLength: z.int().min(1).optional(),
    ...user,
    ...common,
  }),
  z.strictObject({
    kind: z.literal("postgresql"),
    /** `postgresql://user:password@host:5432/database?sslmode=verify-full`. */
    url: z
      .url({ protocol: /^postgres(?:ql)?$/ })
      .refine(hasKnownSslMode, {
        error: "sslmode must be disable, require, verify-ca or verify-full",
      })
      .refine(hasNoCertificateFiles, {
        error: "sslcert, sslkey and sslrootcert stand in tls, as certificate, key and ca",
      }),
    /** `name` or `schema.name`. */
    table: z.string().regex(/^[a-z_]\w{0,62}(?:\.[a-z_]\w{0,62})?$/i),
    /** `append`: a row an event; `namespace`: a row an object, gone when the object is. */
    mode: z.enum(["append", "namespace"]),
    ...user,
    ...common,
  }),
] as const;

/** Settings of one destination. */
export const destinationSettings = z
  .discriminatedUnion("kind", kinds)
  // Whoever writes `tls` does not mean a connection in clear.
  .refine((settings) => settings.tls === undefined || !isInClear(settings), {
    path: ["tls"],
    error: "has no effect: the URL asks for a connection in clear",
  });

function isInClear(settings: z.output<(typeof kinds)[number]>): boolean {
  switch (settings.kind) {
    case "kafka":
    case "nats":
      return false;
    case "sqs":
      return /^http:/i.test(settings.endpoint ?? settings.queueUrl);
    case "sns":
    case "event-bridge":
      return /^http:/i.test(settings.endpoint);
    case "postgresql":
      return parse(settings.url)?.searchParams.get("sslmode") === "disable";
    default:
      return /^(?:http|amqp|mqtt|redis):/i.test(settings.url);
  }
}

/** `arn:aws:sqs:us-east-1:123456789012:orders`; `*` in it stands for any run of characters. */
export const destinationArn = z
  .string()
  .regex(/^arn:[\w*-]+:(?:sns|sqs|lambda|events):[^:]*:[^:]*:.+$/, {
    error: "must be the ARN of a topic (sns), queue (sqs), function (lambda) or event bus (events)",
  });

/** The section `notifications` of a configuration file: settings by ARN. */
export const notificationDestinations = z.record(destinationArn, destinationSettings);

export type DestinationSettings = z.output<typeof destinationSettings>;
export type DestinationKind = DestinationSettings["kind"];
export type SettingsOf<Kind extends DestinationKind> = Extract<
  DestinationSettings,
  { readonly kind: Kind }
>;
export type TlsSettings = z.output<typeof tls>;
