// Counts values in fixed buckets. Recording allocates nothing: it may stand in the path of every request.

export interface HistogramState {
  /** Values up to each bound and above the one before; the last counts those above every bound. */
  readonly counts: readonly number[];
  readonly sum: number;
}

export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  /** `bounds` ascend; a value that equals one belongs below it. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  record(value: number): void {
    const bounds = this.#bounds;
    let index = 0;
    while (index < bounds.length && value > (bounds[index] as number)) index += 1;
    (this.#counts[index] as number) += 1;
    this.#sum += value;
  }

  get state(): HistogramState {
    return { counts: [...this.#counts], sum: this.#sum };
  }
}

/** From 50 µs, a small object from memory, to half a minute, a large one over a slow line. */
export const durationBoundsSeconds: readonly number[] = [
  0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
  2.5, 5, 10, 30,
];

/** How many things were done together. */
export const batchBounds: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
