// GetObjectRetention and PutObjectRetention: until when, and how strictly, one version is kept.

import { S3Error } from "../../model/errors.ts";
import type { ObjectLockRetention, OperationTypes } from "../../model/types.generated.ts";
import { changeRetention, type RetentionChange } from "../../objects/object-lock.ts";
import type { EventHold } from "../../objects/records/lock-record.ts";
import type { Operation } from "../operation.ts";
import { readBypass } from "./governance-bypass.ts";
import { readPeriod } from "./lock-periods.ts";
import { checkLockEnabled, describeRetention } from "./object-lock-members.ts";

type Get = OperationTypes["GetObjectRetention"];
type Put = OperationTypes["PutObjectRetention"];

export const getObjectRetention: Operation<Get["input"], Get["output"]> = async (
  input,
  { store },
) => {
  const { bucket, record } = await store.versions.find(input.Bucket, input.Key, input.VersionId);
  checkLockEnabled(bucket);
  const { lock } = record;
  if (lock?.retention === undefined && lock?.eventHold === undefined) {
    throw new S3Error("NoSuchObjectLockConfiguration");
  }
  return { Retention: describeRetention(lock) };
};

export const putObjectRetention: Operation<Put["input"], Put["output"]> = async (
  input,
  context,
) => {
  const { store } = context;
  const change = readChange(input.Retention);
  const mayBypass = await readBypass(input, input.Key, input.VersionId, context);
  const place = { bucketName: input.Bucket, key: input.Key };
  await store.writes.changeVersion(
    place,
    input.VersionId,
    context.cause("ObjectLock:Retention"),
    (record, bucket, transaction) => {
      checkLockEnabled(bucket);
      const time = store.lockClock.begin(transaction);
      return { ...record, lock: changeRetention(record.lock, change, time, mayBypass) };
    },
  );
  return {};
};

/**
 * Mode and date come together or not at all, but for the mode of the retention that follows an event
 * hold. Throws S3Error MalformedXML, InvalidArgument.
 */
function readChange(asked: ObjectLockRetention): RetentionChange {
  const { Mode: mode, RetainUntilDate: until, EventHold: status } = asked;
  const eventHold = readEventHold(asked);
  if (mode === undefined && until === undefined) {
    return eventHold === undefined ? {} : { eventHold };
  }
  if (mode !== undefined && until === undefined && status === "ON") {
    return { eventHold: { isOn: true, ...eventHold, mode } };
  }
  if (mode === undefined || until === undefined) throw new S3Error("MalformedXML");
  const retention = { mode, untilMilliseconds: until.getTime() };
  return eventHold === undefined ? { retention } : { retention, eventHold };
}

function readEventHold({
  EventHold: status,
  EventHoldDuration: asked,
}: ObjectLockRetention): EventHold | undefined {
  if (asked === undefined) return status === undefined ? undefined : { isOn: status === "ON" };
  const duration = readPeriod(asked);
  // A duration says nothing without the hold that it follows.
  if (duration === undefined || status === undefined) throw new S3Error("MalformedXML");
  return { isOn: status === "ON", duration };
}
