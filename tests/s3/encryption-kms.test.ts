// SSE-KMS and DSSE-KMS: keys of a key management service, named by requests and by buckets' defaults.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import {
  assertErrorAnswer,
  assertRefused,
  bytesOf,
  md5Hex,
  patternBytes,
  smallestPartBytes,
  startTestServer,
  textOf,
  unquoted,
} from "./test-server.ts";
import { parseTorrent } from "./torrent-file.ts";

const { s3, plainS3, newBucket, put, send } = await startTestServer({
  customerKeys: "anywhere",
});
const Bucket = await newBucket();

const kinds = ["aws:kms", "aws:kms:dsse"] as const;
const arnPattern = /^arn:aws:kms:us-east-1:\d{12}:key\/[0-9a-f-]{36}$/;
const context = Buffer.from(JSON.stringify({ project: "blue" })).toString("base64");
const sizes = [0, 1000, 65_536, 300_000];

for (const kind of kinds) {
  describe(`an object with ${kind}`, () => {
    for (const size of sizes) {
      test(`of ${size} bytes is read without more`, async () => {
        const Key = `${kind}/${size}`;
        const Body = patternBytes(size);
        const written = await s3.putObject({ Bucket, Key, Body, ServerSideEncryption: kind });
        assert.equal(written.ServerSideEncryption, kind);
        assert.match(written.SSEKMSKeyId ?? "", arnPattern);
        assert.match(unquoted(written.ETag), /^[0-9a-f]{32}$/);
        assert.notEqual(unquoted(written.ETag), md5Hex(Body));
        const got = await s3.getObject({ Bucket, Key });
        const head = await s3.headObject({ Bucket, Key });
        for (const read of [got, head]) {
          assert.equal(read.ServerSideEncryption, kind);
          assert.equal(read.SSEKMSKeyId, written.SSEKMSKeyId);
          assert.equal(read.ETag, written.ETag);
          assert.equal(read.ContentLength, size);
        }
        assert.ok((await bytesOf(got)).equals(Body));
        if (size < 1000) return;
        const Range = `bytes=${size - 700}-${size - 100}`;
        const range = await s3.getObject({ Bucket, Key, Range });
        assert.ok((await bytesOf(range)).equals(Body.subarray(size - 700, size - 99)));
      });
    }

    test("of parts", async () => {
      const Key = `${kind}/parts`;
      const bodies = [patternBytes(smallestPartBytes, 1), patternBytes(70_000, 2)];
      const created = await plainS3.createMultipartUpload({
        Bucket,
        Key,
        ServerSideEncryption: kind,
      });
      assert.equal(created.ServerSideEncryption, kind);
      const place = { Bucket, Key, UploadId: created.UploadId };
      const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
      for (const [index, Body] of bodies.entries()) {
        const part = await plainS3.uploadPart({ ...place, PartNumber: index + 1, Body });
        assert.equal(part.ServerSideEncryption, kind);
        assert.equal(part.SSEKMSKeyId, created.SSEKMSKeyId);
        assert.notEqual(unquoted(part.ETag), md5Hex(Body));
        Parts.push({ PartNumber: index + 1, ETag: part.ETag });
      }
      const completed = await plainS3.completeMultipartUpload({
        ...place,
        MultipartUpload: { Parts },
      });
      assert.equal(completed.ServerSideEncryption, kind);
      assert.equal(completed.SSEKMSKeyId, created.SSEKMSKeyId);
      assert.match(unquoted(completed.ETag), /-2$/);
      const read = await s3.getObject({ Bucket, Key });
      assert.ok((await bytesOf(read)).equals(Buffer.concat(bodies)));
    });
  });
}

test("the client's encryption context is shown by writes, and opens the object again", async () => {
  const input = {
    Bucket,
    Key: "context",
    ServerSideEncryption: "aws:kms",
    SSEKMSEncryptionContext: context,
  } as const;
  const written = await s3.putObject({ ...input, Body: "bytes" });
  assert.equal(written.SSEKMSEncryptionContext, context);
  assert.equal(await textOf(await s3.getObject({ Bucket, Key: "context" })), "bytes");
});

