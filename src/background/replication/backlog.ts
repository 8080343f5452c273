// What waits for replication, by bucket and destination: for those who administer, on any process.

import type { FeedSize } from "../../objects/change-log.ts";
import type { FeedRow } from "../../objects/feed-rows.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import { parseReplicationFeed, replicationFeedPrefix } from "../../objects/replication-route.ts";
import { decodeWorkerRecord } from "../worker-record.ts";
import { keys } from "../../objects/records/keyspace.ts";
import { Holds, whenever } from "./holds.ts";
import { awayIn, replicationWorkerName, type AwayFeeds } from "./worker-state.ts";

export interface DestinationBacklog {
  readonly bucketArn: string;
  /** Changes that have not been tried yet, or whose destination is away. */
  readonly waiting: number;
  /** Changes that were refused and will be tried again. */
  readonly refused: number;
  /** When the oldest change that waits happened. */
  readonly oldestMilliseconds: number | undefined;
  /** Why changes of a key were refused the last time: of one of them. */
  readonly lastRefusal: string | undefined;
  /** Why the destination is away, if it is. */
  readonly lastFailure: string | undefined;
}

type Tallied = Omit<DestinationBacklog, "lastRefusal" | "lastFailure">;

/** Of one bucket: every destination that it ever had a change for. */
export async function backlogOf(
  store: ObjectStore,
  bucket: BucketRecord,
): Promise<readonly DestinationBacklog[]> {
  const holds = new Holds(store.keyValueStore);
  const feeds = await store.changes.sizes(replicationFeedPrefix(bucket.id));
  const away = await destinationsAway(store);
  return Promise.all(
    feeds.map(async (size) => {
      const oldest = await oldestOf(store, size);
      const refused = await holds.size(size.feed);
      return {
        ...describe(size, oldest, refused),
        lastRefusal: await holds.lastRefusal(size.feed),
        lastFailure: away[size.feed],
      };
    }),
  );
}

/** Of all buckets: the destinations for which something waits. */
export async function allBacklogs(
  store: ObjectStore,
): Promise<readonly (Tallied & { readonly bucketName: string })[]> {
  const holds = new Holds(store.keyValueStore);
  const held = await holds.sizes();
  const found = [];
  for (const size of await store.changes.sizes(replicationFeedPrefix())) {
    const refused = held.get(size.feed) ?? 0;
    if (size.rows === 0 && refused === 0) continue;
    const oldest = await oldestOf(store, size);
    const bucketName = oldest?.change.bucketName ?? (await bucketOfHeld(holds, size.feed));
    if (bucketName !== undefined) found.push({ bucketName, ...describe(size, oldest, refused) });
  }
  return found;
}

/** As the process that replicates has written it down. */
async function destinationsAway({ keyValueStore }: ObjectStore): Promise<AwayFeeds> {
  const { gets } = await keyValueStore.read({ gets: [keys.worker(replicationWorkerName)] });
  const record = gets[0];
  return record === undefined ? {} : awayIn(decodeWorkerRecord(record.value).state);
}

function describe({ feed, rows }: FeedSize, oldest: FeedRow | undefined, refused: number): Tallied {
  const { bucketArn } = parseReplicationFeed(feed);
  const oldestMilliseconds = oldest?.change.timeMilliseconds;
  return { bucketArn, waiting: rows, refused, oldestMilliseconds };
}

async function oldestOf(
  store: ObjectStore,
  { feed, rows }: FeedSize,
): Promise<FeedRow | undefined> {
  return rows === 0 ? undefined : (await store.changes.read(feed, { limit: 1 })).rows[0];
}

async function bucketOfHeld(holds: Holds, feed: string): Promise<string | undefined> {
  const [held] = await holds.due(feed, whenever, 1);
  const [row] = held === undefined ? [] : await holds.rows(feed, held.key);
  return row?.change.bucketName;
}
