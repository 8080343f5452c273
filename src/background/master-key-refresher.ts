// Takes over master keys that another process has added, so that a rotation reaches a running server.

import type { MasterKeyRing } from "../keys/master-key-ring.ts";
import { checkMasterKeys } from "../keys/master-key-witnesses.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { BackgroundWorker } from "./worker.ts";

export function createMasterKeyRefresher(options: {
  readonly ring: MasterKeyRing;
  readonly store: KeyValueStore;
  readonly intervalMilliseconds: number;
}): BackgroundWorker {
  const { ring, store, intervalMilliseconds } = options;
  return {
    name: "master-keys",
    scope: "process",
    intervalMilliseconds,
    async runOnce() {
      const before = ring.currentId;
      ring.refresh();
      const isNew = ring.currentId !== before;
      if (isNew) await checkMasterKeys(store, ring);
      return { fields: { rotations: isNew ? 1 : 0 } };
    },
  };
}
