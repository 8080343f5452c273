// Restorations of archived objects reach those who want to hear of them, with what belongs to them.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ManualClock } from "../../src/app.ts";
import { NotificationReceiver } from "./notification-receiver.ts";
import { startTestServer } from "./test-server.ts";

const queue = "arn:aws:sqs:us-east-1:123456789012:archives";
const hour = 3_600_000;
const clock = new ManualClock(Date.parse("2026-03-10T10:30:00Z"));
const receiver = await new NotificationReceiver().start();
const bus = await new NotificationReceiver().start();
after(() => receiver[Symbol.asyncDispose]());
after(() => bus[Symbol.asyncDispose]());
const server = await startTestServer({
  clock,
  storage: { restoreSeconds: { GLACIER: { Standard: 3600 } } },
  provisioning: {
    notifications: {
      [queue]: { kind: "webhook", url: receiver.url },
      "arn:aws:events:*:*:event-bus/default": { kind: "webhook", url: bus.url },
    },
  },
});

function now() {
  return server.client({ systemClockOffset: clock.now() - Date.now() });
}

interface Told {
  readonly eventName: string;
  readonly glacierEventData?: unknown;
  readonly userIdentity: { readonly principalId: string };
}

test("a restoration is told when it begins, when it is done and when its copy ends", async () => {
  const Bucket = server.newBucketName();
  await now().createBucket({ Bucket });
  await now().putBucketNotificationConfiguration({
    Bucket,
    NotificationConfiguration: {
      QueueConfigurations: [{ QueueArn: queue, Events: ["s3:ObjectRestore:*"] }],
      EventBridgeConfiguration: {},
    },
  });
  receiver.requests.length = 0;
  const Key = "key";
  await now().putObject({ Bucket, Key, Body: "cold", StorageClass: "GLACIER" });
  await now().restoreObject({ Bucket, Key, RestoreRequest: { Days: 1 } });
  await receiver.waitForRecords(1);
  clock.advance(hour);
  await server.server.runWorker("restore");
  await receiver.waitForRecords(2);
  clock.set(Date.parse("2026-03-12T00:00:00Z"));
  await server.server.runWorker("restore");
  // What the route of notifications adds is not in the receiver's type.
  const told = (await receiver.waitForRecords(3)) as readonly unknown[] as readonly Told[];
  assert.deepEqual(
    told.map(({ eventName }) => eventName),
    ["ObjectRestore:Post", "ObjectRestore:Completed", "ObjectRestore:Delete"],
  );
  assert.deepEqual(told[1]?.glacierEventData, {
    restoreEventData: {
      lifecycleRestorationExpiryTime: "2026-03-12T00:00:00.000Z",
      lifecycleRestoreStorageClass: "GLACIER",
    },
  });
  assert.equal(told[0]?.userIdentity.principalId, server.server.accountId);
  assert.equal(told[1]?.userIdentity.principalId, "s3.amazonaws.com");
  const events = (await bus.waitFor(4)).map(
    ({ body }) => JSON.parse(body) as { "detail-type": string; detail: Record<string, unknown> },
  );
  assert.deepEqual(
    events.map((event) => event["detail-type"]),
    [
      "Object Created",
      "Object Restore Initiated",
      "Object Restore Completed",
      "Object Restore Expired",
    ],
  );
  assert.equal(events[1]?.detail["source-storage-class"], "GLACIER");
  assert.equal(events[2]?.detail["restore-expiry-time"], "2026-03-12T00:00:00Z");
  assert.equal(events[2]?.detail["requester"], "s3.amazonaws.com");
});
