// Versioning of buckets and everything that it does to writes, reads and deletions.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertErrorAnswer,
  assertRefused,
  refusal,
  setVersioning,
  startTestServer,
  textOf,
} from "./test-server.ts";

const { s3, plainS3, newBucket, put, send } = await startTestServer();

/** What a bucket holds, as `key version-or-marker latest?` in the order of the listing. */
async function history(Bucket: string): Promise<readonly string[]> {
  const answer = await send({ path: `/${Bucket}`, query: "versions" });
  return [...answer.text.matchAll(/<(Version|DeleteMarker)>(.*?)<\/\1>/gs)].map((match) => {
    const of = (name: string) => new RegExp(`<${name}>(.*?)</${name}>`).exec(match[2] ?? "")?.[1];
    const kind = match[1] === "Version" ? "" : "!";
    return `${of("Key")} ${kind}${of("VersionId")}${of("IsLatest") === "true" ? " latest" : ""}`;
  });
}

test("a bucket without versioning says nothing about it and shows no version ids", async () => {
  const Bucket = await newBucket();
  const answer = await send({ path: `/${Bucket}`, query: "versioning" });
  // s3-api.md 1.2: never set = empty element.
  assert.match(answer.text, /<VersioningConfiguration xmlns="[^"]+"\/>$/);
  const written = await s3.putObject({ Bucket, Key: "a", Body: "1" });
  assert.equal(written.VersionId, undefined);
  assert.equal((await s3.headObject({ Bucket, Key: "a" })).VersionId, undefined);
  const deleted = await s3.deleteObject({ Bucket, Key: "a" });
  assert.deepEqual([deleted.VersionId, deleted.DeleteMarker], [undefined, undefined]);
});

test("versioning goes from never to Enabled to Suspended and back, never to never", async () => {
  const Bucket = await newBucket();
  for (const Status of ["Enabled", "Suspended", "Enabled"] as const) {
    await setVersioning(s3, Bucket, Status);
    assert.equal((await s3.getBucketVersioning({ Bucket })).Status, Status);
  }
  const configuration = (inner: string) =>
    send({
      method: "PUT",
      path: `/${Bucket}`,
      query: "versioning",
      headers: { "content-md5": "" },
      body: `<VersioningConfiguration>${inner}</VersioningConfiguration>`,
    });
  assert.equal((await configuration("")).status, 400);
  assert.equal((await s3.getBucketVersioning({ Bucket })).Status, "Enabled");
});

test("a versioning configuration must say Enabled or Suspended", async () => {
  const Bucket = await newBucket();
  const configure = (VersioningConfiguration: object) =>
    s3.putBucketVersioning({ Bucket, VersioningConfiguration });
  await assertRefused(configure({}), {
    code: "IllegalVersioningConfigurationException",
    status: 400,
    message: "The Versioning element must be specified",
  });
  await assertRefused(configure({ Status: "Disabled" }), { code: "MalformedXML", status: 400 });
  // Disabled is what every bucket has (s3-api.md 4.6, example 21).
  await configure({ Status: "Enabled", MFADelete: "Disabled" });
  const configured = await s3.getBucketVersioning({ Bucket });
  assert.deepEqual([configured.Status, configured.MFADelete], ["Enabled", "Disabled"]);
});

test("versioning of a missing bucket is NoSuchBucket", async () => {
  const missing = { code: "NoSuchBucket", status: 404, fields: { BucketName: "no-such" } };
  await assertRefused(s3.getBucketVersioning({ Bucket: "no-such" }), missing);
  await assertRefused(
    s3.putBucketVersioning({ Bucket: "no-such", VersioningConfiguration: { Status: "Enabled" } }),
    missing,
  );
});

test("every write to a versioned bucket is a version of its own and stays readable", async () => {
  const Bucket = await newBucket("Enabled");
  const ids = [];
  for (const body of ["one", "two", "three"]) ids.push((await put(Bucket, "key", body)).versionId);
  assert.equal(new Set(ids).size, 3);
  for (const [index, VersionId] of ids.entries()) {
    const read = await s3.getObject({ Bucket, Key: "key", VersionId });
    assert.equal(await textOf(read), ["one", "two", "three"][index]);
    assert.equal(read.VersionId, VersionId);
  }
  const current = await s3.getObject({ Bucket, Key: "key" });
  assert.equal(await textOf(current), "three");
  assert.equal(current.VersionId, ids[2]);
  assert.deepEqual(await history(Bucket), [
    `key ${ids[2]} latest`,
    `key ${ids[1]}`,
    `key ${ids[0]}`,
  ]);
});

