// The blob store contract on a bucket of another server, and what only that has: a server that cannot be
// reached, bytes that it changed, uploads that nobody ended.

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { S3 } from "@aws-sdk/client-s3";
import { createServer } from "../../src/app.ts";
import { systemClock } from "../../src/base/clock.ts";
import { RemoteS3Client } from "../../src/remote/s3-client.ts";
import { BucketBlobStore } from "../../src/storage/blob/bucket-blob-store.ts";
import { BucketRequests } from "../../src/storage/blob/bucket-requests.ts";
import { makeWriterId } from "../../src/storage/blob/blob-id.ts";
import type { BlobId } from "../../src/storage/blob/blob-store.ts";
import {
  BlobCorruptError,
  StorageFullError,
  StorageUnavailableError,
} from "../../src/storage/storage-errors.ts";
import { randomBytes } from "node:crypto";
import {
  rootAccessKey,
  rootSecretKey,
  ServerProcess,
  TemporaryDirectory,
} from "../app/server-process.ts";
import {
  describeBlobStore,
  describeConstantMemory,
  readBlob,
  sampleBytes,
  streamOf,
  type WithStore,
} from "./blob-suite.ts";

const mebibyte = 1024 * 1024;
const server = await createServer();
const s3 = new S3({
  endpoint: server.endpoint,
  region: server.region,
  credentials: server.credentials,
  forcePathStyle: true,
});
after(async () => {
  s3.destroy();
  await server.close();
});

let buckets = 0;

async function newStore(prefix = "blobs/of/a tier", endpoint = server.endpoint) {
  const bucketName = `store-${(buckets += 1)}`;
  await s3.createBucket({ Bucket: bucketName });
  const { accessKeyId, secretAccessKey } = server.credentials;
  const remote = { endpoint, region: server.region, accessKeyId, secretAccessKey };
  const client = new RemoteS3Client(remote, systemClock);
  const requests = new BucketRequests(client, { bucketName, prefix });
  const store = new BucketBlobStore({ requests, writerId: makeWriterId(randomBytes) });
  return { store, bucketName };
}

const withStore: WithStore = async (use) => {
  const { store } = await newStore();
  await using _closed = store;
  await use(store);
};

describeBlobStore("a bucket of another server", withStore);

// The other server is a process of its own: what is measured is this one.
describeConstantMemory("a bucket of another server", async (use) => {
  using directory = new TemporaryDirectory();
  const credentials = {
    HOLDFAST_ROOT_ACCESS_KEY: rootAccessKey,
    HOLDFAST_ROOT_SECRET_KEY: rootSecretKey,
  };
  const options = ["serve", "--data", directory.path, "--port", "0", "--durability", "relaxed"];
  await using remote = new ServerProcess(options, credentials);
  const client = new RemoteS3Client(
    {
      endpoint: await remote.endpoint(),
      region: "us-east-1",
      accessKeyId: rootAccessKey,
      secretAccessKey: rootSecretKey,
    },
    systemClock,
  );
  const made = await client.send(
    { method: "PUT", bucketName: "bucket" },
    AbortSignal.timeout(5000),
  );
  assert.equal(made.status, 200);
  const requests = new BucketRequests(client, { bucketName: "bucket", prefix: "" });
  await using store = new BucketBlobStore({ requests, writerId: "w" });
  await use(store);
});

