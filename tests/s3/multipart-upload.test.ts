// Multipart uploads: parts in any order, and every rule about which parts make the object.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { ManualClock } from "../../src/app.ts";
import {
  assertErrorAnswer,
  assertRefused,
  bytesOf,
  elementOf,
  md5Hex,
  patternBytes,
  smallestPartBytes,
  startTestServer,
  textOf,
  type BegunUpload,
} from "./test-server.ts";

const clock = new ManualClock(Date.now());
const { s3, plainS3, server, newBucket, put, upload, send } = await startTestServer({ clock });
const Bucket = await newBucket();
const first = patternBytes(smallestPartBytes, 1);
const second = patternBytes(smallestPartBytes + 1, 2);

const complete = ({ parts, ...place }: BegunUpload) =>
  s3.completeMultipartUpload({ ...place, MultipartUpload: { Parts: parts } });

const begin = async (Key: string) => {
  const { UploadId = "" } = await plainS3.createMultipartUpload({ Bucket, Key });
  return { Bucket, Key, UploadId };
};

const noSuchUpload = {
  code: "NoSuchUpload",
  status: 404,
  message:
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
};

/** The ETag that every S3 client knows: MD5 of the parts' MD5s, and their number. */
function etagOf(bodies: readonly Uint8Array[]): string {
  const digests = bodies.map((body) => createHash("md5").update(body).digest());
  return `"${md5Hex(Buffer.concat(digests))}-${bodies.length}"`;
}

test("the object is its parts one after the other", async () => {
  const bodies = [first, second, Buffer.from("the end")];
  const begun = await upload(Bucket, "whole", bodies);
  const done = await complete(begun);
  assert.equal(done.ETag, etagOf(bodies));
  assert.deepEqual([done.Bucket, done.Key], [Bucket, "whole"]);
  assert.equal(done.Location, `${server.endpoint}/${Bucket}/whole`);
  assert.equal(done.VersionId, undefined);
  const read = await s3.getObject({ Bucket, Key: "whole" });
  assert.equal(read.ETag, done.ETag);
  assert.ok((await bytesOf(read)).equals(Buffer.concat(bodies)));
});

test("a part's answer is the MD5 of its bytes", async () => {
  const begun = await upload(Bucket, "part", [Buffer.from("x")]);
  assert.equal(begun.parts[0]?.ETag, `"${md5Hex("x")}"`);
});

test("one part of any size is enough, also an empty one", async () => {
  for (const body of ["", "x"]) {
    const done = await complete(await upload(Bucket, "single", [Buffer.from(body)]));
    assert.equal(done.ETag, etagOf([Buffer.from(body)]));
    assert.equal(await textOf(await s3.getObject({ Bucket, Key: "single" })), body);
  }
});

test("the time of the object is that of its completion, the rest that of the beginning", async () => {
  const begun = await plainS3.createMultipartUpload({
    Bucket,
    Key: "fixed",
    ContentType: "text/fixed",
    CacheControl: "no-cache",
    Metadata: { a: "1" },
    StorageClass: "STANDARD_IA",
    Tagging: "t=1",
    WebsiteRedirectLocation: "/x",
  });
  const place = { Bucket, Key: "fixed", UploadId: begun.UploadId };
  assert.deepEqual([begun.Bucket, begun.Key], [Bucket, "fixed"]);
  const part = await plainS3.uploadPart({ ...place, PartNumber: 1, Body: "x" });
  clock.advance(7000);
  const Parts = [{ PartNumber: 1, ETag: part.ETag }];
  await s3.completeMultipartUpload({ ...place, MultipartUpload: { Parts } });
  const head = await s3.headObject({ Bucket, Key: "fixed" });
  assert.equal(head.LastModified?.getTime(), Math.floor(clock.now() / 1000) * 1000);
  assert.deepEqual(
    [head.ContentType, head.CacheControl, head.StorageClass, head.TagCount],
    ["text/fixed", "no-cache", "STANDARD_IA", 1],
  );
  assert.deepEqual([head.Metadata, head.WebsiteRedirectLocation], [{ a: "1" }, "/x"]);
});

