// Replication Time Control: announces versions that are still on their way when the threshold of their
// rule has passed. Each once, but for what a crash makes it tell again.

import type { FeedRow } from "../../objects/feed-rows.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import { parseReplicationFeed } from "../../objects/replication-route.ts";
import { compileReplication } from "../../objects/replication-rules.ts";
import { transact } from "../../storage/key-value/transaction.ts";
import type { Outcomes } from "./outcomes.ts";
import { findRule, versionIdOf } from "./replicate-version.ts";

/** Sequences of the last changes that were told, by feed. */
export type ToldSequences = Readonly<Record<string, number>>;

const pageRows = 500;

export class ThresholdWatch {
  readonly #store: ObjectStore;
  readonly #outcomes: Outcomes;

  constructor(store: ObjectStore, outcomes: Outcomes) {
    this.#store = store;
    this.#outcomes = outcomes;
  }

  /** Looks at what one feed still holds. Answers up to where it is told. */
  async look(feed: string, told: number, signal: AbortSignal): Promise<number> {
    let last = told;
    let after: Uint8Array | undefined;
    let threshold: number | undefined;
    do {
      const page = await this.#store.changes.read(feed, { after, limit: pageRows });
      const [first] = page.rows;
      threshold ??= first && (await this.#shortestThreshold(first));
      if (threshold === undefined) return last;
      const dueMilliseconds = this.#store.clock.now() - threshold;
      for (const row of page.rows) {
        if (signal.aborted || row.change.timeMilliseconds >= dueMilliseconds) return last;
        const sequence = Number.parseInt(row.change.sequencer, 16);
        if (sequence <= last) continue;
        await this.#tell(feed, row);
        last = sequence;
      }
      after = page.next;
    } while (after !== undefined);
    return last;
  }

  /** Of the rules of a feed's bucket; `undefined`: none has one. */
  async #shortestThreshold({ change }: FeedRow): Promise<number | undefined> {
    const bucket = await this.#store.buckets.find(change.bucketName);
    if (bucket === undefined || bucket.id !== change.bucketId) return undefined;
    const rules = await this.#store.documents.get(bucket, "replication", compileReplication);
    const thresholds = (rules?.destinations ?? []).flatMap((destination) =>
      destination.rules.flatMap((rule) => rule.thresholdMilliseconds ?? []),
    );
    return thresholds.length === 0 ? undefined : Math.min(...thresholds);
  }

  async #tell(feed: string, row: FeedRow): Promise<void> {
    const { bucketArn, bucketId } = parseReplicationFeed(feed);
    const { bucketName, key } = row.change;
    const work = { bucketName, bucketId, key, versionId: versionIdOf(row.change), bucketArn };
    const bucket = await this.#store.buckets.find(bucketName);
    const record = bucket && (await this.#store.versions.findAny(bucket, key, work.versionId));
    const rule = record && (await findRule(work, record, this.#store))?.rule;
    if (rule?.thresholdMilliseconds === undefined) return;
    await transact(this.#store.keyValueStore, (transaction) =>
      this.#outcomes.missed(transaction, work, row, rule),
    );
  }
}
