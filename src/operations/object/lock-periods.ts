// Periods of object lock in documents: days or years, never both.

import { S3Error } from "../../model/errors.ts";
import type { EventHoldDuration } from "../../model/types.generated.ts";
import type { LockPeriod } from "../../objects/records/lock-record.ts";

/** Guide, "Managing Object Lock": the longest period is 100 years. */
const longest = { Days: 36_500, Years: 100 };

/** Throws S3Error MalformedXML for both units, InvalidArgument for numbers out of range. */
export function readPeriod(duration: EventHoldDuration): LockPeriod | undefined {
  const { Days: days, Years: years } = duration;
  if (days !== undefined && years !== undefined) throw new S3Error("MalformedXML");
  if (days !== undefined) return { days: checkPeriod("Days", days) };
  return years === undefined ? undefined : { years: checkPeriod("Years", years) };
}

// Both seen on the service: github.com/versity/versitygw/issues/1738 and pull/2195.
function checkPeriod(unit: "Days" | "Years", count: number): number {
  if (count >= 1 && count <= longest[unit]) return count;
  throw new S3Error("InvalidArgument", {
    message:
      count < 1
        ? "Default retention period must be a positive integer value."
        : "Default retention period is too large.",
    fields: { ArgumentName: unit, ArgumentValue: count },
  });
}
