// Every setting of the command line in one table: its option, environment variable, default, kind and help
// text. `--help`, the README's table and the type `Configuration` are all made from it. A setting that
// concerns how requests are served, and is no secret, belongs to server-settings.ts: it travels by itself.

import { availableParallelism } from "node:os";

import { serverSettings } from "./server-settings.ts";
import {
  choice,
  duration,
  flag,
  integer,
  optionalText,
  parseInteger,
  pattern,
  secret,
  sizeOrOff,
  text,
  type Setting,
} from "./setting-kinds.ts";
import type { MetricsSetting } from "./start-up/metrics-mode.ts";
import { logLevels, type LogFormat, type LogLevel } from "./telemetry/log.ts";

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
  port: integer({
    option: "port",
    environment: "HOLDFAST_PORT",
    defaultValue: 9000,
    minimum: 0,
    maximum: 65_535,
    help: "Port of the S3 endpoint; 0 takes a free one.",
  }),
  ...serverSettings,
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