test("what an upload may not say is refused at its beginning", async () => {
  const start = (settings: object) =>
    s3.createMultipartUpload({ Bucket, Key: "refused", ...settings });
  await assertRefused(start({ StorageClass: "COLD" }), {
    code: "InvalidStorageClass",
    status: 400,
  });
  await assertRefused(start({ Tagging: "aws:a=1" }), { code: "InvalidTag", status: 400 });
  await assertRefused(start({ ACL: "public-read" }), {
    code: "AccessControlListNotSupported",
    status: 400,
  });
  await assertRefused(start({ ServerSideEncryption: "ROT13" }), {
    code: "InvalidArgument",
    status: 400,
  });
  const { Uploads } = await s3.listMultipartUploads({ Bucket, Prefix: "refused" });
  assert.equal(Uploads, undefined);
});

test("parts may come in any order and replace one another", async () => {
  const place = await begin("reordered");
  const send = (PartNumber: number, Body: Uint8Array) =>
    plainS3.uploadPart({ ...place, PartNumber, Body });
  const last = await send(3, Buffer.from("last"));
  await send(1, Buffer.from("replaced"));
  const one = await send(1, first);
  const Parts = [
    { PartNumber: 1, ETag: one.ETag },
    { PartNumber: 3, ETag: last.ETag },
  ];
  await s3.completeMultipartUpload({ ...place, MultipartUpload: { Parts } });
  const read = await s3.getObject({ Bucket, Key: "reordered" });
  assert.ok((await bytesOf(read)).equals(Buffer.concat([first, Buffer.from("last")])));
});

test("the ETag of a replaced part is no part any more", async () => {
  const begun = await upload(Bucket, "replaced", [Buffer.from("old")]);
  const { parts, ...place } = begun;
  await plainS3.uploadPart({ ...place, PartNumber: 1, Body: "new" });
  await assertRefused(complete(begun), {
    code: "InvalidPart",
    status: 400,
    message:
      "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
    fields: { UploadId: place.UploadId, PartNumber: "1", ETag: md5Hex("old") },
  });
  assert.equal(parts.length, 1);
});

test("a subset of the parts makes the object, the others are dropped", async () => {
  const begun = await upload(Bucket, "subset", [first, Buffer.from("dropped"), second]);
  const parts = begun.parts.filter(({ PartNumber }) => PartNumber !== 2);
  await complete({ ...begun, parts });
  const { ContentLength } = await s3.headObject({ Bucket, Key: "subset" });
  assert.equal(ContentLength, first.length + second.length);
  const { UploadId } = begun;
  await assertRefused(s3.listParts({ Bucket, Key: "subset", UploadId }), noSuchUpload);
});

