// The composition root and the library's public face: a whole server in the caller's process. No
// global state: any number of servers live side by side.

import type { Clock } from "./base/clock.ts";
import { systemClock } from "./base/clock.ts";
import { createHealthHandler } from "./admin/health.ts";
import { createMetricsHandler } from "./admin/metrics-endpoint.ts";
import type { HttpLimits } from "./http/http-server.ts";
import { startHttpServer } from "./http/start-http-server.ts";
import { settleServerSettings, type GivenServerSettings } from "./server-settings.ts";
import { acquireDirectoryLock } from "./start-up/directory-lock.ts";
import { endpointUrl } from "./start-up/endpoint.ts";
import {
  generateCredentials,
  loadOrCreateCredentials,
  type Credentials,
} from "./start-up/root-credentials.ts";
import type { ProvisioningDocument, ProvisioningInput } from "./provisioning/document.ts";
import type { RotatingFileOptions } from "./start-up/rotating-file.ts";
import { addBuild } from "./start-up/metrics.ts";
import { metricsModeOf, type MetricsSetting } from "./start-up/metrics-mode.ts";
import { readVersion } from "./start-up/version.ts";
import type { TracingOptions } from "./start-up/tracing.ts";
import { startServing, type Serving } from "./start-up/serving.ts";
import type { KmsSource } from "./start-up/key-services.ts";
import { findMasterKeys, type GivenMasterKey } from "./start-up/master-keys.ts";
import type { StorageOptions } from "./storage-options.ts";
import { destinationOf, Log, type LogLevel } from "./telemetry/log.ts";
import { mergeMetrics, MetricsCollection, type MetricsSnapshot } from "./telemetry/metrics.ts";

export { ManualClock, systemClock, type Clock } from "./base/clock.ts";
export type { HttpLimits } from "./http/http-server.ts";
export type { ObjectOwnership } from "./objects/records/bucket-record.ts";
export type { Durability } from "./open-stores.ts";
export { DirectoryInUseError } from "./start-up/directory-lock.ts";
export type { KmsSource } from "./start-up/key-services.ts";
export type { GivenMasterKey } from "./start-up/master-keys.ts";
export type { Credentials } from "./start-up/root-credentials.ts";
export type { ProvisioningInput } from "./provisioning/document.ts";
export { ProvisioningError } from "./provisioning/provisioning-error.ts";
export type { GivenServerSettings, ServerSettings } from "./server-settings.ts";
export type { RotatingFileOptions } from "./start-up/rotating-file.ts";
export type { MetricsSetting } from "./start-up/metrics-mode.ts";
export type { BlobStoreOptions, StorageClassOptions, StorageOptions } from "./storage-options.ts";
export type { TracingOptions } from "./start-up/tracing.ts";
export type { LogLevel } from "./telemetry/log.ts";

export interface ServerOptions extends GivenServerSettings {
  /** Where data is kept: in memory, gone with the server, or in a directory of this server alone. */
  readonly store?: "memory" | { readonly directory: string };
  /** Default 0: a free port. */
  readonly port?: number;
  /** Port of `/health/live`, `/health/ready` and `/metrics`; without it there are none. 0: a free port. */
  readonly adminPort?: number;
  /**
   * The root account's key pair. Without it a random pair is made: kept in the directory, in
   * `root-credentials.json`, or for a memory store nowhere but in `HoldfastServer.credentials`.
   */
  readonly credentials?: Credentials;
  /**
   * What protects the master keys, which encrypt objects and secrets. Default: a directory keeps them in
   * `master-keys.json`, readable by the server's user alone; a memory store has random ones.
   */
  readonly masterKey?: GivenMasterKey;
  /** Who keeps the keys of SSE-KMS; default: Holdfast itself. */
  readonly kms?: KmsSource;
  /** Default: the system's clock. */
  readonly clock?: Clock;
  /** A port of its own for websites, where the whole host or its first label names the bucket. */
  readonly websitePort?: number | undefined;
  /** Serves HTTPS; both as PEM. */
  readonly tls?: { readonly key: string | Uint8Array; readonly certificate: string | Uint8Array };
  readonly limits?: Partial<HttpLimits>;
  /** What goes to the standard error stream; default `error`. */
  readonly logLevel?: LogLevel;
  /** Replaces the log of `logLevel`. */
  readonly log?: Log;
  /** What is to be there before the server answers, in the form of a configuration file. */
  readonly provisioning?: ProvisioningInput | undefined;
  /**
   * Where storage classes keep their bytes. Default: what `provisioning` says, else all in one store,
   * as they come.
   */
  readonly storage?: StorageOptions | undefined;
  /** A JSON line for every request goes to this file; absent: none. */
  readonly audit?: RotatingFileOptions | undefined;
  /** Each request is told to an OpenTelemetry collector; absent: none is. */
  readonly tracing?: TracingOptions | undefined;
  /** What `/metrics` tells; default `auto`: names buckets when `host` is a loopback address. */
  readonly metrics?: MetricsSetting;
  /** `/metrics` then answers only requests with this bearer token. */
  readonly metricsToken?: string | undefined;
}

