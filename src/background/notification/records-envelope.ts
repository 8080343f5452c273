// Events as S3 tells them to queues, topics and functions: "Event message structure" of the User Guide.
// Since version 2.4 one version holds for all kinds of events; 2.5 added tags that AWS gives to buckets,
// which there are none of here.

import type { ChangeRecord } from "../../objects/records/change-record.ts";
import { eventNameOf } from "../../objects/notification-events.ts";
import type { NotificationDetails } from "../../objects/notification-rules.ts";

const eventVersion = "2.5";
const schemaVersion = "1.0";

export function recordsEnvelope(change: ChangeRecord, region: string): string {
  return JSON.stringify({ Records: [recordOf(change, region)] });
}

/** Name without `s3:`, as records have it. */
export function recordedEventName({ event }: ChangeRecord): string {
  return (eventNameOf(event) ?? event).replace(/^s3:/, "");
}

function recordOf(change: ChangeRecord, region: string): Readonly<Record<string, unknown>> {
  const details = detailsOf(change);
  return {
    eventVersion,
    eventSource: "aws:s3",
    awsRegion: region,
    eventTime: new Date(change.timeMilliseconds).toISOString(),
    eventName: recordedEventName(change),
    userIdentity: { principalId: change.principalId },
    requestParameters: { sourceIPAddress: change.sourceAddress },
    responseElements: {
      "x-amz-request-id": change.requestId,
      "x-amz-id-2": change.hostId,
    },
    s3: {
      s3SchemaVersion: schemaVersion,
      configurationId: details.configurationId ?? "",
      bucket: {
        name: change.bucketName,
        ownerIdentity: { principalId: change.bucketOwnerId },
        arn: `arn:aws:s3:::${change.bucketName}`,
      },
      object: objectOf(change),
    },
    ...eventData(change, details),
  };
}

/** What events tell of an object beside its key. */
export interface ObjectFacts {
  readonly size?: number;
  readonly etag?: string;
  readonly versionId?: string;
  readonly sequencer?: string;
}

/** The MD5 of nothing, which S3 shows as the ETag of delete markers. */
const emptyMd5 = "d41d8cd98f00b204e9800998ecf8427e";

/**
 * Of what is deleted S3 names neither size nor ETag; a sequencer have those that make and delete ("Event
 * message structure").
 */
export function objectFactsOf(change: ChangeRecord): ObjectFacts {
  const { event, sizeBytes, etag, versionId, sequencer } = change;
  const isOrdered = /^(?:ObjectCreated|ObjectRemoved|LifecycleExpiration):/.test(event);
  return {
    ...objectStateOf(event, sizeBytes, etag),
    ...(versionId === undefined ? {} : { versionId }),
    ...(isOrdered ? { sequencer } : {}),
  };
}

function objectStateOf(
  event: ChangeRecord["event"],
  size: number | undefined,
  etag: string | undefined,
): ObjectFacts {
  if (event.endsWith(":DeleteMarkerCreated")) return { etag: emptyMd5 };
  if (event === "ObjectRemoved:Delete" || event === "LifecycleExpiration:Delete") return {};
  return {
    ...(size === undefined ? {} : { size }),
    ...(etag === undefined ? {} : { etag }),
  };
}

function objectOf(change: ChangeRecord): Readonly<Record<string, unknown>> {
  const { size, etag, versionId, sequencer } = objectFactsOf(change);
  // `undefined` does not reach the text.
  return { key: encodeKey(change.key), size, eTag: etag, versionId, sequencer };
}

/** Nothing in it is encoded. */
const plainKey = /^[\w.*/-]*$/;

/** As a form encodes it, but for slashes: "red flower.jpg" becomes "red+flower.jpg". */
export function encodeKey(key: string): string {
  if (plainKey.test(key)) return key;
  return encodeURIComponent(key)
    .replaceAll("%20", "+")
    .replaceAll("%2F", "/")
    .replaceAll(
      /[!'()~]/g,
      (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
    );
}

export function detailsOf({ details }: ChangeRecord): NotificationDetails {
  // What the route of notifications put there.
  return (details ?? { envelope: "records" }) as unknown as NotificationDetails;
}

function eventData(
  { event, replication }: ChangeRecord,
  { storageClass, restoreExpiryMilliseconds, accessTier }: NotificationDetails,
): Readonly<Record<string, unknown>> {
  if (event === "ObjectRestore:Completed" && restoreExpiryMilliseconds !== undefined) {
    return {
      glacierEventData: {
        restoreEventData: {
          lifecycleRestorationExpiryTime: new Date(restoreExpiryMilliseconds).toISOString(),
          lifecycleRestoreStorageClass: storageClass ?? "GLACIER",
        },
      },
    };
  }
  if (event === "LifecycleTransition") {
    return {
      lifecycleEventData: { transitionEventData: { destinationStorageClass: storageClass } },
    };
  }
  if (event === "IntelligentTiering") {
    return { intelligentTieringEventData: { destinationAccessTier: accessTier } };
  }
  if (replication === undefined) return {};
  return {
    replicationEventData: {
      replicationRuleId: replication.ruleId,
      destinationBucket: replication.destinationBucket,
      s3Operation: replication.operation,
      requestTime: new Date(replication.requestMilliseconds).toISOString(),
      ...(replication.failureReason === undefined
        ? {}
        : { failureReason: replication.failureReason }),
      // The guide names no units; RTC's threshold is told in minutes, what a replication took in seconds.
      ...(replication.thresholdMilliseconds === undefined
        ? {}
        : { threshold: String(Math.round(replication.thresholdMilliseconds / 60_000)) }),
      ...(replication.replicationMilliseconds === undefined
        ? {}
        : { replicationTime: String(Math.round(replication.replicationMilliseconds / 1000)) }),
    },
  };
}
