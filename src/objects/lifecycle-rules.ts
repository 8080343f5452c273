// What a bucket's lifecycle rules make of a version, a delete marker or an upload, and when. Pure rules:
// the worker acts on them, and the headers that announce an end come from the same.

import type { LifecycleRule } from "../model/types.generated.ts";
import type { TransitionMinimumSize } from "./lifecycle-document.ts";
import { endOfDays, latestBeginning, type LifecycleMoment } from "./lifecycle-days.ts";
import { mayTransition, preferenceOf } from "./storage-class-order.ts";

/** One rule that is enabled, in the form that decides fast. */
export interface ActiveRule {
  readonly id: string;
  readonly prefix: string;
  readonly tags: readonly (readonly [key: string, value: string])[];
  /** Exclusive. */
  readonly sizeAboveBytes: number | undefined;
  readonly sizeBelowBytes: number | undefined;
  readonly expiration: When | undefined;
  readonly cleansMarkers: boolean;
  readonly transitions: readonly (When & { readonly storageClass: string })[];
  readonly noncurrentExpiration: NoncurrentWhen | undefined;
  readonly noncurrentTransitions: readonly (NoncurrentWhen & { readonly storageClass: string })[];
  readonly abortAfterDays: number | undefined;
}

/** So many days after a beginning, or from a date on. */
export type When = { readonly days: number } | { readonly dateMilliseconds: number };

export interface NoncurrentWhen {
  readonly days: number;
  /** How many newer noncurrent versions are kept. */
  readonly newerVersions: number;
}

/** The rules of a bucket that can act. */
export interface ActiveLifecycle {
  readonly rules: readonly ActiveRule[];
  readonly minimumSize: TransitionMinimumSize;
}

/** What rules look at. Of a delete marker: no tags, and no bytes. */
export interface VersionFacts {
  readonly key: string;
  readonly sizeBytes: number;
  readonly tags: readonly (readonly [key: string, value: string])[] | undefined;
  readonly storageClass: string;
  readonly lastModifiedMilliseconds: number;
}

/** What a noncurrent version's place in the key's history adds. */
export interface NoncurrentPlace {
  /** When its successor came. */
  readonly sinceMilliseconds: number;
  /** How many noncurrent versions are newer. */
  readonly newerVersions: number;
}

export type LifecycleAction =
  | { readonly kind: "expire"; readonly ruleId: string }
  | { readonly kind: "transition"; readonly ruleId: string; readonly storageClass: string };

export function activeRules(rules: readonly LifecycleRule[]): readonly ActiveRule[] {
  return rules.filter((rule) => rule.Status === "Enabled").map(toActive);
}

function toActive(rule: LifecycleRule): ActiveRule {
  const { Filter: filter = {}, Expiration: expiration } = rule;
  const { Prefix, ObjectSizeGreaterThan, ObjectSizeLessThan } = filter.And ?? filter;
  const tags = [...(filter.And?.Tags ?? []), ...(filter.Tag === undefined ? [] : [filter.Tag])];
  const noncurrent = rule.NoncurrentVersionExpiration;
  return {
    id: rule.ID ?? "",
    prefix: rule.Prefix ?? Prefix ?? "",
    tags: tags.map((tag) => [tag.Key, tag.Value] as const),
    sizeAboveBytes: ObjectSizeGreaterThan,
    sizeBelowBytes: ObjectSizeLessThan,
    expiration: expiration && whenOf(expiration.Days, expiration.Date),
    cleansMarkers: expiration?.ExpiredObjectDeleteMarker === true,
    transitions: (rule.Transitions ?? []).flatMap(({ Days, Date: date, StorageClass }) => {
      const when = whenOf(Days, date);
      if (when === undefined || StorageClass === undefined) return [];
      return [{ ...when, storageClass: StorageClass }];
    }),
    noncurrentExpiration: noncurrent && {
      days: noncurrent.NoncurrentDays ?? 0,
      newerVersions: noncurrent.NewerNoncurrentVersions ?? 0,
    },
    noncurrentTransitions: (rule.NoncurrentVersionTransitions ?? []).map((each) => ({
      days: each.NoncurrentDays ?? 0,
      newerVersions: each.NewerNoncurrentVersions ?? 0,
      storageClass: each.StorageClass ?? "",
    })),
    abortAfterDays: rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation,
  };
}

function whenOf(days: number | undefined, date: Date | undefined): When | undefined {
  if (days !== undefined) return { days };
  return date === undefined ? undefined : { dateMilliseconds: date.getTime() };
}

export interface Due {
  readonly atMilliseconds: number;
  readonly ruleId: string;
}

/**
 * When a current version ends: "if two expiration policies overlap, the shorter expiration policy is
 * honored" (Guide, "How Amazon S3 handles conflicts"). Of equals the rule that was listed first.
 */
