// The blob store contract on a bucket of somebody else's S3 server.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { systemClock } from "../../src/base/clock.ts";
import { RemoteS3Client } from "../../src/remote/s3-client.ts";
import { makeWriterId } from "../../src/storage/blob/blob-id.ts";
import type { BlobId } from "../../src/storage/blob/blob-store.ts";
import { BucketBlobStore } from "../../src/storage/blob/bucket-blob-store.ts";
import { BucketRequests } from "../../src/storage/blob/bucket-requests.ts";
import { describeBlobStore } from "../contracts/blob-suite.ts";
import { foreign, foreignBucketName, foreignClient, unlessLacking } from "./foreign-target.ts";

const there = foreignClient();

/** A store in a bucket of its own. */
async function newStore(): Promise<{ readonly store: BucketBlobStore; readonly Bucket: string }> {
  const Bucket = foreignBucketName();
  await there.createBucket({ Bucket });
  const requests = new BucketRequests(
    new RemoteS3Client({ region: "us-east-1", ...foreign }, systemClock),
    { bucketName: Bucket, prefix: "blobs/of/a tier" },
  );
  return { store: new BucketBlobStore({ requests, writerId: makeWriterId(randomBytes) }), Bucket };
}

describeBlobStore("a bucket of somebody else's server", async (use) => {
  const { store } = await newStore();
  await using _closed = store;
  await use(store);
});

test(
  "uploads of a writer that died are listed and removed",
  { skip: unlessLacking("upload-lists") },
  async () => {
    const { store, Bucket } = await newStore();
    await using _closed = store;
    const id = "dead-0000000000-abcdefghijklmnop" as BlobId;
    const Key = `blobs/of/a tier/${id}`;
    await there.createMultipartUpload({ Bucket, Key });
    await there.createMultipartUpload({ Bucket, Key });
    assert.deepEqual(await store.list(undefined, 10), [id]);
    assert.deepEqual(await store.list("dead-" as BlobId, 10), [id]);
    assert.deepEqual(await store.list(id, 10), []);
    await store.delete(id);
    assert.deepEqual(await store.list(undefined, 10), []);
    const { Uploads = [] } = await there.listMultipartUploads({ Bucket });
    assert.deepEqual(Uploads, []);
  },
);
