// Object lock as documents and headers write it, for the operations that read or show it.

import { S3Error } from "../../model/errors.ts";
import type {
  EventHoldDuration,
  HeadObjectOutput,
  ObjectLockRetention,
} from "../../model/types.generated.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { LockPeriod, VersionLock } from "../../objects/records/lock-record.ts";

/** Throws S3Error InvalidRequest in S3's words for a lock on a bucket that cannot have any. */
export function checkLockEnabled({ objectLockEnabled }: BucketRecord): void {
  if (objectLockEnabled) return;
  throw new S3Error("InvalidRequest", {
    message: "Bucket is missing Object Lock Configuration",
  });
}

/** Members of a read that ask for s3:GetObjectRetention. */
export function retentionMembers({ retention, eventHold }: VersionLock): HeadObjectOutput {
  const { Days: days, Years: years } =
    eventHold?.isOn === true && eventHold.duration !== undefined
      ? describePeriod(eventHold.duration)
      : {};
  return {
    ObjectLockMode: retention?.mode,
    ObjectLockRetainUntilDate: retention && new Date(retention.untilMilliseconds),
    ObjectLockEventHold: describeHold(eventHold),
    ObjectLockEventHoldDurationDays: days,
    ObjectLockEventHoldDurationYears: years,
  };
}

export function describeRetention({ retention, eventHold }: VersionLock): ObjectLockRetention {
  return {
    Mode: retention?.mode ?? eventHold?.mode,
    RetainUntilDate: retention && new Date(retention.untilMilliseconds),
    EventHold: describeHold(eventHold),
    EventHoldDuration: eventHold?.duration && describePeriod(eventHold.duration),
  };
}

export function describePeriod(period: LockPeriod): EventHoldDuration {
  return "days" in period ? { Days: period.days } : { Years: period.years };
}

function describeHold(eventHold: VersionLock["eventHold"]): "ON" | "OFF" | undefined {
  if (eventHold === undefined) return undefined;
  return eventHold.isOn ? "ON" : "OFF";
}
