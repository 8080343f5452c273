// When a KMS key gets new material by itself.

import type { KmsKeyRecord } from "./key-records.ts";

export const millisecondsPerDay = 86_400_000;

/** `undefined`: never. The period begins anew with each rotation by itself. */
export function nextRotationOf({ rotation, materials }: KmsKeyRecord): number | undefined {
  if (rotation === undefined) return undefined;
  const { periodDays, sinceMilliseconds } = rotation;
  const automatic = materials.filter((material) => material.rotation === "AUTOMATIC");
  const last = Math.max(sinceMilliseconds, automatic.at(-1)?.createdMilliseconds ?? 0);
  return last + periodDays * millisecondsPerDay;
}

/** A key that cannot be used is not rotated either. */
export function isRotationDue(record: KmsKeyRecord, nowMilliseconds: number): boolean {
  const next = nextRotationOf(record);
  return next !== undefined && record.state === "Enabled" && nowMilliseconds >= next;
}
