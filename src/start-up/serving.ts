// One process that serves S3: what lies behind the endpoint (backend.ts), pipeline and HTTP engine, built
// in this order and disposed in reverse. Used by the library and by every worker process alike.

import { randomFillSync } from "node:crypto";

import type { IdentityStore } from "../access/identities/identity-store.ts";
import type { Workers } from "../background/workers.ts";
import { systemClock } from "../base/clock.ts";
import type { HttpHandler } from "../http/http-message.ts";
import { sumTraffic, type HttpServer } from "../http/http-server.ts";
import { startHttpServer } from "../http/start-http-server.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import { operations } from "../operations/index.ts";
import { createHandlers } from "../protocol/pipeline.ts";
import type { WriterId } from "../storage/blob/blob-store.ts";
import { AuditLog } from "../telemetry/audit.ts";
import { destinationOf } from "../telemetry/log.ts";
import type { Tracing } from "../telemetry/tracing.ts";
import type { MetricsSnapshot } from "../telemetry/metrics.ts";
import { applyProvisioning } from "./apply-provisioning.ts";
import { ServerMetrics } from "./metrics.ts";
import { openBackend, type Backend } from "./backend.ts";
import type { MetricsMode } from "./metrics-mode.ts";
import type { ServingOptions } from "./serving-plan.ts";
import { createRefusals } from "./refused-requests.ts";
import { createObserver } from "./request-records.ts";
import { openTracing } from "./tracing.ts";
import { withRefuge } from "./log-refuge.ts";
import { createServices } from "./services.ts";
import { RotatingFile, type RotatingFileOptions } from "./rotating-file.ts";

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
  const { ports } = options;
  const tracing = started.use(await openTracing(options.tracing, options.log));
  const backend = started.use(await openBackend(options, tracing));
  const { stores, identities, workers } = backend;
  const { objects } = stores;
  const metrics = openMetrics(options.metrics, objects, started);
  const audit = openAuditLog(options.audit, started);
  await provision(options, backend);
  const parts = { ...backend, audit, metrics, tracing };
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

async function provision(
  { provisioning, log }: ServingOptions,
  { identities, stores, dependencies, sealer }: Backend,
): Promise<void> {
  if (provisioning === undefined) return;
  const provisioned = {
    identities: identities.store,
    objects: stores.objects,
    dependencies,
    sealer,
  };
  const lines = await applyProvisioning(provisioning, provisioned, { isDryRun: false });
  for (const change of lines) log.provisioned({ change });
}

/** What the pipeline is made of beside the options. */
interface Parts extends Omit<Backend, typeof Symbol.asyncDispose> {
  readonly audit: AuditLog | undefined;
  readonly metrics: ServerMetrics | undefined;
  readonly tracing: Tracing | undefined;
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
