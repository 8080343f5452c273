// The main process of a server with several workers. It holds the data directory's lock, shares the
// port among the workers, restarts those that die, and knows whose writers are dead. Serves no S3 itself.

import cluster, { type Worker } from "node:cluster";
import { fileURLToPath } from "node:url";

import { startHttpServer } from "../http/start-http-server.ts";
import type { ProvisioningDocument } from "../provisioning/document.ts";
import type { HttpServer } from "../http/http-server.ts";
import { createHealthHandler, type Readiness } from "../admin/health.ts";
import { createMetricsHandler } from "../admin/metrics-endpoint.ts";
import type { WriterId } from "../storage/blob/blob-store.ts";
import type { Log } from "../telemetry/log.ts";
import { mergeMetrics, MetricsCollection, type MetricsSnapshot } from "../telemetry/metrics.ts";
import { ProcessMeter } from "../telemetry/metrics-process.ts";
import { addBuild } from "./metrics.ts";
import type { ServingPorts } from "./serving-plan.ts";
import type { SupervisorMessage, WorkerMessage, WorkerOptions } from "./worker-messages.ts";
import { WorkerMetrics } from "./worker-metrics.ts";

export interface SupervisorOptions {
  readonly worker: WorkerOptions;
  readonly workers: number;
  readonly adminPort: number | undefined;
  readonly metricsToken: string | undefined;
  /** For the first worker, before it serves for the first time. */
  readonly provisioning: ProvisioningDocument | undefined;
  readonly log: Log;
  /** For the metrics. */
  readonly version: string;
}

/** Beyond its drain time, before a worker that does not end is killed. */
const killDelayMilliseconds = 5000;
const shortestRestartMilliseconds = 100;
const longestRestartMilliseconds = 10_000;
/** A worker that lived this long did not die of its start. */
const healthyMilliseconds = 30_000;

/** A place for a worker process; the process in it changes when it dies. */
interface Slot {
  readonly index: number;
  process: Worker | undefined;
  writerId: WriterId | undefined;
  startedMilliseconds: number;
  failures: number;
  restart: NodeJS.Timeout | undefined;
}

