// Retention and holds of a new version, from the x-amz-object-lock headers. What the bucket gives to
// versions that bring nothing of their own is added where versions are made (objects/version-changes.ts).

import type { RequestPayload } from "../../body/request-payload.ts";
import { S3Error } from "../../model/errors.ts";
import type { PutObjectInput } from "../../model/types.generated.ts";
import { checkFuture, withMode } from "../../objects/object-lock.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type {
  EventHold,
  LockPeriod,
  Retention,
  RetentionMode,
  VersionLock,
} from "../../objects/records/lock-record.ts";
import type { VersionSettings } from "../../objects/records/object-record.ts";
import type { OperationContext } from "../operation.ts";
import { checksumAlgorithms, type ChecksumMembers } from "./checksum-members.ts";
import { checkLockEnabled } from "./object-lock-members.ts";

export type LockMembers = Pick<
  PutObjectInput,
  | "ObjectLockMode"
  | "ObjectLockRetainUntilDate"
  | "ObjectLockLegalHoldStatus"
  | "ObjectLockEventHold"
  | "ObjectLockEventHoldDurationDays"
  | "ObjectLockEventHoldDurationYears"
>;

const eventHoldDays = { minimum: 1, maximum: 36_500 };
const eventHoldYears = { minimum: 1, maximum: 100 };

export type IntegrityMembers = ChecksumMembers & { readonly ContentMD5?: string | undefined };

/** Throws S3Error InvalidArgument; InvalidRequest on a bucket without object lock. */
export function readLockSettings(
  input: LockMembers,
  bucket: BucketRecord,
  { clock }: OperationContext,
): (bucket: BucketRecord) => VersionSettings {
  if (!hasLockMembers(input)) return () => ({});
  const hold = readEventHold(input);
  const retention = readRetention(input, hold);
  if (retention !== undefined) {
    checkFuture(retention.untilMilliseconds, clock.now(), {
      ArgumentName: "x-amz-object-lock-retain-until-date",
      ArgumentValue: new Date(retention.untilMilliseconds).toISOString(),
    });
  }
  const legalHold = readLegalHold(input.ObjectLockLegalHoldStatus);
  const settle = (settled: BucketRecord): VersionSettings => {
    checkLockEnabled(settled);
    const mode = (retention ?? settled.defaultLock)?.mode;
    const eventHold = hold?.isOn === true ? withMode(hold, mode) : hold;
    const lock: VersionLock = {
      ...(retention === undefined ? {} : { retention }),
      ...(legalHold === undefined ? {} : { legalHold }),
      ...(eventHold === undefined ? {} : { eventHold }),
    };
    return { lock };
  };
  settle(bucket);
  return settle;
}

/** For uploads: `checkLockIntegrity` where it applies, by the bucket as it is known when called. */
export function lockIntegrityCheck(
  input: LockMembers & IntegrityMembers,
  payload: RequestPayload,
): (bucket: BucketRecord) => void {
  const asks = hasLockMembers(input);
  return ({ defaultLock }) => {
    if (asks || defaultLock !== undefined) checkLockIntegrity("Object", input, payload);
  };
}

/**
 * "The Content-MD5 or x-amz-sdk-checksum-algorithm header is required for any request to upload an
 * object with a retention period configured using Object Lock" (Reference, PutObject), whether the
 * request or the bucket configures it. Throws S3Error InvalidRequest.
 */
export function checkLockIntegrity(
  kind: "Object" | "Part",
  input: IntegrityMembers,
  payload: RequestPayload,
): void {
  if (input.ContentMD5 !== undefined) return;
  if (checksumAlgorithms.some((algorithm) => input[`Checksum${algorithm}`] !== undefined)) return;
  if (payload.announcedTrailers.some((name) => name.startsWith("x-amz-checksum-"))) return;
  throw new S3Error("InvalidRequest", {
    message: `Content-MD5 OR x-amz-checksum- HTTP header is required for Put ${kind} requests with Object Lock parameters`,
  });
}

