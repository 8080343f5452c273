// The thread that copies the write-ahead log into the database file while commits go on. A PASSIVE
// checkpoint never waits for anybody and nobody waits for it; several processes take turns.
import { workerData } from "node:worker_threads";
import { openCheckpointConnection } from "./sqlite-database.ts";
import {
  type CheckpointCommand,
  type CheckpointReport,
  type CheckpointThreadData,
  closeCommand,
} from "./sqlite-thread-messages.ts";

startCheckpoints(workerData as CheckpointThreadData);

function startCheckpoints({ options, port }: CheckpointThreadData): void {
  const database = openCheckpointConnection(options);
  const checkpoint = database.prepare("PRAGMA wal_checkpoint(PASSIVE)");
  port.on("message", (command: CheckpointCommand) => {
    if (command === closeCommand) {
      port.close();
      database.close();
      return;
    }
    let succeeded = true;
    try {
      checkpoint.get();
    } catch {
      // The log keeps everything that could not be copied; the writer thread asks again later.
      succeeded = false;
    }
    port.postMessage({ succeeded } satisfies CheckpointReport);
  });
}
