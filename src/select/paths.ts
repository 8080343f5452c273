// How names find members: without quotation marks whatever their case, and then only if there is one.

import { S3Error } from "../model/errors.ts";
import type { Name, PathStep, SourceStep } from "./syntax.ts";
import { isList, Structure, type Value } from "./values.ts";

export function memberMatches(member: string, { text, isQuoted }: Name): boolean {
  if (member === text) return true;
  if (isQuoted || member.length !== text.length) return false;
  return member.toLowerCase() === text.toLowerCase();
}

/** Throws S3Error AmbiguousFieldName; -1: there is none. */
export function findName(names: readonly string[], name: Name): number {
  let found = -1;
  for (let index = 0; index < names.length; index += 1) {
    const candidate = names[index] as string;
    if (!memberMatches(candidate, name)) continue;
    if (found >= 0 && names[found] !== candidate) throw new S3Error("AmbiguousFieldName");
    if (found < 0) found = index;
  }
  return found;
}

export function memberOf(value: Value, name: Name): Value {
  if (!(value instanceof Structure)) return undefined;
  const index = findName(value.names, name);
  return index < 0 ? undefined : value.values[index];
}

export function follow(value: Value, steps: readonly PathStep[]): Value {
  let current = value;
  for (const step of steps) {
    if (step.kind === "name") current = memberOf(current, step.name);
    else current = isList(current) ? current[step.index] : undefined;
    if (current === undefined) return undefined;
  }
  return current;
}

/** All that the steps of a FROM clause mean: at least one, which is MISSING where they lead nowhere. */
export function expand(value: Value, steps: readonly SourceStep[], level = 0): readonly Value[] {
  const step = steps[level];
  if (step === undefined) return [value];
  if (step.kind === "name" || step.kind === "index") {
    const next = follow(value, [step]);
    return next === undefined ? [undefined] : expand(next, steps, level + 1);
  }
  let many: readonly Value[] = [];
  if (step.kind === "elements" && isList(value)) many = value;
  if (step.kind === "members" && value instanceof Structure) many = value.values;
  return many.length === 0 ? [undefined] : many.flatMap((each) => expand(each, steps, level + 1));
}
