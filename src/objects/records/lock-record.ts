// What is stored of object lock: of a version, of a bucket's default for new ones, and of the time that
// is known to have passed.

import { decodeRecord } from "../../storage/record-codec.ts";

export type RetentionMode = "GOVERNANCE" | "COMPLIANCE";

export type LockPeriod = { readonly days: number } | { readonly years: number };

export interface Retention {
  readonly mode: RetentionMode;
  readonly untilMilliseconds: number;
}

export interface EventHold {
  readonly isOn: boolean;
  /** How long the version is retained from the hold's release. */
  readonly duration?: LockPeriod;
  /** Of the retention that the release begins. Absent in a hold that is off. */
  readonly mode?: RetentionMode;
}

export interface VersionLock {
  /** Stays when it has run out: reads show it. */
  readonly retention?: Retention;
  /** Absent: never set, which reads tell from OFF. */
  readonly legalHold?: "ON" | "OFF";
  readonly eventHold?: EventHold;
}

/** What a bucket gives to new versions that bring nothing of their own. */
export interface DefaultLock {
  readonly mode?: RetentionMode;
  readonly period?: LockPeriod;
  readonly eventHold?: LockPeriod;
}

export interface LockClockRecord {
  readonly v: 1;
  readonly markMilliseconds: number;
}

export function decodeLockClockRecord(value: Uint8Array): LockClockRecord {
  return decodeRecord(value, 1) as LockClockRecord;
}
