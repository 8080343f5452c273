// What other features mean for annotations: object lock, permissions, quotas, notifications, lifecycle,
// records of access, and who pays.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { S3 } from "@aws-sdk/client-s3";
import { startIdentityServer } from "./identity-server.ts";
import { dayMilliseconds, locked, startLockServer } from "./lock-server.ts";
import { NotificationReceiver } from "./notification-receiver.ts";
import { assertErrorAnswer, assertRefused, patternBytes, startTestServer } from "./test-server.ts";
import { startTieredServer } from "./tiered-server.ts";

const note = { Key: "key", AnnotationName: "note" };
const AnnotationPayload = "text";

async function readNote(client: S3, Bucket: string): Promise<string | undefined> {
  const answer = await client.getObjectAnnotation({ Bucket, ...note });
  return answer.AnnotationPayload?.transformToString();
}

describe("object lock", async () => {
  const { now, newLockedBucket, putRetained, clock } = await startLockServer();

  for (const mode of ["GOVERNANCE", "COMPLIANCE"] as const) {
    test(`in ${mode} mode keeps annotations, until it ends`, async () => {
      const Bucket = await newLockedBucket();
      await putRetained(Bucket, "key", mode, 2);
      await now().putObjectAnnotation({ Bucket, ...note, AnnotationPayload });
      await assertRefused(now().deleteObjectAnnotation({ Bucket, ...note }), locked);
      assert.equal(await readNote(now(), Bucket), "text");
      // Written as the service documents it: nothing is said against.
      await now().putObjectAnnotation({ Bucket, ...note, AnnotationPayload: "changed" });
      clock.advance(3 * dayMilliseconds);
      await now().deleteObjectAnnotation({ Bucket, ...note });
      const gone = { code: "NoSuchAnnotation", status: 404 };
      await assertRefused(readNote(now(), Bucket), gone);
    });
  }

  test("in GOVERNANCE mode lets annotations go with the bypass, a legal hold does not", async () => {
    const other = await startLockServer();
    const Bucket = await other.newLockedBucket();
    await other.putRetained(Bucket, "key", "GOVERNANCE", 2);
    await other.now().putObjectAnnotation({ Bucket, ...note, AnnotationPayload });
    const request = {
      method: "DELETE",
      path: `/${Bucket}/key`,
      query: "annotation&annotationName=note",
      headers: { "x-amz-bypass-governance-retention": "true" },
    };
    const hold = (Status: "ON" | "OFF") =>
      other.now().putObjectLegalHold({ Bucket, Key: "key", LegalHold: { Status } });
    await hold("ON");
    assertErrorAnswer(await other.send(request), locked);
    await hold("OFF");
    assert.equal((await other.send(request)).status, 204);
  });

  test("that a bucket does not have cannot be bypassed", async () => {
    const { newBucket, put, send } = await startTestServer();
    const Bucket = await newBucket();
    await put(Bucket, "key");
    const answer = await send({
      method: "DELETE",
      path: `/${Bucket}/key`,
      query: "annotation&annotationName=note",
      headers: { "x-amz-bypass-governance-retention": "true" },
    });
    assertErrorAnswer(answer, { code: "InvalidArgument", status: 400 });
  });
});

