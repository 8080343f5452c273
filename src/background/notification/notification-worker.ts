// The worker that delivers notifications: one of all processes on a store runs it. Each destination has
// a feed, and each feed its own delivery, side by side with the others.

import type { Clock } from "../../base/clock.ts";
import type { ChangeLog } from "../../objects/change-log.ts";
import {
  notificationWorkerName,
  type DestinationFailure,
  type NotificationWorkerState,
} from "../../objects/notification-destinations.ts";
import { notificationFeedPrefix } from "../../objects/notification-rules.ts";
import type { BackgroundWorker, WorkerPass, WorkerReport } from "../worker.ts";
import type { DestinationPool } from "./destination-pool.ts";
import { FeedDelivery } from "./feed-delivery.ts";

export interface NotificationWorkerOptions {
  readonly changes: ChangeLog;
  readonly pool: DestinationPool;
  readonly clock: Clock;
  readonly region: string;
}

/** How often feeds are looked for whose changes other processes wrote, or whose pause is over. */
const intervalMilliseconds = 1000;
/** While something is delivered. */
const scanMilliseconds = 100;
/** So long a pass goes on finding work. */
const passMilliseconds = 20_000;

export class NotificationWorker implements BackgroundWorker {
  readonly name = notificationWorkerName;
  readonly scope = "store";
  readonly intervalMilliseconds = intervalMilliseconds;
  readonly #options: NotificationWorkerOptions;
  readonly #deliveries = new Map<string, FeedDelivery>();
  #writtenState = "{}";

  constructor(options: NotificationWorkerOptions) {
    this.#options = options;
  }

  async backlog(): Promise<number> {
    const sizes = await this.#options.changes.sizes(notificationFeedPrefix);
    return sizes.reduce((sum, { rows }) => sum + rows, 0);
  }

  async runOnce(signal: AbortSignal, pass: WorkerPass): Promise<WorkerReport> {
    const totals = { delivered: 0, failed: 0, deadLetters: 0 };
    const running = new Map<string, Promise<void>>();
    const ends = performance.now() + passMilliseconds;
    const isEnough = (): boolean => performance.now() > ends;
    const bell = new Bell(this.#options.changes);
    const errors: unknown[] = [];
    let stateDue = performance.now() + intervalMilliseconds;
    const run = async (feed: string): Promise<void> => {
      try {
        const counts = await this.#deliveryOf(feed).run(signal, isEnough);
        totals.delivered += counts.delivered;
        totals.failed += counts.failed;
        totals.deadLetters += counts.deadLetters;
        pass.progress({ ...totals });
      } catch (error) {
        errors.push(error);
      } finally {
        running.delete(feed);
      }
    };
    try {
      while (!signal.aborted && !isEnough() && errors.length === 0) {
        for (const feed of await this.#dueFeeds()) {
          if (!running.has(feed)) running.set(feed, run(feed));
        }
        if (performance.now() > stateDue) {
          await this.#writeState(pass);
          stateDue = performance.now() + intervalMilliseconds;
        }
        if (running.size === 0) break;
        await Promise.race([...running.values(), bell.wait()]);
      }
      await Promise.all(running.values());
    } finally {
      bell[Symbol.dispose]();
    }
    if (errors.length > 0) throw errors[0];
    await this.#writeState(pass);
    return { fields: totals, ...(isEnough() ? { againMilliseconds: 0 } : {}) };
  }

  /** Those with rows whose destination is not left alone for a while. */
  async #dueFeeds(): Promise<readonly string[]> {
    const sizes = await this.#options.changes.sizes(notificationFeedPrefix);
    return sizes
      .filter(({ feed, rows }) => rows > 0 && this.#deliveryOf(feed).isDue)
      .map(({ feed }) => feed);
  }

  #deliveryOf(feed: string): FeedDelivery {
    let delivery = this.#deliveries.get(feed);
    if (delivery === undefined) {
      delivery = new FeedDelivery({ ...this.#options, feed });
      this.#deliveries.set(feed, delivery);
    }
    return delivery;
  }

  /** Which destinations fail, and why: for those who ask any process. */
  async #writeState(pass: WorkerPass): Promise<void> {
    const failures: Record<string, DestinationFailure> = {};
    for (const { arn, failure } of this.#deliveries.values()) {
      if (failure !== undefined) failures[arn] = failure;
    }
    const text = JSON.stringify(failures);
    if (text === this.#writtenState) return;
    await pass.writeState({ failures } satisfies NotificationWorkerState);
    this.#writtenState = text;
  }
}

/** Rings when this process has committed changes. */
class Bell implements Disposable {
  readonly #off: () => void;
  #wake: (() => void) | undefined;

  constructor(changes: ChangeLog) {
    this.#off = changes.onChange(notificationFeedPrefix, () => this.#wake?.());
  }

  /** Until it rings or the interval is over; and a little at least: not every commit is worth a look. */
  async wait(): Promise<void> {
    const rung = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await pause(scanMilliseconds);
    await Promise.race([rung, pause(intervalMilliseconds)]);
  }

  [Symbol.dispose](): void {
    this.#off();
    this.#wake?.();
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref();
  });
}
