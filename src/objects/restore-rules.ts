// How long restorations take, and how long their copies live: pure rules.

import type { Archive } from "./archives.ts";
import type { RestoreTier } from "./records/archive-record.ts";

/** Seconds from a request to its end, by archive and tier. A tier that is missing is refused. */
export type RestoreDelays = Readonly<
  Record<Archive, Readonly<Partial<Record<RestoreTier, number>>>>
>;

/** What a configuration changes of them: Intelligent-Tiering's archives take as long as the classes. */
export interface RestoreDelayOptions {
  readonly GLACIER?: Readonly<Partial<Record<RestoreTier, number | undefined>>> | undefined;
  readonly DEEP_ARCHIVE?:
    | Readonly<Partial<Record<Exclude<RestoreTier, "Expedited">, number | undefined>>>
    | undefined;
}

/**
 * Short, for who develops against Holdfast. S3's own, where archives are tapes: GLACIER 5 minutes, 5 and
 * 12 hours; DEEP_ARCHIVE 12 and 48 hours.
 */
const defaults = { Expedited: 1, Standard: 5, Bulk: 10 } as const;

export function restoreDelays(options: RestoreDelayOptions = {}): RestoreDelays {
  const { GLACIER: glacier = {}, DEEP_ARCHIVE: deep = {} } = options;
  const shallow = {
    Expedited: glacier.Expedited ?? defaults.Expedited,
    Standard: glacier.Standard ?? defaults.Standard,
    Bulk: glacier.Bulk ?? defaults.Bulk,
  };
  const deepest = {
    Standard: deep.Standard ?? defaults.Standard,
    Bulk: deep.Bulk ?? defaults.Bulk,
  };
  return {
    GLACIER: shallow,
    DEEP_ARCHIVE: deepest,
    ARCHIVE_ACCESS: shallow,
    DEEP_ARCHIVE_ACCESS: deepest,
  };
}

const speeds: readonly RestoreTier[] = ["Bulk", "Standard", "Expedited"];

export function isFaster(tier: RestoreTier, than: RestoreTier): boolean {
  return speeds.indexOf(tier) > speeds.indexOf(than);
}

const dayMilliseconds = 86_400_000;

/**
 * So many days after a moment, "then rounding the resulting time to the next day, midnight UTC" (Guide,
 * "Restoring an archived object"): of October 15, 10:30, and three days October 19, 0:00.
 */
export function expiryOf(fromMilliseconds: number, days: number): number {
  const end = fromMilliseconds + days * dayMilliseconds;
  return Math.ceil(end / dayMilliseconds) * dayMilliseconds;
}
