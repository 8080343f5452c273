// What a background worker is, and the runner that owns its loop: pauses, back-off after failures,
// status, and an end that waits for the pass under way. Knows nothing of what workers do.

import type { Clock } from "../base/clock.ts";
import type { LeaseHolder, Leases } from "./leases.ts";
import type { WorkerProgress, WorkerRecord, WorkerRun } from "./worker-record.ts";

/** What one pass did, for the log. */
export interface WorkerReport {
  readonly fields: Readonly<Record<string, number>>;
  /** What stands in its way though it did not fail, a line each, without anything secret. */
  readonly troubles?: readonly string[];
  /** When the worker knows when there will be work again; otherwise its interval holds. */
  readonly againMilliseconds?: number;
}

/** What a pass has of its runner. */
export interface WorkerPass {
  /** Whether somebody asked for this pass, rather than that its time had come. */
  readonly isAsked: boolean;
  /** Tells how far the pass has come; cheap. */
  readonly progress: (fields: Readonly<Record<string, number>>) => void;
  /** Where an earlier pass, perhaps of a process that is gone, said to go on. For workers of the store. */
  readonly readState: () => Promise<WorkerRecord["state"]>;
  /** Durable when it resolves. Throws LeaseLostError when another process runs the worker by now. */
  readonly writeState: (state: WorkerRecord["state"]) => Promise<void>;
}

export interface BackgroundWorker {
  readonly name: string;
  /** `process`: each process runs its own; `store`: one of all processes on the store runs it. */
  readonly scope: "process" | "store";
  /** Pause between the end of one pass and the beginning of the next. */
  readonly intervalMilliseconds: number;
  /**
   * One bounded pass. May be aborted between its steps, may be killed at any moment, and may run at
   * the same time in another process. What it throws is logged, and the pass is tried again later.
   */
  runOnce(signal: AbortSignal, pass: WorkerPass): Promise<WorkerReport>;
  /** How many things wait for the worker, read from the store: any process can tell. */
  backlog?(): Promise<number>;
}

export interface WorkerStatus {
  readonly name: string;
  readonly isRunning: boolean;
  /** Of the pass under way. */
  readonly progress: WorkerProgress | undefined;
  /** When the last finished pass began; `undefined` before the first one ended. */
  readonly lastRunMilliseconds: number | undefined;
  readonly lastRun: WorkerRun | undefined;
  readonly lastReport: WorkerReport | undefined;
  /** What the last pass threw; `undefined` when it succeeded. */
  readonly lastError: unknown;
  readonly failuresInARow: number;
  /** Passes that ended, failed ones included. */
  readonly runs: number;
  readonly failures: number;
  readonly lastDurationMilliseconds: number | undefined;
  /** Of all passes together. */
  readonly totalDurationMilliseconds: number;
}

/** Where passes are told; `Log` fits. */
export interface WorkerEvents {
  roundFinished(
    fields: { readonly worker: string } & Readonly<Record<string, string | number>>,
  ): void;
  roundFailed(worker: string, cause: unknown): void;
}

/** Resolves after the time, or at once when the signal is aborted; never rejects. */
export type Sleep = (milliseconds: number, signal: AbortSignal) => Promise<void>;

/** Does not keep the process alive. */
export const timerSleep: Sleep = (milliseconds, signal) =>
  new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    timer.unref();
    signal.addEventListener("abort", end);
  });

/** Why sleeps end early. One for all: an error with a stack for each would cost more than the sleep. */
const woken = "woken";

const shortestBackOffMilliseconds = 1000;
const longestBackOffMilliseconds = 60_000;
const wakingRestMilliseconds = 50;
/** How often what passes did is written down: when they did something, and when not. */
const busyRecordMilliseconds = 5000;
const idleRecordMilliseconds = 60_000;

