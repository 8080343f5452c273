// A bucket's analytics configurations: what may be put, how it is kept, and which objects a filter means.

import { S3Error } from "../model/errors.ts";
import type { AnalyticsConfiguration, AnalyticsFilter, Tag } from "../model/types.generated.ts";
import { checkDestination } from "./delivery-destination.ts";

/** The first part of the kind of a bucket's documents. */
export const analyticsKind = "analytics";

/**
 * Throws S3Error. The decoder has checked what the model says: what must be there, and the enumerations
 * (`V_1`, `CSV`). A filter is a prefix, a tag, or a conjunction of at least two of them (Reference,
 * AnalyticsFilter).
 */
export function checkAnalyticsConfiguration(configuration: AnalyticsConfiguration): void {
  const { Filter: filter, StorageClassAnalysis: analysis } = configuration;
  if (filter !== undefined) checkFilter(filter);
  const destination = analysis.DataExport?.Destination.S3BucketDestination;
  if (destination === undefined) return;
  checkDestination({
    arn: destination.Bucket,
    accountId: destination.BucketAccountId,
    prefix: destination.Prefix,
  });
}

function checkFilter(filter: AnalyticsFilter): void {
  const { Prefix: prefix, Tag: tag, And: and } = filter;
  if ([prefix, tag, and].filter((kind) => kind !== undefined).length !== 1) {
    throw new S3Error("MalformedXML");
  }
  if (and === undefined) return;
  const predicates = (and.Prefix === undefined ? 0 : 1) + (and.Tags?.length ?? 0);
  if (predicates < 2) throw new S3Error("MalformedXML");
}

/** The tags that a filter asks for. */
export function tagsOfAnalyticsFilter({ Tag: tag, And: and }: AnalyticsFilter): readonly Tag[] {
  return tag === undefined ? (and?.Tags ?? []) : [tag];
}

/** The prefix that a filter asks for; without one every key has it. */
export function prefixOfAnalyticsFilter(filter: AnalyticsFilter | undefined): string {
  return filter?.Prefix ?? filter?.And?.Prefix ?? "";
}

/** What a bucket's document of the kind `analytics/<id>` holds. */
export function formatAnalyticsConfiguration(configuration: AnalyticsConfiguration): string {
  return JSON.stringify({ v: 1, configuration });
}

export function parseAnalyticsConfiguration(text: string): AnalyticsConfiguration {
  return (JSON.parse(text) as { readonly configuration: AnalyticsConfiguration }).configuration;
}
