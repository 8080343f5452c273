// All workers of a process behind one door: starts them, lists what each does wherever it runs, and runs
// one at once.

import { setTimeout as pause } from "node:timers/promises";
import type { Clock } from "../base/clock.ts";
import type { Writers } from "../objects/writers.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import { Leases } from "./leases.ts";
import type { WorkerProgress, WorkerRun } from "./worker-record.ts";
import {
  WorkerRunner,
  type BackgroundWorker,
  type Sleep,
  type WorkerEvents,
  type WorkerStatus,
} from "./worker.ts";

export interface WorkersOptions {
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly writers: Pick<Writers, "list">;
  /** This process: its writer's id. */
  readonly holder: string;
  readonly events: WorkerEvents;
  readonly sleep?: Sleep;
}

/** What a worker is, has done and has to do. */
export interface WorkerState {
  readonly name: string;
  readonly scope: BackgroundWorker["scope"];
  readonly intervalMilliseconds: number;
  /** The process that runs it; `undefined`: none at the moment. */
  readonly holder: string | undefined;
  readonly isRunning: boolean;
  readonly progress: WorkerProgress | undefined;
  readonly lastRun: WorkerRun | undefined;
  readonly backlog: number | undefined;
}

const pollMilliseconds = 100;
const patienceMilliseconds = 50_000;

interface Known {
  readonly worker: BackgroundWorker;
  readonly runner: WorkerRunner;
}

export class Workers implements AsyncDisposable {
  readonly #options: WorkersOptions;
  readonly #leases: Leases;
  readonly #known = new Map<string, Known>();

  constructor(options: WorkersOptions) {
    this.#options = options;
    const { events } = options;
    this.#leases = new Leases({
      ...options,
      onError: (error) => events.roundFailed("leases", error),
    });
  }

  add(worker: BackgroundWorker): WorkerRunner {
    const { clock, events, sleep } = this.#options;
    const runner = new WorkerRunner({
      worker,
      clock,
      events,
      leases: this.#leases,
      ...(sleep === undefined ? {} : { sleep }),
    });
    this.#known.set(worker.name, { worker, runner });
    return runner;
  }

  /** Takes the leases that are free, and starts every worker that was added. */
  async start(): Promise<void> {
    await this.#leases.start();
    for (const { runner } of this.#known.values()) runner.start();
  }

  /** Of this process alone. */
  statuses(): readonly WorkerStatus[] {
    return [...this.#known.values()].map(({ runner }) => runner.status);
  }

  /** In the order of their names. */
  async list(): Promise<readonly WorkerState[]> {
    const records = await this.#leases.records();
    const states = [...this.#known.values()].map(async ({ worker, runner }) => {
      const { name, scope, intervalMilliseconds } = worker;
      const record = scope === "store" ? records.get(name) : undefined;
      const { isHere, status } = runner;
      const progress = isHere ? status.progress : record?.progress;
      return {
        name,
        scope,
        intervalMilliseconds,
        holder: isHere ? this.#options.holder : record?.holder,
        isRunning: isHere ? status.isRunning : progress !== undefined,
        progress,
        lastRun: isHere ? (status.lastRun ?? record?.lastRun) : record?.lastRun,
        backlog: await worker.backlog?.(),
      };
    });
    const listed = await Promise.all(states);
    return listed.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /**
   * A pass that begins now, wherever the worker runs; its outcome, or `undefined` when it takes longer
   * than a caller can be kept waiting. Throws UnknownWorkerError.
   */
  async run(name: string): Promise<WorkerRun | undefined> {
    const known = this.#known.get(name);
    if (known === undefined) throw new UnknownWorkerError(name);
    const patience = AbortSignal.timeout(patienceMilliseconds);
    if (known.runner.isHere) return orUndefined(known.runner.runNow(), patience);
    const asked = this.#options.clock.now();
    await this.#leases.request(name);
    while (!patience.aborted) {
      if (known.runner.isHere) return orUndefined(known.runner.runNow(), patience);
      const lastRun = (await this.#leases.records()).get(name)?.lastRun;
      if (lastRun !== undefined && lastRun.beganMilliseconds >= asked) return lastRun;
      await pause(pollMilliseconds);
    }
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const runners = [...this.#known.values()].map(({ runner }) => runner[Symbol.asyncDispose]());
    await Promise.all(runners);
    await this.#leases[Symbol.asyncDispose]();
  }
}

export class UnknownWorkerError extends Error {
  override readonly name = "UnknownWorkerError";

  constructor(worker: string) {
    super(`there is no worker ${JSON.stringify(worker)}`);
  }
}

function orUndefined<Value>(
  value: Promise<Value>,
  signal: AbortSignal,
): Promise<Value | undefined> {
  const late = new Promise<undefined>((resolve) => {
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  return Promise.race([value, late]);
}
