// What S3 accepts as the transitions of one lifecycle rule: which class may follow which, after how
// many days, and how that goes together with the rule's expiration.

import type { LifecycleRule } from "../model/types.generated.ts";
import {
  checkMidnight,
  checkNewerVersions,
  describeFilter,
  invalidArgument,
  invalidRequest,
} from "./lifecycle-refusals.ts";
import { coldness, minimumStayDays } from "./storage-class-order.ts";

/** Guide, "Transitioning objects": at least 30 days in STANDARD before these. */
const infrequentAccessDays = 30;
const infrequentAccess: ReadonlySet<string> = new Set(["STANDARD_IA", "ONEZONE_IA"]);

interface Step {
  readonly storageClass: string;
  readonly days: number | undefined;
  readonly date: Date | undefined;
}

/** Throws S3Error. */
export function checkTransitions(rule: LifecycleRule): void {
  const steps = (rule.Transitions ?? []).map(({ StorageClass = "", Days, Date: date }) => ({
    storageClass: StorageClass,
    days: Days,
    date,
  }));
  checkSteps(rule, steps, { action: "Transition", member: "Days" });
  checkUnits(rule, steps);
  checkAgainstExpiration(rule, steps);
  const noncurrent = rule.NoncurrentVersionTransitions ?? [];
  for (const { NewerNoncurrentVersions: newer } of noncurrent) {
    checkNewerVersions(newer, "NoncurrentVersionTransition");
  }
  const noncurrentSteps = noncurrent.map(({ StorageClass = "", NoncurrentDays: days }) => ({
    storageClass: StorageClass,
    days,
    date: undefined,
  }));
  const names = { action: "NoncurrentVersionTransition", member: "NoncurrentDays" };
  checkSteps(rule, noncurrentSteps, names);
  const expiration = rule.NoncurrentVersionExpiration?.NoncurrentDays;
  if (expiration !== undefined && expiration <= largest(noncurrentSteps)) {
    // As go-to-k/cdkd#1426 met it.
    throw invalidArgument(
      "'NoncurrentDays' in the NoncurrentVersionExpiration action must be greater than 'NoncurrentDays' in the NoncurrentVersionTransition action",
      "NoncurrentDays",
      String(expiration),
    );
  }
}

interface Names {
  readonly action: string;
  readonly member: string;
}

function checkSteps(rule: LifecycleRule, steps: readonly Step[], names: Names): void {
  const { action, member } = names;
  for (const { days, date, storageClass } of steps) {
    checkMidnight(date);
    if (days === undefined) continue;
    if (days < 0) {
      throw invalidArgument(
        `'${member}' in ${action} action must be nonnegative`,
        member,
        String(days),
      );
    }
    if (infrequentAccess.has(storageClass) && days < infrequentAccessDays) {
      throw invalidArgument(
        `'${member}' in ${action} action must be greater than or equal to ${infrequentAccessDays} for storageClass '${storageClass}'`,
        member,
        String(days),
      );
    }
  }
  if (new Set(steps.map((step) => step.storageClass)).size !== steps.length) {
    throw invalidRequest(
      `'StorageClass' must be different for '${action}' actions in same 'Rule' with ${describeFilter(rule)}`,
    );
  }
  checkOrder(rule, steps, names);
}

/** A colder class comes later, and not before the time is over for which the warmer one is paid. */
function checkOrder(rule: LifecycleRule, steps: readonly Step[], { action, member }: Names): void {
  const byColdness = steps.toSorted((a, b) => coldness(a.storageClass) - coldness(b.storageClass));
  for (const [index, colder] of byColdness.entries()) {
    const warmer = byColdness[index - 1];
    if (warmer?.days === undefined || colder.days === undefined) continue;
    const stay = minimumStayDays(warmer.storageClass);
    if (colder.days - warmer.days >= stay) continue;
    const filter = describeFilter(rule);
    throw invalidArgument(
      `'${member}' in the '${action}' action for StorageClass '${colder.storageClass}' for ${filter} must be ${stay} days more than '${filter}' in the '${action}' action for StorageClass '${warmer.storageClass}'`,
      member,
      String(colder.days),
    );
  }
}

/** Days and dates do not go together in the actions on current versions. */
function checkUnits(rule: LifecycleRule, steps: readonly Step[]): void {
  if (steps.length === 0) return;
  const usesDays = steps.some((step) => step.days !== undefined);
  const usesDates = steps.some((step) => step.date !== undefined);
  if (usesDays && usesDates) {
    throw invalidRequest(
      `Found mixed 'Date' and 'Days' based Transition actions in lifecycle rule for ${describeFilter(rule)}`,
    );
  }
  const { Days: days, Date: date } = rule.Expiration ?? {};
  if ((usesDates && days !== undefined) || (usesDays && date !== undefined)) {
    throw invalidRequest(
      `Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for ${describeFilter(rule)}`,
    );
  }
}

function checkAgainstExpiration(rule: LifecycleRule, steps: readonly Step[]): void {
  const { Days: days, Date: date } = rule.Expiration ?? {};
  if (days !== undefined && days <= largest(steps)) {
    throw invalidArgument(
      `'Days' in the Expiration action for ${describeFilter(rule)} must be greater than 'Days' in the Transition action`,
      "Days",
      String(days),
    );
  }
  if (date !== undefined && steps.some((step) => step.date !== undefined && step.date >= date)) {
    throw invalidArgument(
      `'Date' in the Expiration action for ${describeFilter(rule)} must be later than 'Date' in the Transition action`,
      "Date",
      date.toISOString(),
    );
  }
}

function largest(steps: readonly Step[]): number {
  return Math.max(Number.NEGATIVE_INFINITY, ...steps.map((step) => step.days ?? -1));
}
