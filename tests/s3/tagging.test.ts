// Tags of buckets and objects: whole sets, versions, limits, and what tagging must not touch.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/app.ts";
import {
  assertErrorAnswer,
  assertRefused,
  elementsOf,
  md5Base64,
  startTestServer,
} from "./test-server.ts";

const clock = new ManualClock(Date.now());
const { s3, newBucket, put, send } = await startTestServer({ clock });

const colour = { Key: "colour", Value: "blue" };
const shape = { Key: "shape", Value: "round" };

function tagsOf(count: number): { Key: string; Value: string }[] {
  return Array.from({ length: count }, (_, index) => ({ Key: `k${index}`, Value: "v" }));
}

test("a bucket without tags answers NoSuchTagSet", async () => {
  const Bucket = await newBucket();
  await assertRefused(s3.getBucketTagging({ Bucket }), {
    code: "NoSuchTagSet",
    status: 404,
    message: "The TagSet does not exist",
    fields: { BucketName: Bucket },
  });
});

test("a bucket's tags are replaced as a whole and deleted as a whole", async () => {
  const Bucket = await newBucket();
  const first = await s3.putBucketTagging({ Bucket, Tagging: { TagSet: [colour, shape] } });
  assert.equal(first.$metadata.httpStatusCode, 204);
  assert.deepEqual((await s3.getBucketTagging({ Bucket })).TagSet, [colour, shape]);
  await s3.putBucketTagging({ Bucket, Tagging: { TagSet: [{ Key: "empty", Value: "" }] } });
  assert.deepEqual((await s3.getBucketTagging({ Bucket })).TagSet, [{ Key: "empty", Value: "" }]);
  const deleted = await s3.deleteBucketTagging({ Bucket });
  assert.equal(deleted.$metadata.httpStatusCode, 204);
  await assertRefused(s3.getBucketTagging({ Bucket }), { code: "NoSuchTagSet", status: 404 });
  // Nothing to delete is no error.
  await s3.deleteBucketTagging({ Bucket });
});

test("tags of a missing bucket are NoSuchBucket", async () => {
  const missing = { code: "NoSuchBucket", status: 404 };
  const Bucket = "no-such";
  await assertRefused(s3.getBucketTagging({ Bucket }), missing);
  await assertRefused(s3.putBucketTagging({ Bucket, Tagging: { TagSet: [colour] } }), missing);
  await assertRefused(s3.deleteBucketTagging({ Bucket }), missing);
});

test("a bucket takes 50 tags, an object ten", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "a");
  await s3.putBucketTagging({ Bucket, Tagging: { TagSet: tagsOf(50) } });
  await assertRefused(s3.putBucketTagging({ Bucket, Tagging: { TagSet: tagsOf(51) } }), {
    code: "BadRequest",
    status: 400,
    message: "Bucket tag count cannot be greater than 50",
  });
  assert.equal((await s3.getBucketTagging({ Bucket })).TagSet?.length, 50);
  await s3.putObjectTagging({ Bucket, Key: "a", Tagging: { TagSet: tagsOf(10) } });
  const tooMany = { Bucket, Key: "a", Tagging: { TagSet: tagsOf(11) } };
  await assertRefused(s3.putObjectTagging(tooMany), {
    code: "BadRequest",
    status: 400,
    message: "Object tags cannot be greater than 10",
  });
  assert.equal((await s3.getObjectTagging({ Bucket, Key: "a" })).TagSet?.length, 10);
});

const wrongTags: readonly (readonly [string, { Key: string; Value: string }[], string])[] = [
  ["an empty key", [{ Key: "", Value: "v" }], "The TagKey you have provided is invalid"],
  ["a long key", [{ Key: "k".repeat(129), Value: "v" }], "The TagKey you have provided is invalid"],
  [
    "a long value",
    [{ Key: "k", Value: "v".repeat(257) }],
    "The TagValue you have provided is invalid",
  ],
  ["an odd value", [{ Key: "k", Value: "a&b" }], "The TagValue you have provided is invalid"],
  [
    "a system tag",
    [{ Key: "aws:x", Value: "v" }],
    "System tags cannot be added/updated by requester",
  ],
  [
    "a system tag in capitals",
    [{ Key: "AWS:x", Value: "v" }],
    "System tags cannot be added/updated by requester",
  ],
  [
    "a key twice",
    [colour, { ...colour, Value: "red" }],
    "Cannot provide multiple Tags with the same key",
  ],
];

for (const [name, TagSet, message] of wrongTags) {
  test(`${name} is refused for buckets and objects alike and changes nothing`, async () => {
    const Bucket = await newBucket();
    await put(Bucket, "a");
    await s3.putBucketTagging({ Bucket, Tagging: { TagSet: [shape] } });
    const refusal = { code: "InvalidTag", status: 400, message };
    await assertRefused(s3.putBucketTagging({ Bucket, Tagging: { TagSet } }), refusal);
    await assertRefused(s3.putObjectTagging({ Bucket, Key: "a", Tagging: { TagSet } }), refusal);
    assert.deepEqual((await s3.getBucketTagging({ Bucket })).TagSet, [shape]);
    assert.deepEqual((await s3.getObjectTagging({ Bucket, Key: "a" })).TagSet, []);
  });
}

