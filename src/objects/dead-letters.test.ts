import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MemoryKeyValueStore } from "../storage/key-value/memory-key-value-store.ts";
import { transact } from "../storage/key-value/transaction.ts";
import type { BucketDocuments } from "./bucket-documents.ts";
import { ChangeLog } from "./change-log.ts";
import type { FeedRow } from "./feed-rows.ts";
import { buryRows, deleteWaiting, listDeadLetters, replayDeadLetters } from "./dead-letters.ts";
import { newBucketId } from "./identifiers.ts";
import { deadLetterFeedPrefix, notificationFeedPrefix } from "./notification-rules.ts";
import type { ChangeRecord } from "./records/change-record.ts";

const arn = "arn:aws:sqs:us-east-1:123456789012:orders";
const feed = `${notificationFeedPrefix}${arn}`;
const failure = { error: "no answer", timeMilliseconds: 9000 };

/** With a row for each time. */
async function logOf(...times: readonly number[]): Promise<ChangeLog> {
  const store = new MemoryKeyValueStore();
  const documents = {} as BucketDocuments; // nobody asks without routes
  const changes = new ChangeLog({ store, documents, routes: [] });
  await transact(store, async (transaction) => {
    for (const time of times) changes.add(transaction, feed, changeAt(time));
  });
  return changes;
}

function changeAt(timeMilliseconds: number): ChangeRecord {
  return {
    v: 1,
    event: "ObjectCreated:Put",
    timeMilliseconds,
    requestId: "REQUEST",
    hostId: "host",
    principalId: "123456789012",
    sourceAddress: "127.0.0.1",
    bucketName: "bucket",
    bucketId: newBucketId(),
    bucketOwnerId: "owner",
    bucketOwnerAccountId: "123456789012",
    key: `key-${timeMilliseconds}`,
    versionSequence: timeMilliseconds * 1000,
    sequencer: (timeMilliseconds * 1000).toString(16),
  };
}

async function rowsOf(changes: ChangeLog, name = feed): Promise<readonly FeedRow[]> {
  const { rows } = await changes.read(name, { limit: 100 });
  return rows;
}

async function keysOf(changes: ChangeLog): Promise<readonly string[]> {
  const rows = await rowsOf(changes);
  return rows.map(({ change }) => change.key);
}

describe("what waits for a destination", () => {
  test("is given up from the oldest on, and nothing that happened since somebody asked", async () => {
    const changes = await logOf(1000, 2000, 3000, 4000);
    const options = { limit: 1, untilMilliseconds: 3000 };
    assert.equal(await deleteWaiting(changes, arn, options), 1);
    assert.deepEqual(await keysOf(changes), ["key-2000", "key-3000", "key-4000"]);
    assert.equal(await deleteWaiting(changes, arn, { ...options, limit: Infinity }), 2);
    assert.deepEqual(await keysOf(changes), ["key-4000"]);
    assert.deepEqual(await changes.sizes(), [{ feed, rows: 1 }]);
  });

  test("does not come back as dead letters of a worker that had read it before", async () => {
    const changes = await logOf(1000, 2000);
    const read = await rowsOf(changes);
    await deleteWaiting(changes, arn, { limit: 1, untilMilliseconds: 9000 });
    await buryRows(changes, feed, read, failure);
    const { letters } = await listDeadLetters(changes, arn, { after: undefined, limit: 100 });
    assert.deepEqual(
      letters.map(({ change }) => change.key),
      ["key-2000"],
    );
    assert.deepEqual(await changes.sizes(), [
      { feed: `${deadLetterFeedPrefix}${arn}`, rows: 1 },
      { feed, rows: 0 },
    ]);
  });

  test("comes back once when two administrators send a dead letter once more", async () => {
    const changes = await logOf(1000);
    await buryRows(changes, feed, await rowsOf(changes), failure);
    const options = { limit: Infinity, nowMilliseconds: 9500 };
    const counts = await Promise.all([
      replayDeadLetters(changes, arn, options),
      replayDeadLetters(changes, arn, options),
    ]);
    assert.deepEqual(counts.toSorted(), [0, 1]);
    assert.deepEqual(await keysOf(changes), ["key-1000"]);
  });
});
