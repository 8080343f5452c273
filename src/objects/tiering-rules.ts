// Intelligent-Tiering: which tier an object belongs to after how long without an access, and what a bucket's
// configurations may say of it. Pure rules.

import { S3Error } from "../model/errors.ts";
import type {
  IntelligentTieringConfiguration,
  IntelligentTieringFilter,
  Tag,
  Tiering as TieringMember,
} from "../model/types.generated.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import { archiveTierOf, type ArchiveTier } from "./archives.ts";
import { setDueRow, type DueVersion } from "./due-rows.ts";
import type { AccessTier } from "./records/archive-record.ts";
import type { ObjectRecord } from "./records/object-record.ts";

export const dayMilliseconds = 86_400_000;

/** "Objects smaller than 128 KB are not monitored" (Guide, "How S3 Intelligent-Tiering works"). */
const smallestBytes = 128 * 1024;
const infrequentDays = 30;
const instantArchiveDays = 90;
const smallestDays: Readonly<Record<ArchiveTier, number>> = {
  ARCHIVE_ACCESS: 90,
  DEEP_ARCHIVE_ACCESS: 180,
};
const largestDays = 730;

/** After how many days without an access an object is archived. Absent: never. */
export type ArchiveDays = Readonly<Partial<Record<ArchiveTier, number>>>;

/** Whether an object moves between tiers at all. */
export function isMonitored({ attributes, sizeBytes }: ObjectRecord): boolean {
  return attributes.storageClass === "INTELLIGENT_TIERING" && sizeBytes >= smallestBytes;
}

/** Within a day of the last access; without one, the creation. */
export function lastAccessOf({ tiering, lastModifiedMilliseconds }: ObjectRecord): number {
  return tiering?.accessedMilliseconds ?? lastModifiedMilliseconds;
}

/**
 * The tier for a monitored object; `undefined`: frequent access. What was archived comes back only by a
 * restoration, whatever the configuration says by now.
 */
export function tierFor(
  record: ObjectRecord,
  nowMilliseconds: number,
  { ARCHIVE_ACCESS: archiveDays, DEEP_ARCHIVE_ACCESS: deepDays }: ArchiveDays,
): AccessTier | undefined {
  const days = (nowMilliseconds - lastAccessOf(record)) / dayMilliseconds;
  const archived = archiveTierOf(record.tiering?.tier);
  if (archived === "DEEP_ARCHIVE_ACCESS") return archived;
  if (deepDays !== undefined && days >= deepDays) return "DEEP_ARCHIVE_ACCESS";
  if (archived !== undefined) return archived;
  if (archiveDays !== undefined && days >= archiveDays) return "ARCHIVE_ACCESS";
  if (days >= instantArchiveDays) return "ARCHIVE_INSTANT_ACCESS";
  return days >= infrequentDays ? "INFREQUENT_ACCESS" : undefined;
}

/**
 * When to look at an object again: when the next tier is due, and daily where only a configuration, which
 * may be put any time, can move it on. `undefined`: never, nothing is deeper.
 */
export function nextLook(
  record: ObjectRecord,
  nowMilliseconds: number,
  archiveDays: ArchiveDays,
): number | undefined {
  if (record.tiering?.tier === "DEEP_ARCHIVE_ACCESS") return undefined;
  const ends = [infrequentDays, instantArchiveDays, ...Object.values(archiveDays)]
    .map((days) => lastAccessOf(record) + days * dayMilliseconds)
    .filter((end) => end > nowMilliseconds);
  // Past 90 days any configuration may name a day that is over already. Whole days from the access: so
  // that two rows of one version fall together.
  const days = (nowMilliseconds - lastAccessOf(record)) / dayMilliseconds;
  if (days < instantArchiveDays) return Math.min(...ends);
  const daily = lastAccessOf(record) + (Math.floor(days) + 1) * dayMilliseconds;
  return Math.min(daily, ...ends);
}

/** In the commit that brings an object into the class, or back to frequent access. */
export function scheduleTiering(transaction: Transaction, version: DueVersion): void {
  const { record } = version;
  if (!isMonitored(record)) return;
  const due = lastAccessOf(record) + infrequentDays * dayMilliseconds;
  setDueRow(transaction, "tiering", due, version);
}

