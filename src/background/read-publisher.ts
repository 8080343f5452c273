// Tells the other processes on a store how far back this one's running reads reach, so that a sweeper
// elsewhere leaves alone what they still need. Runs in every process that serves reads.

import type { Writers } from "../objects/writers.ts";
import type { BackgroundWorker } from "./worker.ts";

export const publicationMilliseconds = 5000;

export function createReadPublisher(writers: Pick<Writers, "publishReads">): BackgroundWorker {
  return {
    name: "read-publisher",
    scope: "process",
    intervalMilliseconds: publicationMilliseconds,
    async runOnce() {
      await writers.publishReads();
      return { fields: {} };
    },
  };
}
