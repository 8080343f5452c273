// What happens to objects reaches those who want to hear of it: once for each change, in order, in S3's
// words, and also when the receiver was away.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { NotificationReceiver, type EventRecord } from "./notification-receiver.ts";
import { patternBytes, setVersioning, smallestPartBytes, startTestServer } from "./test-server.ts";

const queue = "arn:aws:sqs:us-east-1:123456789012:events";
const otherQueue = "arn:aws:sqs:us-east-1:123456789012:others";
const signedQueue = "arn:aws:sqs:us-east-1:123456789012:signed";
const bus = "arn:aws:events:*:*:event-bus/default";
const secret = "a secret of the receiver";

const [receiver, others, signed, busReceiver] = (await Promise.all(
  Array.from({ length: 4 }, () => new NotificationReceiver().start()),
)) as [NotificationReceiver, NotificationReceiver, NotificationReceiver, NotificationReceiver];
const server = await startTestServer({
  provisioning: {
    notifications: {
      [queue]: { kind: "webhook", url: receiver.url },
      [otherQueue]: { kind: "webhook", url: others.url, bearerToken: "token" },
      [signedQueue]: {
        kind: "webhook",
        url: signed.url,
        secret,
        headers: { "x-team": "storage" },
      },
      [bus]: { kind: "webhook", url: busReceiver.url },
    },
  },
});
const { s3, plainS3 } = server;
after(async () => {
  for (const each of [receiver, others, signed, busReceiver]) await each[Symbol.asyncDispose]();
});

async function newBucketWith(Events: readonly string[], QueueArn = queue): Promise<string> {
  const Bucket = await server.newBucket();
  await notify(Bucket, Events, QueueArn);
  return Bucket;
}

async function notify(Bucket: string, Events: readonly string[], QueueArn = queue): Promise<void> {
  await s3.putBucketNotificationConfiguration({
    Bucket,
    NotificationConfiguration: {
      QueueConfigurations: [
        { Id: "rule", QueueArn, Events: [...Events] as "s3:ObjectCreated:*"[] },
      ],
    },
    SkipDestinationValidation: true,
  });
}

/** Of one bucket, as soon as there are so many. */
async function eventsOf(
  Bucket: string,
  count: number,
  from: NotificationReceiver = receiver,
): Promise<readonly EventRecord[]> {
  const ends = Date.now() + 15_000;
  for (;;) {
    const found = from.records().filter(({ s3: { bucket } }) => bucket.name === Bucket);
    if (found.length >= count) return found;
    assert.ok(Date.now() < ends, `${found.length} of ${count} events came in time`);
    await pause(10);
  }
}

