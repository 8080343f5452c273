// Reads by part number: what managed downloads do with objects of several parts.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertErrorAnswer,
  assertRefused,
  bytesOf,
  patternBytes,
  smallestPartBytes,
  startTestServer,
} from "./test-server.ts";

const { s3, plainS3, newBucket, upload, put, send } = await startTestServer();
const Bucket = await newBucket();
const Key = "parted";
const bodies = [
  patternBytes(smallestPartBytes, 1),
  patternBytes(smallestPartBytes + 7, 2),
  Buffer.from("end"),
];
const { UploadId, parts } = await upload(Bucket, Key, bodies);
// A gap in the numbers: part 2 is left out.
const listed = [parts[0], parts[2]].map((part) => part as { PartNumber: number; ETag: string });
const gapped = await upload(Bucket, "gapped", bodies);
await s3.completeMultipartUpload({ Bucket, Key, UploadId, MultipartUpload: { Parts: parts } });
await s3.completeMultipartUpload({
  Bucket,
  Key: "gapped",
  UploadId: gapped.UploadId,
  MultipartUpload: {
    Parts: gapped.parts.filter(({ PartNumber }) => PartNumber !== 2),
  },
});

test("each part is a 206 with its place in the object and the number of parts", async () => {
  let start = 0;
  const total = bodies.reduce((sum, body) => sum + body.length, 0);
  for (const [index, body] of bodies.entries()) {
    const PartNumber = index + 1;
    const read = await s3.getObject({ Bucket, Key, PartNumber });
    assert.equal(read.$metadata.httpStatusCode, 206);
    assert.equal(read.PartsCount, 3);
    assert.equal(read.ContentLength, body.length);
    assert.equal(read.ContentRange, `bytes ${start}-${start + body.length - 1}/${total}`);
    assert.match(read.ETag ?? "", /-3"$/);
    assert.ok((await bytesOf(read)).equals(body));
    const head = await s3.headObject({ Bucket, Key, PartNumber });
    assert.deepEqual([head.PartsCount, head.ContentLength], [3, body.length]);
    assert.equal(head.$metadata.httpStatusCode, 206);
    start += body.length;
  }
});

test("the number of parts is told only to those who ask for a part", async () => {
  // s3-api.md 1.3: x-amz-mp-parts-count only with partNumber on a multipart object.
  const whole = await send({ method: "HEAD", path: `/${Bucket}/${Key}` });
  assert.equal(whole.headers.get("x-amz-mp-parts-count"), undefined);
  await put(Bucket, "single", "text");
  const single = await send({ path: `/${Bucket}/single`, query: "partNumber=1" });
  assert.equal(single.status, 206);
  assert.equal(single.text, "text");
  assert.equal(single.headers.get("content-range"), "bytes 0-3/4");
  assert.equal(single.headers.get("x-amz-mp-parts-count"), undefined);
});

test("parts count from 1 in the finished object, whatever numbers they had", async () => {
  const second = await s3.getObject({ Bucket, Key: "gapped", PartNumber: 2 });
  assert.equal(second.PartsCount, 2);
  assert.ok((await bytesOf(second)).equals(bodies[2] as Buffer));
  assert.equal(listed.length, 2);
});

test("a part that the object does not have is not satisfiable", async () => {
  const answer = await send({ path: `/${Bucket}/${Key}`, query: "partNumber=4" });
  assertErrorAnswer(answer, {
    code: "InvalidPartNumber",
    status: 416,
    message: "The requested partnumber is not satisfiable",
    fields: { PartNumberRequested: "4", ActualPartCount: "3" },
  });
  await assertRefused(s3.getObject({ Bucket, Key: "single", PartNumber: 2 }), {
    code: "InvalidPartNumber",
    status: 416,
    fields: { PartNumberRequested: "2", ActualPartCount: "1" },
  });
});

test("a part number lies between 1 and 10,000", async () => {
  for (const number of ["0", "10001", "-1", "x"]) {
    const query = `partNumber=${number}`;
    assertErrorAnswer(await send({ path: `/${Bucket}/${Key}`, query }), {
      code: "InvalidArgument",
      status: 400,
      message: "Part number must be an integer between 1 and 10000, inclusive",
      fields: { ArgumentName: "partNumber", ArgumentValue: number },
    });
  }
});

test("a part and a range exclude one another", async () => {
  const answer = await send({
    path: `/${Bucket}/${Key}`,
    query: "partNumber=1",
    headers: { range: "bytes=0-1" },
  });
  assertErrorAnswer(answer, {
    code: "InvalidRequest",
    status: 400,
    message: "Cannot specify both Range header and partNumber query parameter",
  });
});

test("an empty object has one empty part", async () => {
  await put(Bucket, "empty", "");
  const answer = await send({ path: `/${Bucket}/empty`, query: "partNumber=1" });
  assert.deepEqual([answer.status, answer.body.length], [200, 0]);
});

test("conditions hold for reads of parts too", async () => {
  await assertRefused(s3.getObject({ Bucket, Key, PartNumber: 1, IfMatch: '"other"' }), {
    code: "PreconditionFailed",
    status: 412,
  });
});

test("with checksum mode a part carries its own checksum", async () => {
  const summed = { Bucket, Key: "summed" };
  const { UploadId: id } = await plainS3.createMultipartUpload({
    ...summed,
    ChecksumAlgorithm: "SHA256",
  });
  const done = [];
  for (const [index, Body] of bodies.entries()) {
    const PartNumber = index + 1;
    const place = { ...summed, UploadId: id, PartNumber };
    const part = await s3.uploadPart({ ...place, Body, ChecksumAlgorithm: "SHA256" });
    done.push({ PartNumber, ETag: part.ETag, ChecksumSHA256: part.ChecksumSHA256 });
  }
  await s3.completeMultipartUpload({
    ...summed,
    UploadId: id,
    MultipartUpload: { Parts: done },
  });
  const head = await s3.headObject({ ...summed, PartNumber: 2, ChecksumMode: "ENABLED" });
  assert.equal(head.ChecksumSHA256, done[1]?.ChecksumSHA256);
  assert.equal(head.ChecksumType, "COMPOSITE");
  const read = await s3.getObject({ ...summed, PartNumber: 2, ChecksumMode: "ENABLED" });
  assert.ok((await bytesOf(read)).equals(bodies[1] as Buffer));
});
