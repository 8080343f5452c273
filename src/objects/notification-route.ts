// The route of the change log that notifications go by, and the way in for events that are no changes.

import type { Transaction } from "../storage/key-value/transaction.ts";
import type { BucketDocuments } from "./bucket-documents.ts";
import { changeRoute, type ChangeLog, type ObjectChange } from "./change-log.ts";
import { notificationKind } from "./notification-configuration.ts";
import {
  compileNotification,
  findTargets,
  notificationFeedPrefix,
  type NotificationDetails,
  type NotificationFacts,
} from "./notification-rules.ts";
import type { BucketRecord } from "./records/bucket-record.ts";
import type { ChangeRecord } from "./records/change-record.ts";

export const notificationRoute = changeRoute({
  document: notificationKind,
  parse: compileNotification,
  route(compiled, change) {
    const targets = findTargets(compiled, change.cause.event, change.key);
    if (targets.length === 0) return undefined;
    const facts = factsOf(change);
    return {
      feeds: targets.map(({ arn, details }) => ({
        feed: `${notificationFeedPrefix}${arn}`,
        details: asDetails(details, facts),
      })),
    };
  },
});

/**
 * Tells those who want to hear of it an event that is no change of an object (of replication, say): in the
 * transaction of what caused it. Resolves with whether there is somebody.
 */
export async function announceEvent(
  store: { readonly changes: ChangeLog; readonly documents: BucketDocuments },
  transaction: Transaction,
  bucket: BucketRecord,
  event: { readonly row: ChangeRecord; readonly facts?: NotificationFacts },
): Promise<boolean> {
  const compiled = await store.documents.get(bucket, notificationKind, compileNotification);
  if (compiled === undefined) return false;
  const { row, facts = {} } = event;
  const targets = findTargets(compiled, row.event, row.key);
  for (const { arn, details } of targets) {
    const feed = `${notificationFeedPrefix}${arn}`;
    store.changes.add(transaction, feed, { ...row, details: asDetails(details, facts) });
  }
  return targets.length > 0;
}

function asDetails(
  details: NotificationDetails,
  facts: NotificationFacts,
): NonNullable<ChangeRecord["details"]> {
  return { ...details, ...facts };
}

/** What some events tell of the object beside its name. */
function factsOf({ cause, record }: ObjectChange): NotificationFacts {
  if (!("attributes" in record)) return {};
  const { storageClass = "STANDARD" } = record.attributes;
  switch (cause.event) {
    case "LifecycleTransition":
    case "ObjectRestore:Post":
    case "ObjectRestore:Completed":
    case "ObjectRestore:Delete":
      return { storageClass };
    default:
      return {};
  }
}
