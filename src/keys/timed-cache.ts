// Keeps secrets that are slow to get, for a bounded time and in a bounded number. Those who ask for the
// same one at the same time share one load; what is forgotten is overwritten.

import type { Clock } from "../base/clock.ts";

export interface Secret {
  readonly plaintext: Uint8Array;
}

interface Slot<Value> {
  readonly value: Value;
  readonly sinceMilliseconds: number;
}

export interface TimedCacheOptions {
  readonly clock: Clock;
  readonly lifetimeMilliseconds: number;
  readonly maximumEntries: number;
}

export class TimedCache<Value extends Secret> {
  readonly #options: TimedCacheOptions;
  /** In the order of their last use. */
  readonly #slots = new Map<string, Slot<Value>>();
  readonly #loads = new Map<string, Promise<Value>>();

  constructor(options: TimedCacheOptions) {
    this.#options = options;
  }

  /**
   * The answer's plaintext is the caller's own copy. A load goes on when `signal` is aborted, because
   * others may wait for it too; it is bounded by itself.
   */
  async get(name: string, load: () => Promise<Value>, signal?: AbortSignal): Promise<Value> {
    signal?.throwIfAborted();
    const known = this.#find(name);
    if (known !== undefined) return copyOf(known);
    let loading = this.#loads.get(name);
    if (loading === undefined) {
      loading = this.#load(name, load);
      this.#loads.set(name, loading);
    }
    return copyOf(await unlessAborted(loading, signal));
  }

  async #load(name: string, load: () => Promise<Value>): Promise<Value> {
    try {
      const value = await load();
      this.#keep(name, copyOf(value));
      return value;
    } finally {
      this.#loads.delete(name);
    }
  }

  #find(name: string): Value | undefined {
    const slot = this.#slots.get(name);
    if (slot === undefined) return undefined;
    const age = this.#options.clock.now() - slot.sinceMilliseconds;
    this.#slots.delete(name);
    // Negative where the clock was set back.
    if (age < 0 || age >= this.#options.lifetimeMilliseconds) {
      slot.value.plaintext.fill(0);
      return undefined;
    }
    this.#slots.set(name, slot);
    return slot.value;
  }

  #keep(name: string, value: Value): void {
    if (this.#slots.size >= this.#options.maximumEntries) {
      const [oldest, slot] = this.#slots.entries().next().value as [string, Slot<Value>];
      slot.value.plaintext.fill(0);
      this.#slots.delete(oldest);
    }
    this.#slots.set(name, { value, sinceMilliseconds: this.#options.clock.now() });
  }
}

function copyOf<Value extends Secret>(value: Value): Value {
  return { ...value, plaintext: Uint8Array.from(value.plaintext) };
}

async function unlessAborted<Value>(
  promise: Promise<Value>,
  signal: AbortSignal | undefined,
): Promise<Value> {
  if (signal === undefined) return await promise;
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