export interface HoldfastServer extends AsyncDisposable {
  /** For example `http://127.0.0.1:41234`. */
  readonly endpoint: string;
  readonly adminEndpoint: string | undefined;
  /** Of `websitePort`. */
  readonly websiteEndpoint: string | undefined;
  readonly port: number;
  readonly region: string;
  readonly credentials: Credentials;
  /**
   * Runs a background worker now (`lifecycle`, `sweeper`, …) and answers what it did. Throws what the pass
   * failed with.
   */
  runWorker(name: string): Promise<Readonly<Record<string, number>>>;
  /** The root account's twelve digits, as policies and ARNs name it. */
  readonly accountId: string;
  /**
   * Accepts nothing more, lets requests in flight finish, closes the stores. True when no request was
   * cut off after `timeoutMilliseconds` (default 5,000). May be called again.
   */
  close(options?: { readonly timeoutMilliseconds?: number }): Promise<boolean>;
}

const defaultCloseMilliseconds = 5000;

/**
 * Starts a server. Throws DirectoryInUseError when another server, in any process, uses the directory,
 * and the system's error when the port cannot be had.
 */
export async function createServer(options: ServerOptions = {}): Promise<HoldfastServer> {
  const { store = "memory" } = options;
  const settings = settleServerSettings(options);
  const { host, region } = settings;
  await using started = new AsyncDisposableStack();
  const log = started.use(options.log ?? createLog(options));
  if (store !== "memory") started.use(await acquireDirectoryLock(store.directory));
  const { accessKeyId, secretAccessKey } = await findCredentials(options, store);
  const credentials = { accessKeyId, secretAccessKey };
  const directory = store === "memory" ? undefined : store.directory;
  const masterKeys = await findMasterKeys(directory, options.masterKey);
  const provisioning = await readProvisioned(options.provisioning);
  const serving = started.use(
    await startServing({
      store,
      clock: options.clock ?? systemClock,
      deadWriters: "all",
      settings,
      ports: { port: options.port ?? 0, websitePort: options.websitePort },
      ...(options.tls === undefined ? {} : { tls: options.tls }),
      limits: options.limits ?? {},
      credentials,
      masterKeys,
      kms: options.kms ?? { kind: "local" },
      log,
      audit: options.audit,
      tracing: options.tracing,
      metrics: metricsModeOf({
        setting: options.metrics ?? "auto",
        host,
        adminPort: options.adminPort,
        token: options.metricsToken,
      }),
      provisioning,
      storage: options.storage ?? provisioning?.storage,
    }),
  );
  let isDraining = false;
  const admin =
    options.adminPort === undefined
      ? undefined
      : started.use(await startAdmin({ ...options, host }, serving, () => isDraining));
  const resources = started.move();
  let closing: Promise<boolean> | undefined;
  const close: HoldfastServer["close"] = (closeOptions) => {
    closing ??= (async () => {
      isDraining = true;
      await using _rest = resources;
      return await serving.drain(closeOptions?.timeoutMilliseconds ?? defaultCloseMilliseconds);
    })();
    return closing;
  };
  const isEncrypted = options.tls !== undefined;
  return {
    endpoint: endpointUrl(isEncrypted, host, serving.address.port),
    adminEndpoint: admin && endpointUrl(false, host, admin.address.port),
    websiteEndpoint:
      serving.websitePort === undefined
        ? undefined
        : endpointUrl(isEncrypted, host, serving.websitePort),
    port: serving.address.port,
    region,
    // A copy, and not frozen: the SDK's clients write marks of their own into what they are given.
    credentials: { ...credentials },
    accountId: serving.accountId,
    async runWorker(name) {
      const run = await serving.workers.run(name);
      if (run?.error !== undefined) throw new Error(`${name}: ${run.error}`);
      return run?.fields ?? {};
    },
    close,
    async [Symbol.asyncDispose]() {
      await close();
    },
  };
}

/** The schema's library is loaded only by those who need it. */
async function readProvisioned(
  provisioning: ServerOptions["provisioning"],
): Promise<ProvisioningDocument | undefined> {
  if (provisioning === undefined) return undefined;
  const { parseProvisioning } = await import("./provisioning/document.ts");
  return parseProvisioning(provisioning);
}

function createLog(options: ServerOptions): Log {
  return new Log({
    level: options.logLevel ?? "error",
    format: "text",
    clock: options.clock ?? systemClock,
    requests: false,
    destination: destinationOf(process.stderr),
  });
}

async function findCredentials(
  options: ServerOptions,
  store: NonNullable<ServerOptions["store"]>,
): Promise<Credentials> {
  if (options.credentials !== undefined) return options.credentials;
  if (store === "memory") return generateCredentials();
  return await loadOrCreateCredentials(store.directory);
}

function startAdmin(
  { host, adminPort = 0, metricsToken }: ServerOptions & { readonly host: string },
  serving: Serving,
  isDraining: () => boolean,
): ReturnType<typeof startHttpServer> {
  const health = createHealthHandler(() => ({
    isReady: !isDraining(),
    isDraining: isDraining(),
    workers: { ready: isDraining() ? 0 : 1, configured: 1 },
  }));
  const handler = serving.hasMetrics
    ? createMetricsHandler(() => collectMetrics(serving), { token: metricsToken, others: health })
    : health;
  return startHttpServer({ host, port: adminPort }, handler);
}

async function collectMetrics(serving: Serving): Promise<MetricsSnapshot> {
  const own = new MetricsCollection();
  addBuild(own, await readVersion());
  own.add("holdfast_processes", 1, "configured");
  own.add("holdfast_processes", 1, "answered");
  return mergeMetrics([own.snapshot, (await serving.metrics(true)) ?? {}]);
}
