// The only file that builds or takes apart keys of the key-value store: one table of keyspaces.

import { assert } from "../../base/assert.ts";
import type { BlobId, WriterId } from "../../storage/blob/blob-store.ts";
import type { KeyRange, TuplePart } from "../../storage/key-value/tuple.ts";
import {
  bytePrefixRange,
  decodeTuple,
  encodeSeparator,
  encodeTuple,
  keyAfter,
  keyPastBytePrefix,
  prefixRange,
} from "../../storage/key-value/tuple.ts";
import type { BucketId, ContentId, Sequence } from "../identifiers.ts";
import type { AccessUnit } from "./analytics-record.ts";

/** The first part of every key. Numbers are stored: never change or re-use one. */
const space = {
  store: 1,
  writer: 2,
  garbage: 3,
  reference: 4,
  usage: 5,
  lockClock: 6,
  bucket: 10,
  /** bucket, key → the live current version */
  current: 11,
  /** bucket, key → the delete marker that is the newest version */
  marker: 12,
  /** bucket, key, inverted sequence → older versions, newest first */
  version: 13,
  /** bucket, key → sequence of the null version when it is an older one */
  nullVersion: 14,
  inline: 15,
  layout: 16,
  /** bucket, key, time of initiation, upload id */
  upload: 17,
  part: 18,
  /** bucket, document id → a configuration of the bucket */
  document: 19,
  /** account → its own settings of S3 */
  accountSettings: 20,
  /** upload id → bytes of its parts, while it is in progress */
  uploadBytes: 21,
  /** feed, sequence of the change, random id → the change; or feed → a queue of changes */
  change: 22,
  /** feed → number of its rows */
  feedSize: 23,
  /** worker's name → its lease and what it did last */
  worker: 24,
  /** bucket, key, sequence, name → an annotation of that version */
  annotation: 25,
  /** ARN or pattern of destination buckets → an endpoint that has them */
  replicationTarget: 30,
  /** bucket → how far the worker of lifecycle rules has come */
  lifecycleState: 35,
  /** bucket, configuration → how far its reports are */
  inventoryState: 36,
  /** bucket, configuration → a report that was asked for */
  inventoryRequest: 37,
  /** bucket, configuration → how far its analysis is */
  analyticsState: 38,
  /** bucket, configuration, day → what was found out on this day */
  analyticsDay: 39,
  /** bucket, configuration, day, storage class, age group, unit → what was accessed */
  analyticsCount: 33,
  /** feed, key → why and until when changes of the key wait */
  replicationHold: 70,
  /** feed, key, sequence of the change, id → a change that waits */
  replicationHeld: 71,
  /** feed, time, key → nothing: keys that wait by the time of the next attempt */
  replicationDue: 72,
  /** feed → number of changes that wait */
  replicationHeldSize: 73,
  /** feed → how far existing objects have been looked through */
  replicationResync: 74,
  /** queue, time, bucket, key, sequence → a version that a worker has to look at then */
  due: 31,
  /** ARN or pattern → where notifications for it go */
  notificationDestination: 32,
  // 40 to 59 belong to access/identities, 60 to 69 to keys/.
} as const;

/** Of rows in the keyspace `due`. */
export type DueQueue = "restore" | "tiering";

/** What a counter of accesses is of. */
export interface AnalyticsCountPlace {
  /** Of the configuration. */
  readonly id: string;
  readonly day: number;
  readonly storageClass: string;
  readonly group: number;
  readonly unit: AccessUnit;
}

const invert = (sequence: Sequence): number => Number.MAX_SAFE_INTEGER - sequence;

