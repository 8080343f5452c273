// Get- and PutBucketNotificationConfiguration, which serve the deprecated twins without `Configuration` in
// their names too. What the configuration does is done by the change log's route
// (objects/notification-route.ts) and the worker `notification`.

import { S3Error } from "../../model/errors.ts";
import type { NotificationConfiguration, OperationTypes } from "../../model/types.generated.ts";
import {
  checkNotification,
  entriesOf,
  eventBusArnOf,
  formatNotification,
  notificationKind,
  parseNotification,
  type NotificationDestinationKind,
} from "../../objects/notification-configuration.ts";
import type { Operation, OperationContext } from "../operation.ts";

type Get = OperationTypes["GetBucketNotificationConfiguration"];
type Put = OperationTypes["PutBucketNotificationConfiguration"];

export const getBucketNotificationConfiguration: Operation<Get["input"], Get["output"]> = async (
  input,
  { store },
) => {
  const bucket = await store.buckets.get(input.Bucket);
  const kept = await store.documents.get(bucket, notificationKind, parseNotification);
  return kept?.configuration ?? {};
};

/** An empty configuration turns notifications off. Nothing is kept when one destination is wrong. */
export const putBucketNotificationConfiguration: Operation<Put["input"], Put["output"]> = async (
  input,
  context,
) => {
  const { store, region } = context;
  const configuration = checkNotification(input.NotificationConfiguration);
  const bucket = await store.buckets.get(input.Bucket);
  const eventBusArn =
    configuration.EventBridgeConfiguration === undefined
      ? undefined
      : eventBusArnOf(region, bucket.ownerAccountId);
  if (input.SkipDestinationValidation !== true) {
    await checkDestinations(configuration, eventBusArn, { context, bucketName: bucket.name });
  }
  const isEmpty = entriesOf(configuration).length === 0 && eventBusArn === undefined;
  const text = formatNotification({
    configuration,
    ...(eventBusArn === undefined ? {} : { eventBusArn }),
  });
  await store.documents.set(input.Bucket, notificationKind, isEmpty ? undefined : text);
  return {};
};

/** What S3 says of a destination that it does not find, and of one that it cannot publish to. */
const failures: Readonly<
  Record<NotificationDestinationKind, { readonly missing: string; readonly failing: string }>
> = {
  topic: {
    missing: "The destination topic does not exist",
    failing:
      "Permissions on the destination topic do not allow S3 to publish notifications from this bucket",
  },
  queue: {
    missing: "The destination queue does not exist",
    failing:
      "Permissions on the destination queue do not allow S3 to publish notifications from this bucket",
  },
  function: {
    missing: "Not authorized to invoke function",
    failing: "Not authorized to invoke function",
  },
  // S3 always has EventBridge; here it has to be declared.
  "event-bus": {
    missing: "The destination event bus does not exist",
    failing: "The destination event bus does not exist",
  },
};

/**
 * Topics and queues are sent a test message; functions and event buses have to be there. Throws S3Error
 * with every destination that failed, numbered, and `null` behind its ARN, as the service has it (seen in
 * the debug output of the AWS CLI).
 */
async function checkDestinations(
  configuration: NotificationConfiguration,
  eventBusArn: string | undefined,
  { context, bucketName }: { readonly context: OperationContext; readonly bucketName: string },
): Promise<void> {
  const destinations = new Map<string, NotificationDestinationKind>();
  for (const { arn, destination } of entriesOf(configuration)) destinations.set(arn, destination);
  if (eventBusArn !== undefined) destinations.set(eventBusArn, "event-bus");
  const { requestId, hostId, timeMilliseconds } = context.cause("TestEvent");
  const test = { bucketName, requestId, hostId, timeMilliseconds };
  const checked = await Promise.all(
    [...destinations].map(async ([arn, kind]) => {
      const isTested = kind === "topic" || kind === "queue";
      const found = await context.notifications.check(arn, isTested ? test : undefined);
      return { arn, kind, found };
    }),
  );
  const fields: Record<string, string> = {};
  let number = 0;
  for (const { arn, kind, found } of checked) {
    if (found === "ready") continue;
    number += 1;
    const text = failures[kind][found];
    fields[`ArgumentName${number}`] = `${arn}, null`;
    fields[`ArgumentValue${number}`] = kind === "function" ? `${text} [${arn}]` : text;
  }
  if (number === 0) return;
  throw new S3Error("InvalidArgument", {
    message: "Unable to validate the following destination configurations",
    fields,
  });
}