test("an object from before versioning becomes the null version", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "key", "before");
  await setVersioning(s3, Bucket, "Enabled");
  assert.equal((await s3.headObject({ Bucket, Key: "key" })).VersionId, "null");
  const { versionId } = await put(Bucket, "key", "after");
  assert.deepEqual(await history(Bucket), [`key ${versionId} latest`, "key null"]);
  const read = await s3.getObject({ Bucket, Key: "key", VersionId: "null" });
  assert.equal(await textOf(read), "before");
  assert.equal(read.VersionId, "null");
});

test("an object of an unversioned bucket can be named by the version id null", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "key", "text");
  assert.equal(await textOf(await s3.getObject({ Bucket, Key: "key", VersionId: "null" })), "text");
  await s3.deleteObject({ Bucket, Key: "key", VersionId: "null" });
  await assertRefused(s3.getObject({ Bucket, Key: "key" }), { code: "NoSuchKey", status: 404 });
});

test("a suspended bucket replaces the null version only", async () => {
  const Bucket = await newBucket("Enabled");
  const { versionId } = await put(Bucket, "key", "kept");
  await setVersioning(s3, Bucket, "Suspended");
  const first = await s3.putObject({ Bucket, Key: "key", Body: "null 1" });
  // The write itself does not name the null version; reads do.
  assert.equal(first.VersionId, undefined);
  assert.equal((await s3.headObject({ Bucket, Key: "key" })).VersionId, "null");
  await put(Bucket, "key", "null 2");
  assert.deepEqual(await history(Bucket), ["key null latest", `key ${versionId}`]);
  assert.equal(await textOf(await s3.getObject({ Bucket, Key: "key" })), "null 2");
  // A null version that has become an older one is replaced all the same.
  await setVersioning(s3, Bucket, "Enabled");
  const third = (await put(Bucket, "key", "newest")).versionId;
  assert.deepEqual(await history(Bucket), [`key ${third} latest`, "key null", `key ${versionId}`]);
  await setVersioning(s3, Bucket, "Suspended");
  await put(Bucket, "key", "null 3");
  assert.deepEqual(await history(Bucket), ["key null latest", `key ${third}`, `key ${versionId}`]);
});

test("deletion in a versioned bucket hides the object behind a marker", async () => {
  const Bucket = await newBucket("Enabled");
  const { versionId } = await put(Bucket, "key", "text");
  const deleted = await s3.deleteObject({ Bucket, Key: "key" });
  assert.equal(deleted.DeleteMarker, true);
  assert.ok(deleted.VersionId !== undefined && deleted.VersionId !== versionId);
  const error = await assertRefused(s3.getObject({ Bucket, Key: "key" }), {
    code: "NoSuchKey",
    status: 404,
    fields: { Key: "key" },
  });
  // s3-api.md 1.3, GetObject: a delete marker that is current is a 404 that says so.
  assert.equal(error.$response?.headers["x-amz-delete-marker"], "true");
  assert.equal(error.$response?.headers["x-amz-version-id"], deleted.VersionId);
  const older = await s3.getObject({ Bucket, Key: "key", VersionId: versionId });
  assert.equal(await textOf(older), "text");
  assert.deepEqual((await s3.listObjectsV2({ Bucket })).Contents, undefined);
  assert.deepEqual(await history(Bucket), [`key !${deleted.VersionId} latest`, `key ${versionId}`]);
});

test("HEAD of a hidden object is a bodiless 404 that names the marker", async () => {
  const Bucket = await newBucket("Enabled");
  await put(Bucket, "key");
  const { VersionId } = await s3.deleteObject({ Bucket, Key: "key" });
  const answer = await send({ method: "HEAD", path: `/${Bucket}/key` });
  assert.equal(answer.status, 404);
  assert.equal(answer.body.length, 0);
  assert.equal(answer.headers.get("x-amz-delete-marker"), "true");
  assert.equal(answer.headers.get("x-amz-version-id"), VersionId);
});

test("each deletion without version id adds a marker, also for a key that never was", async () => {
  const Bucket = await newBucket("Enabled");
  const first = await s3.deleteObject({ Bucket, Key: "never" });
  const second = await s3.deleteObject({ Bucket, Key: "never" });
  assert.ok(first.DeleteMarker === true && second.DeleteMarker === true);
  assert.deepEqual(await history(Bucket), [
    `never !${second.VersionId} latest`,
    `never !${first.VersionId}`,
  ]);
});