test("tagging an object makes no version and leaves everything else", async () => {
  const Bucket = await newBucket("Enabled");
  const Metadata = { kept: "yes" };
  await s3.putObject({ Bucket, Key: "a", Body: "text", Metadata, ContentType: "text/x" });
  const before = await s3.headObject({ Bucket, Key: "a" });
  clock.advance(60_000);
  const tagged = await s3.putObjectTagging({ Bucket, Key: "a", Tagging: { TagSet: [colour] } });
  assert.equal(tagged.VersionId, before.VersionId);
  const after = await s3.headObject({ Bucket, Key: "a" });
  assert.equal(after.TagCount, 1);
  assert.deepEqual(after.LastModified, before.LastModified);
  assert.deepEqual(after.Metadata, Metadata);
  assert.equal(after.ContentType, "text/x");
  assert.equal(after.ETag, before.ETag);
  assert.equal((await s3.listObjectVersions({ Bucket })).Versions?.length, 1);
});

test("each version has tags of its own, and the answers name it", async () => {
  const Bucket = await newBucket("Enabled");
  const old = await put(Bucket, "a", "1");
  const current = await put(Bucket, "a", "2");
  const of = (VersionId?: string) => s3.getObjectTagging({ Bucket, Key: "a", VersionId });
  const input = { Bucket, Key: "a", VersionId: old.versionId, Tagging: { TagSet: [colour] } };
  assert.equal((await s3.putObjectTagging(input)).VersionId, old.versionId);
  await s3.putObjectTagging({ Bucket, Key: "a", Tagging: { TagSet: [shape] } });
  assert.deepEqual((await of(old.versionId)).TagSet, [colour]);
  assert.deepEqual((await of()).TagSet, [shape]);
  assert.equal((await of()).VersionId, current.versionId);
  const deleted = await s3.deleteObjectTagging({ Bucket, Key: "a", VersionId: old.versionId });
  assert.equal(deleted.VersionId, old.versionId);
  assert.equal(deleted.$metadata.httpStatusCode, 204);
  assert.deepEqual((await of(old.versionId)).TagSet, []);
  assert.deepEqual((await of()).TagSet, [shape]);
  // The older version is still the older one, with its bytes.
  const listed = (await s3.listObjectVersions({ Bucket })).Versions ?? [];
  assert.deepEqual(
    listed.map(({ VersionId, IsLatest }) => [VersionId, IsLatest]),
    [
      [current.versionId, true],
      [old.versionId, false],
    ],
  );
});

test("the null version of a suspended bucket is tagged under its name", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "a", "null");
  await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Enabled" } });
  await put(Bucket, "a", "newer");
  const input = { Bucket, Key: "a", VersionId: "null" };
  const tagged = await s3.putObjectTagging({ ...input, Tagging: { TagSet: [colour] } });
  assert.equal(tagged.VersionId, "null");
  assert.deepEqual((await s3.getObjectTagging(input)).TagSet, [colour]);
  assert.deepEqual((await s3.getObjectTagging({ Bucket, Key: "a" })).TagSet, []);
});

test("without versioning no version is named", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "a");
  const Tagging = { TagSet: [colour] };
  assert.equal((await s3.putObjectTagging({ Bucket, Key: "a", Tagging })).VersionId, undefined);
  assert.equal((await s3.getObjectTagging({ Bucket, Key: "a" })).VersionId, undefined);
});

test("what is not there cannot be tagged: missing keys, versions, delete markers", async () => {
  const Bucket = await newBucket("Enabled");
  const Tagging = { TagSet: [colour] };
  const noKey = { code: "NoSuchKey", status: 404, fields: { Key: "a" } };
  await assertRefused(s3.getObjectTagging({ Bucket, Key: "a" }), noKey);
  await assertRefused(s3.putObjectTagging({ Bucket, Key: "a", Tagging }), noKey);
  await assertRefused(s3.deleteObjectTagging({ Bucket, Key: "a" }), noKey);
  const { versionId } = await put(Bucket, "a");
  const marker = await s3.deleteObject({ Bucket, Key: "a" });
  await assertRefused(s3.putObjectTagging({ Bucket, Key: "a", Tagging }), noKey);
  const VersionId = marker.VersionId ?? "";
  const onMarker = { code: "MethodNotAllowed", status: 405 };
  await assertRefused(s3.getObjectTagging({ Bucket, Key: "a", VersionId }), onMarker);
  await assertRefused(s3.putObjectTagging({ Bucket, Key: "a", VersionId, Tagging }), onMarker);
  await s3.deleteObject({ Bucket, Key: "a", VersionId: versionId });
  const gone = { Bucket, Key: "a", VersionId: versionId };
  const noVersion = { code: "NoSuchVersion", status: 404 };
  await assertRefused(s3.getObjectTagging(gone), noVersion);
  await assertRefused(s3.putObjectTagging({ ...gone, Tagging }), noVersion);
});