test("a key that does not exist is named", async () => {
  const settings = { ServerSideEncryption: "aws:kms", SSEKMSKeyId: "no-such-key" } as const;
  await assertRefused(s3.putObject({ Bucket, Key: "k", Body: "x", ...settings }), {
    code: "KMS.NotFoundException",
    status: 400,
    message: "Invalid keyId 'no-such-key'",
  });
  await assertRefused(s3.createMultipartUpload({ Bucket, Key: "k", ...settings }), {
    code: "KMS.NotFoundException",
    status: 400,
  });
  await put(Bucket, "source");
  const copy = { Bucket, Key: "k", CopySource: `${Bucket}/source` };
  await assertRefused(s3.copyObject({ ...copy, ...settings }), {
    code: "KMS.NotFoundException",
    status: 400,
  });
});

test("requests without Signature Version 4 neither write nor read such objects", async () => {
  const open = await newBucket();
  await s3.putObject({ Bucket: open, Key: "k", Body: "x", ServerSideEncryption: "aws:kms" });
  const Policy = JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: "*",
        Action: ["s3:GetObject", "s3:GetObjectTorrent"],
        Resource: `arn:aws:s3:::${open}/*`,
      },
    ],
  });
  await s3.deletePublicAccessBlock({ Bucket: open }).catch(() => {});
  await s3.putBucketPolicy({ Bucket: open, Policy });
  // Its hashes are known from here on: whoever asks is judged all the same.
  const { hashes } = parseTorrent(
    await bytesOf(await s3.getObjectTorrent({ Bucket: open, Key: "k" })),
  );
  assert.deepEqual(hashes, [createHash("sha1").update("x").digest("hex")]);
  for (const query of ["", "torrent"]) {
    assertErrorAnswer(await send({ path: `/${open}/k`, query, isSigned: false }), {
      code: "InvalidArgument",
      status: 400,
      message:
        "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.",
    });
  }
});

function rule(algorithm: string, isBucketKey: boolean) {
  return {
    Rules: [
      {
        ApplyServerSideEncryptionByDefault: { SSEAlgorithm: algorithm as "aws:kms" },
        BucketKeyEnabled: isBucketKey,
      },
    ],
  };
}

describe("a bucket's default", () => {
  for (const kind of kinds) {
    test(`of ${kind} is for new objects that ask for nothing else`, async () => {
      const bucket = await newBucket();
      const before = await put(bucket, "before");
      const ServerSideEncryptionConfiguration = rule(kind, true);
      await s3.putBucketEncryption({ Bucket: bucket, ServerSideEncryptionConfiguration });
      const written = await s3.putObject({
        Bucket: bucket,
        Key: "after",
        Body: patternBytes(100_000),
      });
      assert.equal(written.ServerSideEncryption, kind);
      // Bucket keys are for SSE-KMS only.
      assert.equal(written.BucketKeyEnabled, kind === "aws:kms" ? true : undefined);
      const read = await s3.getObject({ Bucket: bucket, Key: "after" });
      assert.equal(read.BucketKeyEnabled, written.BucketKeyEnabled);
      assert.ok((await bytesOf(read)).equals(patternBytes(100_000)));
      const second = await s3.putObject({ Bucket: bucket, Key: "second", Body: "again" });
      assert.equal(second.SSEKMSKeyId, written.SSEKMSKeyId);
      assert.equal(await textOf(await s3.getObject({ Bucket: bucket, Key: "second" })), "again");
      const old = await s3.headObject({ Bucket: bucket, Key: "before" });
      assert.equal(old.ServerSideEncryption, "AES256");
      assert.equal(unquoted(old.ETag), before.etag);
      const asked = {
        Bucket: bucket,
        Key: "asked",
        Body: "x",
        ServerSideEncryption: "AES256",
      } as const;
      assert.equal((await s3.putObject(asked)).ServerSideEncryption, "AES256");
      const upload = await s3.createMultipartUpload({ Bucket: bucket, Key: "upload" });
      assert.equal(upload.ServerSideEncryption, kind);
      const copied = await s3.copyObject({
        Bucket: bucket,
        Key: "copy",
        CopySource: `${bucket}/before`,
      });
      assert.equal(copied.ServerSideEncryption, kind);
      await s3.deleteBucketEncryption({ Bucket: bucket });
      assert.equal(
        (await s3.putObject({ Bucket: bucket, Key: "x", Body: "x" })).ServerSideEncryption,
        "AES256",
      );
      assert.equal(await textOf(await s3.getObject({ Bucket: bucket, Key: "copy" })), "before");
    });
  }

  test("may leave the bucket key to each request", async () => {
    const input = { Bucket, Key: "own", Body: "x", ServerSideEncryption: "aws:kms" } as const;
    assert.equal((await s3.putObject(input)).BucketKeyEnabled, undefined);
    assert.equal((await s3.putObject({ ...input, BucketKeyEnabled: true })).BucketKeyEnabled, true);
    assert.equal(await textOf(await s3.getObject({ Bucket, Key: "own" })), "x");
  });
});

