// A storage class whose bytes lie in a bucket of another S3 server.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "../../src/app.ts";
import { assertRefused, bytesOf, patternBytes, startTestServer } from "./test-server.ts";
import { startTestServerAlone } from "./test-server.ts";

const archive = await startTestServerAlone();
const clock = new ManualClock(Date.now());
await archive.s3.createBucket({ Bucket: "archive" });
// The client's own object: the SDK has written marks into that of the server.
const { accessKeyId, secretAccessKey } = archive.server.credentials;
const { server, s3, newBucket } = await startTestServer({
  clock,
  provisioning: {
    storage: {
      stores: {
        remote: {
          endpoint: archive.server.endpoint,
          region: archive.server.region,
          bucket: "archive",
          prefix: "of-holdfast",
          accessKeyId,
          secretAccessKey,
        },
      },
      classes: {
        GLACIER: { store: "remote", compression: "zstd" },
        ONEZONE_IA: { store: "remote" },
      },
      restoreSeconds: { GLACIER: { Expedited: 0 } },
    },
  },
});

async function stored(): Promise<number> {
  const { Contents = [] } = await archive.s3.listObjectsV2({
    Bucket: "archive",
    Prefix: "of-holdfast/",
  });
  const blobs = Contents.filter(({ Key }) => Key !== "of-holdfast/owner.json");
  return blobs.reduce((sum, { Size = 0 }) => sum + Size, 0);
}

const text = Buffer.alloc(2_000_000, "what is archived can mostly be compressed very well; ");

describe("a storage class in a bucket of another server", () => {
  it("is read and written there, whole and in ranges", async () => {
    const Bucket = await newBucket();
    const Body = patternBytes(9_000_000);
    await s3.putObject({ Bucket, Key: "key", Body, StorageClass: "ONEZONE_IA" });
    assert.ok((await stored()) > Body.byteLength);
    assert.ok((await bytesOf(await s3.getObject({ Bucket, Key: "key" }))).equals(Body));
    const range = await s3.getObject({ Bucket, Key: "key", Range: "bytes=8388600-8388700" });
    assert.ok((await bytesOf(range)).equals(Body.subarray(8_388_600, 8_388_701)));
    await s3.deleteObject({ Bucket, Key: "key" });
    clock.advance(60_000);
    await server.runWorker("sweeper");
    assert.equal(await stored(), 0);
  });

  it("archives compressed and sealed, and gives back what was archived when it is restored", async () => {
    const Bucket = await newBucket();
    await s3.putObject({ Bucket, Key: "key", Body: text });
    const CopySource = `${Bucket}/key`;
    await s3.copyObject({ Bucket, Key: "key", CopySource, StorageClass: "GLACIER" });
    const bytes = await stored();
    assert.ok(bytes > 0 && bytes < 100_000, `${bytes} bytes`);
    const { Contents = [] } = await archive.s3.listObjectsV2({ Bucket: "archive" });
    for (const { Key } of Contents) {
      const found = await bytesOf(await archive.s3.getObject({ Bucket: "archive", Key }));
      assert.ok(!found.includes("archived can mostly"));
    }
    const RestoreRequest = { Days: 1, GlacierJobParameters: { Tier: "Expedited" as const } };
    await s3.restoreObject({ Bucket, Key: "key", RestoreRequest });
    await server.runWorker("restore");
    assert.ok((await bytesOf(await s3.getObject({ Bucket, Key: "key" }))).equals(text));
  });

  it("that cannot be reached is an answer of its own, and disturbs no other class", async () => {
    const Bucket = await newBucket();
    await s3.putObject({ Bucket, Key: "far", Body: text, StorageClass: "ONEZONE_IA" });
    await archive[Symbol.asyncDispose]();
    const unavailable = { code: "ServiceUnavailable", status: 503 };
    await assertRefused(s3.getObject({ Bucket, Key: "far" }), unavailable);
    const put = s3.putObject({ Bucket, Key: "new", Body: text, StorageClass: "ONEZONE_IA" });
    await assertRefused(put, unavailable);
    assert.equal((await s3.headObject({ Bucket, Key: "far" })).ContentLength, text.byteLength);
    await s3.putObject({ Bucket, Key: "near", Body: text });
    assert.ok((await bytesOf(await s3.getObject({ Bucket, Key: "near" }))).equals(text));
    assert.equal((await s3.listObjectsV2({ Bucket })).KeyCount, 2);
  });
});
