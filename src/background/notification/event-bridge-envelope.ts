// Events as S3 tells them to EventBridge: "EventBridge event message structure" of the User Guide. Keys
// stand there as they are.

import type { ChangeRecord } from "../../objects/records/change-record.ts";
import { eventBridgeKindOf } from "../../objects/notification-events.ts";
import { detailsOf, objectFactsOf } from "./records-envelope.ts";

export interface EventBridgeEvent {
  readonly version: "0";
  readonly id: string;
  readonly "detail-type": string;
  readonly source: string;
  readonly account: string;
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

export function eventBridgeEnvelope(
  change: ChangeRecord,
  { id, region }: { readonly id: string; readonly region: string },
): string {
  return JSON.stringify(eventOf(change, id, region));
}

function eventOf(change: ChangeRecord, id: string, region: string): EventBridgeEvent {
  const kind = eventBridgeKindOf(change.event);
  return {
    version: "0",
    id,
    "detail-type": kind?.detailType ?? change.event,
    source: "aws.s3",
    account: change.bucketOwnerAccountId,
    // Without fractions of a second, as in the guide.
    time: withoutFraction(change.timeMilliseconds),
    region,
    resources: [`arn:aws:s3:::${change.bucketName}`],
    detail: {
      version: "0",
      bucket: { name: change.bucketName },
      object: objectOf(change),
      "request-id": change.requestId,
      requester: requesterOf(change),
      ...(isService(change.principalId) ? {} : { "source-ip-address": change.sourceAddress }),
      ...(kind?.reason === undefined ? {} : { reason: kind.reason }),
      ...(kind?.deletionType === undefined ? {} : { "deletion-type": kind.deletionType }),
      ...eventFields(change),
    },
  };
}

function objectOf(change: ChangeRecord): Readonly<Record<string, unknown>> {
  const { size, etag, versionId, sequencer } = objectFactsOf(change);
  // `undefined` does not reach the text.
  return { key: change.key, size, etag, "version-id": versionId, sequencer };
}

/** An account, or the service that acted of itself. */
function requesterOf({ principalId, accountId }: ChangeRecord): string {
  return isService(principalId) ? principalId : (accountId ?? "anonymous");
}

function isService(principalId: string): boolean {
  return principalId.endsWith(".amazonaws.com");
}

function eventFields(change: ChangeRecord): Readonly<Record<string, unknown>> {
  const { storageClass, restoreExpiryMilliseconds, accessTier } = detailsOf(change);
  switch (change.event) {
    case "ObjectRestore:Post":
      return { "source-storage-class": storageClass };
    case "ObjectRestore:Completed":
      return {
        ...(restoreExpiryMilliseconds === undefined
          ? {}
          : { "restore-expiry-time": withoutFraction(restoreExpiryMilliseconds) }),
        "source-storage-class": storageClass,
      };
    case "LifecycleTransition":
      return { "destination-storage-class": storageClass };
    case "IntelligentTiering":
      return { "destination-access-tier": accessTier };
    default:
      return {};
  }
}

function withoutFraction(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
}
