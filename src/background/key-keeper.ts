// Looks after the KMS keys that Holdfast keeps: removes those whose deletion is due, with their material,
// and gives new material to those whose rotation is due.

import { isRotationDue } from "../keys/key-rotation.ts";
import type { KmsKeys } from "../keys/kms-keys.ts";
import type { BackgroundWorker } from "./worker.ts";

const intervalMilliseconds = 10 * 60_000;
const pageSize = 100;

export function createKeyKeeper(keys: KmsKeys): BackgroundWorker {
  return {
    name: "key-keeper",
    scope: "store",
    intervalMilliseconds,
    async runOnce(signal) {
      let removed = 0;
      let rotated = 0;
      let after: string | undefined;
      do {
        signal.throwIfAborted();
        const { items, next } = await keys.page(after, pageSize);
        for (const record of items) {
          const { deletion, keyId } = record;
          if (deletion !== undefined && keys.now() >= deletion.atMilliseconds) {
            if (await keys.remove(record)) removed += 1;
          } else if (isRotationDue(record, keys.now())) {
            await keys.update(keyId, (current) =>
              isRotationDue(current, keys.now()) ? keys.rotated(current, "AUTOMATIC") : current,
            );
            rotated += 1;
          }
        }
        after = next;
      } while (after !== undefined);
      return { fields: { removed, rotated } };
    },
  };
}
