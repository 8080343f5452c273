// The library: a real server inside the caller's process, many side by side, closed cleanly.

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";

import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";

import { createServer, ManualClock, type HoldfastServer } from "../../src/app.ts";
import { TemporaryDirectory } from "./server-process.ts";

function clientOf(server: HoldfastServer): S3Client {
  const { endpoint, region, credentials } = server;
  return new S3Client({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1 });
}

describe("createServer", () => {
  test("serves the official SDK from memory on a free port", async () => {
    await using server = await createServer();
    assert.match(server.endpoint, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.equal(server.adminEndpoint, undefined);
    const client = clientOf(server);
    await client.send(new CreateBucketCommand({ Bucket: "bucket" }));
    await client.send(new PutObjectCommand({ Bucket: "bucket", Key: "key", Body: "hello" }));
    const { Body } = await client.send(new GetObjectCommand({ Bucket: "bucket", Key: "key" }));
    assert.equal(await Body?.transformToString(), "hello");
    client.destroy();
  });

  test("keeps servers apart", async () => {
    await using first = await createServer({ region: "eu-west-1" });
    await using second = await createServer();
    assert.notEqual(first.credentials.secretAccessKey, second.credentials.secretAccessKey);
    const client = clientOf(first);
    await client.send(new CreateBucketCommand({ Bucket: "only-here" }));
    const other = clientOf(second);
    assert.deepEqual((await other.send(new ListBucketsCommand({}))).Buckets ?? [], []);
    const stranger = new S3Client({
      endpoint: second.endpoint,
      region: second.region,
      credentials: first.credentials,
      forcePathStyle: true,
    });
    await assert.rejects(stranger.send(new ListBucketsCommand({})), { name: "InvalidAccessKeyId" });
    for (const each of [client, other, stranger]) each.destroy();
  });

  test("keeps what it stores from the eyes of other users of the machine", async () => {
    using directory = new TemporaryDirectory();
    await using server = await createServer({ store: { directory: directory.path } });
    const client = clientOf(server);
    await client.send(new CreateBucketCommand({ Bucket: "bucket" }));
    client.destroy();
    const readable = [
      "metadata.sqlite",
      "metadata.sqlite-wal",
      "metadata.sqlite-shm",
      "blobs",
    ].filter((name) => (statSync(join(directory.path, name)).mode & 0o077) !== 0);
    assert.deepEqual(readable, []);
  });

  test("keeps a directory's data and credentials from one server to the next", async () => {
    using directory = new TemporaryDirectory();
    const store = { directory: directory.path };
    let secret: string;
    {
      await using server = await createServer({ store });
      secret = server.credentials.secretAccessKey;
      const client = clientOf(server);
      await client.send(new CreateBucketCommand({ Bucket: "kept" }));
      await client.send(
        new PutObjectCommand({ Bucket: "kept", Key: "k", Body: "x".repeat(200_000) }),
      );
      client.destroy();
    }
    await using server = await createServer({ store });
    assert.equal(server.credentials.secretAccessKey, secret);
    const client = clientOf(server);
    const { Body } = await client.send(new GetObjectCommand({ Bucket: "kept", Key: "k" }));
    assert.equal((await Body?.transformToString())?.length, 200_000);
    client.destroy();
  });

  test("lives in the time that its clock shows", async () => {
    const clock = new ManualClock(Date.UTC(2001, 0, 2));
    await using server = await createServer({ clock });
    const impatient = clientOf(server);
    const refusal = { name: "RequestTimeTooSkewed" };
    await assert.rejects(impatient.send(new ListBucketsCommand({})), refusal);
    // A client that may try again sets its own clock by the server's.
    const { endpoint, region, credentials } = server;
    const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: "bucket" }));
    const { Buckets } = await client.send(new ListBucketsCommand({}));
    assert.equal(Buckets?.[0]?.CreationDate?.getUTCFullYear(), 2001);
    clock.set(Date.UTC(2060, 0, 1));
    await client.send(new ListBucketsCommand({}));
    for (const each of [impatient, client]) each.destroy();
  });

  test("answers health on a port of its own, and not in the S3 namespace", async () => {
    await using server = await createServer({ adminPort: 0 });
    for (const path of ["/health/live", "/health/ready"]) {
      const answer = await fetch(`${server.adminEndpoint}${path}`);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get("content-type"), "application/json");
    }
    assert.equal((await fetch(`${server.adminEndpoint}/`)).status, 404);
    const bucketNamedHealth = await fetch(`${server.endpoint}/health/live`);
    assert.equal(bucketNamedHealth.status, 404);
    assert.match(await bucketNamedHealth.text(), /<Code>NoSuchBucket<\/Code>/);
  });

  test("closes once, however often it is asked", async () => {
    const server = await createServer({ adminPort: 0 });
    assert.equal(await server.close(), true);
    assert.equal(await server.close(), true);
    await assert.rejects(fetch(server.endpoint));
    await assert.rejects(fetch(`${server.adminEndpoint}/health/live`));
  });

  test("answers S3's XML to what is not HTTP", async () => {
    await using server = await createServer();
    const { connect } = await import("node:net");
    const answer = await new Promise<string>((resolve) => {
      let text = "";
      const socket = connect(server.port, "127.0.0.1", () => socket.end("nonsense\r\n\r\n"));
      socket.on("data", (chunk) => (text += chunk.toString()));
      socket.on("close", () => resolve(text));
    });
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.match(answer, /<Error><Code>BadRequest<\/Code>/);
    assert.match(answer, /x-amz-request-id: [0-9A-Z]{16}\r\n/);
  });
});
