// Events that could not be delivered for too long: kept in a feed of their own until somebody has them
// sent once more, or gives them up.

import type { ChangeLog, FeedRow } from "../../objects/change-log.ts";
import { deadLetterFeedPrefix, notificationFeedPrefix } from "../../objects/notification-rules.ts";
import { messageIdOf } from "./message-of.ts";

const batchRows = 500;

/** What is added to the details of a change when it becomes a dead letter. */
export interface DeadLetterDetails {
  readonly messageId: string;
  readonly error: string;
  readonly buriedMilliseconds: number;
}

/** One commit: a row is in exactly one of the feeds. */
export async function buryRows(
  changes: ChangeLog,
  feed: string,
  rows: readonly FeedRow[],
  failure: { readonly error: string; readonly timeMilliseconds: number },
): Promise<void> {
  const deadFeed = `${deadLetterFeedPrefix}${feed.slice(notificationFeedPrefix.length)}`;
  await moveRows(changes, feed, deadFeed, rows, (row) => ({
    ...row.change.details,
    messageId: messageIdOf(row),
    error: failure.error,
    buriedMilliseconds: failure.timeMilliseconds,
  }));
}

/** Puts dead letters of an ARN back into its feed; all, or so many. Resolves with how many. */
export async function replayDeadLetters(
  changes: ChangeLog,
  arn: string,
  options: { readonly limit: number; readonly nowMilliseconds: number },
): Promise<number> {
  const { limit, nowMilliseconds } = options;
  const from = `${deadLetterFeedPrefix}${arn}`;
  const to = `${notificationFeedPrefix}${arn}`;
  return eachBatch(changes, from, limit, (rows) =>
    moveRows(changes, from, to, rows, ({ change }) => {
      const { error: _, buriedMilliseconds: __, ...details } = change.details ?? {};
      return { ...details, replayedMilliseconds: nowMilliseconds };
    }),
  );
}

export async function deleteDeadLetters(
  changes: ChangeLog,
  arn: string,
  limit: number,
): Promise<number> {
  const feed = `${deadLetterFeedPrefix}${arn}`;
  return eachBatch(changes, feed, limit, (rows) => changes.finish(feed, rows));
}

async function eachBatch(
  changes: ChangeLog,
  feed: string,
  limit: number,
  use: (rows: readonly FeedRow[]) => Promise<void>,
): Promise<number> {
  let count = 0;
  while (count < limit) {
    const { rows } = await changes.read(feed, { limit: batchRows });
    const used = rows.slice(0, limit - count);
    if (used.length === 0) break;
    await use(used);
    count += used.length;
  }
  return count;
}

/** Rows that somebody else has moved meanwhile are moved once more: at least once. */
function moveRows(
  changes: ChangeLog,
  from: string,
  to: string,
  rows: readonly FeedRow[],
  detailsOf: (row: FeedRow) => FeedRow["change"]["details"],
): Promise<void> {
  return changes.finish(from, rows, (transaction) => {
    for (const row of rows) {
      changes.add(transaction, to, { ...row.change, details: detailsOf(row) ?? {} });
    }
  });
}
