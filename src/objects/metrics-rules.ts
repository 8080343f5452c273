// A bucket's metrics configurations: what may be put, and which of them a request counts for.

import { S3Error } from "../model/errors.ts";
import type { MetricsConfiguration, MetricsFilter, Tag } from "../model/types.generated.ts";
import type { BucketDocuments } from "./bucket-documents.ts";
import type { BucketRecord } from "./records/bucket-record.ts";

/** What a filter looks at of a request. */
export interface MeteredObject {
  /** Absent: the request is about the bucket itself. */
  readonly key: string | undefined;
  /** As far as a filter looks at them; see `looksAtTags`. */
  readonly tags: readonly (readonly [key: string, value: string])[];
  /** Through which access point the request came; absent: through none. */
  readonly accessPointArn?: string | undefined;
}

/** The metrics configurations of one bucket. */
export interface MetricsRules {
  readonly ids: readonly string[];
  readonly looksAtTags: boolean;
  /** Ids of the configurations that the request counts for. */
  matching(request: MeteredObject): readonly string[];
}

const accessPointArn =
  /^arn:[\w-]+:s3(?:-outposts)?:[a-z\d-]+:\d{12}:(?:accesspoint|outpost)[/:][\w.-]+(?:[/:][\w.-]+)*$/;

/**
 * Throws S3Error MalformedXML: "a filter must be a prefix, an object tag, an access point ARN, or a
 * conjunction", and a conjunction "must have at least two predicates" (Reference, MetricsFilter). An
 * empty prefix is one that every key has.
 */
export function checkMetricsFilter(filter: MetricsFilter): void {
  const { And: and } = filter;
  const kinds = [filter.Prefix, filter.Tag, filter.AccessPointArn, and];
  if (kinds.filter((kind) => kind !== undefined).length !== 1) throw new S3Error("MalformedXML");
  if (and !== undefined) {
    const { Prefix: prefix, AccessPointArn: arn, Tags: tags = [] } = and;
    const single = [prefix, arn].filter((predicate) => predicate !== undefined);
    if (single.length + tags.length < 2) throw new S3Error("MalformedXML");
  }
  const arn = filter.AccessPointArn ?? and?.AccessPointArn;
  if (arn !== undefined && !accessPointArn.test(arn)) throw new S3Error("MalformedXML");
}

/** The tags that a filter asks for. */
export function tagsOfFilter({ Tag: tag, And: and }: MetricsFilter): readonly Tag[] {
  return tag === undefined ? (and?.Tags ?? []) : [tag];
}

export function metricsRulesOf(configurations: readonly MetricsConfiguration[]): MetricsRules {
  return {
    ids: configurations.map(({ Id }) => Id),
    looksAtTags: configurations.some(
      ({ Filter: filter }) => filter !== undefined && tagsOfFilter(filter).length > 0,
    ),
    matching: (request) =>
      configurations.filter(({ Filter: filter }) => isMet(filter, request)).map(({ Id }) => Id),
  };
}

/** `undefined`: the bucket has none, and nothing is read. */
export async function readMetricsRules(
  documents: BucketDocuments,
  bucket: BucketRecord,
): Promise<MetricsRules | undefined> {
  if (bucket.documents === undefined) return undefined;
  const configurations: MetricsConfiguration[] = [];
  for (const id of documents.namesOf(bucket, "metrics")) {
    const found = await documents.get(bucket, `metrics/${id}`, parseMetricsConfiguration);
    if (found !== undefined) configurations.push(found);
  }
  return configurations.length === 0 ? undefined : metricsRulesOf(configurations);
}

/** With a filter only requests for objects count, and of those the ones that meet all of it. */
function isMet(filter: MetricsFilter | undefined, request: MeteredObject): boolean {
  if (filter === undefined) return true;
  if (request.key === undefined) return false;
  const prefix = filter.Prefix ?? filter.And?.Prefix ?? "";
  const arn = filter.AccessPointArn ?? filter.And?.AccessPointArn;
  return (
    request.key.startsWith(prefix) &&
    (arn === undefined || arn === request.accessPointArn) &&
    tagsOfFilter(filter).every(({ Key, Value }) =>
      request.tags.some(([key, value]) => key === Key && value === Value),
    )
  );
}

/** What a bucket's document of the kind `metrics/<id>` holds. */
export function formatMetricsConfiguration(configuration: MetricsConfiguration): string {
  return JSON.stringify({ v: 1, configuration });
}

export function parseMetricsConfiguration(text: string): MetricsConfiguration {
  return (JSON.parse(text) as { readonly configuration: MetricsConfiguration }).configuration;
}