test("numbers go up to 10,000 and may have gaps", async () => {
  const place = await begin("numbers");
  const Parts = [];
  for (const PartNumber of [7, 10_000]) {
    const { ETag } = await plainS3.uploadPart({ ...place, PartNumber, Body: first });
    Parts.push({ PartNumber, ETag });
  }
  const done = await s3.completeMultipartUpload({ ...place, MultipartUpload: { Parts } });
  assert.match(done.ETag ?? "", /-2"$/);
  for (const number of ["0", "10001", "-1", "abc", "1.5"]) {
    const answer = await send({
      method: "PUT",
      path: `/${Bucket}/numbers`,
      query: `partNumber=${number}&uploadId=${place.UploadId}`,
      body: "x",
    });
    assertErrorAnswer(answer, {
      code: "InvalidArgument",
      status: 400,
      message: "Part number must be an integer between 1 and 10000, inclusive",
      fields: { ArgumentName: "partNumber", ArgumentValue: number },
    });
  }
});

test("the list must ascend, and no part may be there twice", async () => {
  const begun = await upload(Bucket, "order", [first, second]);
  const [one, two] = begun.parts as [BegunUpload["parts"][0], BegunUpload["parts"][0]];
  for (const parts of [
    [two, one],
    [one, one],
    [one, two, two],
  ]) {
    await assertRefused(complete({ ...begun, parts }), {
      code: "InvalidPartOrder",
      status: 400,
      message:
        "The list of parts was not in ascending order. Parts must be ordered by part number.",
    });
  }
  await complete(begun);
});

test("a wrong ETag and a missing number are no parts", async () => {
  const begun = await upload(Bucket, "invalid", [Buffer.from("x")]);
  const ETag = begun.parts[0]?.ETag ?? "";
  for (const parts of [
    [{ PartNumber: 1, ETag: '"0123"' }],
    [{ PartNumber: 1, ETag: "" }],
    [{ PartNumber: 2, ETag }],
    [
      { PartNumber: 1, ETag },
      { PartNumber: 9, ETag },
    ],
  ]) {
    await assertRefused(complete({ ...begun, parts }), { code: "InvalidPart", status: 400 });
  }
  // ETags may come without their quotes.
  await complete({ ...begun, parts: [{ PartNumber: 1, ETag: ETag.replaceAll('"', "") }] });
});

test("every part but the last has 5 MiB at least", async () => {
  const small = patternBytes(smallestPartBytes - 1);
  const begun = await upload(Bucket, "small", [small, Buffer.from("x")]);
  await assertRefused(complete(begun), {
    code: "EntityTooSmall",
    status: 400,
    message: "Your proposed upload is smaller than the minimum allowed size",
    fields: {
      ProposedSize: String(small.length),
      MinSizeAllowed: String(smallestPartBytes),
      PartNumber: "1",
      ETag: md5Hex(small),
    },
  });
  // The upload is still there: alone the small part is the last one.
  await complete({ ...begun, parts: begun.parts.slice(0, 1) });
});

test("the size that the client announces must be the object's", async () => {
  const begun = await upload(Bucket, "announced", [first, Buffer.from("xy")]);
  const { parts, ...place } = begun;
  const sized = (MpuObjectSize: number) =>
    s3.completeMultipartUpload({ ...place, MultipartUpload: { Parts: parts }, MpuObjectSize });
  const size = smallestPartBytes + 2;
  await assertRefused(sized(size + 1), {
    code: "InvalidRequest",
    status: 400,
    message: `The provided 'x-amz-mp-object-size' header value ${size + 1} does not match what was computed: ${size}`,
  });
  await sized(size);
});

test("a completion without parts or with another document is malformed", async () => {
  const { UploadId } = await upload(Bucket, "malformed", [Buffer.from("x")]);
  for (const body of [
    "<CompleteMultipartUpload/>",
    "<Complete><Part/></Complete>",
    "<CompleteMultipartUpload><Part><PartNumber>one</PartNumber></Part></CompleteMultipartUpload>",
    "<CompleteMultipartUpload><Part><ETag>x</ETag></Part></CompleteMultipartUpload>",
    "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>",
  ]) {
    const query = `uploadId=${UploadId}`;
    const answer = await send({ method: "POST", path: `/${Bucket}/malformed`, query, body });
    assertErrorAnswer(answer, { code: "MalformedXML", status: 400 });
  }
});

test("an unknown upload is NoSuchUpload to everything", async () => {
  const { UploadId } = await begin("known");
  for (const place of [
    { Bucket, Key: "known", UploadId: "nonsense" },
    { Bucket, Key: "other", UploadId },
    { Bucket: await newBucket(), Key: "known", UploadId },
  ]) {
    await assertRefused(s3.uploadPart({ ...place, PartNumber: 1, Body: "x" }), noSuchUpload);
    await assertRefused(s3.listParts(place), noSuchUpload);
    await assertRefused(s3.abortMultipartUpload(place), {
      ...noSuchUpload,
      fields: { UploadId: place.UploadId },
    });
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: '"x"' }] };
    await assertRefused(s3.completeMultipartUpload({ ...place, MultipartUpload }), noSuchUpload);
  }
});

test("an aborted upload is gone with its parts, and is aborted once only", async () => {
  const begun = await upload(Bucket, "aborted", [Buffer.from("x")]);
  const { parts, ...place } = begun;
  const answer = await send({
    method: "DELETE",
    path: `/${Bucket}/aborted`,
    query: `uploadId=${place.UploadId}`,
  });
  assert.deepEqual([answer.status, answer.body.length], [204, 0]);
  await assertRefused(s3.listParts(place), noSuchUpload);
  await assertRefused(complete(begun), noSuchUpload);
  await assertRefused(s3.abortMultipartUpload(place), noSuchUpload);
  assert.equal((await send({ method: "HEAD", path: `/${Bucket}/aborted` })).status, 404);
  assert.equal(parts.length, 1);
});

