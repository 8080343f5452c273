// Dead letters and destinations as administrators handle them.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { S3 } from "@aws-sdk/client-s3";
import { createServer, ManualClock } from "../../src/app.ts";
import { TemporaryDirectory } from "../app/server-process.ts";
import { NotificationReceiver } from "../s3/notification-receiver.ts";
import { startTestServer } from "../s3/test-server.ts";
import { ManagementClient, send, type Answer } from "./management-client.ts";

const arn = "arn:aws:sqs:us-east-1:123456789012:orders";
const secret = "never-to-be-seen";
// Moved by a few minutes in all: signatures are of the real time.
const clock = new ManualClock(Date.now());
const receiver = await new NotificationReceiver().start();
after(() => receiver[Symbol.asyncDispose]());
const server = await startTestServer({ clock });
const { s3 } = server;

async function administer(action: string, input: object = {}): Promise<Answer> {
  const { endpoint, credentials } = server.server;
  const { status, body } = await send(endpoint, credentials, action, input);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const ends = Date.now() + 20_000;
  while (!(await isSo())) {
    assert.ok(Date.now() < ends, what);
    await pause(20);
  }
}

async function destinationOf(wanted: string): Promise<Answer | undefined> {
  const { Destinations } = await administer("ListNotificationDestinations");
  return (Destinations as readonly Answer[]).find(({ Arn }) => Arn === wanted);
}

describe("notifications that cannot be delivered", () => {
  test("become dead letters with age, can be seen, and arrive when they are sent once more", async () => {
    const Settings = JSON.stringify({
      kind: "webhook",
      url: receiver.url,
      secret,
      bearerToken: secret,
      maximumAgeSeconds: 60,
    });
    await administer("PutNotificationDestination", { Arn: arn, Settings });
    const Bucket = await server.newBucket();
    await s3.putBucketNotificationConfiguration({
      Bucket,
      NotificationConfiguration: {
        QueueConfigurations: [{ Id: "rule", QueueArn: arn, Events: ["s3:ObjectCreated:*"] }],
      },
    });
    receiver.requests.length = 0;
    const refused = new Set<string>();
    receiver.answer = ({ headers }) => {
      refused.add(String(headers["holdfast-event-id"]));
      return { status: 503 };
    };
    for (const key of ["a", "b", "a"]) await server.put(Bucket, key);
    await until("the failure is told", async () => {
      const found = await destinationOf(arn);
      return found?.["LastError"] === "the receiver answered with status 503";
    });
    assert.equal((await destinationOf(arn))?.["Waiting"], 3);
    clock.advance(61_000);
    await until("all are given up", async () => (await destinationOf(arn))?.["DeadLetters"] === 3);
    const listed = await administer("ListDeadLetters", { Arn: arn });
    const letters = listed["DeadLetters"] as readonly Answer[];
    assert.deepEqual(
      letters.map(({ Event, Key, LastError }) => [Event, Key, LastError]),
      ["a", "b", "a"].map((key) => [
        "ObjectCreated:Put",
        key,
        "the receiver answered with status 503",
      ]),
    );
    const page = await administer("ListDeadLetters", { Arn: arn, MaxItems: 1 });
    assert.ok((page["DeadLetters"] as readonly Answer[]).length >= 1);
    assert.equal((await destinationOf(arn))?.["Waiting"], 0);

    receiver.answer = () => ({ status: 200 });
    assert.deepEqual(await administer("ReplayDeadLetters", { Arn: arn }), {
      Arn: arn,
      Replayed: 3,
    });
    // The destination is left alone until its pause is over.
    clock.advance(61_000);
    const requests = await receiver.waitFor(3);
    assert.deepEqual(
      receiver
        .records()
        .map(({ s3: { object } }) => object.key)
        .toSorted((a, b) => (a < b ? -1 : 1)),
      ["a", "a", "b"],
    );
    const ids = requests.map(({ headers }) => String(headers["holdfast-event-id"]));
    assert.deepEqual(new Set(ids), new Set(letters.map(({ Id }) => String(Id))));
    assert.ok(
      [...refused].every((id) => ids.includes(id)),
      "a repetition has the id of the first try",
    );
    await until("it works again", async () => {
      const found = await destinationOf(arn);
      return found?.["LastError"] === undefined && found?.["DeadLetters"] === 0;
    });
  });

  test("can be given up for good", async () => {
    receiver.answer = () => ({ status: 500 });
    const Bucket = await server.newBucket();
    await s3.putBucketNotificationConfiguration({
      Bucket,
      SkipDestinationValidation: true,
      NotificationConfiguration: {
        QueueConfigurations: [{ QueueArn: arn, Events: ["s3:ObjectCreated:*"] }],
      },
    });
    await server.put(Bucket, "key");
    await until("the failure is told", async () => {
      return (await destinationOf(arn))?.["LastError"] !== undefined;
    });
    clock.advance(61_000);
    await until("it is given up", async () => (await destinationOf(arn))?.["DeadLetters"] === 1);
    assert.deepEqual(await administer("DeleteDeadLetters", { Arn: arn }), { Arn: arn, Deleted: 1 });
    assert.deepEqual((await administer("ListDeadLetters", { Arn: arn }))["DeadLetters"], []);
  });
});