export function findExpiration(
  { rules }: ActiveLifecycle,
  facts: VersionFacts,
  days: LifecycleMoment["days"],
): Due | undefined {
  let first: Due | undefined;
  for (const rule of rules) {
    if (rule.expiration === undefined || !matches(rule, facts)) continue;
    const atMilliseconds = dueTime(rule.expiration, facts.lastModifiedMilliseconds, days);
    if (first === undefined || atMilliseconds < first.atMilliseconds) {
      first = { atMilliseconds, ruleId: rule.id };
    }
  }
  return first;
}

/** When an upload that nobody completes is aborted. */
export function findAbortion(
  { rules }: ActiveLifecycle,
  upload: { readonly key: string; readonly initiatedMilliseconds: number },
  days: LifecycleMoment["days"],
): Due | undefined {
  let first: Due | undefined;
  for (const { abortAfterDays, prefix, id } of rules) {
    if (abortAfterDays === undefined || !upload.key.startsWith(prefix)) continue;
    const atMilliseconds = endOfDays(upload.initiatedMilliseconds, abortAfterDays, days);
    if (first === undefined || atMilliseconds < first.atMilliseconds) {
      first = { atMilliseconds, ruleId: id };
    }
  }
  return first;
}

/**
 * What is due for a current version. "Permanent deletion takes precedence over transition. Transition
 * takes precedence over creation of delete markers" (Guide, ibid.). `isDeleted`: its end is for good, and
 * not a delete marker.
 */
export function currentAction(
  lifecycle: ActiveLifecycle,
  facts: VersionFacts,
  moment: LifecycleMoment,
  options: { readonly isDeleted: boolean },
): LifecycleAction | undefined {
  const end = findExpiration(lifecycle, facts, moment.days);
  const isOver = end !== undefined && end.atMilliseconds <= moment.nowMilliseconds;
  const expire = isOver ? ({ kind: "expire", ruleId: end.ruleId } as const) : undefined;
  if (expire !== undefined && options.isDeleted) return expire;
  return findTransition(lifecycle, facts, (rule) => dueTransitions(rule, facts, moment)) ?? expire;
}

function* dueTransitions(
  rule: ActiveRule,
  facts: VersionFacts,
  { days, nowMilliseconds }: LifecycleMoment,
): Generator<string> {
  for (const transition of rule.transitions) {
    const at = dueTime(transition, facts.lastModifiedMilliseconds, days);
    if (at <= nowMilliseconds) yield transition.storageClass;
  }
}

/**
 * What is due for a version that is no longer current, which may be a delete marker. "Both the
 * NoncurrentDays and the NewerNoncurrentVersions values must be exceeded" (Guide, "Lifecycle
 * configuration elements"): that many newer noncurrent versions are there, and the days are over.
 */
export function noncurrentAction(
  lifecycle: ActiveLifecycle,
  facts: VersionFacts,
  place: NoncurrentPlace,
  moment: LifecycleMoment,
): LifecycleAction | undefined {
  const isDue = (when: NoncurrentWhen): boolean =>
    place.newerVersions >= when.newerVersions &&
    endOfDays(place.sinceMilliseconds, when.days, moment.days) <= moment.nowMilliseconds;
  for (const rule of lifecycle.rules) {
    const { noncurrentExpiration: end } = rule;
    if (end !== undefined && isDue(end) && matches(rule, facts)) {
      return { kind: "expire", ruleId: rule.id };
    }
  }
  return findTransition(lifecycle, facts, (rule) =>
    rule.noncurrentTransitions.filter(isDue).map((each) => each.storageClass),
  );
}

/**
 * The rule that takes away a delete marker that is all that is left of its key: one that cleans markers,
 * at once, or one whose days the marker has lasted (Guide, "Lifecycle configuration elements": with
 * `Days`, "Amazon S3 automatically performs ExpiredObjectDeleteMarker cleanup").
 */
export function markerAction(
  { rules }: ActiveLifecycle,
  marker: VersionFacts,
  { days, nowMilliseconds }: LifecycleMoment,
): LifecycleAction | undefined {
  for (const rule of rules) {
    if (!matches(rule, marker)) continue;
    const { expiration, cleansMarkers, id } = rule;
    const isOver =
      expiration !== undefined &&
      dueTime(expiration, marker.lastModifiedMilliseconds, days) <= nowMilliseconds;
    if (cleansMarkers || isOver) return { kind: "expire", ruleId: id };
  }
  return undefined;
}

/** The cheapest class among those that are due, if it is one that the object may still go to. */
function findTransition(
  { rules, minimumSize }: ActiveLifecycle,
  facts: VersionFacts,
  dueClasses: (rule: ActiveRule) => Iterable<string>,
): LifecycleAction | undefined {
  let best: (LifecycleAction & { readonly kind: "transition" }) | undefined;
  for (const rule of rules) {
    if (!matches(rule, facts)) continue;
    for (const storageClass of dueClasses(rule)) {
      if (!mayTransition(facts.storageClass, storageClass)) continue;
      if (!isLargeEnough(rule, facts, storageClass, minimumSize)) continue;
      if (best !== undefined && preferenceOf(best.storageClass) >= preferenceOf(storageClass)) {
        continue;
      }
      best = { kind: "transition", ruleId: rule.id, storageClass };
    }
  }
  return best;
}

