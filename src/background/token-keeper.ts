// Keeps the token by which a key provider knows this server: prolongs it before it expires, also while
// nobody asks for a key. Each process has its own.

import type { BackgroundWorker } from "./worker.ts";

const intervalMilliseconds = 30_000;

/** `keepToken` does nothing until it is time. */
export function createTokenKeeper(keepToken: () => Promise<void>): BackgroundWorker {
  return {
    name: "token-keeper",
    scope: "process",
    intervalMilliseconds,
    async runOnce() {
      await keepToken();
      return { fields: {} };
    },
  };
}
