// GetObjectLockConfiguration and PutObjectLockConfiguration: object lock can be enabled on any bucket
// with versioning, and never disabled again; the default for new versions comes and goes.

import { S3Error } from "../../model/errors.ts";
import type {
  DefaultRetention,
  ObjectLockConfiguration,
  OperationTypes,
} from "../../model/types.generated.ts";
import type { DefaultLock } from "../../objects/records/lock-record.ts";
import { readPeriod } from "../object/lock-periods.ts";
import { describePeriod } from "../object/object-lock-members.ts";
import type { Operation } from "../operation.ts";

type Get = OperationTypes["GetObjectLockConfiguration"];
type Put = OperationTypes["PutObjectLockConfiguration"];

export const getObjectLockConfiguration: Operation<Get["input"], Get["output"]> = async (
  input,
  { store },
) => {
  const { objectLockEnabled, defaultLock } = await store.buckets.get(input.Bucket);
  if (!objectLockEnabled) {
    throw new S3Error("ObjectLockConfigurationNotFoundError", {
      fields: { BucketName: input.Bucket },
    });
  }
  return {
    ObjectLockConfiguration: {
      ObjectLockEnabled: "Enabled",
      Rule: defaultLock && { DefaultRetention: describeDefault(defaultLock) },
    },
  };
};

/** The token that S3's support once gave out for existing buckets is accepted, and not needed. */
export const putObjectLockConfiguration: Operation<Put["input"], Put["output"]> = async (
  input,
  { store },
) => {
  const lock = readConfiguration(input.ObjectLockConfiguration);
  await store.buckets.update(input.Bucket, (bucket) => {
    if (bucket.versioning !== "Enabled") {
      throw new S3Error("InvalidBucketState", {
        message: "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
      });
    }
    const { defaultLock: _, ...others } = bucket;
    return {
      ...others,
      objectLockEnabled: true,
      ...(lock === undefined ? {} : { defaultLock: lock }),
    };
  });
  return {};
};

/** Throws S3Error MalformedXML, InvalidArgument (which of them when: github.com/storj/edge/issues/528). */
function readConfiguration(configuration: ObjectLockConfiguration): DefaultLock | undefined {
  const { ObjectLockEnabled: enabled, Rule: rule } = configuration;
  if (enabled === undefined) throw new S3Error("MalformedXML");
  if (rule === undefined) return undefined;
  if (rule.DefaultRetention === undefined) throw new S3Error("MalformedXML");
  return readDefault(rule.DefaultRetention);
}

/** A period needs a mode, a mode a period or an event hold to follow. */
function readDefault(asked: DefaultRetention): DefaultLock {
  const { Mode: mode, DefaultEventHold: hold } = asked;
  const period = readPeriod(asked);
  const eventHold = hold === undefined ? undefined : readPeriod(hold);
  const isEmptyHold = hold !== undefined && eventHold === undefined;
  const isAlone = mode === undefined ? period !== undefined : (period ?? eventHold) === undefined;
  const isEmpty = mode === undefined && period === undefined && eventHold === undefined;
  if (isEmptyHold || isAlone || isEmpty) throw new S3Error("MalformedXML");
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(period === undefined ? {} : { period }),
    ...(eventHold === undefined ? {} : { eventHold }),
  };
}

function describeDefault({ mode, period, eventHold }: DefaultLock): DefaultRetention {
  return {
    Mode: mode,
    ...(period && describePeriod(period)),
    DefaultEventHold: eventHold && describePeriod(eventHold),
  };
}
