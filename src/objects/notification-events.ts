// The events that notifications speak of: S3's names, which of them a configured name stands for, and
// what EventBridge calls them.

import { enumerations } from "../model/types.generated.ts";
import type { ChangeEvent } from "./records/change-record.ts";

const wildcard = ":*";

/** Names that a configuration may give: `s3:ObjectCreated:*`, `s3:ObjectCreated:Put`. */
export const configurableEvents: readonly string[] = enumerations.Event;

/** The events that a configured name stands for, without wildcards. */
export function eventsOf(name: string): readonly string[] {
  if (!name.endsWith(wildcard)) return [name];
  const family = name.slice(0, -1);
  return configurableEvents.filter((each) => each.startsWith(family) && !each.endsWith(wildcard));
}

const namesOfChanges: ReadonlyMap<string, string> = new Map([
  ...configurableEvents.map((name) => [name.replace(/^s3:/, ""), name] as const),
  ["ObjectLock:Retention", "s3:ObjectRetention:Put"],
]);

/** The name that S3 announces a change by, with `s3:`; `undefined` for changes that are no events. */
export function eventNameOf(event: ChangeEvent): string | undefined {
  return namesOfChanges.get(event);
}

/** How EventBridge tells an event: `detail-type` and what depends on it. */
export interface EventBridgeKind {
  readonly detailType: string;
  readonly reason?: string;
  readonly deletionType?: string;
}

const permanently = "Permanently Deleted";
const byMarker = "Delete Marker Created";
const lifecycleExpiration = "Lifecycle Expiration";

/**
 * User Guide, "Using EventBridge": these are sent, and there is nothing to choose. Replication has no
 * place there.
 */
const eventBridgeKinds: Readonly<Partial<Record<ChangeEvent, EventBridgeKind>>> = {
  "ObjectCreated:Put": { detailType: "Object Created", reason: "PutObject" },
  "ObjectCreated:Post": { detailType: "Object Created", reason: "POST Object" },
  "ObjectCreated:Copy": { detailType: "Object Created", reason: "CopyObject" },
  "ObjectCreated:CompleteMultipartUpload": {
    detailType: "Object Created",
    reason: "CompleteMultipartUpload",
  },
  "ObjectRemoved:Delete": {
    detailType: "Object Deleted",
    reason: "DeleteObject",
    deletionType: permanently,
  },
  "ObjectRemoved:DeleteMarkerCreated": {
    detailType: "Object Deleted",
    reason: "DeleteObject",
    deletionType: byMarker,
  },
  "LifecycleExpiration:Delete": {
    detailType: "Object Deleted",
    reason: lifecycleExpiration,
    deletionType: permanently,
  },
  "LifecycleExpiration:DeleteMarkerCreated": {
    detailType: "Object Deleted",
    reason: lifecycleExpiration,
    deletionType: byMarker,
  },
  LifecycleTransition: { detailType: "Object Storage Class Changed" },
  IntelligentTiering: { detailType: "Object Access Tier Changed" },
  "ObjectRestore:Post": { detailType: "Object Restore Initiated" },
  "ObjectRestore:Completed": { detailType: "Object Restore Completed" },
  "ObjectRestore:Delete": { detailType: "Object Restore Expired" },
  "ObjectAcl:Put": { detailType: "Object ACL Updated" },
  "ObjectTagging:Put": { detailType: "Object Tags Added" },
  "ObjectTagging:Delete": { detailType: "Object Tags Deleted" },
};

export function eventBridgeKindOf(event: ChangeEvent): EventBridgeKind | undefined {
  return eventBridgeKinds[event];
}
