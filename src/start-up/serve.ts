// The command `serve`: starts a server in this process or in several workers, says where it is, and
// drains when it is told to stop.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { createServer } from "../app.ts";
import { ConfigurationError, type Configuration } from "../config.ts";
import type { ProvisioningDocument } from "../provisioning/document.ts";
import type { Log } from "../telemetry/log.ts";
import { settleServerSettings } from "../server-settings.ts";
import { formatBanner } from "./banner.ts";
import { acquireDirectoryLock } from "./directory-lock.ts";
import { endpointUrl } from "./endpoint.ts";
import { kmsSourceOf, type KmsSource } from "./key-services.ts";
import { findMasterKeys, readGivenMasterKey, type GivenMasterKey } from "./master-keys.ts";
import { loadOrCreateCredentials, type RootCredentials } from "./root-credentials.ts";
import type { RotatingFileOptions } from "./rotating-file.ts";
import { metricsModeOf } from "./metrics-mode.ts";
import { listenForReopen } from "./reopen-signal.ts";
import { openServerLog, type ServerLog, type ServerLogOptions } from "./server-log.ts";
import { listenForStop } from "./stop-signals.ts";
import { tracingOptionsOf, type TracingOptions } from "./tracing.ts";
import { trustCertificates } from "./trusted-certificates.ts";
import { Supervisor } from "./supervisor.ts";

/** A server in one process or in many. */
interface RunningServer {
  readonly endpoint: string;
  readonly adminEndpoint: string | undefined;
  readonly websiteEndpoint: string | undefined;
  /** False when requests were cut off. */
  drain(timeoutMilliseconds: number): Promise<boolean>;
  /** Of other processes. */
  reopenLogs(): void;
  /** Gives up at once. */
  kill(): void;
}

interface Prepared {
  readonly configuration: Configuration;
  /** `undefined`: in memory. */
  readonly directory: string | undefined;
  readonly workers: number;
  readonly tls: { readonly key: string; readonly certificate: string } | undefined;
  readonly credentials: RootCredentials;
  readonly masterKey: GivenMasterKey | undefined;
  readonly kms: KmsSource;
  /** PEM: to trust beside the system's. */
  readonly trustedCertificates: string | undefined;
  readonly provisioning: ProvisioningDocument | undefined;
  readonly log: Log;
  readonly version: string;
}

/** Resolves with the exit code after the server was stopped. */
export async function serve(
  configuration: Configuration,
  environment: { readonly version: string; readonly output: NodeJS.WriteStream },
): Promise<number> {
  await using resources = new AsyncDisposableStack();
  const serverLog = resources.use(createLog(configuration));
  const { log } = serverLog;
  let server: RunningServer | undefined;
  const stop = listenForStop(() => {
    server?.kill();
    process.exit(1);
  });
  listenForReopen(() => {
    serverLog.reopen();
    server?.reopenLogs();
  });
  const prepared = await prepare(configuration, { log, version: environment.version }, resources);
  server = prepared.workers > 1 ? await startWorkers(prepared) : await startHere(prepared);
  environment.output.write(banner(prepared, server, environment));
  const { endpoint, adminEndpoint } = server;
  log.serverStarted({
    endpoint,
    ...(adminEndpoint === undefined ? {} : { adminEndpoint }),
    workers: prepared.workers,
  });
  const reason = await stop.asked;
  const timeoutMilliseconds = configuration.drainTimeoutMilliseconds;
  log.serverDraining({ reason, timeoutMilliseconds });
  log.serverStopped({ everyRequestFinished: await server.drain(timeoutMilliseconds) });
  return 0;
}

