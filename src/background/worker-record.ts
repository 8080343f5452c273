// What is stored of a worker that runs once for the whole store: who runs it, and what it did last.

import { decodeRecord } from "../storage/record-codec.ts";

export interface WorkerRecord {
  readonly v: 1;
  /** The process that runs the worker, by its writer's id; absent: nobody. */
  readonly holder?: string;
  /** Until when the holder runs it, if it does not say so again. */
  readonly expiresMilliseconds: number;
  /** Set by who wants a run at once; gone when the worker has seen it. */
  readonly requestedMilliseconds?: number;
  /** Where the worker goes on after a crash; its own business. */
  readonly state?: Readonly<Record<string, unknown>>;
  readonly lastRun?: WorkerRun;
  /** Of a pass under way, some seconds old. */
  readonly progress?: WorkerProgress;
}

export interface WorkerProgress {
  readonly beganMilliseconds: number;
  readonly fields: Readonly<Record<string, number>>;
}

/** A pass that ended. */
export interface WorkerRun {
  readonly beganMilliseconds: number;
  readonly endedMilliseconds: number;
  readonly fields?: Readonly<Record<string, number>>;
  /** What stood in its way though it did not fail. */
  readonly troubles?: readonly string[];
  /** Why the pass failed; absent: it did not. */
  readonly error?: string;
  readonly failuresInARow: number;
}

export function decodeWorkerRecord(value: Uint8Array): WorkerRecord {
  return decodeRecord(value, 1) as WorkerRecord;
}