export const keys = {
  due: (
    queue: DueQueue,
    at: {
      readonly dueMilliseconds: number;
      readonly bucket: BucketId;
      readonly key: string;
      readonly sequence: Sequence;
    },
  ) => encodeTuple([space.due, queue, at.dueMilliseconds, at.bucket, at.key, at.sequence]),
  store: () => encodeTuple([space.store]),
  writer: (id: WriterId) => encodeTuple([space.writer, id]),
  garbage: (id: ContentId) => encodeTuple([space.garbage, id]),
  reference: (blob: BlobId) => encodeTuple([space.reference, blob]),
  usageObjects: (bucket: BucketId) => encodeTuple([space.usage, bucket, "objects"]),
  usageBytes: (bucket: BucketId) => encodeTuple([space.usage, bucket, "bytes"]),
  /** Of every storage class but STANDARD. */
  usageOfClass: (bucket: BucketId, storageClass: string, unit: "objects" | "bytes") =>
    encodeTuple([space.usage, bucket, "class", storageClass, unit]),
  /** Bytes of the parts of all uploads in progress. */
  usagePending: (bucket: BucketId) => encodeTuple([space.usage, bucket, "pending"]),
  uploadBytes: (uploadId: string) => encodeTuple([space.uploadBytes, uploadId]),
  lockClock: () => encodeTuple([space.lockClock]),
  bucket: (name: string) => encodeTuple([space.bucket, name]),
  current: (bucket: BucketId, key: string) => encodeTuple([space.current, bucket, key]),
  marker: (bucket: BucketId, key: string) => encodeTuple([space.marker, bucket, key]),
  version: (bucket: BucketId, key: string, sequence: Sequence) =>
    encodeTuple([space.version, bucket, key, invert(sequence)]),
  nullVersion: (bucket: BucketId, key: string) => encodeTuple([space.nullVersion, bucket, key]),
  inline: (id: ContentId) => encodeTuple([space.inline, id]),
  layout: (id: ContentId) => encodeTuple([space.layout, id]),
  annotation: (bucket: BucketId, key: string, sequence: Sequence, name: string) =>
    encodeTuple([space.annotation, bucket, key, sequence, name]),
  upload: (bucket: BucketId, key: string, initiated: Sequence, uploadId: string) =>
    encodeTuple([space.upload, bucket, key, initiated, uploadId]),
  document: (bucket: BucketId, id: string) => encodeTuple([space.document, bucket, id]),
  accountSettings: (accountId: string) => encodeTuple([space.accountSettings, accountId]),
  replicationTarget: (bucketArn: string) => encodeTuple([space.replicationTarget, bucketArn]),
  replicationHold: (feed: string, key: string) => encodeTuple([space.replicationHold, feed, key]),
  replicationHeld: (feed: string, key: string, sequence: Sequence, rowId: string) =>
    encodeTuple([space.replicationHeld, feed, key, sequence, rowId]),
  replicationDue: (feed: string, dueMilliseconds: number, key: string) =>
    encodeTuple([space.replicationDue, feed, dueMilliseconds, key]),
  replicationHeldSize: (feed: string) => encodeTuple([space.replicationHeldSize, feed]),
  replicationResync: (feed: string) => encodeTuple([space.replicationResync, feed]),
  notificationDestination: (arn: string) => encodeTuple([space.notificationDestination, arn]),
  part: (uploadId: string, number: number) => encodeTuple([space.part, uploadId, number]),
  change: (feed: string, sequence: Sequence, rowId: string) =>
    encodeTuple([space.change, feed, sequence, rowId]),
  /** A feed that is a queue. */
  feed: (feed: string) => encodeTuple([space.change, feed]),
  feedSize: (feed: string) => encodeTuple([space.feedSize, feed]),
  worker: (name: string) => encodeTuple([space.worker, name]),
  lifecycleState: (bucket: BucketId) => encodeTuple([space.lifecycleState, bucket]),
  inventoryState: (bucket: BucketId, id: string) => encodeTuple([space.inventoryState, bucket, id]),
  inventoryRequest: (bucket: BucketId, id: string) =>
    encodeTuple([space.inventoryRequest, bucket, id]),
  analyticsState: (bucket: BucketId, id: string) => encodeTuple([space.analyticsState, bucket, id]),
  analyticsDay: (bucket: BucketId, id: string, day: number) =>
    encodeTuple([space.analyticsDay, bucket, id, day]),
  analyticsCount: (bucket: BucketId, place: AnalyticsCountPlace) =>
    encodeTuple([
      space.analyticsCount,
      bucket,
      place.id,
      place.day,
      place.storageClass,
      place.group,
      place.unit,
    ]),
};