describe("copies between all kinds", () => {
  const settings = {
    "SSE-S3": { ServerSideEncryption: "AES256" },
    "SSE-KMS": { ServerSideEncryption: "aws:kms" },
    "SSE-KMS with a bucket key": { ServerSideEncryption: "aws:kms", BucketKeyEnabled: true },
    "DSSE-KMS": { ServerSideEncryption: "aws:kms:dsse" },
  } as const;
  for (const [from, source] of Object.entries(settings)) {
    for (const [to, target] of Object.entries(settings)) {
      test(`from ${from} to ${to}`, async () => {
        for (const size of [700, 140_000]) {
          const Body = patternBytes(size, size);
          await s3.putObject({ Bucket, Key: "source", Body, ...source });
          const CopySource = `${Bucket}/source`;
          const copied = await s3.copyObject({ Bucket, Key: "target", CopySource, ...target });
          assert.equal(copied.ServerSideEncryption, target.ServerSideEncryption);
          const etag = unquoted(copied.CopyObjectResult?.ETag);
          assert.equal(etag === md5Hex(Body), target.ServerSideEncryption === "AES256");
          const read = await s3.getObject({ Bucket, Key: "target" });
          assert.ok((await bytesOf(read)).equals(Body));
          const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: "parted", ...target });
          const part = { Bucket, Key: "parted", UploadId, PartNumber: 1, CopySource };
          const done = await s3.uploadPartCopy({ ...part, CopySourceRange: "bytes=10-599" });
          const Parts = [{ PartNumber: 1, ETag: done.CopyPartResult?.ETag }];
          const place = { Bucket, Key: "parted" };
          await s3.completeMultipartUpload({ ...place, UploadId, MultipartUpload: { Parts } });
          const parted = await s3.getObject(place);
          assert.ok((await bytesOf(parted)).equals(Body.subarray(10, 600)));
          await s3.deleteObject({ Bucket, Key: "source" });
          assert.ok((await bytesOf(await s3.getObject(place))).equals(Body.subarray(10, 600)));
        }
      });
    }
  }

  test("of an object with parts keep its parts", async () => {
    const bodies = [patternBytes(smallestPartBytes, 3), patternBytes(10, 4)];
    const place = { Bucket, Key: "parts" };
    const { UploadId } = await plainS3.createMultipartUpload(place);
    const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
    for (const [index, Body] of bodies.entries()) {
      const part = { ...place, UploadId, PartNumber: index + 1, Body };
      Parts.push({ PartNumber: index + 1, ETag: (await plainS3.uploadPart(part)).ETag });
    }
    await plainS3.completeMultipartUpload({ ...place, UploadId, MultipartUpload: { Parts } });
    const copy = { Bucket, Key: "parts-copy", CopySource: `${Bucket}/parts` };
    await s3.copyObject({ ...copy, ServerSideEncryption: "aws:kms" });
    const read = await s3.getObject({ Bucket, Key: "parts-copy" });
    assert.match(unquoted(read.ETag), /-2$/);
    assert.ok((await bytesOf(read)).equals(Buffer.concat(bodies)));
  });
});

