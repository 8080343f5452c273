// What a background worker is, and the runner that owns its loop: pauses, back-off after failures,
// status, and an end that waits for the pass under way. Knows nothing of what workers do.

import { setTimeout as timer } from "node:timers/promises";
import type { Clock } from "../base/clock.ts";

/** What one pass did, for the log. */
export interface WorkerReport {
  readonly fields: Readonly<Record<string, number>>;
  /** When the worker knows when there will be work again; otherwise its interval holds. */
  readonly againMilliseconds?: number;
}

export interface BackgroundWorker {
  readonly name: string;
  /** Pause between the end of one pass and the beginning of the next. */
  readonly intervalMilliseconds: number;
  /**
   * One bounded pass. May be aborted between its steps, may be killed at any moment, and may run at
   * the same time in another process. What it throws is logged, and the pass is tried again later.
   */
  runOnce(signal: AbortSignal): Promise<WorkerReport>;
}

export interface WorkerStatus {
  readonly name: string;
  readonly isRunning: boolean;
  /** When the last finished pass began; `undefined` before the first one ended. */
  readonly lastRunMilliseconds: number | undefined;
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
export const timerSleep: Sleep = async (milliseconds, signal) => {
  await timer(milliseconds, undefined, { signal, ref: false }).catch(() => {});
};

const shortestBackOffMilliseconds = 1000;
const longestBackOffMilliseconds = 60_000;

export class WorkerRunner implements AsyncDisposable {
  readonly #worker: BackgroundWorker;
  readonly #clock: Clock;
  readonly #sleep: Sleep;
  readonly #events: WorkerEvents | undefined;
  readonly #stop = new AbortController();
  #loop: Promise<void> | undefined;
  #pass: Promise<unknown> | undefined;
  #lastRunMilliseconds: number | undefined;
  #lastReport: WorkerReport | undefined;
  #lastError: unknown;
  #failuresInARow = 0;
  #runs = 0;
  #failures = 0;
  #lastDurationMilliseconds: number | undefined;
  #totalDurationMilliseconds = 0;

  constructor(options: {
    readonly worker: BackgroundWorker;
    readonly clock: Clock;
    readonly sleep?: Sleep;
    readonly events?: WorkerEvents;
  }) {
    this.#worker = options.worker;
    this.#clock = options.clock;
    this.#sleep = options.sleep ?? timerSleep;
    this.#events = options.events;
  }

  get status(): WorkerStatus {
    return {
      name: this.#worker.name,
      isRunning: this.#pass !== undefined,
      lastRunMilliseconds: this.#lastRunMilliseconds,
      lastReport: this.#lastReport,
      lastError: this.#lastError,
      failuresInARow: this.#failuresInARow,
      runs: this.#runs,
      failures: this.#failures,
      lastDurationMilliseconds: this.#lastDurationMilliseconds,
      totalDurationMilliseconds: this.#totalDurationMilliseconds,
    };
  }

  /** Begins with a pass at once. */
  start(): void {
    this.#loop ??= this.#run();
  }

  /** Aborts the pass under way and resolves when it has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const pass = this.#runPass(signal);
      this.#pass = pass;
      await pass;
      this.#pass = undefined;
      if (!signal.aborted) await this.#sleep(this.#pauseMilliseconds(), signal);
    }
  }

  async #runPass(signal: AbortSignal): Promise<void> {
    const began = this.#clock.now();
    const beganElapsed = this.#elapsed();
    const { name } = this.#worker;
    try {
      const report = await this.#worker.runOnce(signal);
      this.#lastReport = report;
      this.#lastError = undefined;
      this.#failuresInARow = 0;
      this.#events?.roundFinished({ worker: name, ...report.fields });
    } catch (error) {
      if (signal.aborted) return;
      this.#lastError = error;
      this.#failuresInARow += 1;
      this.#failures += 1;
      this.#events?.roundFailed(name, error);
    } finally {
      const durationMilliseconds = this.#elapsed() - beganElapsed;
      this.#lastRunMilliseconds = began;
      this.#lastDurationMilliseconds = durationMilliseconds;
      this.#totalDurationMilliseconds += durationMilliseconds;
      this.#runs += 1;
    }
  }

  #elapsed(): number {
    return this.#clock.elapsed?.() ?? this.#clock.now();
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
