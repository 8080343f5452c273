// A pass of no runner, for workers that tests run by hand.

import type { WorkerPass } from "../../src/background/worker.ts";

export const noPass: WorkerPass = {
  isAsked: false,
  progress() {},
  readState: async () => undefined,
  writeState: async () => {},
};
