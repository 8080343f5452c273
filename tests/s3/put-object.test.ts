// PutObject, GetObject and HeadObject: what goes in comes out, and what cannot go in leaves no trace.

import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import {
  assertErrorAnswer,
  assertRefused,
  bytesOf,
  md5Hex,
  mebibyte,
  patternBytes,
  refusal,
  startTestServer,
  textOf,
} from "./test-server.ts";

const { s3, plainS3, newBucket, put, send } = await startTestServer();
const Bucket = await newBucket();
const inlineLimitBytes = 64 * 1024;

// Objects up to 64 KiB lie in the key-value store, larger ones in blobs of 64 KiB blocks.
const sizes = [
  0,
  1,
  inlineLimitBytes - 1,
  inlineLimitBytes,
  inlineLimitBytes + 1,
  2 * inlineLimitBytes,
  3 * mebibyte + 17,
];

for (const size of sizes) {
  test(`an object of ${size} bytes comes back as it was, with the MD5 as its ETag`, async () => {
    const Key = `size-${size}`;
    const Body = patternBytes(size);
    const written = await s3.putObject({ Bucket, Key, Body });
    assert.equal(written.ETag, `"${md5Hex(Body)}"`);
    const head = await s3.headObject({ Bucket, Key });
    assert.equal(head.ContentLength, size);
    assert.equal(head.ETag, written.ETag);
    const read = await s3.getObject({ Bucket, Key });
    assert.deepEqual([read.ContentLength, read.ETag], [size, written.ETag]);
    assert.ok((await bytesOf(read)).equals(Body));
  });
}

test("a stream of unknown checksum travels with a trailer and is stored without it", async () => {
  const Key = "streamed";
  const bytes = patternBytes(mebibyte + 5);
  const chunks = [bytes.subarray(0, 70_000), bytes.subarray(70_000)];
  const Body = Readable.from(chunks);
  const ContentLength = bytes.length;
  const written = await s3.putObject({ Bucket, Key, Body, ContentLength });
  assert.ok(written.ChecksumCRC32 !== undefined);
  const read = await s3.getObject({ Bucket, Key });
  assert.ok((await bytesOf(read)).equals(bytes));
  // s3-api.md 4.4 #6: aws-chunked is no coding of the object.
  assert.equal(read.ContentEncoding, undefined);
});

test("an overwrite replaces everything: bytes, type, metadata and tags", async () => {
  const Key = "replaced";
  await s3.putObject({ Bucket, Key, Body: "first", Metadata: { a: "1" }, Tagging: "t=1" });
  await s3.putObject({ Bucket, Key, Body: patternBytes(100_000), ContentType: "image/png" });
  await s3.putObject({ Bucket, Key, Body: "third" });
  const read = await s3.getObject({ Bucket, Key });
  assert.equal(await textOf(read), "third");
  assert.deepEqual(read.Metadata, {});
  assert.deepEqual([read.TagCount, read.ContentType], [undefined, "application/octet-stream"]);
});

test("an upload without a type is binary/octet-stream", async () => {
  await send({ method: "PUT", path: `/${Bucket}/untyped`, body: "x" });
  const { ContentType } = await s3.headObject({ Bucket, Key: "untyped" });
  assert.equal(ContentType, "binary/octet-stream");
});

test("the answer to a PUT has no body and S3's headers", async () => {
  const answer = await send({ method: "PUT", path: `/${Bucket}/plain`, body: "x" });
  assert.equal(answer.status, 200);
  assert.equal(answer.body.length, 0);
  assert.equal(answer.headers.get("etag"), `"${md5Hex("x")}"`);
  assert.equal(answer.headers.get("x-amz-version-id"), undefined);
  assert.equal(answer.headers.get("content-type"), undefined);
});

test("GET and HEAD have the same headers", async () => {
  const path = `/${Bucket}/both`;
  const headers = {
    "content-type": "text/plain",
    "cache-control": "max-age=1",
    "x-amz-meta-a": "1",
  };
  await send({ method: "PUT", path, body: "hello", headers });
  const get = await send({ path });
  const head = await send({ method: "HEAD", path });
  assert.equal(head.body.length, 0);
  const own = new Set(["x-amz-request-id", "x-amz-id-2", "date", "connection", "keep-alive"]);
  const shared = (answer: typeof get) =>
    new Map([...answer.headers].filter(([name]) => !own.has(name)));
  assert.deepEqual(shared(head), shared(get));
  for (const name of ["ETag", "Last-Modified", "Content-Type", "Content-Length"]) {
    assert.ok(get.headerNames.includes(name), `${name} is written as in S3`);
  }
  assert.match(get.headers.get("last-modified") ?? "", /^\w{3}, \d{2} \w{3} \d{4} .* GMT$/);
});

