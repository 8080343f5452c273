// What the worker `replication` keeps between its passes, and across processes.

import type { WorkerRecord } from "../worker-record.ts";
import type { ToldSequences } from "./threshold-watch.ts";

export const replicationWorkerName = "replication";

/** By feed, why its destination is away. */
export type AwayFeeds = Readonly<Record<string, string>>;

export interface ReplicationState {
  readonly told: ToldSequences;
  readonly away: AwayFeeds;
}

/** Of which changes the missed thresholds have been told. */
export function toldIn(state: WorkerRecord["state"]): ToldSequences {
  return (state?.["told"] ?? {}) as ToldSequences; // as the worker writes it
}

export function awayIn(state: WorkerRecord["state"]): AwayFeeds {
  return (state?.["away"] ?? {}) as AwayFeeds; // as the worker writes it
}
