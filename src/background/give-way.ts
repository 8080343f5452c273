// How a long walk shares its process with requests.

import { setImmediate, setTimeout } from "node:timers/promises";

/** Longer than an idle event loop takes from one turn to the next. */
const busyMilliseconds = 0.5;
/** Where requests are waiting, a walk works for a quarter of the time. */
const restFactor = 3;

/**
 * Lets requests in after a piece of work. Where they keep the process busy it rests as well, in proportion
 * to its work; in an idle process it goes on at once.
 */
export async function giveWay(workedMilliseconds: number): Promise<void> {
  const began = performance.now();
  await setImmediate();
  if (performance.now() - began < busyMilliseconds) return;
  await setTimeout(workedMilliseconds * restFactor);
}
