// One process that serves S3: its stores, background workers, pipeline and HTTP engine, built in this
// order and disposed in reverse. Used by the library and by every worker process alike.

import { randomFillSync } from "node:crypto";

import type { IdentityStore } from "../access/identities/identity-store.ts";
import { Workers } from "../background/workers.ts";
import { systemClock } from "../base/clock.ts";
import type { HttpHandler } from "../http/http-message.ts";
import { sumTraffic } from "../http/http-server.ts";
import type { HttpLimits, HttpServer, HttpServerOptions } from "../http/http-server.ts";
import { startHttpServer } from "../http/start-http-server.ts";
import type { Sealer } from "../keys/sealer.ts";
import { checkMasterKeys } from "../keys/master-key-witnesses.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { openStores, type StoresOptions } from "../open-stores.ts";
import { operations } from "../operations/index.ts";
import { lifecycleDaysOf } from "../objects/lifecycle-days.ts";
import { bucketDefaultsOf } from "../operations/bucket/new-bucket-access.ts";
import type { AccessRecorder } from "../protocol/access-record.ts";
import type { ContextDependencies } from "../protocol/operation-context.ts";
import { createHandlers } from "../protocol/pipeline.ts";
import type { ServerSettings } from "../server-settings.ts";
import type { StorageOptions } from "../storage-options.ts";
import type { ProvisioningDocument } from "../provisioning/document.ts";
import type { WriterId } from "../storage/blob/blob-store.ts";
import { AuditLog } from "../telemetry/audit.ts";
import { destinationOf, type Log } from "../telemetry/log.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import type { MetricsSnapshot } from "../telemetry/metrics.ts";
import { createKeyServices, type KeyServices, type KmsSource } from "./key-services.ts";
import { openMasterKeyRing, type MasterKeySource } from "./master-keys.ts";
import { applyProvisioning } from "./apply-provisioning.ts";
import { ServerMetrics } from "./metrics.ts";
import type { MetricsMode } from "./metrics-mode.ts";
import { openNotifications, type Notifications } from "./notifications.ts";
import { createRefusals } from "./refused-requests.ts";
import { createObserver } from "./request-records.ts";
import { openIdentities, type Identities } from "./open-identities.ts";
import type { Credentials } from "./root-credentials.ts";
import { openTracing, type TracingOptions } from "./tracing.ts";
import { withRefuge } from "./log-refuge.ts";
import { startBackground } from "./background.ts";
import { createServices } from "./services.ts";
import { RotatingFile, type RotatingFileOptions } from "./rotating-file.ts";

export interface ServingPorts {
  readonly port: number;
  /** A port of its own for websites. */
  readonly websitePort: number | undefined;
}

/** What all processes that serve one store have in common: plain data, sent to worker processes as it is. */
export interface ServingPlan {
  readonly settings: ServerSettings;
  readonly ports: ServingPorts;
  readonly limits: Partial<HttpLimits>;
  readonly credentials: Credentials;
  readonly masterKeys: MasterKeySource;
  readonly kms: KmsSource;
  /** Where the audit log goes; absent: there is none. */
  readonly audit?: RotatingFileOptions | undefined;
  /** Absent: requests are not traced. */
  readonly tracing?: TracingOptions | undefined;
  /** What is counted. */
  readonly metrics: MetricsMode;
  /** Stores beside the main one for some storage classes; absent: there are none. */
  readonly storage?: StorageOptions | undefined;
}

export interface ServingOptions
  extends ServingPlan, Pick<StoresOptions, "store" | "clock" | "deadWriters"> {
  readonly tls?: HttpServerOptions["tls"];
  readonly log: Log;
  /** What is to be there before the server answers; for exactly one process on a store. */
  readonly provisioning?: ProvisioningDocument | undefined;
}

export interface Serving extends AsyncDisposable {
  readonly address: HttpServer["address"];
  readonly websitePort: number | undefined;
  readonly writerId: WriterId;
  /** Of the root account: twelve digits. */
  readonly accountId: string;
  readonly identities: IdentityStore;
  readonly hasMetrics: boolean;
  /** `undefined`: nothing is counted. `ofStore`: with what all processes on one store have in common. */
  metrics(ofStore: boolean): Promise<MetricsSnapshot | undefined>;
  readonly workers: Pick<Workers, "list" | "run">;
  /** Lets requests in flight finish, then closes everything; false when some were cut off. */
  drain(timeoutMilliseconds: number): Promise<boolean>;
}