test("reading a marker by its version id is 405 with the marker's headers", async () => {
  const Bucket = await newBucket("Enabled");
  await put(Bucket, "key");
  const { VersionId = "" } = await s3.deleteObject({ Bucket, Key: "key" });
  const query = `versionId=${VersionId}`;
  const read = await send({ path: `/${Bucket}/key`, query });
  assertErrorAnswer(read, {
    code: "MethodNotAllowed",
    status: 405,
    message: "The specified method is not allowed against this resource.",
    fields: { Method: "GET", ResourceType: "DeleteMarker" },
  });
  const head = await send({ method: "HEAD", path: `/${Bucket}/key`, query });
  assert.equal(head.status, 405);
  for (const { headers } of [read, head]) {
    assert.equal(headers.get("x-amz-delete-marker"), "true");
    assert.equal(headers.get("x-amz-version-id"), VersionId);
    // s3-api.md 1.3: Last-Modified tells when the object was deleted.
    assert.match(headers.get("last-modified") ?? "", / GMT$/);
    assert.equal(headers.get("allow"), "DELETE");
  }
});

test("deleting the newest marker brings the object back", async () => {
  const Bucket = await newBucket("Enabled");
  const { versionId } = await put(Bucket, "key", "text");
  const marker = await s3.deleteObject({ Bucket, Key: "key" });
  const VersionId = marker.VersionId ?? "";
  const undone = await s3.deleteObject({ Bucket, Key: "key", VersionId });
  assert.deepEqual([undone.DeleteMarker, undone.VersionId], [true, VersionId]);
  const read = await s3.getObject({ Bucket, Key: "key" });
  assert.equal(await textOf(read), "text");
  assert.equal(read.VersionId, versionId);
  assert.deepEqual((await s3.listObjectsV2({ Bucket })).Contents?.length, 1);
});

test("deleting the newest version for good promotes the next older one", async () => {
  const Bucket = await newBucket("Enabled");
  const ids = [];
  for (const body of ["1", "2", "3"]) ids.push((await put(Bucket, "key", body)).versionId);
  const [one, two, three] = ids as [string, string, string];
  const deleted = await s3.deleteObject({ Bucket, Key: "key", VersionId: three });
  assert.deepEqual([deleted.VersionId, deleted.DeleteMarker], [three, undefined]);
  assert.equal(await textOf(await s3.getObject({ Bucket, Key: "key" })), "2");
  // One in the middle changes nothing above it.
  const newest = (await put(Bucket, "key", "4")).versionId;
  await s3.deleteObject({ Bucket, Key: "key", VersionId: two });
  assert.deepEqual(await history(Bucket), [`key ${newest} latest`, `key ${one}`]);
  await s3.deleteObject({ Bucket, Key: "key", VersionId: newest });
  await s3.deleteObject({ Bucket, Key: "key", VersionId: one });
  assert.deepEqual(await history(Bucket), []);
});

test("deleting the newest version may promote an older marker", async () => {
  const Bucket = await newBucket("Enabled");
  const first = await put(Bucket, "key", "1");
  const marker = await s3.deleteObject({ Bucket, Key: "key" });
  const last = await put(Bucket, "key", "2");
  await s3.deleteObject({ Bucket, Key: "key", VersionId: last.versionId });
  assert.deepEqual(await history(Bucket), [
    `key !${marker.VersionId} latest`,
    `key ${first.versionId}`,
  ]);
  await assertRefused(s3.getObject({ Bucket, Key: "key" }), { code: "NoSuchKey", status: 404 });
});

test("deletion in a suspended bucket puts a null marker in the place of the null version", async () => {
  const Bucket = await newBucket("Enabled");
  const { versionId } = await put(Bucket, "key", "kept");
  await setVersioning(s3, Bucket, "Suspended");
  await put(Bucket, "key", "null");
  const deleted = await s3.deleteObject({ Bucket, Key: "key" });
  assert.deepEqual([deleted.DeleteMarker, deleted.VersionId], [true, "null"]);
  assert.deepEqual(await history(Bucket), ["key !null latest", `key ${versionId}`]);
  await s3.deleteObject({ Bucket, Key: "key" });
  assert.deepEqual(await history(Bucket), ["key !null latest", `key ${versionId}`]);
  const undone = await s3.deleteObject({ Bucket, Key: "key", VersionId: "null" });
  assert.deepEqual([undone.DeleteMarker, undone.VersionId], [true, "null"]);
  assert.equal(await textOf(await s3.getObject({ Bucket, Key: "key" })), "kept");
});

test("a write after a null marker in a suspended bucket replaces the marker", async () => {
  const Bucket = await newBucket("Suspended");
  await s3.deleteObject({ Bucket, Key: "key" });
  assert.deepEqual(await history(Bucket), ["key !null latest"]);
  await put(Bucket, "key", "again");
  assert.deepEqual(await history(Bucket), ["key null latest"]);
});

