// What waits for replication, by bucket and destination: for those who administer, on any process.

import type { ObjectStore } from "../../objects/object-store.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import { parseReplicationFeed, replicationFeedPrefix } from "../../objects/replication-route.ts";
import { Holds } from "./holds.ts";

export interface DestinationBacklog {
  readonly bucketArn: string;
  /** Changes that have not been tried yet, or whose destination is away. */
  readonly waiting: number;
  /** Changes that were refused and will be tried again. */
  readonly refused: number;
  /** When the oldest change that waits happened. */
  readonly oldestMilliseconds: number | undefined;
  /** Why changes of a key were refused the last time: of one of them. */
  readonly reason: string | undefined;
}

export async function backlogOf(
  store: ObjectStore,
  bucket: BucketRecord,
): Promise<readonly DestinationBacklog[]> {
  const holds = new Holds(store.keyValueStore);
  const feeds = await store.changes.sizes(replicationFeedPrefix(bucket.id));
  return Promise.all(
    feeds.map(async ({ feed, rows }) => {
      const oldest =
        rows === 0 ? undefined : (await store.changes.read(feed, { limit: 1 })).rows[0];
      const [held] = await holds.due(feed, Number.MAX_SAFE_INTEGER - 1, 1);
      return {
        bucketArn: parseReplicationFeed(feed).bucketArn,
        waiting: rows,
        refused: await holds.size(feed),
        oldestMilliseconds: oldest?.change.timeMilliseconds,
        reason: held?.hold.reason,
      };
    }),
  );
}
