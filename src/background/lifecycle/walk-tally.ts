// Counts what a walk over a bucket does, by rule.

import type {
  RuleCount,
  RuleCounts,
  WalkReport,
} from "../../objects/records/lifecycle-state-record.ts";

export class WalkTally {
  readonly #startedMilliseconds: number;
  readonly #rules: Map<string, Partial<Record<RuleCount, number>>>;
  #error: string | undefined;
  looked: number;
  /** Of this process alone: what a budget limits. */
  actions = 0;

  /** Goes on with what an earlier part of the walk has counted. */
  constructor(earlier: WalkReport) {
    this.#startedMilliseconds = earlier.startedMilliseconds;
    this.#rules = new Map(
      Object.entries(earlier.rules).map(([id, counts]) => [id, { ...counts }] as const),
    );
    this.#error = earlier.error;
    this.looked = earlier.looked;
  }

  add(ruleId: string, count: RuleCount): void {
    let counts = this.#rules.get(ruleId);
    if (counts === undefined) this.#rules.set(ruleId, (counts = {}));
    counts[count] = (counts[count] ?? 0) + 1;
  }

  fail(ruleId: string, error: Error): void {
    this.add(ruleId, "failed");
    this.#error ??= error.message;
  }

  total(count: RuleCount): number {
    let sum = 0;
    for (const counts of this.#rules.values()) sum += counts[count] ?? 0;
    return sum;
  }

  report(finishedMilliseconds: number | undefined): WalkReport {
    const rules: Record<string, RuleCounts> = Object.fromEntries(this.#rules);
    return {
      startedMilliseconds: this.#startedMilliseconds,
      ...(finishedMilliseconds === undefined ? {} : { finishedMilliseconds }),
      looked: this.looked,
      rules,
      ...(this.#error === undefined ? {} : { error: this.#error }),
    };
  }
}