/** One to a process: it uses the process-wide state of node:cluster. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #slots: Slot[];
  /** What the workers ask for; 0 means the same free port for all of them while one is alive. */
  #wantedPorts: ServingPorts;
  #ports: ServingPorts;
  #admin: HttpServer | undefined;
  /** Writers of processes that died, until their successor has recorded it. */
  #deadWriters: "all" | WriterId[] = "all";
  #isDraining = false;
  #isProvisioned = false;
  #firstReady = Promise.withResolvers<void>();
  readonly #workerMetrics = new WorkerMetrics();
  readonly #process = new ProcessMeter();

  private constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#wantedPorts = options.worker.plan.ports;
    this.#ports = this.#wantedPorts;
    this.#slots = Array.from({ length: options.workers }, (_, index) => ({
      index,
      process: undefined,
      writerId: undefined,
      startedMilliseconds: 0,
      failures: 0,
      restart: undefined,
    }));
  }

  /** Resolves when every worker serves; rejects with the reason when one cannot. */
  static async start(options: SupervisorOptions): Promise<Supervisor> {
    const supervisor = new Supervisor(options);
    try {
      await supervisor.#start();
      return supervisor;
    } catch (error) {
      await supervisor.drain(0);
      throw error;
    }
  }

  get ports(): ServingPorts {
    return this.#ports;
  }

  get adminPort(): number | undefined {
    return this.#admin?.address.port;
  }

  readiness(): Readiness {
    const ready = this.#slots.filter((slot) => slot.writerId !== undefined).length;
    return {
      isReady: ready > 0 && !this.#isDraining,
      isDraining: this.#isDraining,
      workers: { ready, configured: this.#slots.length },
    };
  }

  /** Lets every worker finish what it does. False when one had to be killed. */
  async drain(timeoutMilliseconds: number): Promise<boolean> {
    this.#isDraining = true;
    const ends = this.#slots.map(async (slot) => {
      clearTimeout(slot.restart);
      if (slot.process === undefined) return true;
      return await this.#end(slot.process, timeoutMilliseconds);
    });
    const results = await Promise.all(ends);
    await this.#admin?.[Symbol.asyncDispose]();
    this.#process[Symbol.dispose]();
    return results.every(Boolean);
  }

  reopenLogs(): void {
    for (const { process: worker } of this.#slots) {
      if (worker !== undefined) send(worker, { kind: "reopenLogs" });
    }
  }

  /** Ends every worker now. */
  kill(): void {
    this.#isDraining = true;
    for (const slot of this.#slots) slot.process?.process.kill("SIGKILL");
  }

  async #start(): Promise<void> {
    const { adminPort, metricsToken: token } = this.#options;
    const { settings, metrics } = this.#options.worker.plan;
    // The primary accepts and deals connections out in turn: a few connections are spread evenly,
    // and none is lost in the queue of a worker that dies.
    cluster.schedulingPolicy = cluster.SCHED_RR;
    cluster.setupPrimary({ exec: workerPath(), args: [] });
    if (adminPort !== undefined) {
      const health = createHealthHandler(() => this.readiness());
      const handler =
        metrics === "off"
          ? health
          : createMetricsHandler(() => this.#collectMetrics(), { token, others: health });
      this.#admin = await startHttpServer({ host: settings.host, port: adminPort }, handler);
    }
    // All load at once, but the first alone opens the store and declares the writers of an earlier
    // server dead; the others start when that is done.
    const [first, ...others] = this.#slots.map((slot) => this.#fork(slot));
    await first?.loaded;
    await this.#startIn(0);
    await Promise.all(others.map((other) => other.loaded));
    await Promise.all(others.map((_, position) => this.#startIn(position + 1)));
    this.#firstReady.resolve();
  }

  async #collectMetrics(): Promise<MetricsSnapshot> {
    const processes = this.#slots.flatMap(({ process, writerId }) =>
      process === undefined || writerId === undefined
        ? []
        : {
            id: process.id,
            ask: (question: { question: number; ofStore: boolean }) =>
              send(process, { kind: "metrics", ...question }),
          },
    );
    const { snapshot, answered } = await this.#workerMetrics.gather(processes);
    const own = new MetricsCollection();
    addBuild(own, this.#options.version);
    own.add("holdfast_processes", this.#slots.length, "configured");
    own.add("holdfast_processes", answered, "answered");
    this.#process.collect(own);
    return mergeMetrics([own.snapshot, snapshot]);
  }

  /** Starts the server in a loaded worker and waits until it serves. */
  async #startIn(index: number): Promise<void> {
    const slot = this.#slots[index] as Slot; // one for every worker
    const worker = slot.process;
    if (worker === undefined) throw new Error(`worker ${index} ended while it was starting`);
    const deadWriters = this.#deadWriters;
    this.#deadWriters = [];
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let wasReady = false;
    worker.on("message", (message: WorkerMessage) => {
      if (message.kind === "failed") reject(startError(message));
      if (message.kind === "metrics") {
        this.#workerMetrics.answered(message.question, message.snapshot);
      }
      if (message.kind !== "ready") return;
      wasReady = true;
      slot.writerId = message.writerId;
      slot.startedMilliseconds = Date.now();
      this.#ports = message.ports;
      this.#isProvisioned = true;
      this.#options.log.workerStarted({ worker: index, processId: worker.process.pid ?? 0 });
      resolve();
    });
    worker.once("exit", () => {
      // What it was to declare dead is for its successor to declare again; but never what it has
      // declared: `all` would by now mean its living siblings too. (The slot is empty at this point,
      // whether or not the worker was ever ready.)
      if (!wasReady) this.#addDead(deadWriters);
      reject(new Error(`worker ${index} ended while it was starting`));
    });
    const { worker: options } = this.#options;
    send(worker, {
      kind: "start",
      options: { ...options, plan: { ...options.plan, ports: this.#wantedPorts } },
      deadWriters,
      provisioning: index === 0 && !this.#isProvisioned ? this.#options.provisioning : undefined,
    });
    await promise;
  }

  #fork(slot: Slot): { readonly loaded: Promise<void> } {
    const worker = cluster.fork();
    slot.process = worker;
    slot.writerId = undefined;
    const loaded = new Promise<void>((resolve) => {
      worker.once("message", () => resolve());
      worker.once("exit", () => resolve());
    });
    worker.once("exit", (code: number | null, signal: string | null) => {
      this.#onExit(slot, worker, signal ?? `exit code ${code}`);
    });
    return { loaded };
  }

  #onExit(slot: Slot, worker: Worker, cause: string): void {
    if (slot.writerId !== undefined) this.#addDead([slot.writerId]);
    const livedLong = Date.now() - slot.startedMilliseconds > healthyMilliseconds;
    slot.failures = slot.writerId !== undefined && livedLong ? 0 : slot.failures + 1;
    slot.process = undefined;
    slot.writerId = undefined;
    this.#workerMetrics.ended(worker.id);
    if (this.#isDraining) return;
    const restartMilliseconds = Math.min(
      longestRestartMilliseconds,
      shortestRestartMilliseconds * 2 ** (slot.failures - 1),
    );
    const processId = worker.process.pid ?? 0;
    this.#options.log.workerDied({ worker: slot.index, processId, cause, restartMilliseconds });
    slot.restart = setTimeout(() => void this.#restart(slot), restartMilliseconds);
  }

  async #restart(slot: Slot): Promise<void> {
    // While the server is starting, the first failure ends it; nothing is restarted then.
    await this.#firstReady.promise;
    if (this.#isDraining) return;
    // With the last worker the ports were closed: the next ones must have the same again.
    if (this.readiness().workers.ready === 0) this.#wantedPorts = this.#ports;
    try {
      await this.#fork(slot).loaded;
      await this.#startIn(slot.index);
    } catch (error) {
      this.#options.log.roundFailed(`start of worker ${slot.index}`, error);
    }
  }

  #addDead(writers: "all" | readonly WriterId[]): void {
    if (writers === "all" || this.#deadWriters === "all") this.#deadWriters = "all";
    else this.#deadWriters = [...this.#deadWriters, ...writers];
  }

  #end(worker: Worker, timeoutMilliseconds: number): Promise<boolean> {
    if (worker.isDead()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const kill = setTimeout(
        () => worker.process.kill("SIGKILL"),
        timeoutMilliseconds + killDelayMilliseconds,
      );
      worker.once("exit", (code: number | null) => {
        clearTimeout(kill);
        resolve(code === 0);
      });
      send(worker, { kind: "drain", timeoutMilliseconds });
    });
  }
}

function send(worker: Worker, message: SupervisorMessage): void {
  // A worker that is dying does not get it; its exit is seen elsewhere.
  if (worker.isConnected()) worker.send(message, () => {});
}

function startError(failure: WorkerMessage & { readonly kind: "failed" }): Error {
  return Object.assign(new Error(failure.message), { code: failure.code });
}

function workerPath(): string {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return fileURLToPath(new URL(`./worker.${extension}`, import.meta.url));
}
