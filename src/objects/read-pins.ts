// Which reads are running, so that the sweeper never takes a blob from under a reader: it removes only
// what became garbage before the oldest running read began.

import type { Clock } from "../base/clock.ts";

export class ReadPins {
  readonly #clock: Clock;
  readonly #running = new Set<{ readonly beganMilliseconds: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Call `release` exactly once, when no more bytes will be read. */
  pin(): { readonly release: () => void } {
    const read = { beganMilliseconds: this.#clock.now() };
    this.#running.add(read);
    return { release: () => this.#running.delete(read) };
  }

  /** When the oldest running read began; `undefined` when none runs. */
  oldestMilliseconds(): number | undefined {
    // A Set keeps the order of insertion, and time hardly ever runs backwards: look at all the same.
    let oldest: number | undefined;
    for (const read of this.#running) {
      if (oldest === undefined || read.beganMilliseconds < oldest) oldest = read.beganMilliseconds;
    }
    return oldest;
  }
}
