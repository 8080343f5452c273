// The thread that digests long bodies: goes around the lanes, one slot of each at a time, and sleeps
// while all are empty. It keeps nothing of a body but the state of its digests.

import { parentPort, workerData } from "node:worker_threads";
import { createChecksum } from "./checksum.ts";
import type { ChecksumAlgorithm, RunningChecksum } from "./checksum.ts";
import { Bell, LaneMemory, laneCount } from "./digest-memory.ts";

class Lane {
  readonly #memory: LaneMemory;
  readonly #running = new Map<ChecksumAlgorithm, RunningChecksum>();

  constructor(memory: LaneMemory) {
    this.#memory = memory;
  }

  /** Whether there was a slot to digest. */
  digestNext(): boolean {
    const memory = this.#memory;
    if (memory.pendingSlots === 0) return false;
    const { bytes, begins, ends } = memory.nextSlot;
    if (begins !== undefined) {
      // Whatever the lane was used for before has ended, or was given up.
      this.#running.clear();
      for (const algorithm of begins) this.#running.set(algorithm, createChecksum(algorithm));
    }
    for (const running of this.#running.values()) running.update(bytes);
    if (ends === true) {
      for (const [algorithm, running] of this.#running) {
        memory.setResult(algorithm, running.digest());
      }
      this.#running.clear();
    }
    memory.emptied();
    return true;
  }
}

function digestForever(memory: SharedArrayBuffer): never {
  const bell = new Bell(memory);
  const lanes = Array.from({ length: laneCount }, (_, lane) => {
    return new Lane(new LaneMemory(memory, lane));
  });
  for (;;) {
    const { rings } = bell;
    let hasWorked = false;
    for (const lane of lanes) hasWorked = lane.digestNext() || hasWorked;
    if (!hasWorked) bell.wait(rings);
  }
}

parentPort?.postMessage("ready", []);
// Not while this module is evaluated: a process that ends in the middle of that crashes (Node.js 24).
setImmediate(() => digestForever(workerData as SharedArrayBuffer));
