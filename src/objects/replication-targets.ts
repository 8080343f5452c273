// Destination buckets on other servers: an endpoint with credentials for an ARN, or for all ARNs that a
// pattern fits. What is not named here is looked for on this server.

import { assert } from "../base/assert.ts";
import type { Sealer } from "../keys/sealer.ts";
import { decodeRecord, encodeRecord } from "../storage/record-codec.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import { transact } from "../storage/key-value/transaction.ts";
import { keys, ranges } from "./records/keyspace.ts";

/** What administrators may see. */
export interface ReplicationTarget {
  /** `arn:aws:s3:::name`; `*` in it stands for any run of characters. */
  readonly bucketArn: string;
  /** `https://s3.example.com`. Buckets are addressed by path. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  /** A Holdfast keeps version ids, times and owners; any other server makes its own. */
  readonly kind: "holdfast" | "s3";
  /** What the bucket is called there; absent: as in the ARN. */
  readonly bucketName?: string;
}

export interface ReplicationTargetSecret extends ReplicationTarget {
  readonly secretAccessKey: string;
}

interface ReplicationTargetRecord extends ReplicationTarget {
  readonly v: 1;
  readonly sealedSecret: string;
}

const maximumTargets = 1000;

export class ReplicationTargets {
  readonly #store: KeyValueStore;

  constructor(store: KeyValueStore) {
    this.#store = store;
  }

  async list(): Promise<readonly ReplicationTarget[]> {
    return (await this.#read()).map(withoutSecret);
  }

  /** The target of a bucket: the one that names it, or else the longest pattern that fits. */
  async find(bucketArn: string): Promise<ReplicationTarget | undefined> {
    return (await this.list())
      .filter((target) => fits(target.bucketArn, bucketArn))
      .toSorted((left, right) => weight(right) - weight(left))[0];
  }

  /** Throws KeySealError. */
  async open(target: ReplicationTarget, sealer: Sealer): Promise<ReplicationTargetSecret> {
    const record = (await this.#read()).find(({ bucketArn }) => bucketArn === target.bucketArn);
    assert(record !== undefined, "a replication target was removed");
    const secret = sealer.open(record.sealedSecret, contextOf(record.bucketArn));
    return { ...target, secretAccessKey: Buffer.from(secret).toString("utf8") };
  }

  /** Whether it is set like this already. Throws KeySealError. */
  async holds(
    { secretAccessKey, ...target }: ReplicationTargetSecret,
    sealer: Sealer,
  ): Promise<boolean> {
    const record = (await this.#read()).find(({ bucketArn }) => bucketArn === target.bucketArn);
    if (record === undefined) return false;
    const known = await this.open(record, sealer);
    return (
      known.secretAccessKey === secretAccessKey &&
      known.endpoint === target.endpoint &&
      known.region === target.region &&
      known.accessKeyId === target.accessKeyId &&
      known.kind === target.kind &&
      known.bucketName === target.bucketName
    );
  }

  async set(
    { secretAccessKey, ...target }: ReplicationTargetSecret,
    sealer: Sealer,
  ): Promise<void> {
    const { bucketArn } = target;
    const sealedSecret = sealer.seal(Buffer.from(secretAccessKey, "utf8"), contextOf(bucketArn));
    const record: ReplicationTargetRecord = { v: 1, ...target, sealedSecret };
    await transact(this.#store, async (transaction) => {
      transaction.set(keys.replicationTarget(bucketArn), encodeRecord(record));
    });
  }

  /** Resolves with whether there was one. */
  async delete(bucketArn: string): Promise<boolean> {
    return transact(this.#store, async (transaction) => {
      const key = keys.replicationTarget(bucketArn);
      if ((await transaction.get(key)) === undefined) return false;
      transaction.delete(key);
      return true;
    });
  }

  async #read(): Promise<readonly ReplicationTargetRecord[]> {
    const range = { ...ranges.replicationTargets(), limit: maximumTargets };
    const read = await this.#store.read({ ranges: [range] });
    return (read.ranges[0] ?? []).map(
      ({ value }) => decodeRecord(value, 1) as ReplicationTargetRecord,
    );
  }
}

function withoutSecret(record: ReplicationTargetRecord): ReplicationTarget {
  const { sealedSecret: _, ...others } = record;
  const { v: __, ...target } = others;
  return target;
}

function contextOf(bucketArn: string): string {
  return `replication-target/${bucketArn}`;
}

function fits(pattern: string, bucketArn: string): boolean {
  if (!pattern.includes("*")) return pattern === bucketArn;
  const text = pattern
    .split("*")
    .map((part) => part.replaceAll(/[\\^$.|?+(){}[\]]/g, "\\$&"))
    .join(".*");
  return new RegExp(`^${text}$`).test(bucketArn);
}

function weight({ bucketArn }: ReplicationTarget): number {
  return bucketArn.includes("*") ? bucketArn.length : Number.MAX_SAFE_INTEGER;
}