test("an abortion may ask for the time of the beginning", async () => {
  const place = await begin("timed");
  const { Uploads = [] } = await s3.listMultipartUploads({ Bucket, Prefix: "timed" });
  const wrong = s3.abortMultipartUpload({ ...place, IfMatchInitiatedTime: new Date(0) });
  await assertRefused(wrong, { code: "PreconditionFailed", status: 412 });
  await s3.abortMultipartUpload({ ...place, IfMatchInitiatedTime: Uploads[0]?.Initiated });
});

test("an abortion while parts land leaves no upload behind", async () => {
  const place = await begin("raced");
  const sending = Array.from({ length: 6 }, (_, index) =>
    plainS3.uploadPart({ ...place, PartNumber: index + 1, Body: patternBytes(200_000) }).then(
      () => "stored",
      (error: Error) => error.name,
    ),
  );
  await s3.abortMultipartUpload(place);
  const results = await Promise.all(sending);
  assert.ok(results.every((result) => result === "stored" || result === "NoSuchUpload"));
  await assertRefused(s3.listParts(place), noSuchUpload);
});

test("a completion that is sent again gets the same answer", async () => {
  const begun = await upload(Bucket, "again", [first, Buffer.from("x")]);
  const once = await complete(begun);
  const again = await complete(begun);
  assert.deepEqual([again.ETag, again.Location, again.Key], [once.ETag, once.Location, once.Key]);
  await put(Bucket, "again", "replaced since");
  await assertRefused(complete(begun), noSuchUpload);
});

test("completions that run side by side make one object", async () => {
  const versioned = await newBucket("Enabled");
  const begun = await upload(versioned, "key", [Buffer.from("x")]);
  const answers = await Promise.all(Array.from({ length: 5 }, () => complete(begun)));
  assert.equal(new Set(answers.map(({ VersionId }) => VersionId)).size, 1);
  assert.equal((await s3.listObjectVersions({ Bucket: versioned })).Versions?.length, 1);
});

test("two uploads of one key do not see one another", async () => {
  const one = await upload(Bucket, "shared", [Buffer.from("one")]);
  const two = await upload(Bucket, "shared", [Buffer.from("two")]);
  await complete(two);
  await complete(one);
  assert.equal(await textOf(await s3.getObject({ Bucket, Key: "shared" })), "one");
});

test("an upload into a versioned bucket makes a version", async () => {
  const versioned = await newBucket("Enabled");
  const { versionId } = await put(versioned, "key", "old");
  const done = await complete(await upload(versioned, "key", [Buffer.from("new")]));
  assert.ok(done.VersionId !== undefined && done.VersionId !== versionId);
  const old = await s3.getObject({ Bucket: versioned, Key: "key", VersionId: versionId });
  assert.equal(await textOf(old), "old");
});

test("the answer to a completion is a document with the object's place", async () => {
  const Key = "ü & <x>";
  const begun = await upload(Bucket, Key, [Buffer.from("x")]);
  const part = `<Part><PartNumber>1</PartNumber><ETag>${begun.parts[0]?.ETag}</ETag></Part>`;
  const path = `/${Bucket}/${encodeURIComponent(Key)}`;
  const answer = await send({
    method: "POST",
    path,
    query: `uploadId=${begun.UploadId}`,
    body: `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`,
  });
  assert.equal(answer.status, 200, answer.text);
  assert.match(answer.text, /<CompleteMultipartUploadResult xmlns="http:\/\/s3.amazonaws.com/);
  assert.equal(elementOf(answer.text, "Key"), Key);
  assert.equal(elementOf(answer.text, "Location"), `${server.endpoint}${path}`);
});

test("wrong bytes leave the part as it was", async () => {
  const { parts, ...place } = await upload(Bucket, "digest", [Buffer.from("right")]);
  const ContentMD5 = createHash("md5").update("other").digest("base64");
  const wrong = plainS3.uploadPart({ ...place, PartNumber: 1, Body: "wrong", ContentMD5 });
  await assertRefused(wrong, { code: "BadDigest", status: 400 });
  const listed = await s3.listParts(place);
  assert.equal(listed.Parts?.[0]?.ETag, parts[0]?.ETag);
});