async function prepare(
  configuration: Configuration,
  { log, version }: Pick<Prepared, "log" | "version">,
  resources: AsyncDisposableStack,
): Promise<Prepared> {
  const directory = configuration.isMemoryStore ? undefined : resolve(configuration.dataDirectory);
  const workers = directory === undefined ? 1 : configuration.workers;
  const tls = await readTls(configuration);
  const provisioning = await readDeclaration(configuration);
  const masterKey = await readGivenMasterKey(configuration);
  const kms = kmsSourceOf(configuration);
  const { kmsCertificatesFile } = configuration;
  const trustedCertificates =
    kmsCertificatesFile === undefined ? undefined : await readPem("--kms-ca", kmsCertificatesFile);
  if (directory !== undefined && workers > 1) resources.use(await acquireDirectoryLock(directory));
  const credentials = await findCredentials(configuration, directory, resources);
  return {
    configuration,
    directory,
    workers,
    tls,
    credentials,
    masterKey,
    kms,
    trustedCertificates,
    provisioning,
    log,
    version,
  };
}

async function startHere(prepared: Prepared): Promise<RunningServer> {
  const { configuration, directory, tls, log, credentials, masterKey, kms } = prepared;
  const { port, websitePort, adminPort } = configuration;
  trustCertificates(prepared.trustedCertificates);
  const server = await createServer({
    ...settleServerSettings(configuration),
    store: directory === undefined ? "memory" : { directory },
    port,
    websitePort,
    ...(adminPort === undefined ? {} : { adminPort }),
    credentials,
    ...(masterKey === undefined ? {} : { masterKey }),
    kms,
    provisioning: prepared.provisioning,
    ...(tls === undefined ? {} : { tls }),
    limits: limitsOf(configuration),
    log,
    audit: auditOf(configuration),
    tracing: tracingOf(configuration),
    metrics: configuration.metrics,
    metricsToken: configuration.metricsToken,
  });
  return {
    endpoint: server.endpoint,
    adminEndpoint: server.adminEndpoint,
    websiteEndpoint: server.websiteEndpoint,
    drain: (timeoutMilliseconds) => server.close({ timeoutMilliseconds }),
    reopenLogs: () => {},
    kill: () => {},
  };
}

async function startWorkers(prepared: Prepared): Promise<RunningServer> {
  const { configuration, tls, credentials, log } = prepared;
  const { host, port, websitePort, adminPort, metricsToken } = configuration;
  const { accessKeyId, secretAccessKey } = credentials;
  const directory = prepared.directory as string; // several workers never share a memory store
  const masterKeys = await findMasterKeys(directory, prepared.masterKey);
  const supervisor = await Supervisor.start({
    workers: prepared.workers,
    adminPort,
    metricsToken,
    provisioning: prepared.provisioning,
    log,
    version: prepared.version,
    worker: {
      plan: {
        settings: settleServerSettings(configuration),
        ports: { port, websitePort },
        limits: limitsOf(configuration),
        credentials: { accessKeyId, secretAccessKey },
        masterKeys,
        kms: prepared.kms,
        audit: auditOf(configuration),
        tracing: tracingOf(configuration),
        metrics: metricsModeOf({
          setting: configuration.metrics,
          host,
          adminPort,
          token: metricsToken,
        }),
        storage: prepared.provisioning?.storage,
      },
      directory,
      tls,
      trustedCertificates: prepared.trustedCertificates,
      log: logOptionsOf(configuration),
    },
  });
  const isEncrypted = tls !== undefined;
  const { ports } = supervisor;
  return {
    endpoint: endpointUrl(isEncrypted, host, ports.port),
    websiteEndpoint:
      ports.websitePort === undefined
        ? undefined
        : endpointUrl(isEncrypted, host, ports.websitePort),
    adminEndpoint:
      supervisor.adminPort === undefined
        ? undefined
        : endpointUrl(false, host, supervisor.adminPort),
    drain: (timeoutMilliseconds) => supervisor.drain(timeoutMilliseconds),
    reopenLogs: () => supervisor.reopenLogs(),
    kill: () => supervisor.kill(),
  };
}