test("system metadata comes back verbatim, Expires also where it is no date", async () => {
  const headers = {
    "cache-control": "no-cache, max-age=0",
    "content-disposition": 'attachment; filename="a b.txt"',
    "content-encoding": "gzip, br",
    "content-language": "de-CH, en",
    "content-type": "Text/HTML; Charset=UTF-8",
    expires: "whenever",
  };
  await send({ method: "PUT", path: `/${Bucket}/system`, headers, body: "x" });
  const answer = await send({ path: `/${Bucket}/system` });
  for (const [name, value] of Object.entries(headers)) {
    assert.equal(answer.headers.get(name), value, name);
  }
});

test("aws-chunked is taken out of Content-Encoding, whatever stands beside it", async () => {
  for (const [sent, kept] of [
    ["aws-chunked", undefined],
    ["gzip,aws-chunked", "gzip"],
    ["aws-chunked, br", "br"],
    ["deflate", "deflate"],
  ] as const) {
    const path = `/${Bucket}/coded`;
    await send({ method: "PUT", path, headers: { "content-encoding": sent }, body: "x" });
    const head = await send({ method: "HEAD", path });
    assert.equal(head.headers.get("content-encoding"), kept, sent);
  }
});

test("response-* parameters replace the headers of a signed read", async () => {
  await put(Bucket, "overridden", "x");
  const read = await s3.getObject({
    Bucket,
    Key: "overridden",
    ResponseCacheControl: "private",
    ResponseContentDisposition: 'attachment; filename="ä.txt"',
    ResponseContentEncoding: "br",
    ResponseContentLanguage: "fr",
    ResponseContentType: "text/csv",
    ResponseExpires: new Date(Date.UTC(2030, 0, 1)),
  });
  assert.equal(read.CacheControl, "private");
  assert.equal(read.ContentEncoding, "br");
  assert.equal(read.ContentLanguage, "fr");
  assert.equal(read.ContentType, "text/csv");
  assert.equal(read.ExpiresString, "Tue, 01 Jan 2030 00:00:00 GMT");
  const head = await send({
    method: "HEAD",
    path: `/${Bucket}/overridden`,
    query: "response-content-type=text%2Fcsv",
    headers: { range: "bytes=0-0" },
  });
  assert.deepEqual([head.status, head.headers.get("content-type")], [206, "text/csv"]);
});

test("response-* parameters are refused for anonymous callers", async () => {
  const query = "response-content-type=text%2Fplain";
  const answer = await send({ path: `/${Bucket}/overridden`, query, isSigned: false });
  // s3-api.md 1.3: only on signed requests. Anonymous callers may read nothing yet, so either refusal
  // would be S3's; nothing of the object may be told.
  assert.ok(answer.status === 400 || answer.status === 403);
  assert.equal(answer.headers.get("etag"), undefined);
});

test("a text that cannot be a header is refused as an override", async () => {
  const answer = await send({
    path: `/${Bucket}/overridden`,
    query: "response-content-type=%E4%BD%A0",
  });
  assertErrorAnswer(answer, {
    code: "InvalidArgument",
    status: 400,
    message: "Header value cannot be represented using ISO-8859-1.",
    fields: { ArgumentName: "response-content-type" },
  });
  // One that would end the header line becomes harmless.
  const split = await send({
    path: `/${Bucket}/overridden`,
    query: "response-content-type=a%0D%0Ax-injected%3A1",
  });
  assert.equal(split.headers.get("x-injected"), undefined);
});

test("storage classes are kept and told, STANDARD is not mentioned in headers", async () => {
  for (const StorageClass of [
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "REDUCED_REDUNDANCY",
    "GLACIER_IR",
  ] as const) {
    await s3.putObject({ Bucket, Key: "class", Body: "x", StorageClass });
    assert.equal((await s3.headObject({ Bucket, Key: "class" })).StorageClass, StorageClass);
    const listed = await s3.listObjectsV2({ Bucket, Prefix: "class" });
    assert.equal(listed.Contents?.[0]?.StorageClass, StorageClass);
  }
  await s3.putObject({ Bucket, Key: "class", Body: "x", StorageClass: "STANDARD" });
  const head = await send({ method: "HEAD", path: `/${Bucket}/class` });
  assert.equal(head.headers.get("x-amz-storage-class"), undefined);
  const listed = await s3.listObjectsV2({ Bucket, Prefix: "class" });
  assert.equal(listed.Contents?.[0]?.StorageClass, "STANDARD");
});

