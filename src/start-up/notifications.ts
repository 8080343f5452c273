// Notifications of one process: its open destinations, the worker that delivers, and the checks that new
// configurations ask for.

import { checkDestination } from "../background/notification/check-destination.ts";
import { DestinationPool } from "../background/notification/destination-pool.ts";
import { NotificationWorker } from "../background/notification/notification-worker.ts";
import type { Clock } from "../base/clock.ts";
import type { Sealer } from "../keys/sealer.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import type { NotificationChecks } from "../operations/operation.ts";
import type { Log } from "../telemetry/log.ts";

export interface Notifications extends AsyncDisposable {
  readonly worker: NotificationWorker;
  readonly checks: NotificationChecks;
}

export function openNotifications(options: {
  readonly objects: ObjectStore;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly region: string;
  readonly log: Log;
}): Notifications {
  const { objects, sealer, clock, region, log } = options;
  const destinations = objects.notificationDestinations;
  const pool = new DestinationPool({ destinations, sealer, clock });
  return {
    worker: new NotificationWorker({ changes: objects.changes, pool, clock, region }),
    checks: {
      check: (arn, test) =>
        checkDestination(arn, test, {
          pool,
          onFailure: (destination, error) => log.destinationFailed({ destination, error }),
        }),
    },
    [Symbol.asyncDispose]: () => pool[Symbol.asyncDispose](),
  };
}
