// Time as a parameter, so that a whole server can run in a test with a clock that is moved by hand.

export interface Clock {
  /** Milliseconds since the Unix epoch. May go backwards when an administrator sets the clock. */
  now(): number;
  /** Milliseconds since some moment, of a clock that nobody sets. Absent: `now` is all there is. */
  elapsed?(): number;
}

export const systemClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() };

/** A clock that stands still until it is moved. */
export class ManualClock implements Clock {
  #milliseconds: number;

  constructor(startMilliseconds: number) {
    this.#milliseconds = startMilliseconds;
  }

  now(): number {
    return this.#milliseconds;
  }

  advance(milliseconds: number): void {
    this.#milliseconds += milliseconds;
  }

  set(milliseconds: number): void {
    this.#milliseconds = milliseconds;
  }
}
