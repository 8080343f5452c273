// ListObjectVersions: versions and markers in one order, and the two markers of its pages.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/app.ts";
import {
  assertErrorAnswer,
  assertRefused,
  elementOf,
  elementsOf,
  setVersioning,
  startTestServer,
} from "./test-server.ts";

const clock = new ManualClock(Date.now());
const { s3, newBucket, put, send } = await startTestServer({ clock });
const Bucket = await newBucket();
await put(Bucket, "b", "before versioning");
await setVersioning(s3, Bucket, "Enabled");
clock.advance(1000);
const a1 = (await put(Bucket, "a", "1")).versionId;
const a2 = (await put(Bucket, "a", "22")).versionId;
clock.advance(1000);
const aMarker = (await s3.deleteObject({ Bucket, Key: "a" })).VersionId ?? "";
const a3 = (await put(Bucket, "a", "333")).versionId;
const b1 = (await put(Bucket, "b", "1")).versionId;
await put(Bucket, "dir/x");
await put(Bucket, "dir/y");
await s3.deleteObject({ Bucket, Key: "dir/y" });

test("versions and markers stand in one order, newest first within a key", async () => {
  const answer = await send({ path: `/${Bucket}`, query: "versions&prefix=a" });
  assert.deepEqual(elementsOf(answer.text, "VersionId"), [a3, aMarker, a2, a1]);
  const kinds = [...answer.text.matchAll(/<(Version|DeleteMarker)>/g)].map((match) => match[1]);
  assert.deepEqual(kinds, ["Version", "DeleteMarker", "Version", "Version"]);
  assert.deepEqual(elementsOf(answer.text, "IsLatest"), ["true", "false", "false", "false"]);
  assert.deepEqual(elementsOf(answer.text, "Size"), ["3", "2", "1"]);
});

test("an object from before versioning is the null version, behind the newer ones", async () => {
  const { Versions = [] } = await s3.listObjectVersions({ Bucket, Prefix: "b" });
  assert.deepEqual(
    Versions.map(({ VersionId, IsLatest }) => [VersionId, IsLatest]),
    [
      [b1, true],
      ["null", false],
    ],
  );
});

test("objects of an unversioned bucket are listed with the id null", async () => {
  const plain = await newBucket();
  await put(plain, "key");
  const { Versions = [] } = await s3.listObjectVersions({ Bucket: plain });
  assert.deepEqual(
    Versions.map(({ Key, VersionId, IsLatest, StorageClass }) => [
      Key,
      VersionId,
      IsLatest,
      StorageClass,
    ]),
    [["key", "null", true, "STANDARD"]],
  );
});

test("entries tell time and owner; markers have neither size nor ETag", async () => {
  const { DeleteMarkers = [], Versions = [] } = await s3.listObjectVersions({ Bucket });
  assert.match(DeleteMarkers[0]?.Owner?.ID ?? "", /^[0-9a-f]{64}$/);
  assert.deepEqual(Versions[0]?.Owner, DeleteMarkers[0]?.Owner);
  assert.ok(DeleteMarkers[0]?.LastModified instanceof Date);
  const answer = await send({ path: `/${Bucket}`, query: "versions" });
  const marker = /<DeleteMarker>.*?<\/DeleteMarker>/s.exec(answer.text)?.[0] ?? "";
  assert.equal(elementOf(marker, "Size"), undefined);
  assert.equal(elementOf(marker, "ETag"), undefined);
  assert.equal(elementOf(marker, "StorageClass"), undefined);
});