test("an older null marker is replaced when the bucket is suspended again", async () => {
  const Bucket = await newBucket("Suspended");
  await s3.deleteObject({ Bucket, Key: "key" });
  await setVersioning(s3, Bucket, "Enabled");
  const { versionId } = await put(Bucket, "key");
  assert.deepEqual(await history(Bucket), [`key ${versionId} latest`, "key !null"]);
  await setVersioning(s3, Bucket, "Suspended");
  await put(Bucket, "key");
  assert.deepEqual(await history(Bucket), ["key null latest", `key ${versionId}`]);
});

test("an unknown version is NoSuchVersion to a reader and nothing to a deletion", async () => {
  const Bucket = await newBucket("Enabled");
  const { versionId } = await put(Bucket, "key", "1");
  await s3.deleteObject({ Bucket, Key: "key", VersionId: versionId });
  await put(Bucket, "key", "2");
  for (const VersionId of [versionId, "null"]) {
    await assertRefused(s3.getObject({ Bucket, Key: "key", VersionId }), {
      code: "NoSuchVersion",
      status: 404,
      message: "The specified version does not exist.",
      fields: { Key: "key", VersionId },
    });
    const head = await refusal(s3.headObject({ Bucket, Key: "key", VersionId }));
    assert.equal(head.$metadata.httpStatusCode, 404);
  }
  const deleted = await s3.deleteObject({ Bucket, Key: "key", VersionId: versionId });
  assert.deepEqual([deleted.VersionId, deleted.DeleteMarker], [versionId, undefined]);
});

test("a version id of another key is no version of this one", async () => {
  const Bucket = await newBucket("Enabled");
  const { versionId } = await put(Bucket, "a", "a");
  await put(Bucket, "b", "b");
  await assertRefused(s3.getObject({ Bucket, Key: "b", VersionId: versionId }), {
    code: "NoSuchVersion",
    status: 404,
  });
  await s3.deleteObject({ Bucket, Key: "b", VersionId: versionId });
  assert.equal(await textOf(await s3.getObject({ Bucket, Key: "a" })), "a");
});

test("a text that no server ever made is an invalid version id", async () => {
  const Bucket = await newBucket("Enabled");
  await put(Bucket, "key");
  for (const VersionId of ["x", "NULL", "0".repeat(40), "../etc/passwd"]) {
    const invalid = {
      code: "InvalidArgument",
      status: 400,
      message: "Invalid version id specified",
      fields: { ArgumentName: "versionId", ArgumentValue: VersionId },
    };
    await assertRefused(s3.getObject({ Bucket, Key: "key", VersionId }), invalid);
    await assertRefused(s3.deleteObject({ Bucket, Key: "key", VersionId }), invalid);
  }
  // An empty one is refused too, with words of its own.
  const answer = await send({ path: `/${Bucket}/key`, query: "versionId=" });
  assertErrorAnswer(answer, {
    code: "InvalidArgument",
    status: 400,
    message: "Version id cannot be the empty string",
    fields: { ArgumentName: "versionId", ArgumentValue: "" },
  });
});

test("versions keep their own metadata, times and checksums", async () => {
  const Bucket = await newBucket("Enabled");
  const first = await s3.putObject({ Bucket, Key: "k", Body: "1", Metadata: { n: "1" } });
  await s3.putObject({ Bucket, Key: "k", Body: "22", ContentType: "text/plain" });
  const { VersionId } = first;
  const head = await s3.headObject({ Bucket, Key: "k", VersionId, ChecksumMode: "ENABLED" });
  assert.deepEqual(head.Metadata, { n: "1" });
  assert.equal(head.ContentLength, 1);
  assert.equal(head.ContentType, "application/octet-stream");
  assert.equal(head.ChecksumCRC32, first.ChecksumCRC32);
});

test("many versions of one key are all there, newest first", async () => {
  const Bucket = await newBucket("Enabled");
  const ids = await Promise.all(
    Array.from({ length: 60 }, async (_, index) => {
      const { VersionId } = await plainS3.putObject({ Bucket, Key: "k", Body: String(index) });
      return VersionId;
    }),
  );
  const listed = (await s3.listObjectVersions({ Bucket })).Versions ?? [];
  assert.deepEqual(new Set(listed.map(({ VersionId }) => VersionId)), new Set(ids));
  assert.deepEqual(
    listed.map(({ IsLatest }) => IsLatest),
    [true, ...Array.from({ length: 59 }, () => false)],
  );
  const current = await s3.headObject({ Bucket, Key: "k" });
  assert.equal(current.VersionId, listed[0]?.VersionId);
});
