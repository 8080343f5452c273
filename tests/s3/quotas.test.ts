// Quotas of buckets and accounts: what they refuse and when, what counts, and what is always possible.
// They are set as an administrator's tool sets them, through a second opening of the store.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../src/app.ts";
import { openStores } from "../../src/open-stores.ts";
import { exchange, headBytes, rawRequest } from "../raw/raw-client.ts";
import { signHeaderV4 } from "../raw/raw-signer.ts";
import { assertRefused, patternBytes, smallestPartBytes, startTestServer } from "./test-server.ts";

const directory = await mkdtemp(join(tmpdir(), "holdfast-quotas-"));
const server = await startTestServer({ store: { directory }, durability: "relaxed" });
const { s3, newBucket, put } = server;
const stores = await openStores({
  store: { directory },
  durability: "relaxed",
  clock: systemClock,
  deadWriters: [],
});
const { quotas, buckets, rootAccount } = stores.objects;
after(async () => {
  await stores[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});

const refused = { code: "QuotaExceeded", status: 403 };

async function usageOf(bucket: string) {
  const { objects, bytes } = await quotas.bucketUsage(await buckets.get(bucket));
  return { objects, bytes };
}

test("a bucket takes bytes up to its quota, and again when something went", async () => {
  const Bucket = await newBucket();
  await quotas.setBucketQuota(Bucket, { bytes: 10 });
  await put(Bucket, "a", "12345");
  await put(Bucket, "b", "12345");
  const refusal = await assertRefused(s3.putObject({ Bucket, Key: "c", Body: "1" }), refused);
  assert.equal(refusal.message, "The bucket's quota of bytes is exceeded.");
  await assertRefused(s3.headObject({ Bucket, Key: "c" }), { code: "NotFound", status: 404 });
  await s3.deleteObject({ Bucket, Key: "a" });
  await put(Bucket, "c", "12345");
  assert.deepEqual(await usageOf(Bucket), { objects: 2, bytes: 10 });
});

test("the bytes of annotations count with those of their version", async () => {
  const Bucket = await newBucket();
  await quotas.setBucketQuota(Bucket, { bytes: 20 });
  await put(Bucket, "a", "0123456789");
  const note = { Bucket, Key: "a", AnnotationName: "note" };
  await s3.putObjectAnnotation({ ...note, AnnotationPayload: "01234" });
  const other = { ...note, AnnotationName: "other", AnnotationPayload: "012345" };
  await assertRefused(s3.putObjectAnnotation(other), refused);
  assert.deepEqual(await usageOf(Bucket), { objects: 1, bytes: 15 });
  await s3.putObjectAnnotation({ ...note, AnnotationPayload: "0" });
  assert.deepEqual(await usageOf(Bucket), { objects: 1, bytes: 11 });
  await assertRefused(s3.copyObject({ Bucket, Key: "b", CopySource: `${Bucket}/a` }), refused);
  await s3.deleteObject({ Bucket, Key: "a" });
  assert.deepEqual(await usageOf(Bucket), { objects: 0, bytes: 0 });
});

test("a quota of objects counts versions, and markers not at all", async () => {
  const Bucket = await newBucket("Enabled");
  await quotas.setBucketQuota(Bucket, { objects: 2 });
  await put(Bucket, "a");
  const { versionId: VersionId } = await put(Bucket, "a");
  await assertRefused(s3.putObject({ Bucket, Key: "a", Body: "" }), refused);
  await s3.deleteObject({ Bucket, Key: "a" });
  await assertRefused(s3.putObject({ Bucket, Key: "b", Body: "" }), refused);
  await s3.deleteObject({ Bucket, Key: "a", VersionId });
  await put(Bucket, "b");
});

test("what replaces an object may be as large as it and what is left, never more", async () => {
  const Bucket = await newBucket();
  await quotas.setBucketQuota(Bucket, { bytes: 10, objects: 1 });
  await put(Bucket, "a", "1234567");
  await put(Bucket, "a", "1234567890");
  await put(Bucket, "a", "0987654321");
  await assertRefused(s3.putObject({ Bucket, Key: "a", Body: "12345678901" }), refused);
  await assertRefused(s3.putObject({ Bucket, Key: "b", Body: "" }), refused);
  await quotas.setBucketQuota(Bucket, { bytes: 5 });
  // Over a quota that was lowered, what does not grow is let in.
  await put(Bucket, "a", "123456");
  assert.deepEqual(await usageOf(Bucket), { objects: 1, bytes: 6 });
});

test("copies count like uploads", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "a", "123456");
  await quotas.setBucketQuota(Bucket, { bytes: 11 });
  const CopySource = `${Bucket}/a`;
  await assertRefused(s3.copyObject({ Bucket, Key: "b", CopySource }), refused);
  await quotas.setBucketQuota(Bucket, undefined);
  await s3.copyObject({ Bucket, Key: "b", CopySource });
});

