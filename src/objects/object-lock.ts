// The rules of object lock, pure: what protects a version, what new versions get, and which changes of
// a lock are a weakening. Guide, "How S3 Object Lock works"; what event holds do is known from the
// model's words alone (PutObjectRetention, DefaultRetention), see docs/decisions/0006-object-lock.md.

import { S3Error } from "../model/errors.ts";
import type {
  DefaultLock,
  EventHold,
  LockPeriod,
  Retention,
  RetentionMode,
  VersionLock,
} from "./records/lock-record.ts";

/** The moments that a rule looks at: they differ while the clock is wrong, see lock-clock.ts. */
export interface LockTime {
  /** By which protections run out. */
  readonly nowMilliseconds: number;
  /** From which periods are counted: never earlier than `nowMilliseconds`. */
  readonly startMilliseconds: number;
}

/** What PutObjectRetention asks for; with neither member it asks to take the retention away. */
export interface RetentionChange {
  readonly retention?: Retention;
  readonly eventHold?: EventHold;
}

/** Whether a version must stay as it is. Bypassing is for GOVERNANCE retention and nothing else. */
export function isProtected(
  lock: VersionLock | undefined,
  nowMilliseconds: number,
  mayBypassGovernance: boolean,
): boolean {
  if (lock === undefined) return false;
  if (lock.legalHold === "ON" || lock.eventHold?.isOn === true) return true;
  if (!isActive(lock.retention, nowMilliseconds)) return false;
  return lock.retention.mode === "COMPLIANCE" || !mayBypassGovernance;
}

/** Throws S3Error AccessDenied. */
export function checkRemovable(
  lock: VersionLock | undefined,
  nowMilliseconds: number,
  mayBypassGovernance: boolean,
): void {
  if (isProtected(lock, nowMilliseconds, mayBypassGovernance)) throw lockedRefusal();
}

/**
 * The lock of a new version: what its upload settled, then the bucket's default. A retention of its own
 * keeps both defaults away, an event hold of its own that of event holds (DefaultEventHold: "unless an
 * object's upload request specifies its own Object Lock settings").
 */
export function settleLock(
  own: VersionLock | undefined,
  defaults: DefaultLock | undefined,
  startMilliseconds: number,
): VersionLock | undefined {
  if (defaults === undefined || own?.retention !== undefined) return own;
  const { mode, period, eventHold } = defaults;
  const retention =
    mode === undefined || period === undefined
      ? {}
      : { retention: { mode, untilMilliseconds: addPeriod(startMilliseconds, period) } };
  const hold: { readonly eventHold?: EventHold } =
    eventHold === undefined || own?.eventHold !== undefined
      ? {}
      : { eventHold: { isOn: true, duration: eventHold, mode: mode ?? "GOVERNANCE" } };
  return { ...own, ...retention, ...hold };
}

/** Throws S3Error AccessDenied for a weakening that is not allowed, InvalidArgument for a past date. */
export function changeRetention(
  before: VersionLock | undefined,
  change: RetentionChange,
  time: LockTime,
  mayBypassGovernance: boolean,
): VersionLock {
  const wanted = change.retention;
  if (wanted !== undefined) checkFuture(wanted.untilMilliseconds, time.nowMilliseconds);
  const held = changeHold(before, change, time, mayBypassGovernance);
  const keeps = wanted === undefined && change.eventHold !== undefined;
  const current = before?.retention;
  const next = keeps ? current : wanted;
  if (isActive(current, time.nowMilliseconds) && isWeaker(next, current)) {
    if (current.mode === "COMPLIANCE" || !mayBypassGovernance) throw lockedRefusal();
  }
  const retention = later(next, held.released);
  const { legalHold } = before ?? {};
  return {
    ...(retention === undefined ? {} : { retention }),
    ...(legalHold === undefined ? {} : { legalHold }),
    ...(held.eventHold === undefined ? {} : { eventHold: held.eventHold }),
  };
}

