// How background work shares its process with requests.

import { setImmediate, setTimeout } from "node:timers/promises";
import { countRequests } from "../base/foreground.ts";

/** Longer than an idle event loop takes from one turn to the next. */
const busyTurnMilliseconds = 0.5;
/** From here on requests take a good part of the processor. */
const busyRequestsPerSecond = 500;
const sampleMilliseconds = 50;
/** Where requests are waiting, background work has a quarter of the time, or less if it can wait. */
const restFactor = 3;
const patientRestFactor = 60;
/** However long the work was: what waits must not wait for ever. */
const longestRestMilliseconds = 1000;

// Of the process: whoever asks next looks at the time since somebody asked.
const sample = { elapsed: performance.now(), requests: 0, perSecond: 0 };

/**
 * Lets requests in after a piece of work. Where they keep the process busy it rests as well, in proportion
 * to its work, and much longer where these are requests and the work is in no hurry; in an idle process it
 * goes on at once.
 */
export async function giveWay(workedMilliseconds: number, isPatient = false): Promise<void> {
  const began = performance.now();
  await setImmediate();
  const turned = performance.now();
  const isFullOfRequests = requestRate(turned) >= busyRequestsPerSecond;
  if (turned - began < busyTurnMilliseconds && !isFullOfRequests) return;
  const factor = isPatient && isFullOfRequests ? patientRestFactor : restFactor;
  await setTimeout(Math.min(workedMilliseconds * factor, longestRestMilliseconds));
}

/** Whether requests take a good part of the process. */
export function isBusyWithRequests(): boolean {
  return requestRate(performance.now()) >= busyRequestsPerSecond;
}

function requestRate(now: number): number {
  const passed = now - sample.elapsed;
  if (passed >= sampleMilliseconds) {
    const requests = countRequests();
    sample.perSecond = ((requests - sample.requests) * 1000) / passed;
    sample.requests = requests;
    sample.elapsed = now;
  }
  return sample.perSecond;
}