/** Throws S3Error MalformedXML, InvalidArgument. */
export function checkTierings(tierings: readonly TieringMember[]): void {
  const seen = new Map<ArchiveTier, number>();
  for (const { AccessTier: tier, Days: days } of tierings) {
    if (seen.has(tier)) throw new S3Error("MalformedXML");
    // Seen of the service: github.com/aws-cloudformation/cfn-lint/issues/3992.
    if (days < smallestDays[tier]) {
      throw invalidDays(
        days,
        `Days specified in ${tier} tier should not be less than ${smallestDays[tier]}`,
      );
    }
    if (days > largestDays) {
      throw invalidDays(
        days,
        `Days specified in ${tier} tier should not be greater than ${largestDays}`,
      );
    }
    seen.set(tier, days);
  }
  if (seen.size === 0) throw new S3Error("MalformedXML");
  const archive = seen.get("ARCHIVE_ACCESS");
  const deep = seen.get("DEEP_ARCHIVE_ACCESS");
  // "You must specify a greater number of days for the Deep Archive Access tier" (Guide, "Enabling
  // S3 Intelligent-Tiering Archive Access and Deep Archive Access tiers").
  if (archive !== undefined && deep !== undefined && deep <= archive) {
    throw invalidDays(
      deep,
      "Days specified in DEEP_ARCHIVE_ACCESS tier should be greater than those in ARCHIVE_ACCESS tier",
    );
  }
}

/** A filter has one kind of predicate; of And at least two. Throws S3Error MalformedXML. */
export function checkTieringFilter(filter: IntelligentTieringFilter): void {
  const { Prefix: prefix, Tag: tag, And: and } = filter;
  const kinds = [prefix, tag, and].filter((kind) => kind !== undefined);
  if (kinds.length > 1) throw new S3Error("MalformedXML");
  if (and === undefined) return;
  const { Prefix: andPrefix, Tags: tags = [] } = and;
  if ((andPrefix === undefined ? 0 : 1) + tags.length < 2) throw new S3Error("MalformedXML");
}

export function tagsOfTieringFilter({
  Tag: tag,
  And: and,
}: IntelligentTieringFilter): readonly Tag[] {
  return tag === undefined ? (and?.Tags ?? []) : [tag];
}

/** What a bucket's configurations together say of one object: of each tier the fewest days. */
export function archiveDaysFor(
  configurations: readonly IntelligentTieringConfiguration[],
  key: string,
  record: ObjectRecord,
): ArchiveDays {
  const fewest: Partial<Record<ArchiveTier, number>> = {};
  for (const { Status: status, Tierings: tierings, Filter: filter } of configurations) {
    if (status !== "Enabled" || !isMet(filter, key, record)) continue;
    for (const { AccessTier: tier, Days: days } of tierings) {
      fewest[tier] = Math.min(fewest[tier] ?? days, days);
    }
  }
  return fewest;
}

function isMet(
  filter: IntelligentTieringFilter | undefined,
  key: string,
  { attributes }: ObjectRecord,
): boolean {
  if (filter === undefined) return true;
  if (!key.startsWith(filter.Prefix ?? filter.And?.Prefix ?? "")) return false;
  const tags = attributes.tags ?? [];
  return tagsOfTieringFilter(filter).every(({ Key, Value }) =>
    tags.some(([name, value]) => name === Key && value === Value),
  );
}

/** What a bucket's document of the kind `intelligent-tiering/<id>` holds. */
export function formatTieringConfiguration(configuration: IntelligentTieringConfiguration): string {
  return JSON.stringify({ v: 1, configuration });
}

export function parseTieringConfiguration(text: string): IntelligentTieringConfiguration {
  return (JSON.parse(text) as { readonly configuration: IntelligentTieringConfiguration })
    .configuration;
}

function invalidDays(days: number, message: string): S3Error {
  return new S3Error("InvalidArgument", {
    message,
    fields: { ArgumentName: "Days", ArgumentValue: days },
  });
}
