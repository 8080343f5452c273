// Delivers one feed to its destination: at least once, and the events of a key in their order. A row is
// removed when its receiver has it. Events of a key that failed wait, with those behind them, and hold up
// no other key; a destination that takes nothing is left alone for a while, and holds up no other one.

import type { Clock } from "../../base/clock.ts";
import {
  defaultTimeoutSeconds,
  type DestinationSettings,
} from "../../model/notification-destinations.ts";
import type { ChangeLog } from "../../objects/change-log.ts";
import type { FeedRow } from "../../objects/feed-rows.ts";
import { buryRows } from "../../objects/dead-letters.ts";
import { notificationFeedPrefix } from "../../objects/notification-rules.ts";
import type { DestinationFailure } from "../../objects/notification-destinations.ts";
import { giveWay, isBusyWithRequests } from "../give-way.ts";
import { timerSleep } from "../worker.ts";
import { asError, type Outcomes } from "./destination.ts";
import type { DestinationPool, OpenDestination } from "./destination-pool.ts";
import { failureText } from "./failure-text.ts";
import { messageOf } from "./message-of.ts";

export interface FeedDeliveryOptions {
  readonly feed: string;
  readonly changes: ChangeLog;
  readonly pool: DestinationPool;
  readonly clock: Clock;
  readonly region: string;
}

export interface Delivered {
  readonly delivered: number;
  readonly failed: number;
  readonly deadLetters: number;
}

/** Rows that are read together. */
const windowRows = 1024;
/** The same while requests keep the process busy, which go first: about 2000 a second. */
const busyWindowRows = 512;
const busyGatherMilliseconds = 250;
/** The same where the oldest row has waited too long for that. */
const lateWindowRows = 4096;
const lateMilliseconds = 10_000;
const gatherMilliseconds = 40;
const shortestBackOffMilliseconds = 1000;
const longestBackOffMilliseconds = 60_000;
const defaultConcurrency = 4;
const blockedLimit = 10_000;

/** A key whose oldest event failed. */
interface BlockedKey {
  readonly failures: number;
  readonly retryMilliseconds: number;
}

export class FeedDelivery {
  readonly arn: string;
  readonly #options: FeedDeliveryOptions;
  readonly #blocked = new Map<string, BlockedKey>();
  #readElapsed = Number.NEGATIVE_INFINITY;
  #failuresInARow = 0;
  #failure: DestinationFailure | undefined;
  #counts = { delivered: 0, failed: 0, deadLetters: 0 };

  constructor(options: FeedDeliveryOptions) {
    this.#options = options;
    this.arn = options.feed.slice(notificationFeedPrefix.length);
  }

  /** `undefined`: it works, or nothing was tried yet. */
  get failure(): DestinationFailure | undefined {
    return this.#failure;
  }

  /** Whether a run would try anything now. */
  get isDue(): boolean {
    const now = this.#options.clock.now();
    if (this.#failure !== undefined) return this.#failure.retryMilliseconds <= now;
    return true;
  }

  /** Until nothing is left that can be delivered now, `isEnough` says so, or the destination is down. */
  async run(signal: AbortSignal, isEnough: () => boolean): Promise<Delivered> {
    this.#counts = { delivered: 0, failed: 0, deadLetters: 0 };
    const { feed, changes } = this.#options;
    let after: Uint8Array | undefined;
    let didSomething = false;
    let isLate = false;
    while (!signal.aborted && !isEnough()) {
      const isHeldUp = !isLate && isBusyWithRequests();
      const pause = isHeldUp ? busyGatherMilliseconds : gatherMilliseconds;
      if (after === undefined || isHeldUp) await this.#gather(pause, signal);
      const limit = isLate ? lateWindowRows : isHeldUp ? busyWindowRows : windowRows;
      const { rows, next } = await changes.read(feed, { after, limit });
      isLate = this.#isLate(rows);
      if (rows.length === 0 && after === undefined) break;
      const opened = await this.#open();
      const before = this.#counts.delivered + this.#counts.deadLetters;
      if (opened !== undefined) await this.#deliverWindow(rows, opened, signal);
      didSomething ||= this.#counts.delivered + this.#counts.deadLetters > before;
      if (this.#failure !== undefined) {
        if (opened !== undefined) await this.#buryBehind(opened.settings);
        break;
      }
      after = next;
      if (next !== undefined) continue;
      if (!didSomething) break;
      // Rows may have come in front of what was read.
      didSomething = false;
    }
    return this.#counts;
  }

  /**
   * Under load a look at the feed waits a little for more rows to come: reading, sending and removing few
   * at a time costs a commit each. What comes alone is sent at once.
   */
  async #gather(pauseMilliseconds: number, signal: AbortSignal): Promise<void> {
    const left = this.#readElapsed + pauseMilliseconds - performance.now();
    if (left > 0) await timerSleep(left, signal);
    this.#readElapsed = performance.now();
  }

