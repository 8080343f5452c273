// Where notifications go: the settings of each destination by its ARN, or by a pattern that ARNs fit.
// Settings hold secrets, so that they are sealed as a whole.

import type { Sealer } from "../keys/sealer.ts";
import type { DestinationKind, DestinationSettings } from "../model/notification-destinations.ts";
import { decodeRecord, encodeRecord } from "../storage/record-codec.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import { transact } from "../storage/key-value/transaction.ts";
import { keys, ranges } from "./records/keyspace.ts";

/** What administrators may see. */
export interface NotificationDestination {
  /** `arn:aws:sqs:us-east-1:123456789012:orders`; `*` in it stands for any run of characters. */
  readonly arn: string;
  readonly kind: DestinationKind;
  /** Changes with the settings. */
  readonly sealedSettings: string;
}

interface DestinationRecord extends NotificationDestination {
  readonly v: 1;
}

/** Why a destination takes nothing at the moment, as the worker `notification` found out. */
export interface DestinationFailure {
  readonly error: string;
  readonly sinceMilliseconds: number;
  readonly retryMilliseconds: number;
}

/** What the worker keeps of destinations that fail. */
export interface NotificationWorkerState {
  readonly failures: Readonly<Record<string, DestinationFailure>>;
}

export const notificationWorkerName = "notification";

const maximumDestinations = 1000;
/** How long what was read is good: another process may have set a destination. */
const freshMilliseconds = 1000;

export class NotificationDestinations {
  readonly #store: KeyValueStore;
  #known: Promise<readonly DestinationRecord[]> | undefined;
  #knownSince = 0;

  constructor(store: KeyValueStore) {
    this.#store = store;
  }

  async list(): Promise<readonly NotificationDestination[]> {
    const now = performance.now();
    if (this.#known === undefined || now - this.#knownSince > freshMilliseconds) {
      this.#knownSince = now;
      this.#known = this.#read();
      this.#known.catch(() => {
        this.#known = undefined;
      });
    }
    return this.#known;
  }

  /** The destination of an ARN: the one that names it, or else the longest pattern that fits. */
  async find(arn: string): Promise<NotificationDestination | undefined> {
    const fitting = (await this.list()).filter((each) => fits(each.arn, arn));
    return fitting.toSorted((left, right) => weight(right.arn) - weight(left.arn))[0];
  }

  /** Throws KeySealError. */
  open({ arn, sealedSettings }: NotificationDestination, sealer: Sealer): DestinationSettings {
    const text = Buffer.from(sealer.open(sealedSettings, contextOf(arn))).toString("utf8");
    return JSON.parse(text) as DestinationSettings; // what `set` sealed
  }

  /** Whether it is set like this already. Throws KeySealError. */
  async holds(arn: string, settings: DestinationSettings, sealer: Sealer): Promise<boolean> {
    const known = (await this.#read()).find((each) => each.arn === arn);
    if (known === undefined) return false;
    return JSON.stringify(this.open(known, sealer)) === JSON.stringify(settings);
  }

  async set(arn: string, settings: DestinationSettings, sealer: Sealer): Promise<void> {
    const text = Buffer.from(JSON.stringify(settings), "utf8");
    const sealedSettings = sealer.seal(text, contextOf(arn));
    const record: DestinationRecord = { v: 1, arn, kind: settings.kind, sealedSettings };
    await transact(this.#store, async (transaction) => {
      transaction.set(keys.notificationDestination(arn), encodeRecord(record));
    });
    this.#known = undefined;
  }

  /** Resolves with whether there was one. */
  async delete(arn: string): Promise<boolean> {
    const wasThere = await transact(this.#store, async (transaction) => {
      const key = keys.notificationDestination(arn);
      if ((await transaction.get(key)) === undefined) return false;
      transaction.delete(key);
      return true;
    });
    this.#known = undefined;
    return wasThere;
  }

  /** By ARN: what the worker, in whichever process it runs, wrote down as its state. */
  async failures(): Promise<ReadonlyMap<string, DestinationFailure>> {
    const { gets } = await this.#store.read({ gets: [keys.worker(notificationWorkerName)] });
    const value = gets[0]?.value;
    if (value === undefined) return new Map();
    const { state } = decodeRecord(value, 1) as { readonly state?: NotificationWorkerState };
    return new Map(Object.entries(state?.failures ?? {}));
  }

  async #read(): Promise<readonly DestinationRecord[]> {
    const range = { ...ranges.notificationDestinations(), limit: maximumDestinations };
    const read = await this.#store.read({ ranges: [range] });
    return (read.ranges[0] ?? []).map(({ value }) => decodeRecord(value, 1) as DestinationRecord);
  }
}

function contextOf(arn: string): string {
  return `notification-destination/${arn}`;
}

function fits(pattern: string, arn: string): boolean {
  if (!pattern.includes("*")) return pattern === arn;
  const parts = pattern.split("*").map((part) => part.replaceAll(/[\\^$.|?+(){}[\]]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(arn);
}

function weight(arn: string): number {
  return arn.includes("*") ? arn.length : Number.MAX_SAFE_INTEGER;
}
