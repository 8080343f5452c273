// What is stored of the work on a bucket's lifecycle: how far a walk has come, and what the last one did.

import { decodeRecord } from "../../storage/record-codec.ts";

/** The order of a walk: versions before markers, so that a marker which is left alone goes with them. */
export const walkPhases = ["noncurrent", "current", "marker", "upload"] as const;
export type WalkPhase = (typeof walkPhases)[number];

/** Where a walk goes on: everything before it was looked at, and what was due is done. */
export interface WalkCursor {
  readonly phase: WalkPhase;
  /** One of the prefixes that rules name; the walk goes through them in the order of bytes. */
  readonly prefix: string;
  /** The last object key that was looked at; absent: the prefix is begun. */
  readonly afterKey?: string;
}

/** What one rule did in a walk. Members that are zero are absent. */
export interface RuleCounts {
  /** Current versions that are gone, or hidden by a delete marker. */
  readonly expired?: number;
  readonly deleteMarkersMade?: number;
  readonly noncurrentDeleted?: number;
  readonly deleteMarkersRemoved?: number;
  readonly transitioned?: number;
  readonly uploadsAborted?: number;
  /** Kept by object lock. */
  readonly locked?: number;
  /** Kept until their replication is done. */
  readonly replicating?: number;
  /** Replaced, deleted or changed since they were looked at. */
  readonly changed?: number;
  readonly failed?: number;
}
export type RuleCount = keyof RuleCounts;

export interface WalkReport {
  readonly startedMilliseconds: number;
  /** Absent while the walk is under way. */
  readonly finishedMilliseconds?: number;
  /** Versions, delete markers and uploads that were looked at. */
  readonly looked: number;
  /** By rule id. */
  readonly rules: Readonly<Record<string, RuleCounts>>;
  /** The first thing that went wrong. */
  readonly error?: string;
}

export interface LifecycleStateRecord {
  readonly v: 1;
  readonly bucketName: string;
  /** The configuration that the walk is of: another one begins anew. */
  readonly documentId: string;
  /** The day that the walk is of: days are counted from the epoch. */
  readonly day: number;
  /** Absent: the walk is over. */
  readonly cursor?: WalkCursor;
  readonly report: WalkReport;
}

export function decodeLifecycleState(value: Uint8Array): LifecycleStateRecord {
  return decodeRecord(value, 1) as LifecycleStateRecord;
}
