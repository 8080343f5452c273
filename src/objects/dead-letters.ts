// Events that could not be delivered for too long: kept in a feed of their own until somebody has them
// sent once more, or gives them up. What still waits can be given up too.

import { hash } from "node:crypto";
import type { ChangeLog } from "./change-log.ts";
import type { FeedRow } from "./feed-rows.ts";
import { deadLetterFeedPrefix, notificationFeedPrefix } from "./notification-rules.ts";

const batchRows = 500;

/** What is added to the details of a change when it becomes a dead letter. */
export interface DeadLetterDetails {
  readonly messageId: string;
  readonly error: string;
  readonly buriedMilliseconds: number;
}

export interface DeadLetter extends DeadLetterDetails {
  readonly change: FeedRow["change"];
}

/** Those of an ARN, a page at a time; `after` is where the page before ended. */
export async function listDeadLetters(
  changes: ChangeLog,
  arn: string,
  page: { readonly after: Uint8Array | undefined; readonly limit: number },
): Promise<{ readonly letters: readonly DeadLetter[]; readonly next: Uint8Array | undefined }> {
  const { rows, next } = await changes.read(`${deadLetterFeedPrefix}${arn}`, page);
  return {
    letters: rows.map((row) => ({
      // What `buryRows` wrote.
      ...(row.change.details as unknown as DeadLetterDetails),
      change: row.change,
    })),
    next,
  };
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
  return eachBatch(changes, from, { limit }, (rows) =>
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
  return eachBatch(changes, feed, { limit }, (rows) => removeRows(changes, feed, rows));
}

/**
 * Gives up what waits for an ARN, the oldest first; of what happened after `untilMilliseconds` nothing, so
 * that it ends while more arrives. What is on its way at this moment may still arrive. Resolves with how many.
 */
export async function deleteWaiting(
  changes: ChangeLog,
  arn: string,
  options: { readonly limit: number; readonly untilMilliseconds: number },
): Promise<number> {
  const feed = `${notificationFeedPrefix}${arn}`;
  const { limit, untilMilliseconds } = options;
  const isOld = ({ change }: FeedRow): boolean => change.timeMilliseconds <= untilMilliseconds;
  return eachBatch(changes, feed, { limit, isWanted: isOld }, (rows) =>
    removeRows(changes, feed, rows),
  );
}

/**
 * Until so many are used, or none of the oldest is wanted. `use` resolves with how many were there to be
 * used, and so does this.
 */
async function eachBatch(
  changes: ChangeLog,
  feed: string,
  options: { readonly limit: number; readonly isWanted?: (row: FeedRow) => boolean },
  use: (rows: readonly FeedRow[]) => Promise<number>,
): Promise<number> {
  const { limit, isWanted = () => true } = options;
  let count = 0;
  while (count < limit) {
    const { rows } = await changes.read(feed, { limit: batchRows });
    const used = rows.filter(isWanted).slice(0, limit - count);
    if (used.length === 0) break;
    count += await use(used);
  }
  return count;
}

/** Rows that somebody else has moved, delivered or given up meanwhile are left alone. */
async function moveRows(
  changes: ChangeLog,
  from: string,
  to: string,
  rows: readonly FeedRow[],
  detailsOf: (row: FeedRow) => FeedRow["change"]["details"],
): Promise<number> {
  let moved = 0;
  await changes.finish(from, rows, (transaction, removed) => {
    for (const row of removed) {
      changes.add(transaction, to, { ...row.change, details: detailsOf(row) ?? {} });
    }
    moved = removed.length;
  });
  return moved;
}

async function removeRows(
  changes: ChangeLog,
  feed: string,
  rows: readonly FeedRow[],
): Promise<number> {
  let count = 0;
  await changes.finish(feed, rows, (_, removed) => {
    count = removed.length;
  });
  return count;
}

/** A UUID of the row, the same for every try and for a replay. */
export function messageIdOf({ entry, index, change }: FeedRow): string {
  const kept = change.details?.["messageId"];
  if (typeof kept === "string") return kept;
  // Places in feeds are the same in every store; a request's id, or that of the server's own work, is not.
  const place = Buffer.from(entry.key).toString("latin1");
  const digest = hash("sha256", `${place}/${index}/${change.requestId}`, "buffer");
  digest[6] = ((digest[6] as number) & 0x0f) | 0x80;
  digest[8] = ((digest[8] as number) & 0x3f) | 0x80;
  const text = digest.subarray(0, 16).toString("hex");
  return [0, 8, 12, 16, 20]
    .map((from, index) => text.slice(from, [8, 12, 16, 20][index]))
    .join("-");
}
