// x-amz-expected-bucket-owner: one check for every operation that has the header, before any effect.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../src/app.ts";
import { openStores } from "../../src/open-stores.ts";
import {
  assertErrorAnswer,
  assertRefused,
  startTestServer,
  startTestServerAlone,
} from "./test-server.ts";

const { s3, newBucket, put, upload, send } = await startTestServer();
const Bucket = await newBucket();
await put(Bucket, "key", "text");
const { UploadId, parts } = await upload(Bucket, "upload", [Buffer.from("x")]);
const MultipartUpload = { Parts: parts };
const annotation = { Key: "key", AnnotationName: "note" };
const stranger = { Bucket, ExpectedBucketOwner: "999999999999" };

const requests: Readonly<Record<string, () => Promise<unknown>>> = {
  HeadBucket: () => s3.headBucket(stranger),
  DeleteBucket: () => s3.deleteBucket(stranger),
  GetBucketLocation: () => s3.getBucketLocation(stranger),
  GetBucketVersioning: () => s3.getBucketVersioning(stranger),
  PutBucketVersioning: () =>
    s3.putBucketVersioning({ ...stranger, VersioningConfiguration: { Status: "Enabled" } }),
  GetBucketTagging: () => s3.getBucketTagging(stranger),
  PutBucketTagging: () => s3.putBucketTagging({ ...stranger, Tagging: { TagSet: [] } }),
  DeleteBucketTagging: () => s3.deleteBucketTagging(stranger),
  GetBucketAbac: () => s3.getBucketAbac(stranger),
  PutBucketAbac: () => s3.putBucketAbac({ ...stranger, AbacStatus: { Status: "Enabled" } }),
  GetObjectTagging: () => s3.getObjectTagging({ ...stranger, Key: "key" }),
  GetObjectTorrent: () => s3.getObjectTorrent({ ...stranger, Key: "key" }),
  PutObjectTagging: () => s3.putObjectTagging({ ...stranger, Key: "key", Tagging: { TagSet: [] } }),
  DeleteObjectTagging: () => s3.deleteObjectTagging({ ...stranger, Key: "key" }),
  PutObjectAnnotation: () =>
    s3.putObjectAnnotation({ ...stranger, ...annotation, AnnotationPayload: "text" }),
  GetObjectAnnotation: () => s3.getObjectAnnotation({ ...stranger, ...annotation }),
  ListObjectAnnotations: () => s3.listObjectAnnotations({ ...stranger, Key: "key" }),
  DeleteObjectAnnotation: () => s3.deleteObjectAnnotation({ ...stranger, ...annotation }),
  GetBucketRequestPayment: () => s3.getBucketRequestPayment(stranger),
  PutBucketRequestPayment: () =>
    s3.putBucketRequestPayment({
      ...stranger,
      RequestPaymentConfiguration: { Payer: "Requester" },
    }),
  GetObjectLockConfiguration: () => s3.getObjectLockConfiguration(stranger),
  PutObjectLockConfiguration: () =>
    s3.putObjectLockConfiguration({
      ...stranger,
      ObjectLockConfiguration: { ObjectLockEnabled: "Enabled" },
    }),
  GetObjectRetention: () => s3.getObjectRetention({ ...stranger, Key: "key" }),
  PutObjectRetention: () => s3.putObjectRetention({ ...stranger, Key: "key", Retention: {} }),
  GetObjectLegalHold: () => s3.getObjectLegalHold({ ...stranger, Key: "key" }),
  PutObjectLegalHold: () =>
    s3.putObjectLegalHold({ ...stranger, Key: "key", LegalHold: { Status: "ON" } }),
  ListObjects: () => s3.listObjects(stranger),
  ListObjectsV2: () => s3.listObjectsV2(stranger),
  ListObjectVersions: () => s3.listObjectVersions(stranger),
  ListMultipartUploads: () => s3.listMultipartUploads(stranger),
  PutObject: () => s3.putObject({ ...stranger, Key: "key", Body: "changed" }),
  GetObject: () => s3.getObject({ ...stranger, Key: "key" }),
  HeadObject: () => s3.headObject({ ...stranger, Key: "key" }),
  GetObjectAttributes: () =>
    s3.getObjectAttributes({ ...stranger, Key: "key", ObjectAttributes: ["ETag"] }),
  DeleteObject: () => s3.deleteObject({ ...stranger, Key: "key" }),
  DeleteObjects: () => s3.deleteObjects({ ...stranger, Delete: { Objects: [{ Key: "key" }] } }),
  CopyObject: () => s3.copyObject({ ...stranger, Key: "copy", CopySource: `${Bucket}/key` }),
  CreateMultipartUpload: () => s3.createMultipartUpload({ ...stranger, Key: "new" }),
  UploadPart: () =>
    s3.uploadPart({ ...stranger, Key: "upload", UploadId, PartNumber: 2, Body: "x" }),
  UploadPartCopy: () =>
    s3.uploadPartCopy({
      ...stranger,
      Key: "upload",
      UploadId,
      PartNumber: 2,
      CopySource: `${Bucket}/key`,
    }),
  ListParts: () => s3.listParts({ ...stranger, Key: "upload", UploadId }),
  CompleteMultipartUpload: () =>
    s3.completeMultipartUpload({ ...stranger, Key: "upload", UploadId, MultipartUpload }),
  AbortMultipartUpload: () => s3.abortMultipartUpload({ ...stranger, Key: "upload", UploadId }),
};