describe("BucketBlobStore", () => {
  it("keeps a blob as one object under its prefix, and notices every byte that is changed there", async () => {
    const { store, bucketName: Bucket } = await newStore();
    await using _closed = store;
    const { id } = await store.write(streamOf(sampleBytes(300_000)));
    const { Contents = [] } = await s3.listObjectsV2({ Bucket });
    assert.deepEqual(
      Contents.map(({ Key }) => Key),
      [`blobs/of/a tier/${id}`],
    );
    const Key = `blobs/of/a tier/${id}`;
    const { Body } = await s3.getObject({ Bucket, Key });
    const stored = Buffer.from((await Body?.transformToByteArray()) ?? []);
    assert.equal(stored.byteLength, 300_000 + 3 * 4);
    for (const at of [0, 131_072, 200_000, stored.byteLength - 1]) {
      const changed = Buffer.from(stored);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await s3.putObject({ Bucket, Key, Body: changed });
      await assert.rejects(readBlob(store, id), BlobCorruptError);
    }
    await s3.putObject({ Bucket, Key, Body: stored.subarray(0, -1) });
    await assert.rejects(readBlob(store, id), BlobCorruptError);
    await s3.putObject({ Bucket, Key, Body: stored });
    assert.deepEqual(await readBlob(store, id), sampleBytes(300_000));
  });

  it("lists and removes the uploads of a writer that died", async () => {
    const { store, bucketName: Bucket } = await newStore("");
    await using _closed = store;
    const id = "dead-0000000000-abcdefghijklmnop" as BlobId;
    await s3.createMultipartUpload({ Bucket, Key: id });
    await s3.createMultipartUpload({ Bucket, Key: id });
    assert.deepEqual(await store.list(undefined, 10), [id]);
    assert.deepEqual(await store.list("dead-" as BlobId, 10), [id]);
    assert.deepEqual(await store.list(id, 10), []);
    await store.delete(id);
    assert.deepEqual(await store.list(undefined, 10), []);
    assert.equal((await s3.listMultipartUploads({ Bucket })).Uploads, undefined);
  });

  it("takes no notice of what else lies in the bucket", async () => {
    const { store, bucketName: Bucket } = await newStore("");
    await using _closed = store;
    await s3.putObject({ Bucket, Key: "notes.txt", Body: "x" });
    const { id } = await store.write(streamOf(sampleBytes(10)));
    assert.deepEqual(await store.list(undefined, 1), [id]);
    assert.deepEqual(await store.list(undefined, 10), [id]);
  });

  it("says that storage is not available while the other server, or its bucket, is not", async () => {
    const gone = await newStore();
    await using _gone = gone.store;
    const { store } = await newStore("", "http://127.0.0.1:9");
    await using _closed = store;
    await assert.rejects(store.write(streamOf(sampleBytes(10))), StorageUnavailableError);
    await assert.rejects(store.list(undefined, 1), StorageUnavailableError);
    await s3.deleteBucket({ Bucket: gone.bucketName });
    await assert.rejects(gone.store.write(streamOf(sampleBytes(10))), StorageUnavailableError);
  });

  it("tries again what the other server cannot answer now, and knows when it is full", async () => {
    const statuses: number[] = [];
    const answers = [503, 500, 200, 507];
    const other = createHttpServer((request, response) => {
      request.resume().on("end", () => {
        const status = answers.shift() ?? 404;
        statuses.push(status);
        response.writeHead(status, { "content-length": "0", etag: '"0"' }).end();
      });
    });
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    const { store } = await newStore("", `http://127.0.0.1:${port}`);
    try {
      await store.write(streamOf(sampleBytes(10)));
      assert.deepEqual(statuses, [503, 500, 200]);
      await assert.rejects(store.write(streamOf(sampleBytes(10))), StorageFullError);
    } finally {
      await store[Symbol.asyncDispose]();
      other.close();
      other.closeAllConnections();
    }
  });

  it("sends a long blob in parts, and leaves none of them when the source fails", async () => {
    const { store, bucketName: Bucket } = await newStore();
    await using _closed = store;
    const bytes = sampleBytes(25 * mebibyte + 3);
    const { id } = await store.write(streamOf(bytes));
    const { ETag = "" } = await s3.headObject({ Bucket, Key: `blobs/of/a tier/${id}` });
    assert.match(ETag, /-5"$/);
    assert.ok((await readBlob(store, id)).equals(bytes));
    const failure = new Error("the client went away");
    const write = store.write(
      (async function* () {
        yield bytes;
        throw failure;
      })(),
    );
    await assert.rejects(write, (error) => error === failure);
    assert.deepEqual(await store.list(undefined, 10), [id]);
    assert.equal((await s3.listMultipartUploads({ Bucket })).Uploads, undefined);
  });
});