describe("what waits for a destination that nobody declares", () => {
  const nobody = "arn:aws:sqs:us-east-1:123456789012:nobody";
  const somebody = "arn:aws:sqs:us-east-1:123456789012:somebody";

  test("can be given up, in part or whole, and is gone for that destination alone", async () => {
    const Bucket = await server.newBucket();
    await s3.putBucketNotificationConfiguration({
      Bucket,
      SkipDestinationValidation: true,
      NotificationConfiguration: {
        QueueConfigurations: [nobody, somebody].map((QueueArn) => ({
          QueueArn,
          Events: ["s3:ObjectCreated:*"],
          Filter: {
            Key: { FilterRules: [{ Name: "prefix", Value: QueueArn === nobody ? "n/" : "s/" }] },
          },
        })),
      },
    });
    for (const key of ["n/1", "n/2", "n/3", "s/1"]) await server.put(Bucket, key);
    await until("it is told why they wait", async () => {
      const found = await destinationOf(nobody);
      return found?.["LastError"] === "no destination is declared for this ARN";
    });
    assert.equal((await destinationOf(nobody))?.["Waiting"], 3);
    const action = "DeleteWaitingNotifications";
    assert.deepEqual(await administer(action, { Arn: nobody, Limit: 1 }), {
      Arn: nobody,
      Deleted: 1,
    });
    assert.equal((await destinationOf(nobody))?.["Waiting"], 2);
    assert.deepEqual(await administer(action, { Arn: nobody }), { Arn: nobody, Deleted: 2 });
    assert.equal(await destinationOf(nobody), undefined);
    assert.equal((await destinationOf(somebody))?.["Waiting"], 1);

    // What comes later arrives, and alone.
    receiver.answer = () => ({ status: 200 });
    receiver.requests.length = 0;
    const Settings = JSON.stringify({ kind: "webhook", url: receiver.url });
    for (const Arn of [nobody, somebody]) {
      await administer("PutNotificationDestination", { Arn, Settings });
    }
    await server.put(Bucket, "n/4");
    clock.advance(61_000);
    await receiver.waitFor(2);
    await until("all is delivered", async () => {
      return (await destinationOf(nobody))?.["Waiting"] === 0;
    });
    const told = receiver.records().map(({ s3: { object } }) => object.key);
    assert.deepEqual(new Set(told), new Set(["n/4", "s/1"]));
  });

  test("is not given up by whoever may not, and the audit log has who gave up how much", async () => {
    using directory = new TemporaryDirectory();
    const path = join(directory.path, "audit.log");
    const audited = await createServer({ audit: { path, maximumBytes: 2 ** 20, keptFiles: 2 } });
    const { endpoint, credentials } = audited;
    const root = new ManagementClient(endpoint, credentials);
    const client = new S3({ endpoint, region: audited.region, credentials, forcePathStyle: true });
    await client.createBucket({ Bucket: "bucket" });
    await client.putBucketNotificationConfiguration({
      Bucket: "bucket",
      SkipDestinationValidation: true,
      NotificationConfiguration: {
        QueueConfigurations: [{ QueueArn: nobody, Events: ["s3:ObjectCreated:*"] }],
      },
    });
    for (const Key of ["a", "b"]) await client.putObject({ Bucket: "bucket", Key, Body: "text" });
    client.destroy();
    const { ServiceAccount } = await root.call("CreateServiceAccount", {
      Policy: JSON.stringify({
        Version: "2012-10-17",
        Statement: {
          Effect: "Allow",
          Action: "holdfast:DeleteWaitingNotifications",
          Resource: somebody,
        },
      }),
    });
    const narrowed = new ManagementClient(endpoint, {
      accessKeyId: ServiceAccount.AccessKeyId,
      secretAccessKey: ServiceAccount.SecretAccessKey,
    });
    const action = "DeleteWaitingNotifications";
    await narrowed.call(action, { Arn: somebody });
    await narrowed.refused(action, { Arn: nobody }, "AccessDeniedException", 403);
    await root.call(action, { Arn: nobody });
    await audited.close();
    const lines = readFileSync(path, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Answer)
      .filter(({ operation }) => operation === `holdfast:${action}`);
    assert.deepEqual(
      lines.map(({ status, decision, did }) => [status, decision.resource, did]),
      [
        [200, somebody, { deleted: 0 }],
        [403, nobody, undefined],
        [200, nobody, { deleted: 2 }],
      ],
    );
  });
});

describe("destinations", () => {
  test("show none of their secrets", async () => {
    const found = JSON.stringify(await administer("ListNotificationDestinations"));
    assert.ok(found.includes(arn));
    assert.ok(!found.includes(secret));
  });

  test("are refused with the place of what is wrong, and not with its value", async () => {
    const { endpoint, credentials } = server.server;
    const Settings = JSON.stringify({ kind: "webhook", url: `ftp://${secret}` });
    const input = { Arn: arn, Settings };
    const answer = await send(endpoint, credentials, "PutNotificationDestination", input);
    assert.equal(answer.status, 400);
    assert.match(String(answer.body["message"]), /^Settings: url: /);
    assert.ok(!JSON.stringify(answer.body).includes(secret));
  });

  test("are forgotten on demand", async () => {
    await administer("DeleteNotificationDestination", { Arn: arn });
    const { endpoint, credentials } = server.server;
    const again = await send(endpoint, credentials, "DeleteNotificationDestination", { Arn: arn });
    assert.equal(again.status, 404);
    assert.match(String(again.body["__type"]), /NoSuchEntityException/);
  });
});
