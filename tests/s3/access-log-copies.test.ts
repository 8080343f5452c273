// "A copy operation involves a GET and a PUT. For that reason, two records are logged when performing a copy
// operation" ("Additional logging for copy operations", User Guide, LogFormat.html): the GET's in the log
// of the bucket that is read. And what else a record can only know from the operation itself.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logBucket, type LoggedBucket, type LogRecord } from "./access-log-reader.ts";
import { assertRefused, patternBytes, smallestPartBytes, startTestServer } from "./test-server.ts";

const test = await startTestServer();
const { s3, newBucket, put } = test;

async function newLogged(versioning?: "Enabled"): Promise<LoggedBucket> {
  return logBucket(test, await newBucket(versioning), await newBucket());
}

function only(records: readonly LogRecord[], operation: string): LogRecord {
  const found = records.filter((record) => record.operation === operation);
  assert.equal(found.length, 1, `${operation} in ${records.map((each) => each.operation).join()}`);
  return found[0] as LogRecord; // there is one
}

/** What the two records of a copy agree in. */
function shared(record: LogRecord): readonly string[] {
  const { time, remoteAddress, requester, requestId, hostId, hostHeader } = record;
  const { signatureVersion, authentication, cipherSuite, tlsVersion } = record;
  const signed = [signatureVersion, authentication, cipherSuite, tlsVersion];
  return [time, remoteAddress, requester, requestId, hostId, hostHeader, ...signed];
}

describe("copies in access logs", () => {
  it("leave a GET in the log of the source and a PUT in that of the destination", async () => {
    const from = await newLogged();
    const to = await newLogged();
    await put(from.Bucket, "a b.txt", "seventeen bytes..");
    await s3.copyObject({
      Bucket: to.Bucket,
      Key: "copy",
      CopySource: `${from.Bucket}/a%20b.txt`,
    });
    const got = only(await from.records(), "REST.COPY.OBJECT_GET");
    const copied = only(await to.records(), "REST.COPY.OBJECT");
    assert.equal(got.bucket, from.Bucket);
    assert.equal(got.owner, copied.owner);
    assert.equal(got.key, "a+b.txt");
    assert.deepEqual([got.status, got.errorCode, got.objectSize], ["200", "-", "17"]);
    // Request-URI; sent, total and turn-around; referer, agent and version: dashes without quotes.
    assert.match(
      got.line,
      / REST\.COPY\.OBJECT_GET a\+b\.txt - 200 - - 17 - - - - - [^\s-]\S+ SigV4 - AuthHeader /,
    );
    assert.equal(copied.bucket, to.Bucket);
    assert.equal(copied.key, "copy");
    assert.match(copied.requestLine, /^PUT \/.*\/copy\?x-id=CopyObject HTTP\/1\.1$/);
    assert.deepEqual([copied.status, copied.objectSize], ["200", "17"]);
    assert.match(copied.bytesSent, /^\d+$/);
    assert.match(copied.userAgent, /aws-sdk-js/);
    assert.deepEqual(shared(got), shared(copied));
    assert.deepEqual([got.signatureVersion, got.authentication], ["SigV4", "AuthHeader"]);
  });

  it("tell the version that the request has named, and no other", async () => {
    const { Bucket, records } = await newLogged("Enabled");
    const { versionId } = await put(Bucket, "key", "old");
    await put(Bucket, "key", "newer");
    await s3.copyObject({
      Bucket,
      Key: "copy",
      CopySource: `${Bucket}/key?versionId=${versionId}`,
    });
    await s3.copyObject({ Bucket, Key: "copy", CopySource: `${Bucket}/key` });
    const all = await records();
    const got = all.filter(({ operation }) => operation === "REST.COPY.OBJECT_GET");
    assert.deepEqual(
      got.map((record) => [record.versionId, record.objectSize]),
      [
        [versionId, "3"],
        ["-", "5"],
      ],
    );
  });

  it("tell of a source that is logged when the destination is not, and the other way round", async () => {
    const logged = await newLogged();
    const quiet = await newBucket();
    await put(logged.Bucket, "key");
    await s3.copyObject({ Bucket: quiet, Key: "copy", CopySource: `${logged.Bucket}/key` });
    await s3.copyObject({ Bucket: logged.Bucket, Key: "back", CopySource: `${quiet}/copy` });
    const records = await logged.records();
    const copies = records.filter(({ operation }) => operation.includes("COPY"));
    assert.deepEqual(
      copies.map(({ operation, key }) => `${operation} ${key}`),
      ["REST.COPY.OBJECT_GET key", "REST.COPY.OBJECT back"],
    );
  });

  it("of parts are named after them, with the size of each", async () => {
    const from = await newLogged();
    const to = await newLogged();
    await s3.putObject({
      Bucket: from.Bucket,
      Key: "big",
      Body: patternBytes(smallestPartBytes + 7),
    });
    const upload = { Bucket: to.Bucket, Key: "whole" };
    const { UploadId } = await s3.createMultipartUpload(upload);
    const { CopyPartResult } = await s3.uploadPartCopy({
      ...upload,
      UploadId,
      PartNumber: 1,
      CopySource: `/${from.Bucket}/big`,
      CopySourceRange: `bytes=0-${smallestPartBytes - 1}`,
    });
    const Parts = [{ PartNumber: 1, ETag: CopyPartResult?.ETag }];
    await s3.completeMultipartUpload({ ...upload, UploadId, MultipartUpload: { Parts } });
    const got = only(await from.records(), "REST.COPY.PART_GET");
    assert.deepEqual([got.key, got.status], ["big", "200"]);
    assert.equal(got.objectSize, String(smallestPartBytes + 7));
    assert.ok(got.line.includes(" REST.COPY.PART_GET big - 200 - - "));
    const records = await to.records();
    const copied = only(records, "REST.COPY.PART");
    assert.deepEqual([copied.key, copied.objectSize], ["whole", String(smallestPartBytes)]);
    assert.equal(copied.requestId, got.requestId);
    const completed = only(records, "REST.POST.UPLOAD");
    assert.equal(completed.objectSize, String(smallestPartBytes));
    assert.equal(only(records, "REST.POST.UPLOADS").key, "whole");
  });

  it("that fail say which of the two did", async () => {
    const from = await newLogged();
    const to = await newLogged();
    const input = { Bucket: to.Bucket, Key: "copy", CopySource: `${from.Bucket}/missing` };
    await assertRefused(s3.copyObject(input), { code: "NoSuchKey", status: 404 });
    await put(from.Bucket, "key", "four");
    const CopySource = `${from.Bucket}/key`;
    await assertRefused(s3.copyObject({ ...input, CopySource, CopySourceIfMatch: '"other"' }), {
      code: "PreconditionFailed",
      status: 412,
    });
    // The source is read before it turns out that the copy cannot be written.
    await put(to.Bucket, "there");
    const existing = { ...input, Key: "there", CopySource, IfNoneMatch: "*" };
    await assertRefused(s3.copyObject(existing), { code: "PreconditionFailed", status: 412 });
    const got = (await from.records()).filter(({ operation }) => operation.includes("COPY"));
    assert.deepEqual(
      got.map(({ key, status, errorCode, objectSize }) => [key, status, errorCode, objectSize]),
      [
        ["missing", "404", "NoSuchKey", "-"],
        ["key", "412", "PreconditionFailed", "-"],
        ["key", "200", "-", "4"],
      ],
    );
    const copied = (await to.records()).filter(({ operation }) => operation.includes("COPY"));
    assert.deepEqual(
      copied.map(({ status, errorCode }) => [status, errorCode]),
      [
        ["404", "NoSuchKey"],
        ["412", "PreconditionFailed"],
        ["412", "PreconditionFailed"],
      ],
    );
  });

  it("that are refused before their source is read leave nothing there", async () => {
    const from = await newLogged();
    const gone = { Bucket: "no-such-bucket", Key: "copy", CopySource: `${from.Bucket}/key` };
    await put(from.Bucket, "key");
    await assertRefused(s3.copyObject(gone), { code: "NoSuchBucket", status: 404 });
    const operations = (await from.records()).map(({ operation }) => operation);
    assert.deepEqual(operations, ["REST.PUT.OBJECT"]);
  });
});

