// Randomness from a seed, so that every simulation can be run again as it was. The seed of a failed
// run is in its error; `HOLDFAST_SEED` sets it.

export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** At least 0 and below 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number, at least 0 and below `bound`. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError("nothing to pick from");
    return item;
  }

  bytes(lengthBytes: number): Uint8Array {
    const bytes = new Uint8Array(lengthBytes);
    for (let at = 0; at < lengthBytes; at += 1) bytes[at] = this.below(256);
    return bytes;
  }
}

/** From the environment, or a new one for each run. */
export function chooseSeed(): number {
  const given = process.env["HOLDFAST_SEED"];
  if (given !== undefined && given !== "") return Number(given);
  return Math.floor(Math.random() * 2 ** 31);
}

/** Adds the seed to whatever is thrown. */
export async function withSeed(seed: number, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    throw new Error(`failed with HOLDFAST_SEED=${seed}`, { cause: error });
  }
}
