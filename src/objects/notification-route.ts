// The route of the change log that notifications go by.

import { archiveTierOf } from "./archives.ts";
import { changeRoute, type ObjectChange } from "./change-log.ts";
import { notificationKind } from "./notification-configuration.ts";
import {
  compileNotification,
  findTargets,
  notificationFeedPrefix,
  type NotificationDetails,
  type NotificationFacts,
} from "./notification-rules.ts";

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

function asDetails(details: NotificationDetails, facts: NotificationFacts): NotificationDetails {
  // The rule's own object stays itself where nothing is added: its text is kept.
  return facts === noFacts ? details : { ...details, ...facts };
}

const noFacts: NotificationFacts = {};

/** What some events tell of the object beside its name. */
function factsOf({ cause, record }: ObjectChange): NotificationFacts {
  if (!("attributes" in record)) return noFacts;
  const { restore, tiering, attributes } = record;
  const { storageClass = "STANDARD" } = attributes;
  switch (cause.event) {
    case "LifecycleTransition":
    case "ObjectRestore:Post":
    case "ObjectRestore:Delete":
      return { storageClass };
    case "ObjectRestore:Completed":
      return {
        storageClass,
        ...(restore?.expiryMilliseconds === undefined
          ? {}
          : { restoreExpiryMilliseconds: restore.expiryMilliseconds }),
      };
    case "IntelligentTiering": {
      const accessTier = archiveTierOf(tiering?.tier);
      return accessTier === undefined ? {} : { accessTier };
    }
    default:
      return noFacts;
  }
}
