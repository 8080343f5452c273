// Gathers the metrics of worker processes: asks all, waits a bounded time, adds up. What a process has
// counted stays in the sum when it does not answer or has died: a counter that fell would be read as
// one that began anew, and everything before it counted twice.

import { withoutUnconfigured } from "../telemetry/metrics-buckets.ts";
import { countersOf, mergeMetrics, type MetricsSnapshot } from "../telemetry/metrics.ts";

/** A serving process, as it is asked. */
export interface AskedProcess {
  readonly id: number;
  ask(question: { readonly question: number; readonly ofStore: boolean }): void;
}

export interface GatheredMetrics {
  readonly snapshot: MetricsSnapshot;
  readonly answered: number;
}

const defaultPatienceMilliseconds = 2000;

export class WorkerMetrics {
  readonly #patienceMilliseconds: number;
  readonly #asked = new Map<number, (snapshot: MetricsSnapshot | undefined) => void>();
  /** What each living process said last. */
  readonly #last = new Map<number, MetricsSnapshot>();
  /** Of processes that have ended. */
  #retired: MetricsSnapshot = {};
  #questions = 0;

  constructor(patienceMilliseconds = defaultPatienceMilliseconds) {
    this.#patienceMilliseconds = patienceMilliseconds;
  }

  async gather(processes: readonly AskedProcess[]): Promise<GatheredMetrics> {
    const answers = await Promise.all(
      processes.map((process, index) => this.#ask(process, index === 0)),
    );
    const asked = new Set(processes.map(({ id }) => id));
    const silent = [...this.#last]
      .filter(([id]) => !asked.has(id) || answers[indexOf(processes, id)] === undefined)
      .map(([, snapshot]) => countersOf(snapshot));
    const given = answers.filter((snapshot) => snapshot !== undefined);
    const gone = mergeMetrics([this.#retired, ...silent]);
    return {
      snapshot: mergeMetrics([withoutUnconfigured(gone, answers[0]), ...given]),
      answered: given.length,
    };
  }

  /** An answer that comes too late is forgotten: the next one holds more. */
  answered(question: number, snapshot: MetricsSnapshot | undefined): void {
    this.#asked.get(question)?.(snapshot);
  }

  /** What it counted after it was last asked is lost with it. */
  ended(id: number): void {
    const last = this.#last.get(id);
    if (last === undefined) return;
    this.#last.delete(id);
    this.#retired = mergeMetrics([this.#retired, countersOf(last)]);
  }

  async #ask(process: AskedProcess, ofStore: boolean): Promise<MetricsSnapshot | undefined> {
    this.#questions += 1;
    const question = this.#questions;
    const { promise, resolve } = Promise.withResolvers<MetricsSnapshot | undefined>();
    const timer = setTimeout(() => resolve(undefined), this.#patienceMilliseconds);
    this.#asked.set(question, resolve);
    process.ask({ question, ofStore });
    const snapshot = await promise;
    clearTimeout(timer);
    this.#asked.delete(question);
    if (snapshot !== undefined) this.#last.set(process.id, snapshot);
    return snapshot;
  }
}

function indexOf(processes: readonly AskedProcess[], wanted: number): number {
  return processes.findIndex(({ id }) => id === wanted);
}