describe("UpdateObjectEncryption", async () => {
  const made = await s3.putObject({
    Bucket,
    Key: "arn",
    Body: "x",
    ServerSideEncryption: "aws:kms",
  });
  const KMSKeyArn = made.SSEKMSKeyId ?? "";

  test("changes the key and nothing else", async () => {
    const Body = patternBytes(100_000);
    const before = await s3.putObject({ Bucket, Key: "updated", Body });
    const old = await s3.headObject({ Bucket, Key: "updated" });
    const place = { Bucket, Key: "updated" };
    for (const BucketKeyEnabled of [false, true, false]) {
      const ObjectEncryption = { SSEKMS: { KMSKeyArn, BucketKeyEnabled } };
      await s3.updateObjectEncryption({ ...place, ObjectEncryption });
      const read = await s3.getObject(place);
      assert.equal(read.ServerSideEncryption, "aws:kms");
      assert.equal(read.SSEKMSKeyId, KMSKeyArn);
      assert.equal(read.BucketKeyEnabled, BucketKeyEnabled ? true : undefined);
      assert.equal(read.ETag, before.ETag);
      assert.deepEqual(read.LastModified, old.LastModified);
      assert.ok((await bytesOf(read)).equals(Body));
    }
    const copy = { Bucket, Key: "updated-copy", CopySource: `${Bucket}/updated` };
    const copied = await s3.copyObject({ ...copy, ServerSideEncryption: "AES256" });
    assert.equal(unquoted(copied.CopyObjectResult?.ETag), md5Hex(Body));
  });

  test("changes the keys of all parts, and of one version", async () => {
    const bucket = await newBucket("Enabled");
    const place = { Bucket: bucket, Key: "parts" };
    const { UploadId } = await plainS3.createMultipartUpload(place);
    const Body = patternBytes(80_000);
    const part = await plainS3.uploadPart({ ...place, UploadId, PartNumber: 1, Body });
    const Parts = [{ PartNumber: 1, ETag: part.ETag }];
    const { VersionId } = await plainS3.completeMultipartUpload({
      ...place,
      UploadId,
      MultipartUpload: { Parts },
    });
    await put(bucket, "parts", "newer");
    const ObjectEncryption = { SSEKMS: { KMSKeyArn } };
    await s3.updateObjectEncryption({ ...place, VersionId, ObjectEncryption });
    const read = await s3.getObject({ ...place, VersionId });
    assert.equal(read.ServerSideEncryption, "aws:kms");
    assert.ok((await bytesOf(read)).equals(Body));
    const newer = await s3.headObject(place);
    assert.equal(newer.ServerSideEncryption, "AES256");
  });

  test("is refused for other kinds, keys and accounts", async () => {
    const place = { Bucket, Key: "dsse" };
    await s3.putObject({ ...place, Body: "x", ServerSideEncryption: "aws:kms:dsse" });
    const ask = (arn: string) =>
      s3.updateObjectEncryption({ ...place, ObjectEncryption: { SSEKMS: { KMSKeyArn: arn } } });
    await assertRefused(ask(KMSKeyArn), {
      code: "InvalidRequest",
      status: 400,
      message: /doesn't support source objects with the encryption type DSSE-KMS or SSE-C/,
    });
    await put(Bucket, "dsse", "x");
    await assertRefused(ask("alias/aws/s3"), {
      code: "InvalidRequest",
      status: 400,
      message: /require a valid AWS KMS key Amazon Resource Name/,
    });
    await assertRefused(ask("arn:aws:kms:us-east-1:123456789012:key/x"), {
      code: "AccessDenied",
      status: 403,
      message: /must be owned by the same account as the bucket/,
    });
    const missing = KMSKeyArn.replace(/[0-9a-f-]{36}$/, "00000000-0000-4000-8000-000000000000");
    await assertRefused(ask(missing), { code: "KMS.NotFoundException", status: 400 });
    const locked = await newBucket();
    const lockable = { Bucket: `${locked}-lock`, Key: "k" };
    await s3.createBucket({ Bucket: lockable.Bucket, ObjectLockEnabledForBucket: true });
    await s3.putObject({ ...lockable, Body: "x", ObjectLockLegalHoldStatus: "ON" });
    const ObjectEncryption = { SSEKMS: { KMSKeyArn } };
    await assertRefused(s3.updateObjectEncryption({ ...lockable, ObjectEncryption }), {
      code: "AccessDenied",
      status: 403,
      message: /protected by S3 Object Lock/,
    });
    const body = "<ObjectEncryption><SSE-S3/></ObjectEncryption>";
    const answer = await send({
      method: "PUT",
      path: `/${Bucket}/dsse`,
      query: "encryption",
      body,
    });
    assert.equal(answer.status, 400, answer.text);
  });
});
