// Ranges of bytes: every form of the header, on inline objects, blobs and objects of several parts.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertErrorAnswer,
  bytesOf,
  patternBytes,
  smallestPartBytes,
  startTestServer,
  type RawAnswer,
} from "./test-server.ts";

const { s3, plainS3, newBucket, upload, send } = await startTestServer();
const Bucket = await newBucket();
const small = patternBytes(43);
const large = patternBytes(200_003, 2);
const parts = [patternBytes(smallestPartBytes, 3), patternBytes(100_000, 4), Buffer.from("tail")];
await plainS3.putObject({ Bucket, Key: "empty", Body: "" });
await plainS3.putObject({ Bucket, Key: "small", Body: small });
await plainS3.putObject({ Bucket, Key: "large", Body: large });
const begun = await upload(Bucket, "parted", [
  parts[0] as Buffer,
  patternBytes(smallestPartBytes, 4),
  parts[2] as Buffer,
]);
const parted = Buffer.concat([
  parts[0] as Buffer,
  patternBytes(smallestPartBytes, 4),
  parts[2] as Buffer,
]);
await s3.completeMultipartUpload({
  Bucket,
  Key: "parted",
  UploadId: begun.UploadId,
  MultipartUpload: { Parts: begun.parts },
});

function get(key: string, range: string, method = "GET"): Promise<RawAnswer> {
  return send({ method, path: `/${Bucket}/${key}`, headers: { range } });
}

const objects: readonly (readonly [key: string, bytes: Buffer])[] = [
  ["small", small],
  ["large", large],
  ["parted", parted],
];

for (const [key, bytes] of objects) {
  const last = bytes.length - 1;
  const middle = Math.floor(bytes.length / 2);
  const cases: readonly (readonly [range: string, start: number, end: number])[] = [
    ["bytes=0-0", 0, 1],
    ["bytes=0-9", 0, 10],
    [`bytes=${middle}-${middle + 5}`, middle, middle + 6],
    [`bytes=${last}-`, last, last + 1],
    ["bytes=0-", 0, last + 1],
    [`bytes=10-${last + 1000}`, 10, last + 1],
    ["bytes=10-99999999999999", 10, last + 1],
    ["bytes=-1", last, last + 1],
    ["bytes=-7", last - 6, last + 1],
    [`bytes=-${bytes.length + 5}`, 0, last + 1],
  ];
  for (const [range, start, end] of cases) {
    test(`${range} of the ${key} object is ${end - start} bytes`, async () => {
      const answer = await get(key, range);
      assert.equal(answer.status, 206);
      assert.equal(answer.headers.get("content-length"), String(end - start));
      const contentRange = `bytes ${start}-${end - 1}/${bytes.length}`;
      assert.equal(answer.headers.get("content-range"), contentRange);
      assert.equal(answer.headers.get("accept-ranges"), "bytes");
      assert.ok(answer.body.equals(bytes.subarray(start, end)));
      const head = await get(key, range, "HEAD");
      assert.equal(head.status, 206);
      assert.equal(head.headers.get("content-range"), contentRange);
      assert.equal(head.headers.get("content-length"), String(end - start));
    });
  }
}

test("a range may cross the border between parts", async () => {
  const start = smallestPartBytes - 3;
  const answer = await get("parted", `bytes=${start}-${start + 5}`);
  assert.ok(answer.body.equals(parted.subarray(start, start + 6)));
  const tail = 2 * smallestPartBytes - 2;
  const end = await get("parted", `bytes=${tail}-`);
  assert.ok(end.body.equals(parted.subarray(tail)));
});

test("a range of every place of a blob's blocks is right", async () => {
  for (const start of [0, 1, 65_535, 65_536, 65_537, 131_071, 131_072, 200_000]) {
    const answer = await get("large", `bytes=${start}-${start + 2}`);
    assert.ok(answer.body.equals(large.subarray(start, start + 3)), String(start));
  }
});

