// Storage classes as tiers: where the bytes of each lie, how they are shown, and how copies and parts move
// them. The class is told in headers except STANDARD, and everywhere in listings.

import assert from "node:assert/strict";
import { readdir, rm, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { StorageClass } from "@aws-sdk/client-s3";
import type { StorageOptions } from "../../src/app.ts";
import {
  assertRefused,
  bytesOf,
  patternBytes,
  smallestPartBytes,
  startTestServer,
} from "./test-server.ts";

const directory = await mkdtemp(join(tmpdir(), "holdfast-tiers-"));
after(() => rm(directory, { recursive: true, force: true }));
const cold = join(directory, "cold");
const other = join(directory, "other");
const storage: StorageOptions = {
  stores: { cold: { directory: cold }, other: { directory: other } },
  classes: {
    STANDARD_IA: { store: "cold" },
    ONEZONE_IA: { store: "other", compression: "zstd" },
    REDUCED_REDUNDANCY: { compression: "gzip" },
  },
};
const { s3, newBucket } = await startTestServer({
  store: { directory: join(directory, "data") },
  durability: "relaxed",
  storage,
});

/** Files of blobs below a directory, with their sizes unknown: names alone. */
async function blobsIn(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.length > 20)
    .map((each) => each.name);
}

async function newBlobIn<Result>(
  path: string,
  work: () => Promise<Result>,
): Promise<{ readonly count: number; readonly result: Result }> {
  const before = new Set(await blobsIn(path));
  const result = await work();
  const added = (await blobsIn(path)).filter((name) => !before.has(name));
  return { count: added.length, result };
}