function hasLockMembers(input: LockMembers): boolean {
  return (
    input.ObjectLockMode !== undefined ||
    input.ObjectLockRetainUntilDate !== undefined ||
    input.ObjectLockLegalHoldStatus !== undefined ||
    input.ObjectLockEventHold !== undefined ||
    input.ObjectLockEventHoldDurationDays !== undefined ||
    input.ObjectLockEventHoldDurationYears !== undefined
  );
}

function readRetention(input: LockMembers, hold: EventHold | undefined): Retention | undefined {
  const { ObjectLockMode: name, ObjectLockRetainUntilDate: until } = input;
  if (name === undefined && until === undefined) return undefined;
  // A mode alone is that of an event hold's retention to be.
  if (name !== undefined && until === undefined && hold?.mode !== undefined) return undefined;
  if (name === undefined || until === undefined) {
    // Seen on the service: github.com/versity/versitygw/issues/2028.
    throw new S3Error("InvalidArgument", {
      message:
        "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
      fields: {
        ArgumentName:
          name === undefined ? "x-amz-object-lock-mode" : "x-amz-object-lock-retain-until-date",
      },
    });
  }
  return { mode: parseMode(name), untilMilliseconds: until.getTime() };
}

function parseMode(name: string): RetentionMode {
  if (name === "GOVERNANCE" || name === "COMPLIANCE") return name;
  // Seen on the service: github.com/versity/versitygw/issues/1142.
  throw invalidArgument("x-amz-object-lock-mode", name, "Unknown wormMode directive.");
}

function readLegalHold(status: string | undefined): VersionLock["legalHold"] {
  if (status === undefined || status === "ON" || status === "OFF") return status;
  // Seen on the service: github.com/versity/versitygw/issues/1141.
  const message = "Legal Hold must be either of 'ON' or 'OFF'";
  throw invalidArgument("x-amz-object-lock-legal-hold", status, message);
}

function readEventHold(input: LockMembers): EventHold | undefined {
  const {
    ObjectLockEventHold: status,
    ObjectLockEventHoldDurationDays: days,
    ObjectLockEventHoldDurationYears: years,
    ObjectLockMode: modeName,
  } = input;
  const duration = readDuration(days, years);
  if (status === "ON") {
    return {
      isOn: true,
      ...(duration === undefined ? {} : { duration }),
      ...(modeName === undefined ? {} : { mode: parseMode(modeName) }),
    };
  }
  const name = "x-amz-object-lock-event-hold";
  if (status !== undefined && status !== "OFF") {
    throw invalidArgument(name, status, "Event Hold must be either of 'ON' or 'OFF'");
  }
  if (duration !== undefined) {
    throw invalidArgument(name, status ?? "", "An event hold duration needs an event hold");
  }
  return status === undefined ? undefined : { isOn: false };
}

function readDuration(days: number | undefined, years: number | undefined): LockPeriod | undefined {
  const name = "x-amz-object-lock-event-hold-duration-years";
  if (days !== undefined && years !== undefined) {
    const message = "The event hold duration must be in days or in years, not in both";
    throw invalidArgument(name, String(years), message);
  }
  if (days !== undefined) {
    const isValid = days >= eventHoldDays.minimum && days <= eventHoldDays.maximum;
    if (isValid) return { days };
    const message = "The event hold duration must be between 1 and 36500 days";
    const daysName = "x-amz-object-lock-event-hold-duration-days";
    throw invalidArgument(daysName, String(days), message);
  }
  if (years === undefined) return undefined;
  if (years >= eventHoldYears.minimum && years <= eventHoldYears.maximum) return { years };
  const message = "The event hold duration must be between 1 and 100 years";
  throw invalidArgument(name, String(years), message);
}

function invalidArgument(name: string, value: string, message: string): S3Error {
  return new S3Error("InvalidArgument", {
    message,
    fields: { ArgumentName: name, ArgumentValue: value },
  });
}