test("parts count while their upload is in progress, and once as the object", async () => {
  const Bucket = await newBucket();
  await quotas.setBucketQuota(Bucket, { bytes: 2 * smallestPartBytes, objects: 1 });
  const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: "a" });
  const part = (PartNumber: number, bytes: number) =>
    s3.uploadPart({ Bucket, Key: "a", UploadId, PartNumber, Body: patternBytes(bytes) });
  const { ETag: first } = await part(1, smallestPartBytes);
  await part(2, smallestPartBytes);
  await assertRefused(part(3, 1), refused);
  // A part that is replaced by a smaller one makes room.
  const { ETag: second } = await part(2, smallestPartBytes - 1);
  await part(3, 1);
  assert.deepEqual(await usageOf(Bucket), { objects: 0, bytes: 2 * smallestPartBytes });
  await s3.completeMultipartUpload({
    Bucket,
    Key: "a",
    UploadId,
    MultipartUpload: {
      Parts: [
        { PartNumber: 1, ETag: first },
        { PartNumber: 2, ETag: second },
      ],
    },
  });
  assert.deepEqual(await usageOf(Bucket), { objects: 1, bytes: 2 * smallestPartBytes - 1 });
  await assertRefused(s3.createMultipartUpload({ Bucket, Key: "b" }), refused);
});

test("an aborted upload leaves nothing on the account", async () => {
  const Bucket = await newBucket();
  const upload = await server.upload(Bucket, "a", [patternBytes(1000)]);
  assert.deepEqual(await usageOf(Bucket), { objects: 0, bytes: 1000 });
  const { UploadId } = upload;
  await s3.abortMultipartUpload({ Bucket, Key: "a", UploadId });
  assert.deepEqual(await usageOf(Bucket), { objects: 0, bytes: 0 });
});

test("an account's quota holds for all of its buckets together", async () => {
  const [first, second] = [await newBucket(), await newBucket()];
  const { accountId } = rootAccount;
  const before = await quotas.accountUsage(accountId);
  await quotas.setAccountQuota(accountId, { bytes: before.bytes + 10 });
  try {
    // The server trusts the sum over an account's buckets for a second.
    await until(async () => {
      await put(first, "a", "123456");
      const Key = `b-${Math.random()}`;
      await assertRefused(s3.putObject({ Bucket: second, Key, Body: "123456" }), {
        ...refused,
        message: "The account's quota of bytes is exceeded.",
      });
    });
  } finally {
    await quotas.setAccountQuota(accountId, undefined);
  }
  await until(async () => void (await put(second, "b", "123456")));
});

test("an account's quota holds for the next request, whichever process changed it", async () => {
  const Bucket = await newBucket();
  const { accountId } = rootAccount;
  for (let round = 0; round < 3; round += 1) {
    const Key = `b-${round}`;
    await put(Bucket, `a-${round}`, "12345");
    await quotas.setAccountQuota(accountId, { bytes: 1 });
    try {
      await assertRefused(s3.putObject({ Bucket, Key, Body: "12345" }), refused);
      await quotas.setAccountQuota(accountId, undefined);
      await put(Bucket, Key, "12345");
      await quotas.setAccountQuota(accountId, { bytes: 1 });
      await assertRefusedEarly(Bucket);
    } finally {
      await quotas.setAccountQuota(accountId, undefined);
    }
  }
});

test("an upload over the quota is refused before its body is sent", async () => {
  const Bucket = await newBucket();
  await quotas.setBucketQuota(Bucket, { bytes: 10 });
  await assertRefusedEarly(Bucket);
});

/** Of a long upload, which waits to be asked for its body. */
async function assertRefusedEarly(Bucket: string): Promise<void> {
  const request = rawRequest("PUT", `/${Bucket}/a`, {
    headers: [
      ["Content-Length", "1000000000"],
      ["Expect", "100-continue"],
      ["x-amz-content-sha256", "UNSIGNED-PAYLOAD"],
    ],
  });
  const { credentials, region } = server.server;
  const settings = { milliseconds: Date.now() };
  const signed = signHeaderV4(request, { ...credentials, region }, settings);
  const answer = await exchange(server.server.port, headBytes(signed.request));
  assert.equal(answer.status, 403);
  assert.match(answer.text, /<Code>QuotaExceeded<\/Code>/);
}

test("racing uploads end within the quota and what was under way", async () => {
  const Bucket = await newBucket();
  await quotas.setBucketQuota(Bucket, { objects: 20 });
  const uploads = Array.from({ length: 60 }, (_, index) => put(Bucket, `key-${index}`));
  const outcomes = await Promise.allSettled(uploads);
  const stored = outcomes.filter(({ status }) => status === "fulfilled").length;
  assert.ok(stored >= 20, `${stored} stored`);
  assert.equal((await usageOf(Bucket)).objects, stored);
  await assertRefused(s3.putObject({ Bucket, Key: "one-more", Body: "" }), refused);
});

/** Tries for a few seconds. */
async function until(attempt: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + 5000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}