describe("storage classes", () => {
  const classes: readonly StorageClass[] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
  ];

  it("are shown in headers but for STANDARD, and in every listing", async () => {
    const Bucket = await newBucket();
    for (const StorageClass of classes) {
      const Key = StorageClass.toLowerCase();
      await s3.putObject({ Bucket, Key, Body: "bytes", StorageClass });
      const head = await s3.headObject({ Bucket, Key });
      assert.equal(head.StorageClass, StorageClass === "STANDARD" ? undefined : StorageClass);
      const attributes = await s3.getObjectAttributes({
        Bucket,
        Key,
        ObjectAttributes: ["StorageClass"],
      });
      assert.equal(attributes.StorageClass, StorageClass);
    }
    const expected = classes.toSorted((one, two) =>
      one.toLowerCase() < two.toLowerCase() ? -1 : 1,
    );
    const { Contents = [] } = await s3.listObjectsV2({ Bucket });
    assert.deepEqual(
      Contents.map((each) => each.StorageClass),
      expected,
    );
    const { Versions = [] } = await s3.listObjectVersions({ Bucket });
    assert.deepEqual(
      Versions.map((each) => each.StorageClass),
      expected,
    );
  });

  it("of other kinds of buckets are refused", async () => {
    const Bucket = await newBucket();
    for (const StorageClass of ["OUTPOSTS", "SNOW", "EXPRESS_ONEZONE", "FSX_OPENZFS", "COLD"]) {
      await assertRefused(
        s3.putObject({ Bucket, Key: "key", Body: "x", StorageClass: StorageClass as "SNOW" }),
        { code: "InvalidStorageClass", status: 400 },
      );
    }
  });

  it("keep their bytes in the store that the configuration names, however small", async () => {
    const Bucket = await newBucket();
    for (const size of [1, 70_000, 3_000_000]) {
      const Body = patternBytes(size);
      const put = () => s3.putObject({ Bucket, Key: "key", Body, StorageClass: "STANDARD_IA" });
      assert.equal((await newBlobIn(cold, put)).count, 1, `${size} bytes`);
      assert.ok((await bytesOf(await s3.getObject({ Bucket, Key: "key" }))).equals(Body));
      const Range = `bytes=${Math.floor(size / 2)}-`;
      const half = await bytesOf(await s3.getObject({ Bucket, Key: "key", Range }));
      assert.ok(half.equals(Body.subarray(Math.floor(size / 2))));
    }
    const put = () => s3.putObject({ Bucket, Key: "empty", Body: "", StorageClass: "STANDARD_IA" });
    assert.equal((await newBlobIn(cold, put)).count, 0);
    assert.equal((await s3.headObject({ Bucket, Key: "empty" })).ContentLength, 0);
  });

  it("of parts are the upload's, and the object keeps its parts when it is copied elsewhere", async () => {
    const Bucket = await newBucket();
    const bodies = [patternBytes(smallestPartBytes, 1), patternBytes(400_000, 2)];
    const { UploadId = "" } = await s3.createMultipartUpload({
      Bucket,
      Key: "parts",
      StorageClass: "ONEZONE_IA",
    });
    const Parts: { PartNumber: number; ETag: string }[] = [];
    const added = await newBlobIn(other, async () => {
      for (const [index, Body] of bodies.entries()) {
        const PartNumber = index + 1;
        const { ETag = "" } = await s3.uploadPart({
          Bucket,
          Key: "parts",
          UploadId,
          PartNumber,
          Body,
        });
        Parts.push({ PartNumber, ETag });
      }
    });
    assert.equal(added.count, 2);
    const { ETag } = await s3.completeMultipartUpload({
      Bucket,
      Key: "parts",
      UploadId,
      MultipartUpload: { Parts },
    });
    const whole = Buffer.concat(bodies);
    assert.ok((await bytesOf(await s3.getObject({ Bucket, Key: "parts" }))).equals(whole));
    const moved = await newBlobIn(cold, () =>
      s3.copyObject({
        Bucket,
        Key: "parts",
        CopySource: `${Bucket}/parts`,
        StorageClass: "STANDARD_IA",
      }),
    );
    assert.equal(moved.count, 2);
    const copied = await s3.getObject({ Bucket, Key: "parts" });
    assert.equal(copied.StorageClass, "STANDARD_IA");
    assert.equal(copied.ETag, ETag);
    assert.ok((await bytesOf(copied)).equals(whole));
    const part = await s3.getObject({ Bucket, Key: "parts", PartNumber: 2 });
    assert.ok((await bytesOf(part)).equals(bodies[1] as Buffer));
  });

  it("that compress give back all bytes and any range, of what can be compressed and what cannot", async () => {
    const Bucket = await newBucket();
    const text = Buffer.alloc(2_000_000, "a line of a log that is much like the next one\n");
    const mixed = Buffer.concat([text, patternBytes(500_000), text.subarray(0, 33)]);
    for (const StorageClass of ["ONEZONE_IA", "REDUCED_REDUNDANCY"] as const) {
      await s3.putObject({ Bucket, Key: "log", Body: mixed, StorageClass });
      const read = await s3.getObject({ Bucket, Key: "log" });
      assert.equal(read.ContentLength, mixed.byteLength);
      assert.ok((await bytesOf(read)).equals(mixed));
      for (const [first, last] of [
        [0, 0],
        [262_140, 262_150],
        [1_999_990, 2_000_010],
        [2_499_999, mixed.byteLength - 1],
      ] as const) {
        const range = await s3.getObject({ Bucket, Key: "log", Range: `bytes=${first}-${last}` });
        assert.ok((await bytesOf(range)).equals(mixed.subarray(first, last + 1)));
      }
    }
  });

  it("move bytes to the copy's own class, also of a part that is copied", async () => {
    const Bucket = await newBucket();
    const Body = patternBytes(200_000);
    await s3.putObject({ Bucket, Key: "source", Body });
    const copy = await newBlobIn(cold, () =>
      s3.copyObject({
        Bucket,
        Key: "copy",
        CopySource: `${Bucket}/source`,
        StorageClass: "STANDARD_IA",
      }),
    );
    assert.equal(copy.count, 1);
    const { UploadId = "" } = await s3.createMultipartUpload({
      Bucket,
      Key: "of-part",
      StorageClass: "ONEZONE_IA",
    });
    const part = await newBlobIn(other, () =>
      s3.uploadPartCopy({
        Bucket,
        Key: "of-part",
        UploadId,
        PartNumber: 1,
        CopySource: `${Bucket}/copy`,
        CopySourceRange: "bytes=100-150099",
      }),
    );
    assert.equal(part.count, 1);
    const { ETag = "" } = part.result.CopyPartResult ?? {};
    await s3.completeMultipartUpload({
      Bucket,
      Key: "of-part",
      UploadId,
      MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
    });
    const read = await bytesOf(await s3.getObject({ Bucket, Key: "of-part" }));
    assert.ok(read.equals(Body.subarray(100, 150_100)));
    // Without a class of its own a copy is STANDARD again.
    await s3.copyObject({ Bucket, Key: "back", CopySource: `${Bucket}/copy` });
    assert.equal((await s3.headObject({ Bucket, Key: "back" })).StorageClass, undefined);
    assert.ok((await bytesOf(await s3.getObject({ Bucket, Key: "back" }))).equals(Body));
  });
});

describe("an archived object", () => {
  for (const StorageClass of ["GLACIER", "DEEP_ARCHIVE"] as const) {
    it(`of ${StorageClass} has its head, and neither bytes nor copies`, async () => {
      const Bucket = await newBucket();
      await s3.putObject({ Bucket, Key: "key", Body: "frozen", StorageClass });
      const head = await s3.headObject({ Bucket, Key: "key" });
      assert.equal(head.StorageClass, StorageClass);
      assert.equal(head.ContentLength, 6);
      const refused = { code: "InvalidObjectState", status: 403, fields: { StorageClass } };
      await assertRefused(s3.getObject({ Bucket, Key: "key" }), {
        ...refused,
        message: "The operation is not valid for the object's storage class",
      });
      await assertRefused(s3.getObject({ Bucket, Key: "key", Range: "bytes=0-1" }), refused);
      const CopySource = `${Bucket}/key`;
      await assertRefused(s3.copyObject({ Bucket, Key: "copy", CopySource }), {
        ...refused,
        message: "Operation is not valid for the source object's storage class",
      });
      const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: "parts" });
      await assertRefused(
        s3.uploadPartCopy({ Bucket, Key: "parts", UploadId, PartNumber: 1, CopySource }),
        refused,
      );
      await s3.deleteObject({ Bucket, Key: "key" });
    });
  }
});