describe("deletions in access logs", () => {
  it("of a batch are lines of the request's own id, each with what became of its key", async () => {
    const { Bucket, records } = await newLogged();
    await put(Bucket, "one two", "123456");
    const tooLong = "k".repeat(1025);
    const Objects = [{ Key: "one two" }, { Key: "absent" }, { Key: tooLong }];
    await s3.deleteObjects({ Bucket, Delete: { Objects, Quiet: true } });
    const all = await records();
    const whole = only(all, "REST.POST.MULTI_OBJECT_DELETE");
    assert.deepEqual([whole.key, whole.status], ["-", "200"]);
    const batch = all.filter(({ operation }) => operation === "BATCH.DELETE.OBJECT");
    assert.deepEqual(
      batch.map(({ key, status, errorCode, objectSize }) => [key, status, errorCode, objectSize]),
      [
        ["one+two", "204", "-", "6"],
        ["absent", "204", "-", "-"],
        [tooLong, "400", "KeyTooLongError", "-"],
      ],
    );
    for (const each of batch) assert.deepEqual(shared(each), shared(whole));
    assert.match(
      batch[0]?.line ?? "",
      / one\+two - 204 - - 6 - - - - - [^\s-]\S+ SigV4 - AuthHeader /,
    );
  });

  it("tell the size of what is gone, and of a version which one", async () => {
    const plain = await newLogged();
    await put(plain.Bucket, "key", "12345");
    await s3.deleteObject({ Bucket: plain.Bucket, Key: "key" });
    const deleted = only(await plain.records(), "REST.DELETE.OBJECT");
    assert.deepEqual([deleted.status, deleted.objectSize], ["204", "5"]);
    const versioned = await newLogged("Enabled");
    const { Bucket } = versioned;
    const { versionId: VersionId } = await put(Bucket, "key", "12345");
    await s3.deleteObject({ Bucket, Key: "key" });
    await s3.deleteObjects({ Bucket, Delete: { Objects: [{ Key: "key", VersionId }] } });
    const records = await versioned.records();
    assert.equal(only(records, "REST.DELETE.OBJECT").objectSize, "-", "it is only hidden");
    const batch = only(records, "BATCH.DELETE.OBJECT");
    assert.deepEqual([batch.versionId, batch.objectSize], [VersionId, "5"]);
  });

  it("of a bucket are told by its log", async () => {
    const { Bucket, records } = await newLogged();
    await s3.deleteBucket({ Bucket });
    assert.equal(only(await records(), "REST.DELETE.BUCKET").status, "204");
  });
});
