// Latencies in a fixed array of counters: exact below 128 µs, then 64 steps per power of two, so that
// a recorded value is off by less than 1.6 % and recording allocates nothing.

import type { LatencySummary } from "./load-plan.ts";

const exactValues = 128;
const stepsPerPower = 64;
const firstPower = 7;
const lastPower = 31;

export class LatencyHistogram {
  readonly #counts = new Uint32Array(exactValues + (lastPower - firstPower + 1) * stepsPerPower);
  #count = 0;
  #sum = 0;
  #max = 0;

  record(microseconds: number): void {
    const value = Math.min(Math.max(Math.round(microseconds), 0), 2 ** 31 - 1);
    const position = positionOf(value);
    this.#counts[position] = (this.#counts[position] as number) + 1;
    this.#count += 1;
    this.#sum += value;
    if (value > this.#max) this.#max = value;
  }

  /** The smallest recorded step that at least `fraction` of all values do not exceed, in microseconds. */
  quantile(fraction: number): number {
    const wanted = Math.max(1, Math.ceil(this.#count * fraction));
    let seen = 0;
    for (const [position, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= wanted) return Math.min(valueAt(position), this.#max);
    }
    return this.#max;
  }

  summary(): LatencySummary {
    return {
      p50: milliseconds(this.quantile(0.5)),
      p90: milliseconds(this.quantile(0.9)),
      p99: milliseconds(this.quantile(0.99)),
      max: milliseconds(this.#max),
      mean: milliseconds(this.#count === 0 ? 0 : this.#sum / this.#count),
    };
  }
}

function milliseconds(microseconds: number): number {
  return Math.round(microseconds) / 1000;
}

function positionOf(value: number): number {
  if (value < exactValues) return value;
  const power = 31 - Math.clz32(value);
  const step = (value >>> (power - 6)) & (stepsPerPower - 1);
  return exactValues + (power - firstPower) * stepsPerPower + step;
}

/** The middle of a step. */
function valueAt(position: number): number {
  if (position < exactValues) return position;
  const power = Math.floor((position - exactValues) / stepsPerPower) + firstPower;
  const step = (position - exactValues) % stepsPerPower;
  return 2 ** power + (step + 0.5) * 2 ** (power - 6);
}