test("a storage class that does not exist here is refused and stores nothing", async () => {
  for (const name of ["COLD", "standard", "OUTPOSTS", "EXPRESS_ONEZONE"]) {
    const path = `/${Bucket}/no-class`;
    const headers = { "x-amz-storage-class": name };
    assertErrorAnswer(await send({ method: "PUT", path, headers, body: "x" }), {
      code: "InvalidStorageClass",
      status: 400,
      message: "The storage class you specified is not valid",
      fields: { StorageClassRequested: name },
    });
    assert.equal((await send({ method: "HEAD", path })).status, 404);
  }
});

test("a website redirect is kept when it is a path or a URL", async () => {
  const Key = "redirect";
  for (const WebsiteRedirectLocation of ["/other.html", "http://example.com/", "https://e.com/a"]) {
    await s3.putObject({ Bucket, Key, Body: "x", WebsiteRedirectLocation });
    const head = await s3.headObject({ Bucket, Key });
    assert.equal(head.WebsiteRedirectLocation, WebsiteRedirectLocation);
  }
  await assertRefused(
    s3.putObject({ Bucket, Key, Body: "y", WebsiteRedirectLocation: "ftp://example.com" }),
    {
      code: "InvalidRedirectLocation",
      status: 400,
      message:
        "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
    },
  );
});

test("tags are counted on reads", async () => {
  const Key = "tagged";
  await s3.putObject({ Bucket, Key, Body: "x", Tagging: "a=1&b=two+words&c=%C3%A9&d" });
  assert.equal((await s3.getObject({ Bucket, Key })).TagCount, 4);
  assert.equal((await s3.headObject({ Bucket, Key })).TagCount, 4);
  await s3.putObject({ Bucket, Key, Body: "x" });
  const head = await send({ method: "HEAD", path: `/${Bucket}/${Key}` });
  assert.equal(head.headers.get("x-amz-tagging-count"), undefined);
});

// Guide, "Object key and tag restrictions": 10 tags, keys of 128, values of 256 characters.
const wrongTags: readonly [tagging: string, code: string, message: string][] = [
  [
    Array.from({ length: 11 }, (_, index) => `k${index}=v`).join("&"),
    "BadRequest",
    "Object tags cannot be greater than 10",
  ],
  [`${"k".repeat(129)}=v`, "InvalidTag", "The TagKey you have provided is invalid"],
  [`k=${"v".repeat(257)}`, "InvalidTag", "The TagValue you have provided is invalid"],
  ["=v", "InvalidTag", "The TagKey you have provided is invalid"],
  ["a%3Cb=v", "InvalidTag", "The TagKey you have provided is invalid"],
  ["aws:x=v", "InvalidTag", "System tags cannot be added/updated by requester"],
];

for (const [Tagging, code, message] of wrongTags) {
  test(`the tags ${Tagging.slice(0, 24)} are refused and nothing is stored`, async () => {
    const Key = "wrong-tags";
    const request = s3.putObject({ Bucket, Key, Body: "x", Tagging });
    await assertRefused(request, { code, status: 400, message });
    assert.equal((await send({ method: "HEAD", path: `/${Bucket}/${Key}` })).status, 404);
  });
}

test("a tag named twice or encoded wrongly is an invalid header", async () => {
  for (const Tagging of ["a=1&a=2", "a=%zz"]) {
    const error = await refusal(s3.putObject({ Bucket, Key: "wrong-tags", Body: "x", Tagging }));
    assert.equal(error.$metadata.httpStatusCode, 400);
    assert.ok(["InvalidArgument", "InvalidTag"].includes(error.name));
  }
});

test("ten tags of the greatest length are accepted", async () => {
  const Tagging = Array.from(
    { length: 10 },
    (_, index) => `${String(index).padEnd(128, "k")}=${"v".repeat(256)}`,
  ).join("&");
  await s3.putObject({ Bucket, Key: "most-tags", Body: "x", Tagging });
  assert.equal((await s3.headObject({ Bucket, Key: "most-tags" })).TagCount, 10);
});

