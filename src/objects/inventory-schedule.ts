// When reports of an inventory are due. S3 says "within 48 hours" for the first one, then daily, or "every
// Sunday (UTC time zone) after the initial report" (Guide, "Amazon S3 Inventory"). Here the first one comes
// at the first midnight, UTC, after the configuration was found.

import type { InventoryConfiguration } from "../model/types.generated.ts";
import type { InventoryStateRecord } from "./records/inventory-state-record.ts";

const dayMilliseconds = 86_400_000;
/** Of the epoch's first Sunday: it began on a Thursday. */
const firstSunday = 3;

export function dayOf(milliseconds: number): number {
  return Math.floor(milliseconds / dayMilliseconds);
}

export function isReportDue(
  { IsEnabled, Schedule }: InventoryConfiguration,
  { day, hasReported }: Pick<InventoryStateRecord, "day" | "hasReported">,
  nowMilliseconds: number,
): boolean {
  const today = dayOf(nowMilliseconds);
  if (!IsEnabled || today <= day) return false;
  if (Schedule.Frequency === "Daily" || hasReported !== true) return true;
  return weekOf(today) > weekOf(day);
}

function weekOf(day: number): number {
  return Math.floor((day - firstSunday) / 7);
}
