// Every setting of the server in one table: its option, environment variable, default, kind and help
// text. `--help`, the README's table and the type `Configuration` are all made from it.

import { availableParallelism } from "node:os";

import type { ObjectOwnership } from "./objects/records/bucket-record.ts";
import type { MetricsSetting } from "./start-up/metrics-mode.ts";
import { logLevels, type LogFormat, type LogLevel } from "./telemetry/log.ts";

/** A value from the command line or the environment that cannot be used; its message is one line. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

export interface Setting<Value> {
  /** Without dashes; `undefined` for what must not appear on a command line. */
  readonly option: string | undefined;
  readonly environment: string;
  /** How help names the value; `undefined` for a switch. */
  readonly valueName: string | undefined;
  readonly isList?: true;
  readonly defaultValue: Value;
  /** How help words the default, where printing it would mislead. */
  readonly defaultText?: string;
  readonly help: string;
  /** Throws a ConfigurationError whose message follows the setting's name. */
  readonly parse: (text: string) => Value;
}

type Basics<Value> = Pick<Setting<Value>, "environment" | "defaultValue" | "help"> & {
  readonly option: string;
  readonly defaultText?: string;
};

const urlPattern = /^https?:\/\/[^\s/?#@]+(?:\/[^\s?#]*)?$/;
const vaultPath = /^[\w.-]+(?:\/[\w.-]+)*$/;

export const settings = {
  dataDirectory: text({
    option: "data",
    environment: "HOLDFAST_DATA",
    valueName: "DIRECTORY",
    defaultValue: "./data",
    help: "Where objects and metadata are kept; made when it is missing.",
  }),
  isMemoryStore: flag({
    option: "memory",
    environment: "HOLDFAST_MEMORY",
    defaultValue: false,
    help: "Keep everything in memory: gone when the server stops. Needs one worker.",
  }),
  host: text({
    option: "host",
    environment: "HOLDFAST_HOST",
    valueName: "ADDRESS",
    defaultValue: "127.0.0.1",
    help: "Address to listen on; 0.0.0.0 or :: for every interface.",
  }),
  port: integer({
    option: "port",
    environment: "HOLDFAST_PORT",
    defaultValue: 9000,
    minimum: 0,
    maximum: 65_535,
    help: "Port of the S3 endpoint; 0 takes a free one.",
  }),
  adminPort: {
    option: "admin-port",
    environment: "HOLDFAST_ADMIN_PORT",
    valueName: "NUMBER",
    defaultValue: 9001,
    help: "Port of /health/live, /health/ready and /metrics; 0 takes a free one, `off` none.",
    parse: (value) => (value === "off" ? undefined : parseInteger(value, 0, 65_535)),
  } as Setting<number | undefined>,
  metrics: choice<MetricsSetting>({
    option: "metrics",
    environment: "HOLDFAST_METRICS",
    choices: ["auto", "with-buckets", "without-buckets", "off"],
    defaultValue: "auto",
    help:
      "What /metrics tells on the admin port, in Prometheus' format. without-buckets: nothing that " +
      "names a bucket. auto: names them where --host is a loopback address or a token is asked for.",
  }),
  metricsToken: secret({
    environment: "HOLDFAST_METRICS_TOKEN",
    help: "/metrics answers only requests with this bearer token.",
    pattern: /^[\x21-\x7e]{8,256}$/,
    expectation: "8 to 256 printable ASCII characters without blanks",
  }),
  workers: integer({
    option: "workers",
    environment: "HOLDFAST_WORKERS",
    defaultValue: Math.max(1, Math.floor(availableParallelism() / 2)),
    defaultText: "half of the cores",
    minimum: 1,
    maximum: 256,
    help: "Processes that serve requests. One serves inside the main process.",
  }),
  region: pattern({
    option: "region",
    environment: "HOLDFAST_REGION",
    valueName: "NAME",
    defaultValue: "us-east-1",
    pattern: /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    expectation: "a region name such as eu-central-1",
    help: "Region that the server says it is.",
  }),
  domains: {
    option: "domain",
    environment: "HOLDFAST_DOMAIN",
    valueName: "NAME",
    isList: true,
    // Names below localhost resolve to the loopback address by themselves on most systems.
    defaultValue: ["localhost"],
    defaultText: "localhost",
    help: "Domain under which buckets are addressed as hosts (bucket.NAME); may be given again.",
    parse: (value) => parseDomains(value),
  } as Setting<readonly string[]>,
  websiteDomains: {
    option: "website-domain",
    environment: "HOLDFAST_WEBSITE_DOMAIN",
    valueName: "NAME",
    isList: true,
    defaultValue: ["s3-website.localhost"],
    defaultText: "s3-website.localhost",
    help: "Domain under which buckets that are configured as websites are shown (bucket.NAME); may be given again.",
    parse: (value) => parseDomains(value),
  } as Setting<readonly string[]>,
  websitePort: {
    option: "website-port",
    environment: "HOLDFAST_WEBSITE_PORT",
    valueName: "NUMBER",
    defaultValue: undefined,
    help:
      "A port of its own for websites, for domains of their own: the whole host names the bucket, or its " +
      "first label; 0 takes a free one.",
    parse: (value) => (value === "off" ? undefined : parseInteger(value, 0, 65_535)),
  } as Setting<number | undefined>,
  durability: choice<"strict" | "relaxed">({
    option: "durability",
    environment: "HOLDFAST_DURABILITY",
    choices: ["strict", "relaxed"],
    defaultValue: "strict",
    help:
      "strict: a write is answered when a power cut cannot lose it any more. " +
      "relaxed: sooner; the last writes before a power cut may be lost.",
  }),
  defaultObjectOwnership: choice<ObjectOwnership>({
    option: "default-object-ownership",
    environment: "HOLDFAST_DEFAULT_OBJECT_OWNERSHIP",
    choices: ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"],
    defaultValue: "BucketOwnerEnforced",
    help: "Object ownership of new buckets whose request names none; BucketOwnerEnforced disables ACLs.",
  }),
  defaultPublicAccessBlock: choice<"on" | "off">({
    option: "default-public-access-block",
    environment: "HOLDFAST_DEFAULT_PUBLIC_ACCESS_BLOCK",
    choices: ["on", "off"],
    defaultValue: "on",
    help: "Whether new buckets have Block Public Access, as on AWS; it can be taken off each bucket.",
  }),
  tlsKeyFile: optionalText({
    option: "tls-key",
    environment: "HOLDFAST_TLS_KEY",
    valueName: "FILE",
    help: "Private key (PEM); serves HTTPS together with --tls-certificate.",
  }),
  tlsCertificateFile: optionalText({
    option: "tls-certificate",
    environment: "HOLDFAST_TLS_CERTIFICATE",
    valueName: "FILE",
    help: "Certificate chain (PEM).",
  }),
  rootAccessKey: secret({
    environment: "HOLDFAST_ROOT_ACCESS_KEY",
    help: "Access key id of the root account. Without it a pair is made once and kept in the data directory.",
    pattern: /^[A-Za-z0-9_-]{3,128}$/,
    expectation: "3 to 128 letters, digits, `-` or `_`",
  }),
  rootSecretKey: secret({
    environment: "HOLDFAST_ROOT_SECRET_KEY",
    help: "Secret access key of the root account; never taken from the command line.",
    pattern: /^[\x21-\x7e]{8,256}$/,
    expectation: "8 to 256 printable ASCII characters without blanks",
  }),
  masterKeyPassphrase: secret({
    environment: "HOLDFAST_MASTER_KEY_PASSPHRASE",
    help: "Seals the master keys in the data directory; without it they stand there in clear, readable by the server's user alone.",
    pattern: /^[^\0]{8,1024}$/,
    expectation: "8 to 1024 characters",
  }),
  masterKeyPassphraseFile: optionalText({
    option: "master-key-passphrase-file",
    environment: "HOLDFAST_MASTER_KEY_PASSPHRASE_FILE",
    valueName: "FILE",
    help: "File that holds the passphrase.",
  }),
  masterKeyFile: optionalText({
    option: "master-key-file",
    environment: "HOLDFAST_MASTER_KEY_FILE",
    valueName: "FILE",
    help:
      "File that holds the master key, 32 bytes in Base64 or hexadecimal digits; none is then made in " +
      "the data directory. Further lines hold earlier keys.",
  }),
  customerKeys: choice<"blocked" | "allowed" | "anywhere">({
    option: "sse-c",
    environment: "HOLDFAST_SSE_C",
    choices: ["blocked", "allowed", "anywhere"],
    defaultValue: "blocked",
    help:
      "Encryption with customers' keys (SSE-C). blocked: new buckets refuse it until PutBucketEncryption " +
      "unblocks it, as in S3. allowed: they take it. anywhere: without TLS too, where keys can be read " +
      "on the way.",
  }),
  lifecycleDaySeconds: {
    option: "lifecycle-day-seconds",
    environment: "HOLDFAST_LIFECYCLE_DAY_SECONDS",
    valueName: "NUMBER",
    defaultValue: undefined,
    defaultText: "",
    help:
      "How long a day of lifecycle rules is, to try them out: nothing then waits for midnight. Without it " +
      "days are those of the calendar, in UTC.",
    parse: (value) => parseInteger(value, 1, 86_400),
  } as Setting<number | undefined>,
  kms: choice<"local" | "vault" | "aws">({
    option: "kms",
    environment: "HOLDFAST_KMS",
    choices: ["local", "vault", "aws"],
    defaultValue: "local",
    help:
      "Who keeps the keys of SSE-KMS: Holdfast itself, the transit engine of HashiCorp Vault or " +
      "OpenBao, or AWS KMS.",
  }),
  kmsEndpoint: pattern({
    option: "kms-endpoint",
    environment: "HOLDFAST_KMS_ENDPOINT",
    valueName: "URL",
    defaultValue: "",
    pattern: /^https?:\/\/[^\s/?#@]+\/?$/,
    expectation: "a URL such as https://vault.example.com:8200",
    help: "Where the Vault is, or another endpoint than AWS's own.",
  }),
  kmsCertificatesFile: optionalText({
    option: "kms-ca",
    environment: "HOLDFAST_KMS_CA",
    valueName: "FILE",
    help: "Certificates (PEM) to trust beside the system's when talking to the key server.",
  }),
  kmsDefaultKey: optionalText({
    option: "kms-default-key",
    environment: "HOLDFAST_KMS_DEFAULT_KEY",
    valueName: "NAME",
    help: "Key of the key server for objects whose request names none; in a Vault holdfast-default.",
  }),
  kmsRegion: optionalText({
    option: "kms-region",
    environment: "HOLDFAST_KMS_REGION",
    valueName: "NAME",
    help: "Region of AWS KMS, where it is not the server's own.",
  }),
  kmsVaultMount: pattern({
    option: "kms-vault-mount",
    environment: "HOLDFAST_KMS_VAULT_MOUNT",
    valueName: "PATH",
    defaultValue: "transit",
    pattern: vaultPath,
    expectation: "a path such as transit",
    help: "Where the transit engine is mounted.",
  }),
  kmsVaultNamespace: optionalText({
    option: "kms-vault-namespace",
    environment: "HOLDFAST_KMS_VAULT_NAMESPACE",
    valueName: "PATH",
    help: "Namespace of the Vault.",
  }),
  kmsVaultRoleMount: pattern({
    option: "kms-vault-role-mount",
    environment: "HOLDFAST_KMS_VAULT_ROLE_MOUNT",
    valueName: "PATH",
    defaultValue: "approle",
    pattern: vaultPath,
    expectation: "a path such as approle",
    help: "Where the AppRole method is mounted.",
  }),
  kmsVaultRoleId: optionalText({
    option: "kms-vault-role-id",
    environment: "HOLDFAST_KMS_VAULT_ROLE_ID",
    valueName: "TEXT",
    help: "Role id: the server logs in to the Vault by AppRole.",
  }),
  kmsVaultSecretId: secret({
    environment: "HOLDFAST_KMS_VAULT_SECRET_ID",
    help: "Secret id of the AppRole.",
    pattern: /^[\x21-\x7e]{1,1024}$/,
    expectation: "printable ASCII characters without blanks",
  }),
  kmsVaultSecretIdFile: optionalText({
    option: "kms-vault-secret-id-file",
    environment: "HOLDFAST_KMS_VAULT_SECRET_ID_FILE",
    valueName: "FILE",
    help: "File that holds the secret id; read at each login.",
  }),
  kmsVaultToken: secret({
    environment: "HOLDFAST_KMS_VAULT_TOKEN",
    help: "Token for the Vault.",
    pattern: /^[\x21-\x7e]{1,4096}$/,
    expectation: "printable ASCII characters without blanks",
  }),
  kmsVaultTokenFile: optionalText({
    option: "kms-vault-token-file",
    environment: "HOLDFAST_KMS_VAULT_TOKEN_FILE",
    valueName: "FILE",
    help: "File that holds the token, as a Vault agent keeps it fresh.",
  }),
  kmsAccessKey: secret({
    environment: "HOLDFAST_KMS_ACCESS_KEY",
    help: "Access key id for AWS KMS.",
    pattern: /^[\x21-\x7e]{1,128}$/,
    expectation: "printable ASCII characters without blanks",
  }),
  kmsSecretKey: secret({
    environment: "HOLDFAST_KMS_SECRET_KEY",
    help: "Secret access key for AWS KMS.",
    pattern: /^[\x21-\x7e]{1,256}$/,
    expectation: "printable ASCII characters without blanks",
  }),
  kmsSessionToken: secret({
    environment: "HOLDFAST_KMS_SESSION_TOKEN",
    help: "Session token, where the credentials for AWS KMS are temporary ones.",
    pattern: /^[\x21-\x7e]{1,8192}$/,
    expectation: "printable ASCII characters without blanks",
  }),
  logLevel: choice<LogLevel>({
    option: "log-level",
    environment: "HOLDFAST_LOG_LEVEL",
    choices: logLevels,
    defaultValue: "info",
    help: "Least severe entry that is logged; debug logs requests too.",
  }),
  logFormat: choice<LogFormat>({
    option: "log-format",
    environment: "HOLDFAST_LOG_FORMAT",
    choices: ["text", "json"],
    defaultValue: "text",
    help: "Form of the log, for people or for machines.",
  }),
  logsRequests: flag({
    option: "log-requests",
    environment: "HOLDFAST_LOG_REQUESTS",
    defaultValue: false,
    help: "Log a line for every request.",
  }),
  logFile: optionalText({
    option: "log-file",
    environment: "HOLDFAST_LOG_FILE",
    valueName: "FILE",
    help: "File for the log, in place of the standard error stream; opened anew on SIGHUP, and when it was moved.",
  }),
  logFileBytes: sizeOrOff({
    option: "log-file-size",
    environment: "HOLDFAST_LOG_FILE_SIZE",
    defaultValue: 100 * 1024 * 1024,
    defaultText: "100MiB",
    help: "Length at which the log's file is put aside and begun anew; off: others (logrotate) see to it.",
  }),
  logFileKept: integer({
    option: "log-files",
    environment: "HOLDFAST_LOG_FILES",
    defaultValue: 10,
    minimum: 0,
    maximum: 100_000,
    help: "Files of the log that were put aside and are kept.",
  }),
  provisioningFile: optionalText({
    option: "config",
    environment: "HOLDFAST_CONFIG",
    valueName: "FILE",
    help:
      "YAML or JSON that declares accounts, users, groups, roles, policies and buckets with their " +
      "settings, applied at the start, and where the bytes of storage classes lie. `holdfast plan` " +
      "prints what it would change; `holdfast check` needs it for such stores.",
  }),
  provisioningText: secret({
    environment: "HOLDFAST_CONFIG_TEXT",
    help: "What --config would name a file for, as the text itself: for containers.",
    pattern: /\S/,
    expectation: "YAML or JSON",
  }),
  otlpEndpoint: pattern({
    option: "otlp-endpoint",
    environment: "OTEL_EXPORTER_OTLP_ENDPOINT",
    valueName: "URL",
    defaultValue: "",
    pattern: urlPattern,
    expectation: "a URL such as http://collector:4318",
    help:
      "OpenTelemetry collector that gets a trace of every request, OTLP over HTTP in protobuf. Other " +
      "variables of OpenTelemetry hold too.",
  }),
  otlpTracesEndpoint: {
    ...pattern({
      option: "otlp-traces-endpoint",
      environment: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
      valueName: "URL",
      defaultValue: "",
      pattern: urlPattern,
      expectation: "a URL such as http://collector:4318/v1/traces",
      help: "The same as a whole URL.",
    }),
    option: undefined,
  } as Setting<string>,
  isTelemetryDisabled: {
    ...flag({
      option: "",
      environment: "OTEL_SDK_DISABLED",
      defaultValue: false,
      help: "true: no traces, whatever the endpoint is.",
    }),
    option: undefined,
  } as Setting<boolean>,
  auditLogFile: optionalText({
    option: "audit-log",
    environment: "HOLDFAST_AUDIT_LOG",
    valueName: "FILE",
    help: "File that gets a JSON line for every request: who asked, what was decided, and by which statement.",
  }),
  auditLogBytes: sizeOrOff({
    option: "audit-log-size",
    environment: "HOLDFAST_AUDIT_LOG_SIZE",
    defaultValue: 100 * 1024 * 1024,
    defaultText: "100MiB",
    help: "Length at which the audit log's file is put aside and begun anew; off: others see to it.",
  }),
  auditLogKeptFiles: integer({
    option: "audit-log-files",
    environment: "HOLDFAST_AUDIT_LOG_FILES",
    defaultValue: 10,
    minimum: 0,
    maximum: 100_000,
    help: "Files of the audit log that were put aside and are kept.",
  }),
  accessLogMilliseconds: duration({
    option: "access-log-interval",
    environment: "HOLDFAST_ACCESS_LOG_INTERVAL",
    defaultValue: 30_000,
    help: "How long records of server access logging wait for their delivery at most.",
  }),
  drainTimeoutMilliseconds: duration({
    option: "drain-timeout",
    environment: "HOLDFAST_DRAIN_TIMEOUT",
    defaultValue: 30_000,
    help: "How long requests in flight may go on after SIGTERM or SIGINT.",
  }),
  idleTimeoutMilliseconds: duration({
    option: "idle-timeout",
    environment: "HOLDFAST_IDLE_TIMEOUT",
    defaultValue: 20_000,
    help: "How long a client may stay silent in the middle of a request or an answer.",
  }),
  maximumConnections: integer({
    option: "connections",
    environment: "HOLDFAST_CONNECTIONS",
    defaultValue: 10_000,
    minimum: 1,
    maximum: 1_000_000,
    help: "Most connections at a time, for each worker.",
  }),
} satisfies Record<string, Setting<unknown>>;

type ValueOf<Kind> = Kind extends { readonly parse: (text: string) => infer Value } ? Value : never;

export type Configuration = {
  readonly [Name in keyof typeof settings]: ValueOf<(typeof settings)[Name]>;
};

function text(basics: Basics<string> & { readonly valueName: string }): Setting<string> {
  return { ...basics, parse: (value) => parseText(value) };
}

function optionalText(basics: {
  readonly option: string;
  readonly environment: string;
  readonly valueName: string;
  readonly help: string;
}): Setting<string | undefined> {
  return { ...basics, defaultValue: undefined, parse: (value) => parseText(value) };
}

function pattern(
  basics: Basics<string> & {
    readonly valueName: string;
    readonly pattern: RegExp;
    readonly expectation: string;
  },
): Setting<string> {
  return { ...basics, parse: (value) => parsePattern(value, basics.pattern, basics.expectation) };
}

function secret(basics: {
  readonly environment: string;
  readonly help: string;
  readonly pattern: RegExp;
  readonly expectation: string;
}): Setting<string | undefined> {
  const { environment, help } = basics;
  return {
    option: undefined,
    environment,
    help,
    valueName: "TEXT",
    defaultValue: undefined,
    // The value itself must not be repeated in a message.
    parse: (value) => {
      if (basics.pattern.test(value)) return value;
      throw new ConfigurationError(`must be ${basics.expectation}`);
    },
  };
}

function flag(basics: Basics<boolean>): Setting<boolean> {
  return {
    ...basics,
    valueName: undefined,
    parse: (value) => {
      if (/^(?:1|true|yes|on)$/i.test(value)) return true;
      if (/^(?:0|false|no|off|)$/i.test(value)) return false;
      throw new ConfigurationError(`must be true or false, not ${quote(value)}`);
    },
  };
}

function integer(
  basics: Basics<number> & { readonly minimum: number; readonly maximum: number },
): Setting<number> {
  const { minimum, maximum, ...rest } = basics;
  return {
    ...rest,
    valueName: "NUMBER",
    parse: (value) => parseInteger(value, minimum, maximum),
  };
}

function duration(basics: Basics<number>): Setting<number> {
  return {
    ...basics,
    valueName: "TIME",
    defaultText: `${basics.defaultValue / 1000}s`,
    parse: (value) => parseDuration(value),
  };
}

/** `off` is as good as infinite. */
function sizeOrOff(basics: Basics<number>): Setting<number> {
  return {
    ...basics,
    valueName: "SIZE",
    parse: (value) => (value === "off" ? Number.MAX_SAFE_INTEGER : parseSize(value)),
  };
}

function choice<Choice extends string>(
  basics: Basics<Choice> & { readonly choices: readonly Choice[] },
): Setting<Choice> {
  const { choices, ...rest } = basics;
  return {
    ...rest,
    valueName: choices.join("|"),
    parse: (value) => {
      const found = choices.find((choice) => choice === value);
      if (found !== undefined) return found;
      throw new ConfigurationError(`must be one of ${choices.join(", ")}, not ${quote(value)}`);
    },
  };
}

function parseText(value: string): string {
  if (value === "" || value.includes("\0")) throw new ConfigurationError("must not be empty");
  return value;
}

function parsePattern(value: string, allowed: RegExp, expectation: string): string {
  if (allowed.test(value)) return value;
  throw new ConfigurationError(`must be ${expectation}, not ${quote(value)}`);
}

function parseInteger(value: string, minimum: number, maximum: number): number {
  const number = /^[0-9]{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= minimum && number <= maximum) return number;
  throw new ConfigurationError(
    `must be a whole number from ${minimum} to ${maximum}, not ${quote(value)}`,
  );
}

const unitMilliseconds: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
/** The largest delay that Node's timers take. */
const longestMilliseconds = 2 ** 31 - 1;

function parseDuration(value: string): number {
  const match = /^([0-9]{1,9})(ms|s|m|h)?$/.exec(value);
  const milliseconds = Number(match?.[1]) * (unitMilliseconds[match?.[2] ?? "s"] ?? 1);
  if (milliseconds <= longestMilliseconds) return milliseconds;
  throw new ConfigurationError(`must be a time such as 30s, 500ms or 5m, not ${quote(value)}`);
}

const unitBytes: Readonly<Record<string, number>> = {
  "": 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};

function parseSize(value: string): number {
  const match = /^([0-9]{1,12})(KiB|MiB|GiB|TiB|)$/.exec(value);
  const bytes = Number(match?.[1]) * (unitBytes[match?.[2] ?? ""] ?? 1);
  if (bytes >= 1 && Number.isSafeInteger(bytes)) return bytes;
  throw new ConfigurationError(
    `must be a size such as 512KiB, 100MiB or 2GiB, not ${quote(value)}`,
  );
}

function parseDomains(value: string): readonly string[] {
  return value
    .split(",")
    .map((domain) => domain.trim().toLowerCase())
    .filter((domain) => domain !== "")
    .map((domain) =>
      parsePattern(
        domain,
        /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/,
        "a domain name such as s3.example.com",
      ),
    );
}

function quote(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}
