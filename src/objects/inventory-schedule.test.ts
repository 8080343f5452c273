import assert from "node:assert/strict";
import { test } from "node:test";
import type { InventoryConfiguration } from "../model/types.generated.ts";
import { dayOf, isReportDue } from "./inventory-schedule.ts";

const at = (text: string): number => Date.parse(`${text}Z`);

function configuration(Frequency: "Daily" | "Weekly", IsEnabled = true): InventoryConfiguration {
  return {
    Id: "id",
    IsEnabled,
    IncludedObjectVersions: "Current",
    Schedule: { Frequency },
    Destination: { S3BucketDestination: { Bucket: "arn:aws:s3:::reports", Format: "CSV" } },
  };
}

// 2026-03-05 was a Thursday.
const seen = { day: dayOf(at("2026-03-05T12:00:00")) };

test("the first report is due at the first midnight, whatever the frequency", () => {
  for (const frequency of ["Daily", "Weekly"] as const) {
    assert.equal(isReportDue(configuration(frequency), seen, at("2026-03-05T23:59:59")), false);
    assert.equal(isReportDue(configuration(frequency), seen, at("2026-03-06T00:00:00")), true);
  }
});

test("a daily one is due every day, a weekly one on Sundays", () => {
  const reported = { day: dayOf(at("2026-03-06T00:01:00")), hasReported: true } as const;
  assert.equal(isReportDue(configuration("Daily"), reported, at("2026-03-06T23:00:00")), false);
  assert.equal(isReportDue(configuration("Daily"), reported, at("2026-03-07T00:00:00")), true);
  assert.equal(isReportDue(configuration("Weekly"), reported, at("2026-03-07T23:59:59")), false);
  assert.equal(isReportDue(configuration("Weekly"), reported, at("2026-03-08T00:00:00")), true);
  const onSunday = { day: dayOf(at("2026-03-08T00:01:00")), hasReported: true } as const;
  assert.equal(isReportDue(configuration("Weekly"), onSunday, at("2026-03-14T23:59:59")), false);
  assert.equal(isReportDue(configuration("Weekly"), onSunday, at("2026-03-15T00:00:00")), true);
});

test("one that is off is never due", () => {
  assert.equal(isReportDue(configuration("Daily", false), seen, at("2026-04-01T00:00:00")), false);
});