export class WorkerRunner implements LeaseHolder, AsyncDisposable {
  readonly name: string;
  readonly #worker: BackgroundWorker;
  readonly #clock: Clock;
  readonly #sleep: Sleep;
  readonly #events: WorkerEvents | undefined;
  readonly #leases: Leases | undefined;
  readonly #stop = new AbortController();
  #sleeping: AbortController | undefined;
  #passing: AbortController | undefined;
  #isWoken = false;
  /** Who waits for a pass that begins after now. */
  #waiting: ((run: WorkerRun) => void)[] = [];
  #loop: Promise<void> | undefined;
  #progress: WorkerProgress | undefined;
  #lastRun: WorkerRun | undefined;
  #lastReport: WorkerReport | undefined;
  #lastError: unknown;
  #failuresInARow = 0;
  #runs = 0;
  #failures = 0;
  #lastDurationMilliseconds: number | undefined;
  #totalDurationMilliseconds = 0;
  #recordedMilliseconds = Number.NEGATIVE_INFINITY;
  #isRequested = false;

  /** `leases`: for a worker of the store; without them it runs here. */
  constructor(options: {
    readonly worker: BackgroundWorker;
    readonly clock: Clock;
    readonly sleep?: Sleep;
    readonly events?: WorkerEvents;
    readonly leases?: Leases;
  }) {
    this.name = options.worker.name;
    this.#worker = options.worker;
    this.#clock = options.clock;
    this.#sleep = options.sleep ?? timerSleep;
    this.#events = options.events;
    this.#leases = options.worker.scope === "store" ? options.leases : undefined;
    this.#leases?.add(this);
  }

  get status(): WorkerStatus {
    return {
      name: this.name,
      isRunning: this.#passing !== undefined,
      progress: this.#passing === undefined ? undefined : this.#progress,
      lastRunMilliseconds: this.#lastRun?.beganMilliseconds,
      lastRun: this.#lastRun,
      lastReport: this.#lastReport,
      lastError: this.#lastError,
      failuresInARow: this.#failuresInARow,
      runs: this.#runs,
      failures: this.#failures,
      lastDurationMilliseconds: this.#lastDurationMilliseconds,
      totalDurationMilliseconds: this.#totalDurationMilliseconds,
    };
  }

  /** Whether this process runs the worker. */
  get isHere(): boolean {
    return this.#leases === undefined || this.#leases.isHeld(this.name);
  }

  /** Begins with a pass at once, or when the lease is there. */
  start(): void {
    this.#loop ??= this.#run();
  }