describe("notifications", () => {
  test("tell of every way to make and remove an object", async () => {
    const Bucket = await newBucketWith(["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]);
    const answer = await plainS3.putObject({ Bucket, Key: "red flower+.jpg", Body: "petals" });
    await s3.copyObject({ Bucket, Key: "copy", CopySource: `${Bucket}/red%20flower%2B.jpg` });
    const { parts, ...upload } = await server.upload(Bucket, "parts", [
      patternBytes(smallestPartBytes),
      patternBytes(10),
    ]);
    await s3.completeMultipartUpload({ ...upload, MultipartUpload: { Parts: parts } });
    await s3.deleteObject({ Bucket, Key: "copy" });
    const events = await eventsOf(Bucket, 4);
    assert.deepEqual(
      new Set(events.map(({ eventName, s3: { object } }) => `${eventName} ${object.key}`)),
      new Set([
        "ObjectCreated:Put red+flower%2B.jpg",
        "ObjectCreated:Copy copy",
        "ObjectCreated:CompleteMultipartUpload parts",
        "ObjectRemoved:Delete copy",
      ]),
    );
    const made = events.find(({ eventName }) => eventName === "ObjectCreated:Put");
    assert.ok(made !== undefined);
    const { ownerIdentity, ...bucket } = made.s3.bucket;
    assert.match(ownerIdentity.principalId, /^[\da-f]{64}$/);
    assert.deepEqual(bucket, { name: Bucket, arn: `arn:aws:s3:::${Bucket}` });
    assert.equal(made.eventVersion, "2.5");
    assert.equal(made.awsRegion, "us-east-1");
    assert.equal(made.s3.configurationId, "rule");
    assert.equal(made.userIdentity.principalId, server.server.accountId);
    assert.equal(made.requestParameters.sourceIPAddress, "127.0.0.1");
    assert.equal(made.responseElements["x-amz-request-id"], answer.$metadata.requestId);
    assert.equal(made.responseElements["x-amz-id-2"], answer.$metadata.extendedRequestId);
    assert.equal(made.s3.object.size, 6);
    assert.equal(`"${made.s3.object.eTag}"`, answer.ETag);
    assert.equal(made.s3.object.versionId, undefined);
    assert.match(made.s3.object.sequencer ?? "", /^[\dA-F]{16,18}$/);
    const removed = events.find(({ eventName }) => eventName === "ObjectRemoved:Delete");
    assert.equal(removed?.s3.object.size, undefined);
  });

  test("name versions and delete markers", async () => {
    const Bucket = await newBucketWith(["s3:ObjectCreated:Put", "s3:ObjectRemoved:*"]);
    await setVersioning(s3, Bucket, "Enabled");
    const { versionId } = await server.put(Bucket, "key");
    const { VersionId: marker } = await s3.deleteObject({ Bucket, Key: "key" });
    await s3.deleteObject({ Bucket, Key: "key", VersionId: versionId });
    const events = await eventsOf(Bucket, 3);
    assert.deepEqual(
      events.map(({ eventName, s3: { object } }) => [eventName, object.versionId]),
      [
        ["ObjectCreated:Put", versionId],
        ["ObjectRemoved:DeleteMarkerCreated", marker],
        ["ObjectRemoved:Delete", versionId],
      ],
    );
  });

  test("tell of tags, lists and locks only whoever asked for them", async () => {
    const Bucket = await newBucketWith(["s3:ObjectTagging:*"]);
    const Key = "key";
    await server.put(Bucket, Key);
    await s3.putObjectTagging({ Bucket, Key, Tagging: { TagSet: [{ Key: "a", Value: "b" }] } });
    await s3.deleteObjectTagging({ Bucket, Key });
    const events = await eventsOf(Bucket, 2);
    assert.deepEqual(
      events.map(({ eventName }) => eventName),
      ["ObjectTagging:Put", "ObjectTagging:Delete"],
    );
  });

  test("come for the keys of the filter alone", async () => {
    const Bucket = await server.newBucket();
    await s3.putBucketNotificationConfiguration({
      Bucket,
      NotificationConfiguration: {
        QueueConfigurations: [
          {
            QueueArn: queue,
            Events: ["s3:ObjectCreated:*"],
            Filter: {
              Key: {
                FilterRules: [
                  // Special characters are URL-encoded in filters.
                  { Name: "prefix", Value: "a+b%3D/" },
                  { Name: "suffix", Value: ".jpg" },
                ],
              },
            },
          },
        ],
      },
    });
    for (const key of ["a b=/no.png", "other/yes.jpg", "a b=/yes.jpg", "a+b%3D/too.jpg"]) {
      await server.put(Bucket, key);
    }
    const events = await eventsOf(Bucket, 2);
    await pause(200);
    assert.deepEqual(
      (await eventsOf(Bucket, 2)).map(({ s3: { object } }) => object.key),
      ["a+b%3D/yes.jpg", "a%2Bb%253D/too.jpg"],
    );
    assert.equal(events.length, 2);
  });

  test("of a key come in the order of its changes, whatever was racing", async () => {
    const Bucket = await newBucketWith(["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]);
    const writes: Promise<unknown>[] = [];
    for (let round = 0; round < 20; round += 1) {
      for (const key of ["a", "b", "c"]) writes.push(server.put(Bucket, key, `${round}`));
      writes.push(s3.deleteObject({ Bucket, Key: "a" }));
    }
    await Promise.all(writes);
    const events = await eventsOf(Bucket, 60);
    for (const key of ["a", "b", "c"]) {
      const sequencers = events
        .filter(({ s3: { object } }) => object.key === key)
        .map(({ s3: { object } }) => object.sequencer ?? "");
      assert.deepEqual(sequencers, sequencers.toSorted());
      assert.equal(new Set(sequencers).size, sequencers.length);
    }
  });

  test("are signed with the time, so that a receiver knows their sender", async () => {
    const Bucket = await newBucketWith(["s3:ObjectCreated:*"], signedQueue);
    await server.put(Bucket, "key");
    const [request] = await signed.waitFor(1);
    assert.ok(request !== undefined);
    const signature = String(request.headers["holdfast-signature"]);
    const [, seconds, code] = /^t=(\d+),v1=([\da-f]{64})$/.exec(signature) ?? [];
    const expected = createHmac("sha256", secret)
      .update(`${seconds}.${request.body}`)
      .digest("hex");
    assert.equal(code, expected);
    assert.ok(Math.abs(Number(seconds) - Date.now() / 1000) < 60);
    assert.equal(request.headers["x-team"], "storage");
    assert.equal(request.headers["holdfast-event"], "ObjectCreated:Put");
    assert.match(String(request.headers["holdfast-event-id"]), /^[\da-f-]{36}$/);
  });

  test("wait for a receiver that is away, and hold up no other", async () => {
    others.answer = () => ({ status: 503 });
    const away = await newBucketWith(["s3:ObjectCreated:*"], otherQueue);
    const Bucket = await newBucketWith(["s3:ObjectCreated:*"]);
    for (let index = 0; index < 5; index += 1) {
      await server.put(away, `key-${index}`);
      await server.put(Bucket, `key-${index}`);
    }
    await eventsOf(Bucket, 5);
    assert.deepEqual(others.records(), []);
    others.answer = () => ({ status: 200 });
    const late = await eventsOf(away, 5, others);
    assert.equal(new Set(late.map(({ s3: { object } }) => object.key)).size, 5);
    assert.equal(others.requests[0]?.headers["authorization"], "Bearer token");
  });

  test("reach EventBridge in its envelope", async () => {
    const Bucket = await server.newBucket("Enabled");
    await s3.putBucketNotificationConfiguration({
      Bucket,
      NotificationConfiguration: { EventBridgeConfiguration: {} },
    });
    const { etag, versionId } = await server.put(Bucket, "red flower.jpg", "petals");
    await s3.deleteObject({ Bucket, Key: "red flower.jpg" });
    const requests = await busReceiver.waitFor(2);
    const [made, removed] = requests.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
    const { id, time, detail, ...envelope } = made ?? {};
    assert.match(String(id), /^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.deepEqual(envelope, {
      version: "0",
      "detail-type": "Object Created",
      source: "aws.s3",
      account: server.server.accountId,
      region: "us-east-1",
      resources: [`arn:aws:s3:::${Bucket}`],
    });
    const { object, "request-id": requestId, ...rest } = detail as Record<string, unknown>;
    const { sequencer, ...named } = object as Record<string, unknown>;
    assert.match(String(sequencer), /^[\dA-F]{16,18}$/);
    assert.match(String(requestId), /^[\dA-Z]{16}$/);
    assert.deepEqual(named, { key: "red flower.jpg", size: 6, etag, "version-id": versionId });
    assert.deepEqual(rest, {
      version: "0",
      bucket: { name: Bucket },
      requester: server.server.accountId,
      "source-ip-address": "127.0.0.1",
      reason: "PutObject",
    });
    const told = removed?.["detail"] as Record<string, unknown>;
    assert.equal(removed?.["detail-type"], "Object Deleted");
    assert.equal(told["reason"], "DeleteObject");
    assert.equal(told["deletion-type"], "Delete Marker Created");
  });
});