/** Where the scan of a listing begins. */
type From = { readonly afterKey: string } | { readonly afterPrefix: string } | undefined;

export const ranges = {
  /** Rows up to a time, all without one, after a row that was read. */
  due: (queue: DueQueue, until: number | undefined, after: Uint8Array | undefined): KeyRange => {
    const all = prefixRange([space.due, queue]);
    return {
      start: after === undefined ? all.start : keyAfter(after),
      end: until === undefined ? all.end : prefixRange([space.due, queue, until]).end,
    };
  },
  writers: () => prefixRange([space.writer]),
  garbage: () => prefixRange([space.garbage]),
  references: () => prefixRange([space.reference]),
  inline: () => prefixRange([space.inline]),
  layouts: () => prefixRange([space.layout]),
  usage: () => prefixRange([space.usage]),
  usageOfClasses: (bucket: BucketId) => prefixRange([space.usage, bucket, "class"]),
  allParts: () => prefixRange([space.part]),
  replicationHeld: (feed: string, key: string) => prefixRange([space.replicationHeld, feed, key]),
  /** Keys whose time has come. */
  replicationDue: (feed: string, nowMilliseconds: number): KeyRange => ({
    start: prefixRange([space.replicationDue, feed]).start,
    end: encodeTuple([space.replicationDue, feed, nowMilliseconds + 1]),
  }),
  replicationHeldSizes: () => prefixRange([space.replicationHeldSize]),
  replicationResyncs: () => prefixRange([space.replicationResync]),
  replicationTargets: () => prefixRange([space.replicationTarget]),
  notificationDestinations: () => prefixRange([space.notificationDestination]),
  // Of all buckets, also of such as are gone: for walks that look for what should not be there.
  allCurrent: () => prefixRange([space.current]),
  allMarkers: () => prefixRange([space.marker]),
  allVersions: () => prefixRange([space.version]),
  allNullVersions: () => prefixRange([space.nullVersion]),
  allUploads: () => prefixRange([space.upload]),
  allAnnotations: () => prefixRange([space.annotation]),
  /** Of one version: those whose names begin with `prefix`, after the name `after`. */
  annotations: (
    bucket: BucketId,
    key: string,
    sequence: Sequence,
    { prefix = "", after }: { readonly prefix?: string; readonly after?: string | undefined } = {},
  ) =>
    scan(
      [space.annotation, bucket, key, sequence],
      prefix,
      after === undefined ? undefined : { afterKey: after },
    ),
  allDocuments: () => prefixRange([space.document]),
  lifecycleStates: () => prefixRange([space.lifecycleState]),
  inventoryStates: () => prefixRange([space.inventoryState]),
  inventoryRequests: () => prefixRange([space.inventoryRequest]),
  analyticsStates: () => prefixRange([space.analyticsState]),
  allAnalyticsCounts: () => prefixRange([space.analyticsCount]),
  analyticsDays: (bucket: BucketId, id: string) => prefixRange([space.analyticsDay, bucket, id]),
  /** Days before `day`. */
  analyticsDaysUntil: (bucket: BucketId, id: string, day: number): KeyRange => ({
    start: prefixRange([space.analyticsDay, bucket, id]).start,
    end: encodeTuple([space.analyticsDay, bucket, id, day]),
  }),
  /** Of days from `day` on. */
  analyticsCountsFrom: (bucket: BucketId, id: string, day: number): KeyRange => ({
    start: encodeTuple([space.analyticsCount, bucket, id, day]),
    end: prefixRange([space.analyticsCount, bucket, id]).end,
  }),
  analyticsCountsOfDay: (bucket: BucketId, id: string, day: number) =>
    prefixRange([space.analyticsCount, bucket, id, day]),
  /** Buckets whose names begin with `prefix`, after the name `after`. */
  buckets: (prefix: string, after: string | undefined) =>
    scan([space.bucket], prefix, after === undefined ? undefined : { afterKey: after }),
  current: (bucket: BucketId) => prefixRange([space.current, bucket]),
  markers: (bucket: BucketId) => prefixRange([space.marker, bucket]),
  versions: (bucket: BucketId) => prefixRange([space.version, bucket]),
  nullVersions: (bucket: BucketId) => prefixRange([space.nullVersion, bucket]),
  uploads: (bucket: BucketId) => prefixRange([space.upload, bucket]),
  versionsOfKey: (bucket: BucketId, key: string) => prefixRange([space.version, bucket, key]),
  currentFrom: (bucket: BucketId, prefix: string, from: From) =>
    scan([space.current, bucket], prefix, from),
  /** What makes a grouped read of `currentFrom` out of a listing's prefix and delimiter. */
  currentGroups: (bucket: BucketId, prefix: string, delimiter: string) => ({
    offset: bytePrefixRange([space.current, bucket], prefix).start.length,
    separator: encodeSeparator(delimiter),
  }),
  /** Bytes before the object key in keys of the keyspaces `current`, `marker` and `version`. */
  placeOffset: (bucket: BucketId) => prefixRange([space.current, bucket]).start.length,
  markersFrom: (bucket: BucketId, prefix: string, from: From) =>
    scan([space.marker, bucket], prefix, from),
  versionsFrom: (bucket: BucketId, prefix: string, from: From) =>
    scan([space.version, bucket], prefix, from),
  uploadsFrom: (bucket: BucketId, prefix: string, from: From) =>
    scan([space.upload, bucket], prefix, from),
  /** Versions of `key` that are older than `sequence`, then those of later keys. */
  versionsAfter: (bucket: BucketId, prefix: string, key: string, sequence: Sequence): KeyRange => ({
    start: keyAfter(keys.version(bucket, key, sequence)),
    end: bytePrefixRange([space.version, bucket], prefix).end,
  }),
  /** Uploads of `key` that were initiated after the given one, then those of later keys. */
  uploadsAfter: (
    bucket: BucketId,
    prefix: string,
    key: string,
    after: { readonly sequence: Sequence; readonly uploadId: string },
  ): KeyRange => ({
    start: keyAfter(keys.upload(bucket, key, after.sequence, after.uploadId)),
    end: bytePrefixRange([space.upload, bucket], prefix).end,
  }),
  changes: (feed: string) => prefixRange([space.change, feed]),
  /** Changes with a smaller sequence. */
  changesUntil: (feed: string, sequence: Sequence): KeyRange => ({
    start: prefixRange([space.change, feed]).start,
    end: encodeTuple([space.change, feed, sequence]),
  }),
  /** Feeds whose names begin with `prefix`. */
  feedSizes: (prefix: string) => bytePrefixRange([space.feedSize], prefix),
  workers: () => prefixRange([space.worker]),
  parts: (uploadId: string, after: number): KeyRange => ({
    start: keys.part(uploadId, after + 1),
    end: prefixRange([space.part, uploadId]).end,
  }),
};