for (const range of [
  "bytes=43-",
  "bytes=43-50",
  "bytes=100-200",
  "bytes=-0",
  "bytes=99999999999999-",
]) {
  test(`${range} of 43 bytes cannot be satisfied`, async () => {
    const answer = await get("small", range);
    assertErrorAnswer(answer, {
      code: "InvalidRange",
      status: 416,
      message: "The requested range is not satisfiable",
      fields: { RangeRequested: range, ActualObjectSize: "43" },
    });
    assert.equal(answer.headers.get("content-range"), "bytes */43");
    const head = await get("small", range, "HEAD");
    assert.deepEqual([head.status, head.body.length], [416, 0]);
  });
}

test("no range of an empty object can be satisfied", async () => {
  for (const range of ["bytes=0-", "bytes=0-0", "bytes=-1"]) {
    const answer = await get("empty", range);
    assertErrorAnswer(answer, {
      code: "InvalidRange",
      status: 416,
      fields: { ActualObjectSize: "0" },
    });
  }
});

// s3-api.md 5.4 #35: several ranges are not supported, the whole object is returned.
for (const range of [
  "bytes=0-1,3-4",
  "bytes=9-2",
  "bytes=-",
  "bytes=",
  "bytes=a-b",
  "items=0-1",
  "0-1",
  "bytes 0-1",
]) {
  test(`${range} is no range: the whole object is answered`, async () => {
    const answer = await get("small", range);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-range"), undefined);
    assert.ok(answer.body.equals(small));
  });
}

test("If-Range gives the range of the object that the client knows, and all of another one", async () => {
  // github.com/aws/aws-sdk-kotlin/issues/1645: S3 acts on it; browsers resume downloads by it.
  const path = `/${Bucket}/small`;
  const { headers } = await send({ method: "HEAD", path });
  const etag = headers.get("etag") ?? "";
  const lastModified = headers.get("last-modified") ?? "";
  const earlier = new Date(Date.parse(lastModified) - 1000).toUTCString();
  const later = new Date(Date.parse(lastModified) + 1000).toUTCString();
  for (const [validator, status] of [
    [etag, 206],
    [lastModified, 206],
    ['"other"', 200],
    [`W/${etag}`, 200],
    [earlier, 200],
    [later, 200],
    ["nonsense", 200],
  ] as const) {
    const asked = { range: "bytes=3-5", "if-range": validator };
    const answer = await send({ path, headers: asked });
    assert.equal(answer.status, status, validator);
    assert.ok(answer.body.equals(status === 206 ? small.subarray(3, 6) : small));
    assert.equal((await send({ method: "HEAD", path, headers: asked })).status, status);
  }
  const beyond = { range: "bytes=100-", "if-range": '"other"' };
  assert.equal((await send({ path, headers: beyond })).status, 200);
});

test("the unit may be written in any case", async () => {
  assert.equal((await get("small", "BYTES=1-2")).status, 206);
});

test("a range comes without the object's checksum, which would not fit", async () => {
  await s3.putObject({ Bucket, Key: "summed", Body: small });
  const part = await s3.getObject({
    Bucket,
    Key: "summed",
    Range: "bytes=0-3",
    ChecksumMode: "ENABLED",
  });
  assert.equal(part.ChecksumCRC32, undefined);
  assert.ok((await bytesOf(part)).equals(small.subarray(0, 4)));
  const whole = await s3.getObject({ Bucket, Key: "summed", ChecksumMode: "ENABLED" });
  assert.ok(whole.ChecksumCRC32 !== undefined);
  await bytesOf(whole);
});

test("all ranges together are the object", async () => {
  const step = 77_777;
  const found: Buffer[] = [];
  for (let start = 0; start < large.length; start += step) {
    found.push((await get("large", `bytes=${start}-${start + step - 1}`)).body);
  }
  assert.ok(Buffer.concat(found).equals(large));
});