const smallObjectBytes = 128 * 1024;
const archives: ReadonlySet<string> = new Set(["GLACIER", "DEEP_ARCHIVE"]);

/** Guide, "Transitioning objects": a size in the rule's own filter outranks the bucket's default. */
function isLargeEnough(
  rule: ActiveRule,
  { sizeBytes }: VersionFacts,
  storageClass: string,
  minimumSize: TransitionMinimumSize,
): boolean {
  if (sizeBytes >= smallObjectBytes) return true;
  if ((rule.sizeAboveBytes ?? rule.sizeBelowBytes) !== undefined) return true;
  return minimumSize === "varies_by_storage_class" && archives.has(storageClass);
}

function matches(rule: ActiveRule, facts: VersionFacts): boolean {
  if (!facts.key.startsWith(rule.prefix)) return false;
  const { sizeAboveBytes, sizeBelowBytes } = rule;
  if (sizeAboveBytes !== undefined && facts.sizeBytes <= sizeAboveBytes) return false;
  if (sizeBelowBytes !== undefined && facts.sizeBytes >= sizeBelowBytes) return false;
  for (const [key, value] of rule.tags) {
    const isThere = facts.tags?.some((tag) => tag[0] === key && tag[1] === value) === true;
    if (!isThere) return false;
  }
  return true;
}

function dueTime(when: When, sinceMilliseconds: number, days: LifecycleMoment["days"]): number {
  return "days" in when ? endOfDays(sinceMilliseconds, when.days, days) : when.dateMilliseconds;
}

/** What a walk over a bucket has to look at. */
export interface WalkPlan {
  /** Where rules with such actions apply; none is a prefix of another. */
  readonly prefixes: readonly string[];
  /** Nothing is due for what was made later than this. */
  readonly latestMilliseconds: number;
  /** Nothing is due for what has no tag at all. */
  readonly needsTags: boolean;
  /** Nothing is due for a noncurrent version with fewer newer ones. */
  readonly fewestNewerVersions: number;
}

export type WalkKind = "current" | "noncurrent" | "marker" | "upload";

/** `undefined`: nothing can be due. */
export function planWalk(
  { rules }: ActiveLifecycle,
  kind: WalkKind,
  moment: LifecycleMoment,
): WalkPlan | undefined {
  const prefixes: string[] = [];
  let latestMilliseconds = Number.NEGATIVE_INFINITY;
  let fewestNewerVersions = Number.POSITIVE_INFINITY;
  let needsTags = true;
  for (const rule of rules) {
    const latest = latestOf(rule, kind, moment);
    if (latest === undefined) continue;
    prefixes.push(rule.prefix);
    latestMilliseconds = Math.max(latestMilliseconds, latest);
    needsTags &&= rule.tags.length > 0;
    for (const each of noncurrentActions(rule)) {
      fewestNewerVersions = Math.min(fewestNewerVersions, each.newerVersions);
    }
  }
  if (prefixes.length === 0) return undefined;
  return {
    prefixes: withoutNested(prefixes),
    latestMilliseconds,
    needsTags,
    fewestNewerVersions,
  };
}

function noncurrentActions({
  noncurrentExpiration: end,
  noncurrentTransitions,
}: ActiveRule): readonly NoncurrentWhen[] {
  return end === undefined ? noncurrentTransitions : [end, ...noncurrentTransitions];
}

/** The youngest that a rule may act upon; `undefined`: it does not act. */
function latestOf(rule: ActiveRule, kind: WalkKind, moment: LifecycleMoment): number | undefined {
  const times: number[] = [];
  const add = (when: When): void => {
    if ("days" in when) times.push(latestBeginning(when.days, moment));
    else if (when.dateMilliseconds <= moment.nowMilliseconds) times.push(Number.POSITIVE_INFINITY);
  };
  if ((kind === "current" || kind === "marker") && rule.expiration !== undefined) {
    add(rule.expiration);
  }
  if (kind === "current") for (const each of rule.transitions) add(each);
  if (kind === "noncurrent") for (const each of noncurrentActions(rule)) add(each);
  if (kind === "marker" && rule.cleansMarkers) times.push(Number.POSITIVE_INFINITY);
  if (kind === "upload" && rule.abortAfterDays !== undefined) add({ days: rule.abortAfterDays });
  return times.length === 0 ? undefined : Math.max(...times);
}

function withoutNested(prefixes: readonly string[]): readonly string[] {
  // By bytes, as keys are ordered: a walk goes through them in the order of the store.
  const sorted = [...new Set(prefixes)].toSorted((a, b) =>
    Buffer.compare(Buffer.from(a), Buffer.from(b)),
  );
  const outer: string[] = [];
  for (const prefix of sorted) {
    const last = outer.at(-1);
    if (last === undefined || !prefix.startsWith(last)) outer.push(prefix);
  }
  return outer;
}