/** The feed in a key of the keyspaces `feedSize` and `replicationHeldSize`. */
export function feedOf(key: Uint8Array): string {
  return text(decodeTuple(key)[1]);
}

/** The name in a key of the keyspace `worker`. */
export function workerNameOf(key: Uint8Array): string {
  return text(decodeTuple(key)[1]);
}

/** Bucket and configuration of the keyspaces `inventoryState` and `inventoryRequest`. */
export function inventoryPlaceOf(key: Uint8Array): string {
  const parts = decodeTuple(key);
  return `${text(parts[1])}/${text(parts[2])}`;
}

/** Bucket and configuration of the keyspaces of analyses. */
export function analyticsOwnerOf(key: Uint8Array): {
  readonly bucket: BucketId;
  readonly id: string;
} {
  const parts = decodeTuple(key);
  return { bucket: text(parts[1]) as BucketId, id: text(parts[2]) }; // as it was made
}

export function analyticsCountPlaceOf(key: Uint8Array): AnalyticsCountPlace {
  const parts = decodeTuple(key);
  return {
    id: text(parts[2]),
    day: integer(parts[3]),
    storageClass: text(parts[4]),
    group: integer(parts[5]),
    unit: text(parts[6]) as AccessUnit, // as it was made
  };
}

export function dueTimeOf(key: Uint8Array): number {
  return integer(decodeTuple(key)[2]);
}