export async function startServing(options: ServingOptions): Promise<Serving> {
  await using started = new AsyncDisposableStack();
  const { log, clock, settings, ports } = options;
  const ring = openMasterKeyRing(options.masterKeys, (error) => log.masterKeysUnreadable(error));
  const tracing = started.use(await openTracing(options.tracing, log));
  const stores = started.use(
    await openStores({
      store: options.store,
      durability: settings.durability,
      clock,
      deadWriters: options.deadWriters,
      storage: options.storage,
      keys: ring,
      tracing,
      lifecycleDays: lifecycleDaysOf(settings.lifecycleDaySeconds),
    }),
  );
  const { objects } = stores;
  await checkMasterKeys(objects.keyValueStore, ring);
  const identities = started.use(
    await openIdentities({
      keyValueStore: objects.keyValueStore,
      clock,
      sealer: ring,
      rootAccount: objects.rootAccount,
      rootCredentials: options.credentials,
      events: log,
    }),
  );
  const keyServices = createKeyServices({
    source: options.kms,
    sealer: ring,
    store: objects.keyValueStore,
    clock,
    region: settings.region,
    rootAccountId: objects.rootAccount.accountId,
  });
  const notifications = started.use(
    openNotifications({ clock, region: settings.region, log, objects, sealer: ring }),
  );
  const dependencies = contextDependencies(options, {
    objects,
    identities,
    keyServices,
    notifications,
  });
  const { workers, accessLog } = started.use(
    await startBackground(options, {
      ring,
      stores,
      identities,
      keyServices,
      notifications,
      dependencies,
    }),
  );
  const metrics = openMetrics(options.metrics, objects, started);
  const audit = openAuditLog(options.audit, started);
  if (options.provisioning !== undefined) {
    const provisioned = { identities: identities.store, objects, dependencies, sealer: ring };
    const lines = await applyProvisioning(options.provisioning, provisioned, { isDryRun: false });
    for (const change of lines) log.provisioned({ change });
  }
  const parts = {
    identities,
    keyServices,
    audit,
    metrics,
    tracing,
    dependencies,
    workers,
    sealer: ring,
    accessLog,
  };
  const handlers = createS3Handlers(options, parts);
  const http = started.use(await startHttp(options, parts, ports.port, handlers.s3));
  const websites =
    ports.websitePort === undefined
      ? undefined
      : started.use(await startHttp(options, parts, ports.websitePort, handlers.website));
  const servers = websites === undefined ? [http] : [http, websites];
  const resources = started.move();
  return {
    address: http.address,
    websitePort: websites?.address.port,
    writerId: stores.writerId,
    accountId: objects.rootAccount.accountId,
    identities: identities.store,
    hasMetrics: metrics !== undefined,
    metrics: async (ofStore) =>
      metrics?.collect(
        {
          workers,
          traffic: () => sumTraffic(servers.map((each) => each.traffic())),
          store: () => stores.statistics(),
        },
        ofStore,
      ),
    workers,
    async drain(timeoutMilliseconds) {
      const areWhole = await Promise.all(servers.map((each) => each.drain(timeoutMilliseconds)));
      await resources.disposeAsync();
      return areWhole.every(Boolean);
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function openMetrics(
  mode: MetricsMode,
  objects: ObjectStore,
  resources: AsyncDisposableStack,
): ServerMetrics | undefined {
  if (mode === "off") return undefined;
  return resources.use(new ServerMetrics(mode, objects));
}

/** Written to the end before the file is closed. */
function openAuditLog(
  options: RotatingFileOptions | undefined,
  resources: AsyncDisposableStack,
): AuditLog | undefined {
  if (options === undefined) return undefined;
  const file = resources.use(new RotatingFile(options));
  const errors = destinationOf(process.stderr);
  return resources.use(new AuditLog(withRefuge(file, errors, "audit log")));
}

/** What the pipeline is made of beside the options. */
interface Parts {
  readonly identities: Identities;
  readonly keyServices: KeyServices;
  readonly audit: AuditLog | undefined;
  readonly metrics: ServerMetrics | undefined;
  readonly tracing: Tracing | undefined;
  readonly workers: Workers;
  readonly sealer: Sealer;
  readonly accessLog: AccessRecorder;
  readonly dependencies: ContextDependencies;
}

function startHttp(
  options: ServingOptions,
  parts: Parts,
  port: number,
  handler: HttpHandler,
): Promise<HttpServer> {
  const { log, settings, tls, limits } = options;
  const refuse = createRefusals(fillRandom);
  return startHttpServer(
    {
      host: settings.host,
      port,
      // Clients set their clocks by the Date header: it must agree with the clock that judges them.
      ...(options.clock === systemClock ? {} : { clock: options.clock }),
      ...(tls === undefined ? {} : { tls }),
      limits,
      onClientError: (reason) => {
        log.requestRefused({ reason });
        parts.metrics?.headRefused(reason);
        return refuse(reason);
      },
      onResponseError: (error, request) => log.responseBroken({ method: request.method }, error),
    },
    handler,
  );
}

/** What operations need of the server. */
function contextDependencies(
  { settings, clock }: ServingOptions,
  {
    objects,
    identities,
    keyServices,
    notifications,
  }: Pick<Parts, "identities" | "keyServices"> & {
    readonly objects: ObjectStore;
    readonly notifications: Notifications;
  },
): ContextDependencies {
  return {
    store: objects,
    accounts: identities.store.accounts,
    credentials: identities.credentials,
    region: settings.region,
    bucketDefaults: bucketDefaultsOf(settings),
    clock,
    encryption: { dataKeys: keyServices.dataKeys, customerKeys: settings.customerKeys },
    mfa: identities.store.mfaDevices,
    notifications: notifications.checks,
  };
}

function createS3Handlers(
  options: ServingOptions,
  parts: Parts,
): ReturnType<typeof createHandlers> {
  const { log, clock } = options;
  const { region, domains, websiteDomains } = options.settings;
  const { identities, keyServices, audit, metrics, tracing, dependencies, workers, accessLog } =
    parts;
  const { kmsKeys } = keyServices;
  const observe = createObserver(log, audit, {
    meters: metrics,
    isTraced: tracing !== undefined,
  });
  return createHandlers({
    ...dependencies,
    domains,
    websiteDomains,
    accessLog,
    services: createServices({
      objects: dependencies.store,
      identities: identities.store,
      credentials: identities.credentials,
      keys: kmsKeys,
      workers,
      sealer: parts.sealer,
      clock,
      region,
      log,
    }),
    operations,
    fillRandom,
    tracing,
    reportFailure: ({ requestId, operation, error }) => {
      log.requestFailed({ requestId, operation }, error);
    },
    ...(observe === undefined ? {} : { observe }),
  });
}

function fillRandom(bytes: Uint8Array): void {
  randomFillSync(bytes);
}
