// The thread that copies the write-ahead log into the database file while commits go on. A PASSIVE
// checkpoint never waits for anybody and nobody waits for it; several processes take turns.
import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../../base/assert.ts";
import { openCheckpointConnection } from "./sqlite-database.ts";
import type { CheckpointReport, ThreadData } from "./sqlite-thread-messages.ts";

assert(parentPort !== null, "checkpoints run in a thread");
startCheckpoints(parentPort, workerData as ThreadData);

function startCheckpoints(mainPort: typeof parentPort, { options, port }: ThreadData): void {
  const database = openCheckpointConnection(options);
  const checkpoint = database.prepare("PRAGMA wal_checkpoint(PASSIVE)");
  port.on("message", () => {
    let succeeded = true;
    try {
      checkpoint.get();
    } catch {
      // The log keeps everything that could not be copied; the writer thread asks again later.
      succeeded = false;
    }
    port.postMessage({ succeeded } satisfies CheckpointReport);
  });
  // The only thing that the main thread ever says is that it is over.
  mainPort?.on("message", () => {
    port.close();
    mainPort.close();
    database.close();
  });
}
