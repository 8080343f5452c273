// Who runs what: of all processes on a store one runs each worker of the store's. A lease is a record
// with its holder and an end; a holder that is declared dead (it has no writer's record any more), or
// did not renew in time, has lost it. Leases make work cheap, not safe: passes must be safe to run twice.

import type { Clock } from "../base/clock.ts";
import type { Writers } from "../objects/writers.ts";
import { keys, ranges, workerNameOf } from "../objects/records/keyspace.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import { StorageFullError } from "../storage/storage-errors.ts";
import { transact } from "../storage/key-value/transaction.ts";
import { encodeRecord } from "../storage/record-codec.ts";
import { decodeWorkerRecord, type WorkerRecord, type WorkerRun } from "./worker-record.ts";

/** The runner's side of a lease. */
export interface LeaseHolder {
  readonly name: string;
  /** The lease is ours from now on. */
  acquired(): void;
  /** Somebody else may have it by now: what runs must end. */
  lost(): void;
  /** Somebody wants a pass at once. */
  requested(): void;
}

export interface LeasesOptions {
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly writers: Pick<Writers, "list">;
  /** This process: its writer's id. */
  readonly holder: string;
  readonly onError?: (error: unknown) => void;
}

/** What was to be written is the business of another process by now. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
}

const leaseMilliseconds = 60_000;
const renewalMilliseconds = 20_000;
const tickMilliseconds = 1000;
const workersLimit = 1000;

export class Leases implements AsyncDisposable {
  readonly #options: LeasesOptions;
  readonly #holders = new Map<string, LeaseHolder>();
  readonly #held = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #tick: Promise<void> = Promise.resolve();
  #isTicking = false;
  #ticksSinceRenewal = 0;

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  add(holder: LeaseHolder): void {
    this.#holders.set(holder.name, holder);
  }

  isHeld(name: string): boolean {
    return this.#held.has(name);
  }

  /** Tries to get every lease at once, and again every second. */
  async start(): Promise<void> {
    await this.#run();
    this.#timer = setInterval(() => void this.#run(), tickMilliseconds);
    this.#timer.unref();
  }

  /** Looks at the records now instead of within a second. */
  look(): Promise<void> {
    return this.#run();
  }

  /** Gives everything back, so that others need not wait. Workers must have ended before. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#tick;
    const names = [...this.#held];
    this.#held.clear();
    if (names.length === 0) return;
    try {
      await this.#change(names, ({ holder, ...rest }) => {
        if (holder !== this.#options.holder) return undefined;
        return { ...rest, expiresMilliseconds: 0 };
      });
    } catch (error) {
      // They expire, and a process that is gone holds nothing. On a full disk that is all there is.
      if (!(error instanceof StorageFullError)) this.#options.onError?.(error);
    }
  }

  /** Where a worker goes on; `undefined` at first. */
  async readState(name: string): Promise<WorkerRecord["state"]> {
    const { gets } = await this.#options.store.read({ gets: [keys.worker(name)] });
    return gets[0] === undefined ? undefined : decodeWorkerRecord(gets[0].value).state;
  }

  /** Refused, by an error, to who does not hold the lease any more. */
  async writeState(name: string, state: WorkerRecord["state"]): Promise<void> {
    const written = await this.#change([name], (record) => {
      if (record.holder !== this.#options.holder) return undefined;
      const { state: _, ...rest } = record;
      return state === undefined ? rest : { ...rest, state };
    });
    if (written.length === 0) throw new LeaseLostError(`another process runs ${name}`);
  }

  async recordProgress(name: string, progress: WorkerRecord["progress"]): Promise<void> {
    await this.#change([name], (record) =>
      record.holder === this.#options.holder && progress !== undefined
        ? { ...record, progress }
        : undefined,
    );
  }

  /** Keeps what a pass did, and takes away the request that it fulfilled. */
  async recordRun(name: string, run: WorkerRun): Promise<void> {
    await this.#change([name], (record) => {
      const { requestedMilliseconds: asked, progress: _, ...rest } = record;
      const isOpen = asked !== undefined && asked > run.beganMilliseconds;
      return { ...rest, ...(isOpen ? { requestedMilliseconds: asked } : {}), lastRun: run };
    });
  }

  /** Asks whoever runs a worker, in whichever process, to run it now. */
  async request(name: string): Promise<void> {
    await this.#change([name], (record) => ({
      ...record,
      requestedMilliseconds: this.#options.clock.now(),
    }));
    await this.look();
  }

  /** All that were ever run on this store, by name. */
  async records(): Promise<ReadonlyMap<string, WorkerRecord>> {
    const range = { ...ranges.workers(), limit: workersLimit };
    const { ranges: found } = await this.#options.store.read({ ranges: [range] });
    const entries = found[0] ?? [];
    return new Map(
      entries.map(({ key, value }) => [workerNameOf(key), decodeWorkerRecord(value)] as const),
    );
  }

  #run(): Promise<void> {
    if (this.#isTicking) return this.#tick;
    this.#isTicking = true;
    this.#tick = this.#look()
      .catch((error: unknown) => this.#options.onError?.(error))
      .finally(() => {
        this.#isTicking = false;
      });
    return this.#tick;
  }

  async #look(): Promise<void> {
    const records = await this.records();
    const now = this.#options.clock.now();
    let alive: ReadonlySet<string> | undefined;
    const wanted: string[] = [];
    for (const [name, holder] of this.#holders) {
      const record = records.get(name);
      if (this.#held.has(name)) {
        if (record?.holder !== this.#options.holder) this.#lose(name);
        else if (record.requestedMilliseconds !== undefined) holder.requested();
        continue;
      }
      if (record?.holder !== undefined && record.expiresMilliseconds > now) {
        alive ??= new Set((await this.#options.writers.list()).map(({ writerId }) => writerId));
        if (alive.has(record.holder) && record.holder !== this.#options.holder) continue;
      }
      wanted.push(name);
    }
    this.#ticksSinceRenewal += 1;
    const isDue = this.#ticksSinceRenewal * tickMilliseconds >= renewalMilliseconds;
    if (isDue || this.#expireSoon(records, now)) await this.#renew();
    if (wanted.length > 0) await this.#acquire(wanted, records);
  }

  /** The clock may have jumped. */
  #expireSoon(records: ReadonlyMap<string, WorkerRecord>, now: number): boolean {
    return [...this.#held].some(
      (name) => (records.get(name)?.expiresMilliseconds ?? 0) - now < leaseMilliseconds / 2,
    );
  }

  async #renew(): Promise<void> {
    this.#ticksSinceRenewal = 0;
    const names = [...this.#held];
    const kept = await this.#change(names, (record) =>
      record.holder === this.#options.holder
        ? { ...record, expiresMilliseconds: this.#options.clock.now() + leaseMilliseconds }
        : undefined,
    );
    for (const name of names) if (!kept.includes(name)) this.#lose(name);
  }

  async #acquire(names: readonly string[], seen: ReadonlyMap<string, WorkerRecord>): Promise<void> {
    const got = await this.#change(names, (record, name) => {
      // Somebody was faster.
      if (record.holder !== seen.get(name)?.holder) return undefined;
      if (record.expiresMilliseconds !== (seen.get(name)?.expiresMilliseconds ?? 0)) {
        return undefined;
      }
      const expiresMilliseconds = this.#options.clock.now() + leaseMilliseconds;
      return { ...record, holder: this.#options.holder, expiresMilliseconds };
    });
    for (const name of got) {
      this.#held.add(name);
      this.#holders.get(name)?.acquired();
    }
  }

  #lose(name: string): void {
    this.#held.delete(name);
    this.#holders.get(name)?.lost();
  }

  /** Answers the names whose records were changed. */
  async #change(
    names: readonly string[],
    change: (record: WorkerRecord, name: string) => WorkerRecord | undefined,
  ): Promise<readonly string[]> {
    if (names.length === 0) return [];
    return transact(this.#options.store, async (transaction) => {
      const values = await transaction.getMany(names.map((name) => keys.worker(name)));
      const changed: string[] = [];
      for (const [index, name] of names.entries()) {
        const value = values[index];
        const before: WorkerRecord =
          value === undefined ? { v: 1, expiresMilliseconds: 0 } : decodeWorkerRecord(value);
        const after = change(before, name);
        if (after === undefined) continue;
        transaction.set(keys.worker(name), encodeRecord(after));
        changed.push(name);
      }
      return changed;
    });
  }
}
