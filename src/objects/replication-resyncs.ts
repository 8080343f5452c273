// Resyncs: what existed before a rule came, or was refused, is sent to a destination by a walk over the
// bucket. Here is what was asked for and how far it has come; the worker `replication` walks.

import { decodeRecord, encodeRecord } from "../storage/record-codec.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import { transact } from "../storage/key-value/transaction.ts";
import type { BucketRecord } from "./records/bucket-record.ts";
import { keys, ranges } from "./records/keyspace.ts";
import { replicationFeed } from "./replication-route.ts";

export interface ResyncRecord {
  readonly v: 1;
  readonly bucketName: string;
  readonly bucketId: string;
  readonly bucketArn: string;
  /** What is sent: what never arrived, or everything once more. */
  readonly scope: "missing" | "all";
  readonly startedMilliseconds: number;
  /** Absent: it is under way. */
  readonly endedMilliseconds?: number;
  /** The last key whose versions have been looked at. */
  readonly afterKey?: string;
  readonly examined: number;
  readonly queued: number;
}

const maximumResyncs = 1000;

export class ReplicationResyncs {
  readonly #store: KeyValueStore;

  constructor(store: KeyValueStore) {
    this.#store = store;
  }

  /** Begins again where one is under way. */
  async start(
    bucket: BucketRecord,
    bucketArn: string,
    options: { readonly scope: ResyncRecord["scope"]; readonly nowMilliseconds: number },
  ): Promise<ResyncRecord> {
    const record: ResyncRecord = {
      v: 1,
      bucketName: bucket.name,
      bucketId: bucket.id,
      bucketArn,
      scope: options.scope,
      startedMilliseconds: options.nowMilliseconds,
      examined: 0,
      queued: 0,
    };
    await transact(this.#store, async (transaction) => {
      const key = keys.replicationResync(replicationFeed(bucket.id, bucketArn));
      await transaction.get(key); // a walk that is under way must notice
      transaction.set(key, encodeRecord(record));
    });
    return record;
  }

  async find(bucket: BucketRecord, bucketArn: string): Promise<ResyncRecord | undefined> {
    const key = keys.replicationResync(replicationFeed(bucket.id, bucketArn));
    const { gets } = await this.#store.read({ gets: [key] });
    return gets[0] === undefined ? undefined : decode(gets[0].value);
  }

  async running(): Promise<readonly ResyncRecord[]> {
    const range = { ...ranges.replicationResyncs(), limit: maximumResyncs };
    const entries = (await this.#store.read({ ranges: [range] })).ranges[0] ?? [];
    return entries
      .map(({ value }) => decode(value))
      .filter(({ endedMilliseconds }) => endedMilliseconds === undefined);
  }

  /** In the transaction of a step. `false`: another one has begun, or made this step. */
  async advance(
    transaction: Transaction,
    before: ResyncRecord,
    after: ResyncRecord | undefined,
  ): Promise<boolean> {
    const key = keys.replicationResync(`replication/${before.bucketId}/${before.bucketArn}`);
    const value = await transaction.get(key);
    if (value === undefined) return false;
    const { startedMilliseconds, afterKey } = decode(value);
    if (startedMilliseconds !== before.startedMilliseconds || afterKey !== before.afterKey) {
      return false;
    }
    if (after === undefined) transaction.delete(key);
    else transaction.set(key, encodeRecord(after));
    return true;
  }
}

function decode(value: Uint8Array): ResyncRecord {
  return decodeRecord(value, 1) as ResyncRecord;
}
