import assert from "node:assert/strict";
import { test } from "node:test";

import { systemClock } from "../base/clock.ts";
import { ObjectStore } from "../objects/object-store.ts";
import { MemoryBlobStore } from "../storage/blob/memory-blob-store.ts";
import { MemoryKeyValueStore } from "../storage/key-value/memory-key-value-store.ts";
import { mergeMetrics } from "../telemetry/metrics.ts";
import { ServerMetrics } from "./metrics.ts";

const lastRun = { beganMilliseconds: 60_000, endedMilliseconds: 61_000, failuresInARow: 0 };

test("what waits for workers, and what they did in other processes, is told once for the store", async () => {
  const objects = await ObjectStore.open({
    store: new MemoryKeyValueStore(),
    blobs: new MemoryBlobStore(),
    clock: systemClock,
  });
  using metrics = new ServerMetrics("without-buckets", objects);
  const common = {
    scope: "store",
    intervalMilliseconds: 1000,
    holder: "other",
    isRunning: false,
    progress: undefined,
  } as const;
  const traffic = {
    openConnections: 0,
    requestsInFlight: 0,
    acceptedConnections: 0,
    refusedConnections: 0,
    receivedBytes: 0,
    sentBytes: 0,
  };
  const sources = {
    workers: {
      statuses: () => [],
      list: async () => [
        { ...common, name: "notifier", lastRun, backlog: 12 },
        { ...common, name: "sweeper", lastRun: undefined, backlog: undefined },
      ],
    },
    traffic: () => traffic,
    store: () => ({ writer: undefined, blobSyncs: undefined, space: undefined }),
  };
  const ofStore = mergeMetrics([await metrics.collect(sources, true)]);
  assert.deepEqual(ofStore.holdfast_worker_backlog, [{ labels: ["notifier"], value: 12 }]);
  assert.deepEqual(ofStore.holdfast_worker_last_run_timestamp_seconds, [
    { labels: ["notifier"], value: 60 },
  ]);
  const ofOther = await metrics.collect(sources, false);
  assert.equal(ofOther.holdfast_worker_backlog, undefined);
});
