// Lets the mark of object lock's time follow the clock while nobody writes. Runs in every process that
// serves writes.

import type { LockClock } from "../objects/lock-clock.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { BackgroundWorker } from "./worker.ts";

const observationMilliseconds = 60_000;

export function createLockClockKeeper(
  lockClock: Pick<LockClock, "tick">,
  store: KeyValueStore,
): BackgroundWorker {
  return {
    name: "lock-clock",
    scope: "process",
    intervalMilliseconds: observationMilliseconds,
    async runOnce() {
      await lockClock.tick(store);
      return { fields: {} };
    },
  };
}