describe("permissions", async () => {
  const server = await startIdentityServer();
  after(() => server[Symbol.asyncDispose]());
  const owner = server.client(server.root);
  const denied = { code: "AccessDenied", status: 403 };
  let count = 0;

  async function newUser(Statement: readonly object[]): Promise<S3> {
    const userName = `user-${(count += 1)}`;
    const pair = await server.newUser(userName);
    const entity = { kind: "user", accountId: server.accountId, name: userName } as const;
    const document = JSON.stringify({ Version: "2012-10-17", Statement });
    await server.identities.entityPolicies.putInline(entity, "policy", document);
    return server.client(pair);
  }

  async function newObject(): Promise<string> {
    const Bucket = `bucket-${(count += 1)}`;
    await owner.createBucket({ Bucket });
    await owner.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Enabled" } });
    await owner.putObject({ Bucket, Key: "key", Body: "bytes" });
    await owner.putObjectAnnotation({ Bucket, ...note, AnnotationPayload });
    return Bucket;
  }

  test("to read an object are none to read its annotations, nor the other way", async () => {
    const Bucket = await newObject();
    const Resource = "*";
    const reader = await newUser([{ Effect: "Allow", Action: "s3:GetObject", Resource }]);
    await assertRefused(readNote(reader, Bucket), denied);
    const Action = "s3:GetObjectAnnotation";
    const other = await newUser([{ Effect: "Allow", Action, Resource }]);
    assert.equal(await readNote(other, Bucket), "text");
    await assertRefused(other.getObject({ Bucket, Key: "key" }), denied);
    const { VersionId } = await owner.headObject({ Bucket, Key: "key" });
    await assertRefused(other.getObjectAnnotation({ Bucket, ...note, VersionId }), denied);
  });

  test("look at the prefix that is asked for", async () => {
    const Bucket = await newObject();
    const Condition = { StringLike: { "s3:annotation-prefix": "ml.*" } };
    const Action = "s3:ListObjectAnnotations";
    const user = await newUser([{ Effect: "Allow", Action, Resource: "*", Condition }]);
    const place = { Bucket, Key: "key" };
    await user.listObjectAnnotations({ ...place, AnnotationPrefix: "ml.labels" });
    await assertRefused(user.listObjectAnnotations({ ...place, AnnotationPrefix: "x" }), denied);
    await assertRefused(user.listObjectAnnotations(place), denied);
  });

  test("to copy are demanded of annotations too, unless they stay", async () => {
    const Bucket = await newObject();
    const Action = ["s3:GetObject", "s3:PutObject", "s3:GetObjectAnnotation"];
    const user = await newUser([{ Effect: "Allow", Action, Resource: "*" }]);
    const copy = { Bucket, Key: "copy", CopySource: `${Bucket}/key` };
    await assertRefused(user.copyObject(copy), denied);
    await user.copyObject({ ...copy, AnnotationDirective: "EXCLUDE" });
    await owner.deleteObjectAnnotation({ Bucket, ...note });
    await user.copyObject(copy);
  });

  test("of another account that pays", async () => {
    const Bucket = await newObject();
    await owner.deletePublicAccessBlock({ Bucket });
    const Resource = `arn:aws:s3:::${Bucket}/*`;
    const Statement = [{ Effect: "Allow", Principal: "*", Action: "s3:*", Resource }];
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
    await owner.putBucketPolicy({ Bucket, Policy });
    const RequestPaymentConfiguration = { Payer: "Requester" } as const;
    await owner.putBucketRequestPayment({ Bucket, RequestPaymentConfiguration });
    const { accounts, accessKeys } = server.identities;
    const { accountId } = await accounts.create({ displayName: "stranger" });
    const { key, secret } = await accessKeys.create({ accountId, userName: undefined });
    const stranger = server.client({ accessKeyId: key.accessKeyId, secretAccessKey: secret });
    await assertRefused(readNote(stranger, Bucket), denied);
    const RequestPayer = "requester";
    const answer = await stranger.getObjectAnnotation({ Bucket, ...note, RequestPayer });
    assert.equal(answer.RequestCharged, "requester");
    const write = { Bucket, ...note, AnnotationPayload };
    await assertRefused(stranger.putObjectAnnotation(write), denied);
    const written = await stranger.putObjectAnnotation({ ...write, RequestPayer });
    assert.equal(written.RequestCharged, "requester");
  });
});

test("notifications tell of annotations, in a family of their own", async () => {
  const queue = "arn:aws:sqs:us-east-1:123456789012:events";
  const receiver = await new NotificationReceiver().start();
  after(() => receiver[Symbol.asyncDispose]());
  const { s3, newBucket, put } = await startTestServer({
    provisioning: { notifications: { [queue]: { kind: "webhook", url: receiver.url } } },
  });
  const Bucket = await newBucket();
  await s3.putBucketNotificationConfiguration({
    Bucket,
    NotificationConfiguration: {
      QueueConfigurations: [{ QueueArn: queue, Events: ["s3:ObjectAnnotation:*"] }],
    },
  });
  await put(Bucket, "key", "bytes");
  await s3.putObjectAnnotation({ Bucket, ...note, AnnotationPayload });
  await s3.putObjectAnnotation({ Bucket, ...note, AnnotationPayload: "again" });
  await s3.deleteObjectAnnotation({ Bucket, ...note });
  // Nothing happens, and nobody is told.
  await s3.deleteObjectAnnotation({ Bucket, ...note });
  await s3.putObjectAnnotation({ Bucket, ...note, AnnotationPayload: "last" });
  const names = (): string[] => receiver.records().map(({ eventName }) => eventName);
  for (let wait = 0; wait < 500 && names().length < 4; wait += 1) await pause(20);
  const expected = ["Put", "Put", "Delete", "Put"].map((each) => `ObjectAnnotation:${each}`);
  assert.deepEqual(names(), expected);
  assert.deepEqual(new Set(receiver.records().map((each) => each.s3.object.key)), new Set(["key"]));
});

test("annotations stay when a lifecycle rule archives their object", async () => {
  const { newBucket, now, pass, blobs } = await startTieredServer();
  const Bucket = await newBucket();
  const long = "x".repeat(100_000);
  await now().putObject({ Bucket, Key: "key", Body: patternBytes(200_000) });
  await now().putObjectAnnotation({ Bucket, ...note, AnnotationPayload: long });
  await now().putBucketLifecycleConfiguration({
    Bucket,
    LifecycleConfiguration: {
      Rules: [
        {
          ID: "archive",
          Status: "Enabled",
          Filter: {},
          Transitions: [{ Days: 1, StorageClass: "GLACIER" }],
        },
      ],
    },
  });
  await pass(3 * dayMilliseconds, "lifecycle");
  assert.equal((await now().headObject({ Bucket, Key: "key" })).StorageClass, "GLACIER");
  assert.equal((await blobs()).cold, 1);
  assert.equal(await readNote(now(), Bucket), long);
  await now().putObjectAnnotation({ Bucket, ...note, AnnotationPayload: "new" });
  assert.equal(await readNote(now(), Bucket), "new");
});
