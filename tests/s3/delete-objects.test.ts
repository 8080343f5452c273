// DeleteObjects: many deletions in one request, each with its own outcome.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import {
  assertErrorAnswer,
  assertRefused,
  elementOf,
  elementsOf,
  setVersioning,
  startTestServer,
  type RawAnswer,
} from "./test-server.ts";

const { s3, newBucket, put, send } = await startTestServer();

/** Sends a document with its Content-MD5, or with other headers. */
function sendDelete(
  bucket: string,
  body: string,
  headers: Readonly<Record<string, string>> = {
    "content-md5": createHash("md5").update(body).digest("base64"),
  },
): Promise<RawAnswer> {
  return send({ method: "POST", path: `/${bucket}`, query: "delete", headers, body });
}

const documentOf = (inner: string): string =>
  `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</Delete>`;

const objectOf = (key: string): string => `<Object><Key>${key}</Key></Object>`;

test("deletes what is there and counts what is not as deleted", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "a");
  await put(Bucket, "b");
  await put(Bucket, "kept");
  const Objects = [{ Key: "a" }, { Key: "never" }, { Key: "b" }];
  const { Deleted, Errors } = await s3.deleteObjects({ Bucket, Delete: { Objects } });
  assert.deepEqual(Deleted, Objects);
  assert.equal(Errors, undefined);
  assert.equal((await s3.listObjectsV2({ Bucket })).KeyCount, 1);
});

test("a thousand keys are deleted by one request", async () => {
  const Bucket = await newBucket();
  const keys = Array.from({ length: 1000 }, (_, index) => `key-${String(index).padStart(4, "0")}`);
  await Promise.all(keys.slice(0, 60).map((key) => put(Bucket, key)));
  const Objects = keys.map((Key) => ({ Key }));
  const { Deleted = [] } = await s3.deleteObjects({ Bucket, Delete: { Objects } });
  assert.deepEqual(
    Deleted.map(({ Key }) => Key),
    keys,
  );
  assert.equal((await s3.listObjectsV2({ Bucket })).KeyCount, 0);
});

test("more than a thousand keys, or none, are a malformed document", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "k0");
  const malformed = {
    code: "MalformedXML",
    status: 400,
    message:
      "The XML you provided was not well-formed or did not validate against our published schema",
  };
  const Objects = Array.from({ length: 1001 }, (_, index) => ({ Key: `k${index}` }));
  await assertRefused(s3.deleteObjects({ Bucket, Delete: { Objects } }), malformed);
  await assertRefused(s3.deleteObjects({ Bucket, Delete: { Objects: [] } }), malformed);
  assert.equal((await s3.listObjectsV2({ Bucket })).KeyCount, 1);
});

test("quiet mode reports errors only", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "a");
  const Objects = [{ Key: "a" }, { Key: "x".repeat(1025) }];
  const answer = await s3.deleteObjects({ Bucket, Delete: { Objects, Quiet: true } });
  assert.equal(answer.Deleted, undefined);
  assert.deepEqual(
    answer.Errors?.map(({ Code, Message }) => [Code, Message]),
    [["KeyTooLongError", "Your key is too long"]],
  );
  assert.equal((await s3.listObjectsV2({ Bucket })).KeyCount, 0);
});

test("an empty key is an error of its own and stops nothing", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "a");
  const answer = await sendDelete(Bucket, documentOf(`${objectOf("")}${objectOf("a")}`));
  assert.equal(answer.status, 200);
  assert.equal(elementOf(answer.text, "Code"), "UserKeyMustBeSpecified");
  assert.deepEqual((await s3.listObjectsV2({ Bucket })).KeyCount, 0);
});

test("without version ids each key of a versioned bucket gets a marker", async () => {
  // s3-api.md 4.6, example 11.
  const Bucket = await newBucket("Enabled");
  await put(Bucket, "a");
  const Objects = [{ Key: "a" }, { Key: "never" }];
  const { Deleted = [] } = await s3.deleteObjects({ Bucket, Delete: { Objects } });
  assert.equal(Deleted.length, 2);
  for (const { DeleteMarker, DeleteMarkerVersionId, VersionId } of Deleted) {
    assert.equal(DeleteMarker, true);
    assert.ok((DeleteMarkerVersionId ?? "").length > 10);
    assert.equal(VersionId, undefined);
  }
  assert.equal((await s3.listObjectVersions({ Bucket })).DeleteMarkers?.length, 2);
});

test("with version ids versions and markers are removed for good", async () => {
  // s3-api.md 4.6, example 10.
  const Bucket = await newBucket("Enabled");
  const { versionId } = await put(Bucket, "a");
  const marker = await s3.deleteObject({ Bucket, Key: "a" });
  const markerId = marker.VersionId ?? "";
  const Objects = [
    { Key: "a", VersionId: versionId },
    { Key: "a", VersionId: markerId },
  ];
  const { Deleted } = await s3.deleteObjects({ Bucket, Delete: { Objects } });
  assert.deepEqual(Deleted, [
    { Key: "a", VersionId: versionId },
    { Key: "a", VersionId: markerId, DeleteMarker: true, DeleteMarkerVersionId: markerId },
  ]);
  await s3.deleteBucket({ Bucket });
});