test("a page that ends among the versions of a key is continued there", async () => {
  // s3-api.md 0.3 #11: the markers name the last entry that was returned.
  const page = await s3.listObjectVersions({ Bucket, MaxKeys: 2 });
  assert.equal(page.IsTruncated, true);
  assert.deepEqual([page.NextKeyMarker, page.NextVersionIdMarker], ["a", aMarker]);
  const next = await s3.listObjectVersions({
    Bucket,
    MaxKeys: 2,
    KeyMarker: page.NextKeyMarker,
    VersionIdMarker: page.NextVersionIdMarker,
  });
  assert.deepEqual(
    next.Versions?.map(({ VersionId }) => VersionId),
    [a2, a1],
  );
  assert.deepEqual([next.KeyMarker, next.VersionIdMarker], ["a", aMarker]);
});

test("a key marker alone skips all versions of the key", async () => {
  const { Versions = [] } = await s3.listObjectVersions({ Bucket, KeyMarker: "a", MaxKeys: 1 });
  assert.deepEqual(
    Versions.map(({ Key, VersionId }) => [Key, VersionId]),
    [["b", b1]],
  );
});

test("the null version can be a marker", async () => {
  const { Versions = [] } = await s3.listObjectVersions({
    Bucket,
    KeyMarker: "b",
    VersionIdMarker: "null",
    Prefix: "",
  });
  assert.deepEqual(
    Versions.map(({ Key }) => Key),
    ["dir/x", "dir/y"],
  );
});

test("a version-id marker needs a key marker", async () => {
  const answer = await send({ path: `/${Bucket}`, query: "versions&version-id-marker=x" });
  assertErrorAnswer(answer, {
    code: "InvalidArgument",
    status: 400,
    message: "A version-id marker cannot be specified without a key marker.",
    fields: { ArgumentName: "version-id-marker", ArgumentValue: "x" },
  });
  await assertRefused(
    s3.listObjectVersions({ Bucket, KeyMarker: "a", VersionIdMarker: "nonsense" }),
    { code: "InvalidArgument", status: 400, message: "Invalid version id specified" },
  );
});

test("a delimiter groups keys with all their versions", async () => {
  const page = await s3.listObjectVersions({ Bucket, Delimiter: "/", KeyMarker: "b" });
  assert.deepEqual(
    page.CommonPrefixes?.map(({ Prefix }) => Prefix),
    ["dir/"],
  );
  assert.deepEqual([page.Versions, page.DeleteMarkers], [undefined, undefined]);
  const first = await s3.listObjectVersions({ Bucket, Delimiter: "/", MaxKeys: 7 });
  assert.equal(first.IsTruncated, false);
  const cut = await s3.listObjectVersions({
    Bucket,
    Prefix: "",
    Delimiter: "/",
    KeyMarker: "dir/",
  });
  assert.equal(cut.CommonPrefixes, undefined);
});

test("a page that ends in a common prefix names it and no version", async () => {
  const more = await newBucket("Enabled");
  for (const key of ["d/1", "d/2", "e"]) await put(more, key);
  const page = await s3.listObjectVersions({ Bucket: more, Delimiter: "/", MaxKeys: 1 });
  assert.deepEqual([page.NextKeyMarker, page.NextVersionIdMarker], ["d/", undefined]);
  const next = await s3.listObjectVersions({ Bucket: more, Delimiter: "/", KeyMarker: "d/" });
  assert.deepEqual(
    next.Versions?.map(({ Key }) => Key),
    ["e"],
  );
});

test("names are encoded on demand, and odd arguments refused", async () => {
  const odd = await newBucket();
  await put(odd, "ä b/1");
  const answer = await send({
    path: `/${odd}`,
    query: "versions&encoding-type=url&prefix=%C3%A4&delimiter=%2F",
  });
  assert.equal(elementsOf(answer.text, "Prefix").join(" "), "%C3%A4 %C3%A4+b/");
  assertErrorAnswer(await send({ path: `/${odd}`, query: "versions&max-keys=-1" }), {
    code: "InvalidArgument",
    status: 400,
  });
  const none = await s3.listObjectVersions({ Bucket, MaxKeys: 0 });
  assert.deepEqual([none.Versions, none.IsTruncated, none.MaxKeys], [undefined, false, 0]);
});