test("tags come with an upload, are copied, and are replaced where the copy says so", async () => {
  const Bucket = await newBucket();
  await s3.putObject({ Bucket, Key: "a", Body: "x", Tagging: "colour=blue" });
  await s3.copyObject({ Bucket, Key: "b", CopySource: `${Bucket}/a` });
  await s3.copyObject({
    Bucket,
    Key: "c",
    CopySource: `${Bucket}/a`,
    TaggingDirective: "REPLACE",
    Tagging: "shape=round",
  });
  assert.deepEqual((await s3.getObjectTagging({ Bucket, Key: "b" })).TagSet, [colour]);
  assert.deepEqual((await s3.getObjectTagging({ Bucket, Key: "c" })).TagSet, [shape]);
});

test("racing tag sets leave one of them whole", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "a");
  const sets = Array.from({ length: 8 }, (_, index) => [
    { Key: "who", Value: String(index) },
    { Key: "again", Value: String(index) },
  ]);
  await Promise.all(
    sets.map((TagSet) => s3.putObjectTagging({ Bucket, Key: "a", Tagging: { TagSet } })),
  );
  const { TagSet = [] } = await s3.getObjectTagging({ Bucket, Key: "a" });
  assert.equal(TagSet[0]?.Value, TagSet[1]?.Value);
});

test("the documents are S3's", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "a");
  await s3.putObjectTagging({ Bucket, Key: "a", Tagging: { TagSet: [colour] } });
  const answer = await send({ path: `/${Bucket}/a`, query: "tagging" });
  assert.match(
    answer.text,
    /<Tagging xmlns="[^"]+"><TagSet><Tag><Key>colour<\/Key><Value>blue<\/Value><\/Tag><\/TagSet><\/Tagging>$/,
  );
  await s3.deleteObjectTagging({ Bucket, Key: "a" });
  const empty = await send({ path: `/${Bucket}/a`, query: "tagging" });
  assert.match(empty.text, /<Tagging xmlns="[^"]+"><TagSet ?\/?>(?:<\/TagSet>)?<\/Tagging>$/);
  assert.deepEqual(elementsOf(empty.text, "Tag"), []);
});

test("a tag without a value or a set without its element is MalformedXML", async () => {
  const Bucket = await newBucket();
  for (const body of [
    "<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>",
    "<Tagging><TagSet><Tag><Value>a</Value></Tag></TagSet></Tagging>",
    "<Tagging/>",
    "<Tagging><Tag><Key>a</Key><Value>b</Value></Tag></Tagging>",
  ]) {
    const headers = { "content-md5": md5Base64(body) };
    const path = `/${Bucket}`;
    const answer = await send({ method: "PUT", path, query: "tagging", headers, body });
    assertErrorAnswer(answer, { code: "MalformedXML", status: 400 });
  }
});

test("a tagging document without a digest is refused", async () => {
  const Bucket = await newBucket();
  const body = "<Tagging><TagSet/></Tagging>";
  const answer = await send({ method: "PUT", path: `/${Bucket}`, query: "tagging", body });
  assertErrorAnswer(answer, { code: "InvalidRequest", status: 400 });
});

test("ABAC is off, can be turned on and off, and closes the old way to a bucket's tags", async () => {
  const Bucket = await newBucket();
  const status = async () => (await s3.getBucketAbac({ Bucket })).AbacStatus?.Status;
  await s3.putBucketTagging({ Bucket, Tagging: { TagSet: [colour] } });
  assert.equal(await status(), "Disabled");
  await s3.putBucketAbac({ Bucket, AbacStatus: { Status: "Enabled" } });
  assert.equal(await status(), "Enabled");
  // Reference, PutBucketAbac: "You can no longer use PutBucketTagging and DeleteBucketTagging".
  const closed = { code: "MethodNotAllowed", status: 405 };
  await assertRefused(s3.putBucketTagging({ Bucket, Tagging: { TagSet: [shape] } }), closed);
  await assertRefused(s3.deleteBucketTagging({ Bucket }), closed);
  assert.deepEqual((await s3.getBucketTagging({ Bucket })).TagSet, [colour]);
  await s3.putBucketAbac({ Bucket, AbacStatus: { Status: "Disabled" } });
  assert.equal(await status(), "Disabled");
  await s3.putBucketTagging({ Bucket, Tagging: { TagSet: [shape] } });
});

test("an ABAC status that is neither is MalformedXML", async () => {
  const Bucket = await newBucket();
  for (const body of ["<AbacStatus/>", "<AbacStatus><Status>On</Status></AbacStatus>"]) {
    const answer = await send({ method: "PUT", path: `/${Bucket}`, query: "abac", body });
    assertErrorAnswer(answer, { code: "MalformedXML", status: 400 });
  }
});