  #isLate([oldest]: readonly FeedRow[]): boolean {
    if (oldest === undefined) return false;
    return this.#options.clock.now() - oldest.change.timeMilliseconds > lateMilliseconds;
  }

  async #open(): Promise<OpenDestination | undefined> {
    try {
      const opened = await this.#options.pool.find(this.arn);
      if (opened === undefined) throw new Error("no destination is declared for this ARN");
      return opened;
    } catch (error) {
      this.#fail(error, undefined, true);
      return undefined;
    }
  }

  async #deliverWindow(
    rows: readonly FeedRow[],
    opened: OpenDestination,
    signal: AbortSignal,
  ): Promise<void> {
    const window = new DeliveryWindow(rows, (key) => this.#isBlocked(key));
    const { concurrency = defaultConcurrency } = opened.settings;
    const lanes = Array.from({ length: concurrency }, () => this.#runLane(window, opened, signal));
    try {
      await Promise.all(lanes);
    } finally {
      await this.#options.changes.finish(this.#options.feed, window.takenRows());
    }
    const blocked = window.remainingRows().filter((row) => this.#blocked.has(orderKeyOf(row)));
    await this.#bury(blocked, opened.settings);
  }

  async #runLane(
    window: DeliveryWindow,
    opened: OpenDestination,
    signal: AbortSignal,
  ): Promise<void> {
    while (!signal.aborted) {
      const batch = window.nextBatch(opened.destination.batchLimit);
      if (batch.length === 0) return;
      const began = performance.now();
      const outcomes = await this.#send(batch, opened, signal);
      if (signal.aborted && outcomes instanceof Error) return;
      const failures = this.#settle(window, batch, outcomes);
      if (failures.length < batch.length) this.#recover();
      else if (failures[0] !== undefined) {
        // One event that a receiver does not want says little about it; a batch without a success does.
        const isDown = failures.length > 1 || outcomes instanceof Error;
        if (isDown) window.close();
        if (isDown || window.taken === 0) this.#fail(failures[0], opened.settings, isDown);
      }
      // Requests go first: under load deliveries take their time.
      await giveWay(performance.now() - began);
    }
  }

  async #send(
    batch: readonly FeedRow[],
    { destination, settings }: OpenDestination,
    signal: AbortSignal,
  ): Promise<Outcomes | Error> {
    const { timeoutSeconds = defaultTimeoutSeconds } = settings;
    const { region } = this.#options;
    const messages = batch.map((row) => messageOf(row, { region, settings }));
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1000)]);
    try {
      return await withSignal(destination.send(messages, bounded), bounded);
    } catch (error) {
      return asError(error);
    }
  }

  #settle(
    window: DeliveryWindow,
    batch: readonly FeedRow[],
    outcomes: Outcomes | Error,
  ): readonly Error[] {
    const failures: Error[] = [];
    for (const [index, row] of batch.entries()) {
      const failure = outcomes instanceof Error ? outcomes : outcomes[index];
      const key = orderKeyOf(row);
      if (failure === undefined) {
        this.#blocked.delete(key);
        this.#counts.delivered += 1;
        window.took(row);
      } else {
        this.#counts.failed += 1;
        failures.push(failure);
        const tries = (this.#blocked.get(key)?.failures ?? 0) + 1;
        const retryMilliseconds = this.#options.clock.now() + backOffMilliseconds(tries);
        this.#blocked.set(key, { failures: tries, retryMilliseconds });
      }
    }
    return failures;
  }

  /** What failed with a destination that was down may be tried at once. */
  #recover(): void {
    if (this.#failuresInARow > 0 || this.#blocked.size > blockedLimit) this.#blocked.clear();
    this.#failuresInARow = 0;
    this.#failure = undefined;
  }

  #fail(error: unknown, settings: DestinationSettings | undefined, isDown: boolean): void {
    if (isDown) this.#failuresInARow += 1;
    const now = this.#options.clock.now();
    this.#failure = {
      error: failureText(error, settings),
      sinceMilliseconds: this.#failure?.sinceMilliseconds ?? now,
      retryMilliseconds: now + backOffMilliseconds(Math.max(1, this.#failuresInARow)),
    };
  }

  #isBlocked(key: string): boolean {
    const blocked = this.#blocked.get(key);
    return blocked !== undefined && blocked.retryMilliseconds > this.#options.clock.now();
  }

  /** While a destination is down what waits for it grows too old without being tried. */
  async #buryBehind(settings: DestinationSettings): Promise<void> {
    if (settings.maximumAgeSeconds === undefined) return;
    const { feed, changes } = this.#options;
    let buried: number;
    do {
      const { rows } = await changes.read(feed, { limit: windowRows });
      buried = await this.#bury(rows, settings);
    } while (buried > 0);
  }

  /** Of these rows those that are too old are not tried any more. Resolves with how many. */
  async #bury(
    rows: readonly FeedRow[],
    { maximumAgeSeconds }: DestinationSettings,
  ): Promise<number> {
    if (maximumAgeSeconds === undefined) return 0;
    const { clock, changes, feed } = this.#options;
    const oldest = clock.now() - maximumAgeSeconds * 1000;
    const old = rows.filter(({ change }) => agedSince(change) < oldest);
    if (old.length === 0) return 0;
    const error = this.#failure?.error ?? "the receiver does not take this event";
    await buryRows(changes, feed, old, { error, timeMilliseconds: clock.now() });
    for (const row of old) this.#blocked.delete(orderKeyOf(row));
    this.#counts.deadLetters += old.length;
    return old.length;
  }
}