export function bucketNameOf(key: Uint8Array): string {
  return text(decodeTuple(key)[1]);
}

/** The bucket in a key of the keyspaces that hold versions, uploads and usage. */
export function bucketIdOf(key: Uint8Array): BucketId {
  return text(decodeTuple(key)[1]) as BucketId;
}

/** Of a key that `usageOfClass` makes. */
export function classUsageOf(key: Uint8Array): {
  readonly storageClass: string;
  readonly unit: "objects" | "bytes";
} {
  const parts = decodeTuple(key);
  return { storageClass: text(parts[3]), unit: text(parts[4]) as "objects" | "bytes" };
}

/** The object key in a key of the keyspaces `current`, `marker` and `nullVersion`. */
export function objectKeyOf(key: Uint8Array): string {
  return text(decodeTuple(key)[2]);
}

/** The object key in a key of the keyspace `replicationDue`. */
export function dueKeyOf(key: Uint8Array): string {
  return text(decodeTuple(key)[3]);
}

export function versionPlaceOf(key: Uint8Array): {
  readonly key: string;
  readonly sequence: Sequence;
} {
  const parts = decodeTuple(key);
  return { key: text(parts[2]), sequence: invert(integer(parts[3])) };
}

/** The sequence, which is never a small integer, is the last nine bytes of such a key. */
const sequencePartBytes = 9;

/** Whether two keys of the keyspace `version` are of one object key, without taking them apart. */
export function areOfOneObject(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false;
  // Keys that lie side by side differ near their ends.
  for (let at = a.byteLength - sequencePartBytes - 1; at >= 0; at -= 1) {
    if (a[at] !== b[at]) return false;
  }
  return true;
}

export function annotationPlaceOf(key: Uint8Array): {
  readonly bucket: BucketId;
  readonly key: string;
  readonly sequence: Sequence;
  readonly name: string;
} {
  const parts = decodeTuple(key);
  return {
    bucket: text(parts[1]) as BucketId, // as it was made
    key: text(parts[2]),
    sequence: integer(parts[3]),
    name: text(parts[4]),
  };
}

export function uploadPlaceOf(key: Uint8Array): {
  readonly key: string;
  readonly sequence: Sequence;
  readonly uploadId: string;
} {
  const parts = decodeTuple(key);
  return { key: text(parts[2]), sequence: integer(parts[3]), uploadId: text(parts[4]) };
}

export function partPlaceOf(key: Uint8Array): {
  readonly uploadId: string;
  readonly number: number;
} {
  const parts = decodeTuple(key);
  return { uploadId: text(parts[1]), number: integer(parts[2]) };
}

/**
 * The identifier in a key of the keyspaces `inline`, `layout`, `reference`, `garbage`, `usage`,
 * `lifecycleState`.
 */
export function identifierOf(key: Uint8Array): string {
  return text(decodeTuple(key)[1]);
}

/** Keys under `parts` whose next part begins with `prefix`, from a position on. */
function scan(parts: readonly TuplePart[], prefix: string, from: From): KeyRange {
  const range = bytePrefixRange(parts, prefix);
  if (from === undefined) return range;
  const start =
    "afterPrefix" in from
      ? keyPastBytePrefix(parts, from.afterPrefix)
      : prefixRange([...parts, from.afterKey]).end;
  // A position outside the prefix: before it changes nothing, behind it leaves nothing.
  if (Buffer.compare(start, range.start) <= 0) return range;
  return Buffer.compare(start, range.end) >= 0
    ? { start: range.end, end: range.end }
    : { start, end: range.end };
}

function text(part: ReturnType<typeof decodeTuple>[number] | undefined): string {
  assert(part instanceof Uint8Array, "key part is not a byte string");
  return Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString("utf8");
}

function integer(part: ReturnType<typeof decodeTuple>[number] | undefined): number {
  assert(typeof part === "number", "key part is not an integer");
  return part;
}
