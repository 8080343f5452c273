// The background workers of one process, put together and started.

import { randomFillSync } from "node:crypto";
import { AnalyticsWorker, createAnalyticsCounter } from "../background/analytics-worker.ts";
import {
  createAccessWriter,
  createRestoreWorker,
  createTieringWorker,
} from "../background/due-worker.ts";
import { InventoryWorker } from "../background/inventory-worker.ts";
import { createKeyKeeper } from "../background/key-keeper.ts";
import { LifecycleWorker } from "../background/lifecycle-worker.ts";
import { createLockClockKeeper } from "../background/lock-clock-keeper.ts";
import { createMasterKeyRefresher } from "../background/master-key-refresher.ts";
import { createReadPublisher } from "../background/read-publisher.ts";
import { Sweeper } from "../background/sweeper.ts";
import { createTokenKeeper } from "../background/token-keeper.ts";
import { Workers } from "../background/workers.ts";
import type { Clock } from "../base/clock.ts";
import type { AccessEntry } from "../objects/access-log.ts";
import { notificationFeedPrefix } from "../objects/notification-rules.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import type { Stores } from "../open-stores.ts";
import type { AccessRecorder } from "../protocol/access-record.ts";
import type { ContextDependencies } from "../protocol/operation-context.ts";
import { createRequestIds } from "../protocol/request-ids.ts";
import type { ServerSettings } from "../server-settings.ts";
import type { Log } from "../telemetry/log.ts";
import { openAccessLog } from "./access-log.ts";
import type { KeyServices } from "./key-services.ts";
import { refreshMilliseconds, type openMasterKeyRing } from "./master-keys.ts";
import type { Notifications } from "./notifications.ts";
import { createObjectDeliverer } from "./object-deliverer.ts";
import type { Identities } from "./open-identities.ts";
import { addReplication } from "./replication.ts";

export interface BackgroundOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: ServerSettings;
}

export interface BackgroundParts {
  readonly ring: ReturnType<typeof openMasterKeyRing>;
  readonly stores: Stores;
  readonly identities: Identities;
  readonly keyServices: KeyServices;
  readonly notifications: Notifications;
  readonly dependencies: ContextDependencies;
}

/** Disposing ends every worker, and waits for its pass. */
export interface Background extends AsyncDisposable {
  readonly workers: Workers;
  readonly accessLog: AccessRecorder;
}

export async function startBackground(
  options: BackgroundOptions,
  parts: BackgroundParts,
): Promise<Background> {
  await using started = new AsyncDisposableStack();
  const { clock, log } = options;
  const { ring, stores, identities, keyServices, notifications, dependencies } = parts;
  const { objects, writerId } = stores;
  const { keyValueStore, writers } = objects;
  started.defer(() => writeLastCounts(objects, log));
  const accessLog = openAccessLog(options, { stores, dependencies });
  started.defer(accessLog.flush);
  const workers = started.use(
    new Workers({ store: keyValueStore, clock, writers, holder: writerId, events: log }),
  );
  const deliverer = createObjectDeliverer(dependencies);
  // Rules come to no endpoint; their records have a host all the same, as those of S3.
  const { hostId } = createRequestIds((bytes) => void randomFillSync(bytes));
  const logAccess = (entry: AccessEntry): void => accessLog.recorder.add({ ...entry, hostId });
  const each = [
    createReadPublisher(writers),
    createLockClockKeeper(objects.lockClock, keyValueStore),
    createMasterKeyRefresher({
      ring,
      store: keyValueStore,
      intervalMilliseconds: refreshMilliseconds,
    }),
    identities.worker,
    createKeyKeeper(keyServices.kmsKeys),
    ...(keyServices.keepToken === undefined ? [] : [createTokenKeeper(keyServices.keepToken)]),
    new Sweeper({ objectStore: objects, events: log }),
    createTieringWorker(objects),
    createAccessWriter(objects),
    createAnalyticsCounter(objects),
    accessLog.worker,
    new LifecycleWorker({ objectStore: objects, logAccess }),
    new InventoryWorker({ objectStore: objects, deliverer }),
    new AnalyticsWorker({ objectStore: objects, deliverer }),
  ];
  for (const worker of each) workers.add(worker);
  const delivery = workers.add(notifications.worker);
  objects.changes.onChange(notificationFeedPrefix, () => delivery.wake());
  const replicating = { objects, identities: identities.store, dependencies, sealer: ring };
  started.use(addReplication(workers, replicating));
  const restoring = workers.add(createRestoreWorker(objects));
  objects.restores.onRequest(() => restoring.wake());
  await workers.start();
  const resources = started.move();
  return {
    workers,
    accessLog: accessLog.recorder,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** Requests and workers have ended: what they were counted for is written down. */
async function writeLastCounts({ analyticsCounts }: ObjectStore, log: Log): Promise<void> {
  try {
    await analyticsCounts.write();
  } catch (error) {
    log.roundFailed("analytics-counter", error);
  }
}