test("in a suspended bucket the marker is the null version", async () => {
  const Bucket = await newBucket("Enabled");
  await put(Bucket, "a");
  await setVersioning(s3, Bucket, "Suspended");
  const Objects = [{ Key: "a" }];
  const { Deleted } = await s3.deleteObjects({ Bucket, Delete: { Objects } });
  assert.deepEqual(Deleted, [{ Key: "a", DeleteMarker: true, DeleteMarkerVersionId: "null" }]);
});

test("a version that no server made is an error of its key alone", async () => {
  const Bucket = await newBucket("Enabled");
  const { versionId } = await put(Bucket, "a");
  // github.com/brendanhay/amazonka/issues/160: also an empty element is a version that is not there.
  const body = documentOf(
    `<Object><Key>a</Key><VersionId>nonsense</VersionId></Object><Object><Key>a</Key><VersionId/></Object><Object><Key>a</Key><VersionId>${versionId}</VersionId></Object>`,
  );
  const answer = await sendDelete(Bucket, body);
  assert.equal(answer.status, 200);
  assert.deepEqual(elementsOf(answer.text, "Code"), ["NoSuchVersion", "NoSuchVersion"]);
  assert.equal(elementOf(answer.text, "Message"), "The specified version does not exist.");
  assert.equal(elementsOf(answer.text, "Key").length, 3);
  assert.equal((await s3.listObjectVersions({ Bucket })).Versions, undefined);
});

test("a key that is named twice is deleted twice", async () => {
  const plain = await newBucket();
  await put(plain, "a");
  const Objects = [{ Key: "a" }, { Key: "a" }];
  const once = await s3.deleteObjects({ Bucket: plain, Delete: { Objects } });
  assert.deepEqual(once.Deleted, Objects);
  const Bucket = await newBucket("Enabled");
  await s3.deleteObjects({ Bucket, Delete: { Objects } });
  assert.equal((await s3.listObjectVersions({ Bucket })).DeleteMarkers?.length, 2);
});

test("keys with markup, blanks and control characters come through", async () => {
  const Bucket = await newBucket();
  const keys = ["a&b<c>\"d'", " blank ", "ü🚀", "new\nline", "plus+%20"];
  for (const key of keys) await put(Bucket, key);
  const Objects = keys.map((Key) => ({ Key }));
  const { Deleted } = await s3.deleteObjects({ Bucket, Delete: { Objects } });
  assert.deepEqual(Deleted, Objects);
  assert.equal((await s3.listObjectsV2({ Bucket })).KeyCount, 0);
});

test("the document must be protected by a digest", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "a");
  const body = documentOf(objectOf("a"));
  assertErrorAnswer(await sendDelete(Bucket, body, {}), {
    code: "InvalidRequest",
    status: 400,
    message: "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
  });
  const wrong = createHash("md5").update("other").digest("base64");
  assertErrorAnswer(await sendDelete(Bucket, body, { "content-md5": wrong }), {
    code: "BadDigest",
    status: 400,
  });
  assertErrorAnswer(await sendDelete(Bucket, body, { "content-md5": "nonsense" }), {
    code: "InvalidDigest",
    status: 400,
    message: "The Content-MD5 you specified was invalid.",
  });
  assertErrorAnswer(await sendDelete(Bucket, body, { "x-amz-checksum-crc32": "AAAAAA==" }), {
    code: "BadDigest",
    status: 400,
  });
  assert.equal((await s3.listObjectsV2({ Bucket })).KeyCount, 1);
  const sha256 = createHash("sha256").update(body).digest("base64");
  const accepted = await sendDelete(Bucket, body, { "x-amz-checksum-sha256": sha256 });
  assert.equal(accepted.status, 200, accepted.text);
  assert.equal((await s3.listObjectsV2({ Bucket })).KeyCount, 0);
});

test("a namespace is not needed, and unknown or broken documents delete nothing", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "a");
  for (const body of [
    "<Delete><Object><Key>a</Key></Object>",
    "<Remove><Object><Key>a</Key></Object></Remove>",
    "<Delete><Object></Object></Delete>",
    "<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>",
    "<Delete><Quiet>maybe</Quiet><Object><Key>a</Key></Object></Delete>",
    '<!DOCTYPE Delete [<!ENTITY e "a">]><Delete><Object><Key>&e;</Key></Object></Delete>',
  ]) {
    const answer = await sendDelete(Bucket, body);
    assertErrorAnswer(answer, { code: "MalformedXML", status: 400 });
  }
  assert.equal((await s3.listObjectsV2({ Bucket })).KeyCount, 1);
  const bare = await sendDelete(Bucket, "<Delete><Object><Key>a</Key></Object></Delete>");
  assert.deepEqual(elementsOf(bare.text, "Key"), ["a"]);
  assert.equal(bare.headers.get("content-type"), "application/xml");
  assert.match(bare.text, /<DeleteResult xmlns="http:\/\/s3.amazonaws.com\/doc\/2006-03-01\/">/);
});

test("an empty body is missing, and a missing bucket is NoSuchBucket", async () => {
  const Bucket = await newBucket();
  assertErrorAnswer(await sendDelete(Bucket, ""), {
    code: "MissingRequestBodyError",
    status: 400,
  });
  assertErrorAnswer(await sendDelete("nowhere", documentOf(objectOf("a"))), {
    code: "NoSuchBucket",
    status: 404,
  });
});
