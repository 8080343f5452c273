// The words in which S3 refuses lifecycle configurations, and the checks that several actions share.

import { S3Error } from "../model/errors.ts";
import { newerNoncurrentVersions } from "../model/limits.ts";
import type { LifecycleRule } from "../model/types.generated.ts";

const dayMilliseconds = 86_400_000;

/** Guide, "Lifecycle configuration elements": from 1 to 100. The message is ours. */
export function checkNewerVersions(count: number | undefined, action: string): void {
  const { minimum, maximum } = newerNoncurrentVersions;
  if (count === undefined || (count >= minimum && count <= maximum)) return;
  throw invalidArgument(
    `'NewerNoncurrentVersions' for ${action} action must be an integer between ${minimum} and ${maximum}`,
    "NewerNoncurrentVersions",
    String(count),
  );
}

export function checkMidnight(date: Date | undefined): void {
  if (date === undefined || date.getTime() % dayMilliseconds === 0) return;
  throw invalidArgument("'Date' must be at midnight GMT", "Date", date.toISOString());
}

/** How S3's messages name a rule: `filter '(prefix=a/)'`, or `prefix 'a/'` in the older form. */
export function describeFilter({ Prefix, Filter: filter }: LifecycleRule): string {
  if (filter === undefined) return `prefix '${Prefix ?? ""}'`;
  const { Prefix: prefix, ...others } = filter.And ?? filter;
  const tags = [...(filter.And?.Tags ?? []), ...(filter.Tag === undefined ? [] : [filter.Tag])];
  const parts = [
    ...(prefix !== undefined || countPresent(others) === 0 ? [`prefix=${prefix ?? ""}`] : []),
    ...tags.map((tag) => `tag=${tag.Key}:${tag.Value}`),
  ];
  return `filter '(${parts.join(", ")})'`;
}

export function countPresent(members: object): number {
  return Object.values(members).filter((value) => value !== undefined).length;
}

export function invalidRequest(message: string): S3Error {
  return new S3Error("InvalidRequest", { message });
}

export function invalidArgument(message: string, name: string, value: string): S3Error {
  return new S3Error("InvalidArgument", {
    message,
    fields: { ArgumentName: name, ArgumentValue: value },
  });
}
