// Servers in the caller's process: many side by side, on memory and on directories, with clocks that
// are moved, and with what they kept after a restart.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createServer, DirectoryInUseError, ManualClock } from "../../src/app.ts";
import {
  assertErrorAnswer,
  assertRefused,
  bytesOf,
  md5Hex,
  patternBytes,
  smallestPartBytes,
  startTestServerAlone,
  textOf,
  type TestServer,
} from "./test-server.ts";

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-s3-"));
  try {
    await work(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

test("two servers in one process share nothing", async () => {
  await using one = await startTestServerAlone();
  await using two = await startTestServerAlone({ region: "eu-west-1" });
  assert.notEqual(one.server.endpoint, two.server.endpoint);
  assert.notEqual(one.server.credentials.accessKeyId, two.server.credentials.accessKeyId);
  const Bucket = await one.newBucket();
  assert.equal(Bucket, await two.newBucket());
  await one.put(Bucket, "key", "of one");
  await two.put(Bucket, "key", "of two");
  assert.equal(await textOf(await one.s3.getObject({ Bucket, Key: "key" })), "of one");
  assert.equal(await textOf(await two.s3.getObject({ Bucket, Key: "key" })), "of two");
  await one.s3.deleteObject({ Bucket, Key: "key" });
  assert.equal(await textOf(await two.s3.getObject({ Bucket, Key: "key" })), "of two");
  const stranger = two.client({ endpoint: one.server.endpoint, region: "us-east-1" });
  await assertRefused(stranger.listBuckets({}), { code: "InvalidAccessKeyId", status: 403 });
});

test("one server's end is not the other's", async () => {
  await using kept = await startTestServerAlone();
  const Bucket = await kept.newBucket();
  {
    await using ended = await startTestServerAlone();
    await ended.newBucket();
  }
  await kept.put(Bucket, "key", "still here");
  assert.equal(await textOf(await kept.s3.getObject({ Bucket, Key: "key" })), "still here");
});

test("time is the clock's, also where it jumps", async () => {
  // The SDK follows the server's clock; no jump may be longer than the quarter of an hour of S3.
  const start = Math.floor(Date.now() / 1000) * 1000;
  const clock = new ManualClock(start);
  await using started = await startTestServerAlone({ clock });
  const { s3, put, newBucket, send } = started;
  const Bucket = await newBucket("Enabled");
  const first = await put(Bucket, "key", "1");
  clock.advance(400_000);
  const second = await put(Bucket, "key", "2");
  // Back before the first write: order is that of the writes all the same.
  clock.set(start - 400_000);
  const third = await put(Bucket, "key", "3");
  const { Versions = [] } = await s3.listObjectVersions({ Bucket });
  assert.deepEqual(
    Versions.map(({ VersionId, LastModified }) => [VersionId, LastModified?.getTime()]),
    [
      [third.versionId, start - 400_000],
      [second.versionId, start + 400_000],
      [first.versionId, start],
    ],
  );
  assert.equal(await textOf(await s3.getObject({ Bucket, Key: "key" })), "3");
  // Signatures are judged by the same clock: a quarter of an hour is the most that it may differ.
  clock.set(start + 3_600_000);
  assertErrorAnswer(await send({ path: "/", signingDate: new Date(start) }), {
    code: "RequestTimeTooSkewed",
    status: 403,
    message: "The difference between the request time and the current time is too large.",
  });
  const moved = await send({ path: "/", signingDate: new Date(start + 3_600_000) });
  assert.equal(moved.status, 200);
});

/** Everything that one user might do, with small and large bytes. */
async function fill({ s3, plainS3, put, newBucket, upload }: TestServer): Promise<string> {
  const Bucket = await newBucket("Enabled");
  await put(Bucket, "inline", "small");
  await plainS3.putObject({ Bucket, Key: "blob", Body: patternBytes(300_000) });
  await put(Bucket, "versions", "old");
  await put(Bucket, "versions", "new");
  await put(Bucket, "hidden", "x");
  await s3.deleteObject({ Bucket, Key: "hidden" });
  await s3.copyObject({ Bucket, Key: "copy", CopySource: `${Bucket}/blob` });
  const { parts, ...place } = await upload(Bucket, "parted", [
    patternBytes(smallestPartBytes),
    Buffer.from("tail"),
  ]);
  await s3.completeMultipartUpload({ ...place, MultipartUpload: { Parts: parts } });
  await upload(Bucket, "pending", [patternBytes(100_000)]);
  await s3.putObject({ Bucket, Key: "meta", Body: "x", Metadata: { a: "b" }, Tagging: "a=1" });
  return Bucket;
}

async function check({ s3 }: TestServer, Bucket: string): Promise<void> {
  const read = async (Key: string) => bytesOf(await s3.getObject({ Bucket, Key }));
  assert.equal((await read("inline")).toString(), "small");
  assert.ok((await read("blob")).equals(patternBytes(300_000)));
  assert.ok((await read("copy")).equals(patternBytes(300_000)));
  const parted = Buffer.concat([patternBytes(smallestPartBytes), Buffer.from("tail")]);
  assert.equal(md5Hex(await read("parted")), md5Hex(parted));
  await assertRefused(s3.getObject({ Bucket, Key: "hidden" }), { code: "NoSuchKey", status: 404 });
  const { Versions = [], DeleteMarkers = [] } = await s3.listObjectVersions({ Bucket });
  assert.deepEqual([Versions.length, DeleteMarkers.length], [8, 1]);
  const { Uploads = [] } = await s3.listMultipartUploads({ Bucket });
  assert.deepEqual(
    Uploads.map(({ Key }) => Key),
    ["pending"],
  );
  const meta = await s3.headObject({ Bucket, Key: "meta" });
  assert.equal(meta.TagCount, 1);
  assert.deepEqual(meta.Metadata, { a: "b" });
}

test("a directory keeps everything over a restart, the credentials too", async () => {
  await inDirectory(async (directory) => {
    let Bucket = "";
    let accessKeyId = "";
    {
      await using first = await startTestServerAlone({ store: { directory } });
      Bucket = await fill(first);
      await check(first, Bucket);
      accessKeyId = first.server.credentials.accessKeyId;
    }
    await using second = await startTestServerAlone({ store: { directory } });
    assert.equal(second.server.credentials.accessKeyId, accessKeyId);
    await check(second, Bucket);
    const { UploadId } =
      (await second.s3.listMultipartUploads({ Bucket })).Uploads?.[0] ?? assert.fail("none");
    const { Parts = [] } = await second.s3.listParts({ Bucket, Key: "pending", UploadId });
    await second.s3.completeMultipartUpload({
      Bucket,
      Key: "pending",
      UploadId,
      MultipartUpload: { Parts: Parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag })) },
    });
    const done = await bytesOf(await second.s3.getObject({ Bucket, Key: "pending" }));
    assert.ok(done.equals(patternBytes(100_000)));
  });
});

test("a memory server does the same as one on a directory", async () => {
  await using started = await startTestServerAlone();
  await check(started, await fill(started));
});

test("a directory has one server at a time", async () => {
  await inDirectory(async (directory) => {
    await using first = await createServer({ store: { directory } });
    await assert.rejects(createServer({ store: { directory } }), DirectoryInUseError);
    assert.ok(first.port > 0);
  });
});

test("racing conditional writers on a directory have one winner", async () => {
  await inDirectory(async (directory) => {
    await using started = await startTestServerAlone({ store: { directory } });
    const { s3, newBucket } = started;
    const Bucket = await newBucket();
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        s3
          .putObject({ Bucket, Key: "key", Body: patternBytes(70_000, index), IfNoneMatch: "*" })
          .then(
            () => index,
            (error: Error) => error.name,
          ),
      ),
    );
    const winners = results.filter((result) => typeof result === "number");
    assert.equal(winners.length, 1);
    const read = await bytesOf(await s3.getObject({ Bucket, Key: "key" }));
    assert.ok(read.equals(patternBytes(70_000, winners[0])));
  });
});
