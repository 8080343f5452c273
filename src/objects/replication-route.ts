// The route of the change log by which changes reach the worker `replication`: one feed for each bucket
// and destination. It leaves the version PENDING in the commit that makes the change.

import { changeRoute, type ObjectChange, type Routed } from "./change-log.ts";
import type { BucketId } from "./identifiers.ts";
import { isDeleteMarker, type VersionRecord } from "./records/object-record.ts";
import {
  compileReplication,
  destinationsOfChange,
  destinationsOfNew,
  pendingState,
  type ReplicationRules,
  type ReplicationSubject,
} from "./replication-rules.ts";

const feedPrefix = "replication/";

export const replicationRoute = changeRoute({
  document: "replication",
  parse: compileReplication,
  route: routeReplication,
});

export function replicationFeed(bucketId: BucketId, bucketArn: string): string {
  return `${feedPrefix}${bucketId}/${bucketArn}`;
}

/** Of all buckets, or of one. */
export function replicationFeedPrefix(bucketId?: BucketId): string {
  return bucketId === undefined ? feedPrefix : `${feedPrefix}${bucketId}/`;
}

export function parseReplicationFeed(feed: string): {
  readonly bucketId: BucketId;
  readonly bucketArn: string;
} {
  const [, bucketId = "", ...arn] = feed.split("/");
  return { bucketId: bucketId as BucketId, bucketArn: arn.join("/") };
}

export function subjectOf(key: string, record: VersionRecord): ReplicationSubject {
  if (isDeleteMarker(record)) {
    return { key, isDeleteMarker: true, tags: [], encryption: undefined, storageClass: undefined };
  }
  const { attributes, encryption } = record;
  return {
    key,
    isDeleteMarker: false,
    tags: attributes.tags ?? [],
    encryption: encryption?.kind,
    storageClass: attributes.storageClass,
  };
}

function routeReplication(rules: ReplicationRules, change: ObjectChange): Routed | undefined {
  const { bucket, record } = change;
  const destinations = [...destinationsOf(rules, change)];
  if (destinations.length === 0) return undefined;
  return {
    feeds: destinations.map((bucketArn) => ({ feed: replicationFeed(bucket.id, bucketArn) })),
    record: { ...record, replication: pendingState(record.replication, destinations) },
  };
}

function destinationsOf(rules: ReplicationRules, change: ObjectChange): Iterable<string> {
  const { key, cause, record } = change;
  // What replication itself has done goes no further: two buckets may replicate to each other.
  if (cause.isReplication === true) return [];
  const { event } = cause;
  const subject = subjectOf(key, record);
  const isNew = event.startsWith("ObjectCreated:") || event === "ObjectRemoved:DeleteMarkerCreated";
  if (isNew) return destinationsOfNew(rules, subject).keys();
  const isChange =
    event.startsWith("ObjectTagging:") ||
    event.startsWith("ObjectAnnotation:") ||
    event.startsWith("ObjectLock:") ||
    event === "ObjectAcl:Put";
  // Deletions of versions are never replicated, nor what lifecycle rules do ("What isn't replicated",
  // User Guide).
  if (!isChange || isDeleteMarker(record)) return [];
  return destinationsOfChange(rules, record.replication, subject).keys();
}