test("ACLs: the one that means nothing passes, others are refused in S3's words", async () => {
  await s3.putObject({ Bucket, Key: "acl", Body: "x", ACL: "bucket-owner-full-control" });
  const refused = {
    code: "AccessControlListNotSupported",
    status: 400,
    message: "The bucket does not allow ACLs",
  };
  for (const ACL of ["private", "public-read"] as const) {
    await assertRefused(s3.putObject({ Bucket, Key: "acl", Body: "y", ACL }), refused);
  }
  const GrantRead = "uri=http://acs.amazonaws.com/groups/global/AllUsers";
  await assertRefused(s3.putObject({ Bucket, Key: "acl", Body: "y", GrantRead }), refused);
  assert.equal(await textOf(await s3.getObject({ Bucket, Key: "acl" })), "x");
});

test("object lock is refused rather than ignored", async () => {
  const Key = "protected";
  const ObjectLockRetainUntilDate = new Date(Date.now() + 86_400_000);
  const locked = { ObjectLockMode: "GOVERNANCE", ObjectLockRetainUntilDate } as const;
  await assertRefused(s3.putObject({ Bucket, Key, Body: "x", ...locked }), {
    code: "InvalidRequest",
    status: 400,
    message: "Bucket is missing Object Lock Configuration",
  });
  const held = { Bucket, Key, Body: "x", ObjectLockLegalHoldStatus: "ON" } as const;
  await assertRefused(s3.putObject(held), { code: "InvalidRequest", status: 400 });
  assert.equal((await send({ method: "HEAD", path: `/${Bucket}/${Key}` })).status, 404);
});

test("appending is an operation of directory buckets", async () => {
  await assertRefused(s3.putObject({ Bucket, Key: "a", Body: "x", WriteOffsetBytes: 0 }), {
    code: "NotImplemented",
    status: 501,
  });
});

test("a missing key is NoSuchKey, and nothing but a status to HEAD", async () => {
  await assertRefused(s3.getObject({ Bucket, Key: "no such key" }), {
    code: "NoSuchKey",
    status: 404,
    message: "The specified key does not exist.",
    fields: { Key: "no such key" },
  });
  const head = await send({ method: "HEAD", path: `/${Bucket}/none` });
  assert.deepEqual([head.status, head.body.length], [404, 0]);
  assert.equal(head.headers.get("x-amz-delete-marker"), undefined);
});

test("a missing bucket is NoSuchBucket to every operation on objects", async () => {
  const missing = { code: "NoSuchBucket", status: 404, fields: { BucketName: "nowhere" } };
  const place = { Bucket: "nowhere", Key: "k" };
  await assertRefused(s3.putObject({ ...place, Body: "x" }), missing);
  await assertRefused(s3.getObject(place), missing);
  await assertRefused(s3.deleteObject(place), missing);
  await assertRefused(s3.copyObject({ ...place, CopySource: `${Bucket}/plain` }), missing);
  await assertRefused(s3.createMultipartUpload(place), missing);
});

test("a deleted object is gone, and deleting it again is no error", async () => {
  await put(Bucket, "short-lived");
  await s3.deleteObject({ Bucket, Key: "short-lived" });
  await assertRefused(s3.getObject({ Bucket, Key: "short-lived" }), {
    code: "NoSuchKey",
    status: 404,
  });
  const again = await send({ method: "DELETE", path: `/${Bucket}/short-lived` });
  assert.deepEqual([again.status, again.body.length], [204, 0]);
});

test("readers of a replaced object see one version whole", async () => {
  const Key = "contended";
  const versions = Array.from({ length: 6 }, (_, index) => patternBytes(300_000, index + 1));
  const digests = new Set(versions.map((bytes) => md5Hex(bytes)));
  await plainS3.putObject({ Bucket, Key, Body: patternBytes(300_000, 1) });
  const writing = (async () => {
    for (const Body of versions) await plainS3.putObject({ Bucket, Key, Body });
  })();
  for (let round = 0; round < 10; round += 1) {
    const read = await plainS3.getObject({ Bucket, Key });
    const digest = md5Hex(await bytesOf(read));
    assert.ok(digests.has(digest));
    assert.equal(read.ETag, `"${digest}"`);
  }
  await writing;
});