async function findCredentials(
  configuration: Configuration,
  directory: string | undefined,
  resources: AsyncDisposableStack,
): Promise<RootCredentials> {
  const { rootAccessKey, rootSecretKey } = configuration;
  if (rootAccessKey !== undefined && rootSecretKey !== undefined) {
    return { accessKeyId: rootAccessKey, secretAccessKey: rootSecretKey, file: undefined };
  }
  if (directory !== undefined) return await loadOrCreateCredentials(directory);
  // A memory store has no directory of its own, and the secret must not be printed.
  const temporaryDirectory = await mkdtemp(join(tmpdir(), "holdfast-"));
  resources.defer(() => rm(temporaryDirectory, { recursive: true, force: true }));
  return await loadOrCreateCredentials(temporaryDirectory);
}

/** The schema's library and the YAML reader are loaded only by those who need them. */
async function readDeclaration(
  configuration: Configuration,
): Promise<ProvisioningDocument | undefined> {
  const { provisioningFile, provisioningText } = configuration;
  if (provisioningFile === undefined && provisioningText === undefined) return undefined;
  const { findProvisioning } = await import("./read-provisioning.ts");
  return findProvisioning(configuration, process.env);
}

async function readTls(configuration: Configuration): Promise<Prepared["tls"]> {
  const { tlsKeyFile, tlsCertificateFile } = configuration;
  if (tlsKeyFile === undefined || tlsCertificateFile === undefined) return undefined;
  return {
    key: await readPem("--tls-key", tlsKeyFile),
    certificate: await readPem("--tls-certificate", tlsCertificateFile),
  };
}

async function readPem(option: string, path: string): Promise<string> {
  let content: string;
  try {
    content = await readFile(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw new ConfigurationError(`${option}: cannot read ${path} (${reason})`, { cause: error });
  }
  if (content.includes("-----BEGIN ")) return content;
  throw new ConfigurationError(`${option}: ${path} holds no PEM text`);
}

function limitsOf(configuration: Configuration) {
  const { idleTimeoutMilliseconds, maximumConnections } = configuration;
  return { idleTimeoutMilliseconds, maximumConnections };
}

function tracingOf(configuration: Configuration): TracingOptions | undefined {
  const { otlpEndpoint, otlpTracesEndpoint, isTelemetryDisabled } = configuration;
  return tracingOptionsOf({
    endpoint: otlpEndpoint,
    tracesEndpoint: otlpTracesEndpoint,
    isDisabled: isTelemetryDisabled,
  });
}

function auditOf(configuration: Configuration): RotatingFileOptions | undefined {
  const { auditLogFile, auditLogBytes, auditLogKeptFiles } = configuration;
  if (auditLogFile === undefined) return undefined;
  return {
    path: resolve(auditLogFile),
    maximumBytes: auditLogBytes,
    keptFiles: auditLogKeptFiles,
  };
}

function logOptionsOf(configuration: Configuration): ServerLogOptions {
  const { logLevel, logFormat, logsRequests, logFile, logFileBytes, logFileKept } = configuration;
  return {
    level: logLevel,
    format: logFormat,
    requests: logsRequests,
    file:
      logFile === undefined
        ? undefined
        : { path: resolve(logFile), maximumBytes: logFileBytes, keptFiles: logFileKept },
  };
}

function createLog(configuration: Configuration): ServerLog {
  try {
    return openServerLog(logOptionsOf(configuration));
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unusable";
    throw new ConfigurationError(
      `--log-file: cannot write ${configuration.logFile ?? ""} (${reason})`,
      { cause: error },
    );
  }
}

function banner(
  prepared: Prepared,
  server: RunningServer,
  environment: { readonly version: string; readonly output: NodeJS.WriteStream },
): string {
  const { configuration, credentials } = prepared;
  const { output } = environment;
  const hasColors = output.isTTY && output.hasColors();
  return formatBanner(
    {
      version: environment.version,
      endpoint: server.endpoint,
      adminEndpoint: server.adminEndpoint,
      websiteEndpoint: server.websiteEndpoint,
      region: configuration.region,
      directory: prepared.directory,
      durability: configuration.durability,
      workers: prepared.workers,
      accessKeyId: credentials.accessKeyId,
      credentialsFile: credentials.file,
      domains: configuration.domains,
      websiteDomains: configuration.websiteDomains,
    },
    hasColors,
  );
}