/** Some rows of a feed, of which those of one key are handed out one after the other. */
class DeliveryWindow {
  readonly #queues = new Map<string, FeedRow[]>();
  readonly #ready: string[] = [];
  readonly #taken: FeedRow[] = [];
  readonly #rows: readonly FeedRow[];
  #position = 0;
  #isClosed = false;

  constructor(rows: readonly FeedRow[], isBlocked: (key: string) => boolean) {
    this.#rows = rows;
    for (const row of rows) {
      const key = orderKeyOf(row);
      const queue = this.#queues.get(key);
      if (queue !== undefined) {
        queue.push(row);
        continue;
      }
      this.#queues.set(key, [row]);
      if (!isBlocked(key)) this.#ready.push(key);
    }
  }

  /** Of different keys. Empty: there is nothing to do for whoever asks. */
  nextBatch(limit: number): readonly FeedRow[] {
    if (this.#isClosed) return [];
    const batch: FeedRow[] = [];
    while (batch.length < limit && this.#position < this.#ready.length) {
      const key = this.#ready[this.#position] as string;
      this.#position += 1;
      const row = this.#queues.get(key)?.shift();
      if (row !== undefined) batch.push(row);
    }
    return batch;
  }

  took(row: FeedRow): void {
    this.#taken.push(row);
    const key = orderKeyOf(row);
    if ((this.#queues.get(key)?.length ?? 0) > 0) this.#ready.push(key);
  }

  /** Hands nothing out any more. */
  close(): void {
    this.#isClosed = true;
  }

  get taken(): number {
    return this.#taken.length;
  }

  takenRows(): readonly FeedRow[] {
    return this.#taken;
  }

  remainingRows(): readonly FeedRow[] {
    const taken = new Set(this.#taken);
    return this.#rows.filter((row) => !taken.has(row));
  }
}

function orderKeyOf({ change }: FeedRow): string {
  return `${change.bucketId}/${change.key}`;
}

/** A dead letter that is sent once more has its whole time again. */
function agedSince({ details, timeMilliseconds }: FeedRow["change"]): number {
  const replayed = details?.["replayedMilliseconds"];
  return typeof replayed === "number" ? replayed : timeMilliseconds;
}

function backOffMilliseconds(failures: number): number {
  const doubled = shortestBackOffMilliseconds * 2 ** Math.min(failures - 1, 16);
  return Math.min(doubled, longestBackOffMilliseconds);
}

/** A client library that does not heed the signal must not hold up the feed. */
function withSignal<Value>(value: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      reject(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
    };
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    value.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