/** Throws S3Error InvalidArgument. */
export function checkFuture(
  untilMilliseconds: number,
  nowMilliseconds: number,
  argument?: { readonly ArgumentName: string; readonly ArgumentValue: string },
): void {
  if (untilMilliseconds > nowMilliseconds) return;
  throw new S3Error("InvalidArgument", {
    message: "The retain until date must be in the future!",
    ...(argument === undefined ? {} : { fields: argument }),
  });
}

/** A day is 24 hours; a year ends on the same day of the calendar (UTC). */
export function addPeriod(startMilliseconds: number, period: LockPeriod): number {
  if ("days" in period) return startMilliseconds + period.days * 86_400_000;
  const date = new Date(startMilliseconds);
  return date.setUTCFullYear(date.getUTCFullYear() + period.years);
}

/** S3's words (seen in github.com/versity/versitygw/issues/1565). */
function lockedRefusal(): S3Error {
  return new S3Error("AccessDenied", {
    message: "Access Denied because object protected by object lock.",
  });
}

function changeHold(
  before: VersionLock | undefined,
  { eventHold: wanted, retention }: RetentionChange,
  time: LockTime,
  mayBypassGovernance: boolean,
): { readonly eventHold?: EventHold; readonly released?: Retention } {
  const current = before?.eventHold;
  if (wanted === undefined) return current === undefined ? {} : { eventHold: current };
  if (current?.isOn !== true) {
    if (!wanted.isOn) return { eventHold: { isOn: false } };
    return { eventHold: withMode(wanted, (retention ?? before?.retention)?.mode) };
  }
  const next: EventHold = { ...current, ...wanted };
  if (isWeakerHold(next, current, time)) {
    if (current.mode === "COMPLIANCE" || !mayBypassGovernance) throw lockedRefusal();
  }
  if (next.isOn) return { eventHold: next };
  if (next.duration === undefined) return { eventHold: { isOn: false } };
  const untilMilliseconds = addPeriod(time.startMilliseconds, next.duration);
  const released = { mode: next.mode ?? "GOVERNANCE", untilMilliseconds };
  return { eventHold: { isOn: false }, released };
}

/** Fixed when the hold begins: what it promises does not change with the retention beside it. */
export function withMode(hold: EventHold, mode: RetentionMode | undefined): EventHold {
  return { ...hold, mode: hold.mode ?? mode ?? "GOVERNANCE" };
}

function isWeakerHold(
  next: EventHold,
  current: EventHold,
  { startMilliseconds }: LockTime,
): boolean {
  if (current.mode === "COMPLIANCE" && next.mode !== "COMPLIANCE") return true;
  if (current.duration === undefined) return false;
  if (next.duration === undefined) return true;
  return (
    addPeriod(startMilliseconds, next.duration) < addPeriod(startMilliseconds, current.duration)
  );
}

function isActive(
  retention: Retention | undefined,
  nowMilliseconds: number,
): retention is Retention {
  return retention !== undefined && retention.untilMilliseconds > nowMilliseconds;
}

/** Any other mode counts: S3 asks for the bypass from GOVERNANCE to COMPLIANCE too (ceph/s3-tests). */
function isWeaker(next: Retention | undefined, current: Retention): boolean {
  if (next === undefined || next.mode !== current.mode) return true;
  return next.untilMilliseconds < current.untilMilliseconds;
}

/** What a released hold begins takes nothing away from the retention that there is. */
function later(
  retention: Retention | undefined,
  released: Retention | undefined,
): Retention | undefined {
  if (retention === undefined || released === undefined) return retention ?? released;
  const isStrict = retention.mode === "COMPLIANCE" || released.mode === "COMPLIANCE";
  return {
    mode: isStrict ? "COMPLIANCE" : "GOVERNANCE",
    untilMilliseconds: Math.max(retention.untilMilliseconds, released.untilMilliseconds),
  };
}