for (const [name, request] of Object.entries(requests)) {
  test(`${name} for another owner is AccessDenied`, async () => {
    const isHead = name.startsWith("Head");
    // A HEAD has no document: the SDK knows the status alone.
    if (isHead) {
      const path = name === "HeadBucket" ? `/${Bucket}` : `/${Bucket}/key`;
      const headers = { "x-amz-expected-bucket-owner": stranger.ExpectedBucketOwner };
      const answer = await send({ method: "HEAD", path, headers });
      assert.deepEqual([answer.status, answer.body.length], [403, 0]);
      return;
    }
    await assertRefused(request(), { code: "AccessDenied", status: 403, message: "Access Denied" });
  });
}

test("nothing of this has changed anything", async () => {
  assert.equal((await send({ path: `/${Bucket}/key` })).text, "text");
  assert.equal((await s3.listObjectsV2({ Bucket })).KeyCount, 1);
  assert.equal((await s3.getBucketVersioning({ Bucket })).Status, undefined);
  const listed = await s3.listParts({ Bucket, Key: "upload", UploadId });
  assert.equal(listed.Parts?.length, 1);
  assert.equal((await s3.listMultipartUploads({ Bucket })).Uploads?.length, 1);
});

test("the source of a copy has an owner of its own to expect", async () => {
  const copy = { Bucket, Key: "copy", CopySource: `${Bucket}/key` };
  const ExpectedSourceBucketOwner = stranger.ExpectedBucketOwner;
  const denied = { code: "AccessDenied", status: 403 };
  await assertRefused(s3.copyObject({ ...copy, ExpectedSourceBucketOwner }), denied);
  const part = { ...copy, Key: "upload", UploadId, PartNumber: 3, ExpectedSourceBucketOwner };
  await assertRefused(s3.uploadPartCopy(part), denied);
});

test("the true owner is let through", async () => {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-owner-"));
  try {
    const owner = await rootAccountOf(directory);
    await using started = await startTestServerAlone({ store: { directory } });
    const own = await started.newBucket();
    const ExpectedBucketOwner = owner;
    await started.s3.headBucket({ Bucket: own, ExpectedBucketOwner });
    await started.s3.putObject({ Bucket: own, Key: "key", Body: "x", ExpectedBucketOwner });
    await started.s3.copyObject({
      Bucket: own,
      Key: "copy",
      CopySource: `${own}/key`,
      ExpectedBucketOwner,
      ExpectedSourceBucketOwner: owner,
    });
  } finally {
    await rm(directory, { recursive: true });
  }
});

/** Clients know their account's number from elsewhere; here it is read from the store. */
async function rootAccountOf(directory: string): Promise<string> {
  await using stores = await openStores({
    store: { directory },
    durability: "relaxed",
    clock: systemClock,
    deadWriters: "all",
  });
  return stores.objects.rootAccount.accountId;
}

test("what is no account id is refused as such", async () => {
  for (const owner of ["me", "12345", "1234567890123"]) {
    const headers = { "x-amz-expected-bucket-owner": owner };
    assertErrorAnswer(await send({ path: `/${Bucket}`, headers }), {
      code: "InvalidBucketOwnerAWSAccountID",
      status: 400,
      message: "The value of the expected bucket owner parameter must be an AWS account ID",
    });
  }
});
