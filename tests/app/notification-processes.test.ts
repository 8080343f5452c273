// Notifications of a server with several processes, declared in its configuration: whichever process takes
// a change, it is told; receivers over TLS are trusted by their own authority; nothing is declared twice.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { S3 } from "@aws-sdk/client-s3";
import { createServer } from "../../src/app.ts";
import { testCertificate, testKey } from "../http/test-certificate.ts";
import { NotificationReceiver } from "../s3/notification-receiver.ts";
import {
  rootAccessKey,
  rootClient,
  rootSecretKey,
  runCommand,
  ServerProcess,
  TemporaryDirectory,
} from "./server-process.ts";

const arn = "arn:aws:sqs:us-east-1:123456789012:processes";
const secret = "a-secret-that-lies-nowhere-in-clear";
const receiver = await new NotificationReceiver().start();
after(() => receiver[Symbol.asyncDispose]());

const notification = {
  QueueConfigurations: [
    {
      QueueArn: arn,
      Events: ["s3:ObjectCreated:*"],
      Filter: { Key: { FilterRules: [{ Name: "prefix", Value: "a" }] } },
    },
  ],
};
const environment = {
  HOLDFAST_ROOT_ACCESS_KEY: rootAccessKey,
  HOLDFAST_ROOT_SECRET_KEY: rootSecretKey,
  WEBHOOK_SECRET: secret,
  HOLDFAST_CONFIG_TEXT: JSON.stringify({
    notifications: {
      [arn]: { kind: "webhook", url: receiver.url, secret: { fromEnvironment: "WEBHOOK_SECRET" } },
    },
    buckets: [{ name: "told", settings: { notification } }],
  }),
};

describe("a server of several processes", () => {
  test("tells what happens in any of them, and makes what was declared once", async () => {
    using directory = new TemporaryDirectory();
    const parameters = ["--data", directory.path, "--port", "0", "--admin-port", "0"];
    {
      await using server = new ServerProcess([...parameters, "--workers", "2"], environment);
      const s3 = rootClient(await server.endpoint());
      const puts = Array.from({ length: 60 }, (_, index) =>
        s3.putObject({ Bucket: "told", Key: `a${index}`, Body: "text" }),
      );
      await Promise.all(puts);
      await receiver.waitForRecords(60);
      const keys = new Set(receiver.records().map(({ s3: { object } }) => object.key));
      assert.equal(keys.size, 60);
      s3.destroy();
      server.child.kill("SIGTERM");
      const { output, errors } = await server.ended();
      assert.ok(!`${output}${errors}`.includes(secret));
    }
    for (const name of readdirSync(directory.path, { recursive: true, encoding: "utf8" })) {
      const path = join(directory.path, name);
      let content: Buffer;
      try {
        content = readFileSync(path);
      } catch {
        continue; // a directory
      }
      assert.ok(!content.includes(secret), path);
    }
    const plan = await runCommand(["plan", "--data", directory.path], environment);
    assert.equal(plan.code, 0, plan.output + plan.errors);
    assert.match(plan.output, /nothing to change/);
  });
});

describe("a receiver over TLS", () => {
  test("is trusted by the authority that its destination names, and by no other", async () => {
    const bodies: string[] = [];
    const https = createHttpsServer(
      { key: testKey, cert: testCertificate },
      (request, response) => {
        let body = "";
        request.on("data", (part: Buffer) => (body += part.toString("utf8")));
        request.on("end", () => {
          bodies.push(body);
          response.end();
        });
      },
    );
    await new Promise<void>((resolve) => {
      https.listen(0, "127.0.0.1", resolve);
    });
    const { port } = https.address() as AddressInfo; // it listens on a port
    const url = `https://localhost:${port}`;
    const strangerArn = `${arn}-stranger`;
    await using server = await createServer({
      provisioning: {
        notifications: {
          [arn]: { kind: "webhook", url, tls: { ca: testCertificate } },
          [strangerArn]: { kind: "webhook", url },
        },
      },
    });
    const { endpoint, region, credentials } = server;
    const s3 = new S3({ endpoint, region, credentials, forcePathStyle: true });
    const Bucket = "secure";
    await s3.createBucket({ Bucket });
    const configure = (QueueArn: string): Promise<unknown> =>
      s3.putBucketNotificationConfiguration({
        Bucket,
        NotificationConfiguration: {
          QueueConfigurations: [{ QueueArn, Events: ["s3:ObjectCreated:*"] }],
        },
      });
    await assert.rejects(configure(strangerArn), { name: "InvalidArgument" });
    assert.equal(bodies.length, 0);
    await configure(arn);
    await s3.putObject({ Bucket, Key: "key", Body: "text" });
    const ends = Date.now() + 15_000;
    while (bodies.length < 2 && Date.now() < ends) await pause(10);
    assert.match(bodies[1] ?? "", /"ObjectCreated:Put"/);
    s3.destroy();
    https.closeAllConnections();
    https.close();
  });
});
