// A server is killed in the midst of writes and deliveries, again and again: every change that it has
// acknowledged is told in the end, in the order of its key, and nothing that never happened.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import {
  rootAccessKey,
  rootClient,
  rootSecretKey,
  ServerProcess,
  TemporaryDirectory,
} from "../app/server-process.ts";
import { NotificationReceiver } from "../s3/notification-receiver.ts";

const arn = "arn:aws:sqs:us-east-1:123456789012:crash";
const Bucket = "crash";
const kills = 4;
const writers = 8;
const keysOfWriter = 3;

test("killed at any moment, it tells every change that it has acknowledged", async () => {
  using directory = new TemporaryDirectory();
  await using receiver = await new NotificationReceiver().start();
  let asked = 0;
  // Now and then the receiver has it, and the server does not know.
  receiver.answer = () => ({ status: (asked += 1) % 7 === 0 ? 503 : 200 });
  const environment = {
    HOLDFAST_ROOT_ACCESS_KEY: rootAccessKey,
    HOLDFAST_ROOT_SECRET_KEY: rootSecretKey,
    HOLDFAST_CONFIG_TEXT: JSON.stringify({
      notifications: { [arn]: { kind: "webhook", url: receiver.url } },
      buckets: [
        {
          name: Bucket,
          settings: {
            notification: {
              QueueConfigurations: [{ Id: "all", QueueArn: arn, Events: ["s3:ObjectCreated:*"] }],
            },
          },
        },
      ],
    }),
  };
  const start = (): ServerProcess =>
    new ServerProcess(
      ["--data", directory.path, "--port", "0", "--admin-port", "0", "--workers", "1"],
      environment,
    );
  /** ETags by key: of everything that was sent, and request ids of what was acknowledged. */
  const sent = new Set<string>();
  const acknowledged = new Set<string>();
  for (let kill = 0; kill < kills; kill += 1) {
    await using server = start();
    const s3 = rootClient(await server.endpoint());
    const isOver = { now: false };
    const writing = Array.from({ length: writers }, async (_, writer) => {
      for (let round = 0; !isOver.now; round += 1) {
        const Key = `key-${writer}-${round % keysOfWriter}`;
        const Body = `${kill} ${writer} ${round}`;
        sent.add(`${Key} ${createHash("md5").update(Body).digest("hex")}`);
        try {
          const { $metadata } = await s3.putObject({ Bucket, Key, Body });
          acknowledged.add($metadata.requestId ?? "");
        } catch {
          // The server was killed.
        }
      }
    });
    await pause(300 + kill * 150);
    server.child.kill("SIGKILL");
    isOver.now = true;
    await Promise.all(writing);
    s3.destroy();
  }
  assert.ok(acknowledged.size > 50, `${acknowledged.size} writes were acknowledged`);
  await using server = start();
  await server.endpoint();
  const ends = Date.now() + 60_000;
  let missing = [...acknowledged];
  while (missing.length > 0 && Date.now() < ends) {
    await pause(100);
    const told = new Set(
      receiver.records().map(({ responseElements }) => responseElements["x-amz-request-id"]),
    );
    missing = missing.filter((id) => !told.has(id));
  }
  assert.deepEqual(missing, []);
  for (const { s3: event } of receiver.records()) {
    const { key, eTag } = event.object;
    assert.ok(sent.has(`${key} ${eTag}`), `${key} never had ${eTag}`);
  }
  assertOrder(receiver);
});

/** Taken once each, the events of a key come in their order. */
function assertOrder(receiver: NotificationReceiver): void {
  const seen = new Map<string, string[]>();
  for (const { s3: event } of receiver.records()) {
    const { key, sequencer = "" } = event.object;
    const known = seen.get(key) ?? [];
    if (!known.includes(sequencer)) seen.set(key, [...known, sequencer]);
  }
  for (const [key, sequencers] of seen) {
    assert.deepEqual(sequencers, sequencers.toSorted(), `events of ${key} come in their order`);
  }
}