  /** There is something to do: ends the pause, but not one after a failure. */
  wake(): void {
    // Called with every commit: most find the worker awake already.
    if (this.#isWoken || this.#failuresInARow > 0) return;
    this.#isWoken = true;
    this.#sleeping?.abort(woken);
  }

  /** A pass that begins after now, also in the pause after a failure. Only where `isHere` is true. */
  runNow(): Promise<WorkerRun> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#isWoken = true;
      this.#sleeping?.abort(woken);
    });
  }

  acquired(): void {
    this.#sleeping?.abort(woken);
  }

  lost(): void {
    this.#passing?.abort();
  }

  requested(): void {
    this.#isRequested = true;
    this.#isWoken = true;
    this.#sleeping?.abort(woken);
  }

  /** Aborts the pass under way and resolves when it has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(woken);
    this.#passing?.abort();
    this.#sleeping?.abort(woken);
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      if (!this.isHere) {
        await this.#pause(longestBackOffMilliseconds);
        continue;
      }
      this.#isWoken = false;
      const waiting = this.#waiting;
      this.#waiting = [];
      this.#passing = new AbortController();
      const run = await this.#runPass(this.#passing.signal, waiting.length > 0);
      this.#passing = undefined;
      for (const resolve of waiting) resolve(run);
      if (!this.#isWoken) await this.#pause(this.#pauseMilliseconds());
      else if (this.#waiting.length === 0) await this.#rest();
    }
  }

  /** Between passes that somebody wakes again and again: each finds more to do. */
  async #rest(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    await this.#sleep(wakingRestMilliseconds, this.#stop.signal);
  }

  async #pause(milliseconds: number): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#sleeping = new AbortController();
    await this.#sleep(milliseconds, this.#sleeping.signal);
    this.#sleeping = undefined;
  }

  async #runPass(signal: AbortSignal, isAwaited: boolean): Promise<WorkerRun> {
    const beganMilliseconds = this.#clock.now();
    const beganElapsed = this.#elapsed();
    const { name } = this;
    const isAsked = this.#isRequested || isAwaited;
    this.#isRequested = false;
    this.#progress = undefined;
    try {
      const report = await this.#worker.runOnce(signal, this.#pass(beganMilliseconds, isAsked));
      this.#lastReport = report;
      this.#lastError = undefined;
      this.#failuresInARow = 0;
      this.#events?.roundFinished({ worker: name, ...report.fields });
    } catch (error) {
      if (!signal.aborted) {
        this.#lastError = error;
        this.#failuresInARow += 1;
        this.#failures += 1;
        this.#events?.roundFailed(name, error);
      }
    }
    const run: WorkerRun = {
      beganMilliseconds,
      endedMilliseconds: this.#clock.now(),
      ...(this.#lastReport === undefined ? {} : runOf(this.#lastReport)),
      ...(this.#lastError === undefined ? {} : { error: describeError(this.#lastError) }),
      failuresInARow: this.#failuresInARow,
    };
    this.#lastRun = run;
    this.#count(this.#elapsed() - beganElapsed);
    if (!signal.aborted) await this.#record(run, isAsked);
    return run;
  }

  #count(durationMilliseconds: number): void {
    this.#lastDurationMilliseconds = durationMilliseconds;
    this.#totalDurationMilliseconds += durationMilliseconds;
    this.#runs += 1;
  }

  #elapsed(): number {
    return this.#clock.elapsed?.() ?? this.#clock.now();
  }

  #pass(beganMilliseconds: number, isAsked: boolean): WorkerPass {
    const { name } = this;
    let state: WorkerRecord["state"];
    let recorded = performance.now();
    return {
      isAsked,
      progress: (fields) => {
        this.#progress = { beganMilliseconds, fields };
        if (this.#leases === undefined) return;
        if (performance.now() - recorded < busyRecordMilliseconds) return;
        recorded = performance.now();
        this.#leases.recordProgress(name, this.#progress).catch(() => {
          // The next one may succeed; a pass does not fail for it.
        });
      },
      readState: async () => {
        state = this.#leases === undefined ? state : await this.#leases.readState(name);
        return state;
      },
      writeState: async (next) => {
        state = next;
        await this.#leases?.writeState(name, next);
      },
    };
  }

  async #record(run: WorkerRun, isAsked: boolean): Promise<void> {
    if (this.#leases === undefined) return;
    const didSomething = Object.values(run.fields ?? {}).some((value) => value !== 0);
    const interval =
      didSomething || run.failuresInARow > 0 ? busyRecordMilliseconds : idleRecordMilliseconds;
    const now = performance.now();
    if (!isAsked && now - this.#recordedMilliseconds < interval) return;
    this.#recordedMilliseconds = now;
    try {
      await this.#leases.recordRun(this.name, run);
    } catch (error) {
      this.#events?.roundFailed(this.name, error);
    }
  }

  #pauseMilliseconds(): number {
    const interval = this.#worker.intervalMilliseconds;
    if (this.#failuresInARow > 0) {
      const doubled = shortestBackOffMilliseconds * 2 ** (this.#failuresInARow - 1);
      return Math.max(interval, Math.min(doubled, longestBackOffMilliseconds));
    }
    return this.#lastReport?.againMilliseconds ?? interval;
  }
}

function runOf({ fields, troubles }: WorkerReport): Pick<WorkerRun, "fields" | "troubles"> {
  return troubles === undefined ? { fields } : { fields, troubles };
}

/** One line, without a stack: for lists. */
function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : "unknown failure";
}
