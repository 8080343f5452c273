// Annotations of objects: named texts beside an object's bytes, with names and limits of their own, which
// live and end with their version. After all of it the store is whole.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { paginateListObjectAnnotations, type S3 } from "@aws-sdk/client-s3";
import { ManualClock, systemClock } from "../../src/app.ts";
import { checkStore } from "../../src/background/check.ts";
import { openStoresToRead } from "../../src/open-stores-to-read.ts";
import {
  assertErrorAnswer,
  assertRefused,
  elementOf,
  md5Base64,
  md5Hex,
  patternBytes,
  startTestServer,
  unquoted,
} from "./test-server.ts";

const directory = await mkdtemp(join(tmpdir(), "holdfast-annotations-"));
after(() => rm(directory, { recursive: true, force: true }));
const clock = new ManualClock(Math.floor(Date.now() / 1000) * 1000);
const server = await startTestServer({
  store: { directory },
  durability: "relaxed",
  clock,
  customerKeys: "anywhere",
});
const { s3, plainS3, newBucket, put, send } = server;

/** Valid UTF-8 of so many bytes. */
function textOfBytes(sizeBytes: number, letter = "x"): string {
  return letter.repeat(sizeBytes);
}

async function annotate(
  Bucket: string,
  AnnotationName: string,
  AnnotationPayload = AnnotationName,
  VersionId?: string,
) {
  return s3.putObjectAnnotation({
    Bucket,
    Key: "key",
    AnnotationName,
    AnnotationPayload,
    VersionId,
  });
}

async function read(
  Bucket: string,
  AnnotationName: string,
  VersionId?: string,
  Key = "key",
  client: S3 = s3,
): Promise<string> {
  const answer = await client.getObjectAnnotation({ Bucket, Key, AnnotationName, VersionId });
  return (await answer.AnnotationPayload?.transformToString()) ?? "";
}

async function namesOf(Bucket: string, VersionId?: string, Key = "key"): Promise<string[]> {
  const { Annotations = [] } = await s3.listObjectAnnotations({ Bucket, Key, VersionId });
  return Annotations.map(({ AnnotationName = "" }) => AnnotationName);
}

async function newObject(versioning?: "Enabled" | "Suspended"): Promise<string> {
  const Bucket = await newBucket(versioning);
  await put(Bucket, "key", "bytes");
  return Bucket;
}

const noAnnotation = { code: "NoSuchAnnotation", status: 404 };

describe("an annotation", () => {
  for (const size of [1, 1000, 65_536, 65_537, 1024 * 1024]) {
    test(`of ${size} bytes is read back, and the object is as it was`, async () => {
      const Bucket = await newObject();
      const before = await s3.headObject({ Bucket, Key: "key" });
      const text = textOfBytes(size);
      const written = await annotate(Bucket, "ml.sentiment", text);
      assert.equal(written.Key, "key");
      assert.equal(written.AnnotationName, "ml.sentiment");
      assert.equal(unquoted(written.ETag), md5Hex(text));
      assert.equal(written.ObjectVersionId, undefined);
      assert.equal(written.ServerSideEncryption, "AES256");
      assert.equal(written.ChecksumType, "FULL_OBJECT");
      const answer = await s3.getObjectAnnotation({
        Bucket,
        Key: "key",
        AnnotationName: "ml.sentiment",
        ChecksumMode: "ENABLED",
      });
      assert.equal(await answer.AnnotationPayload?.transformToString(), text);
      assert.equal(answer.ContentLength, size);
      assert.equal(answer.ETag, written.ETag);
      assert.equal(answer.LastModified?.getTime(), clock.now());
      assert.equal(answer.ChecksumCRC32, written.ChecksumCRC32);
      assert.ok(answer.ChecksumCRC32 !== undefined);
      const head = await s3.headObject({ Bucket, Key: "key" });
      assert.equal(head.ETag, before.ETag);
      assert.equal(head.ContentLength, before.ContentLength);
      assert.deepEqual(head.LastModified, before.LastModified);
    });
  }

  test("is replaced by one of the same name, without a version", async () => {
    const Bucket = await newObject("Enabled");
    await annotate(Bucket, "note", textOfBytes(100_000));
    await annotate(Bucket, "note", "second");
    assert.equal(await read(Bucket, "note"), "second");
    assert.deepEqual(await namesOf(Bucket), ["note"]);
    assert.equal((await s3.listObjectVersions({ Bucket })).Versions?.length, 1);
  });

  test("is removed for good, and removing what is not there is no error", async () => {
    const Bucket = await newObject();
    const place = { Bucket, Key: "key" };
    await annotate(Bucket, "note");
    await annotate(Bucket, "other");
    for (let time = 0; time < 2; time += 1) {
      const answer = await s3.deleteObjectAnnotation({ ...place, AnnotationName: "note" });
      assert.equal(answer.$metadata.httpStatusCode, 204);
    }
    await s3.deleteObjectAnnotation({ ...place, AnnotationName: "no such name" });
    await assertRefused(read(Bucket, "note"), noAnnotation);
    assert.equal(await read(Bucket, "other"), "other");
  });

  test("has a checksum by CRC64NVME where the client names none", async () => {
    const Bucket = await newObject();
    const AnnotationName = "note";
    const place = { Bucket, Key: "key", AnnotationName };
    const written = await plainS3.putObjectAnnotation({ ...place, AnnotationPayload: "text" });
    assert.ok(written.ChecksumCRC64NVME !== undefined);
    const plain = await plainS3.getObjectAnnotation(place);
    assert.equal(plain.ChecksumCRC64NVME, undefined);
    const shown = await plainS3.getObjectAnnotation({ ...place, ChecksumMode: "ENABLED" });
    assert.equal(shown.ChecksumCRC64NVME, written.ChecksumCRC64NVME);
    const { Annotations = [] } = await s3.listObjectAnnotations({ Bucket, Key: "key" });
    assert.deepEqual(Annotations[0]?.ChecksumAlgorithm, ["CRC64NVME"]);
  });

  for (const ChecksumAlgorithm of ["CRC32C", "SHA1", "SHA256"] as const) {
    test(`has a checksum by ${ChecksumAlgorithm}`, async () => {
      const Bucket = await newObject();
      const place = { Bucket, Key: "key", AnnotationName: "note" };
      const AnnotationPayload = "text";
      const written = await s3.putObjectAnnotation({
        ...place,
        AnnotationPayload,
        ChecksumAlgorithm,
      });
      const shown = await s3.getObjectAnnotation({ ...place, ChecksumMode: "ENABLED" });
      assert.equal(shown[`Checksum${ChecksumAlgorithm}`], written[`Checksum${ChecksumAlgorithm}`]);
      assert.ok(written[`Checksum${ChecksumAlgorithm}`] !== undefined);
    });
  }

  test("that differs from its digest is refused and changes nothing", async () => {
    const Bucket = await newObject();
    const query = "annotation&annotationName=note";
    const path = `/${Bucket}/key`;
    const wrong = { "content-md5": md5Base64("other") };
    const byMd5 = await send({ method: "PUT", path, query, body: "text", headers: wrong });
    assertErrorAnswer(byMd5, { code: "BadDigest", status: 400 });
    const sha256 = createHash("sha256").update("other").digest("base64");
    const headers = { "x-amz-checksum-sha256": sha256 };
    const bySha = await send({ method: "PUT", path, query, body: "text", headers });
    assertErrorAnswer(bySha, { code: "BadDigest", status: 400 });
    assert.deepEqual(await namesOf(Bucket), []);
    const right = { "content-md5": md5Base64("text") };
    assert.equal(
      (await send({ method: "PUT", path, query, body: "text", headers: right })).status,
      200,
    );
  });

  test("is UTF-8 text of 1 byte to 1 MiB", async () => {
    const Bucket = await newObject();
    const place = { Bucket, Key: "key", AnnotationName: "note" };
    const bad = [Buffer.from([0xff]), Buffer.from("ü").subarray(0, 1), randomBytes(500_000)];
    for (const AnnotationPayload of bad) {
      await assertRefused(s3.putObjectAnnotation({ ...place, AnnotationPayload }), {
        code: "UnsupportedMediaType",
        status: 415,
      });
    }
    await assertRefused(s3.putObjectAnnotation({ ...place, AnnotationPayload: "" }), {
      code: "EntityTooSmall",
      status: 400,
    });
    const tooLong = textOfBytes(1024 * 1024 + 1);
    await assertRefused(s3.putObjectAnnotation({ ...place, AnnotationPayload: tooLong }), {
      code: "EntityTooLarge",
      status: 400,
    });
    assert.deepEqual(await namesOf(Bucket), []);
    await s3.putObjectAnnotation({ ...place, AnnotationPayload: "Größe 標註 😀" });
    assert.equal(await read(Bucket, "note"), "Größe 標註 😀");
  });
});

describe("names", () => {
  for (const name of ["a", "ml.sentiment", "Größe", "標註_1-2", "n".repeat(512)]) {
    test(`may be ${name.slice(0, 20)}`, async () => {
      const Bucket = await newObject();
      await annotate(Bucket, name, "text");
      assert.equal(await read(Bucket, name), "text");
      assert.deepEqual(await namesOf(Bucket), [name]);
    });
  }

  for (const name of ["a b", "a/b", "aws.x", "AWS", "s3", "S3-x", "😀"]) {
    test(`may not be ${name}`, async () => {
      const Bucket = await newObject();
      await assertRefused(annotate(Bucket, name), { code: "InvalidAnnotationName", status: 400 });
      await assertRefused(read(Bucket, name), noAnnotation);
    });
  }

  test("have up to 512 bytes, and there must be one", async () => {
    const Bucket = await newObject();
    const tooLong = { code: "AnnotationNameTooLong", status: 400 };
    await assertRefused(annotate(Bucket, "ü".repeat(257)), tooLong);
    const path = `/${Bucket}/key`;
    for (const method of ["PUT", "DELETE"]) {
      const answer = await send({ method, path, query: "annotation", body: "" });
      assertErrorAnswer(answer, { code: "UserAnnotationNameMustBeSpecified", status: 400 });
    }
    const empty = await send({
      method: "PUT",
      path,
      query: "annotation&annotationName=",
      body: "x",
    });
    assertErrorAnswer(empty, { code: "InvalidAnnotationName", status: 400 });
  });
});

describe("a list", () => {
  test("tells names in the order of their bytes, with size, ETag and time", async () => {
    const Bucket = await newObject("Enabled");
    const { VersionId } = await s3.headObject({ Bucket, Key: "key" });
    for (const name of ["b", "ä", "a", "B"]) await annotate(Bucket, name, `text of ${name}`);
    const answer = await s3.listObjectAnnotations({ Bucket, Key: "key" });
    assert.equal(answer.Bucket, Bucket);
    assert.equal(answer.Key, "key");
    assert.equal(answer.ObjectVersionId, VersionId);
    assert.equal(answer.AnnotationCount, 4);
    assert.equal(answer.MaxAnnotationResults, 1000);
    assert.equal(answer.NextContinuationToken, undefined);
    const names = (answer.Annotations ?? []).map(({ AnnotationName }) => AnnotationName);
    assert.deepEqual(names, ["B", "a", "b", "ä"]);
    const [first] = answer.Annotations ?? [];
    assert.equal(first?.Size, 9);
    assert.equal(unquoted(first?.ETag), md5Hex("text of B"));
    assert.equal(first?.LastModified?.getTime(), clock.now());
    assert.equal(first?.ReplicationStatus, undefined);
  });

  test("comes in pages, and by prefix", async () => {
    const Bucket = await newObject();
    const names = ["a1", "a2", "a3", "b1", "b2"];
    for (const name of names) await annotate(Bucket, name);
    const found: string[][] = [];
    const pages = paginateListObjectAnnotations(
      { client: s3, pageSize: 2 },
      { Bucket, Key: "key" },
    );
    for await (const { Annotations = [] } of pages) {
      found.push(Annotations.map(({ AnnotationName = "" }) => AnnotationName));
    }
    assert.deepEqual(found, [["a1", "a2"], ["a3", "b1"], ["b2"]]);
    const AnnotationPrefix = "a";
    const some = { Bucket, Key: "key", AnnotationPrefix, MaxAnnotationResults: 2 };
    const page = await s3.listObjectAnnotations(some);
    assert.equal(page.AnnotationPrefix, "a");
    assert.equal(page.AnnotationCount, 2);
    const ContinuationToken = page.NextContinuationToken;
    const rest = await s3.listObjectAnnotations({ ...some, ContinuationToken });
    assert.deepEqual(
      rest.Annotations?.map((each) => each.AnnotationName),
      ["a3"],
    );
    assert.equal(rest.NextContinuationToken, undefined);
  });

  test("refuses prefixes that no name can have, odd tokens and odd sizes", async () => {
    const Bucket = await newObject();
    const place = { Bucket, Key: "key" };
    for (const AnnotationPrefix of ["a b", "*", "a".repeat(513)]) {
      await assertRefused(s3.listObjectAnnotations({ ...place, AnnotationPrefix }), {
        code: "InvalidPrefix",
        status: 400,
      });
    }
    const invalid = { code: "InvalidArgument", status: 400 };
    await assertRefused(s3.listObjectAnnotations({ ...place, ContinuationToken: "x" }), invalid);
    const negative = s3.listObjectAnnotations({ ...place, MaxAnnotationResults: -1 });
    await assertRefused(negative, invalid);
  });

  test("of an object without any is empty", async () => {
    const Bucket = await newObject();
    const answer = await s3.listObjectAnnotations({ Bucket, Key: "key" });
    assert.equal(answer.AnnotationCount, 0);
    const { text } = await send({ path: `/${Bucket}/key`, query: "annotation" });
    assert.equal(elementOf(text, "AnnotationCount"), "0");
  });
});

describe("annotations", () => {
  test("are at most 1,000 of a version", async () => {
    const Bucket = await newObject();
    for (let batch = 0; batch < 10; batch += 1) {
      const names = Array.from({ length: 100 }, (_, index) => `n${batch * 100 + index}`);
      await Promise.all(names.map((name) => annotate(Bucket, name)));
    }
    const full = { code: "AnnotationLimitExceeded", status: 400 };
    await assertRefused(annotate(Bucket, "more"), full);
    await annotate(Bucket, "n5", "replaced");
    assert.equal((await namesOf(Bucket)).length, 1000);
    await s3.deleteObjectAnnotation({ Bucket, Key: "key", AnnotationName: "n0" });
    await annotate(Bucket, "more");
    await s3.copyObject({ Bucket, Key: "copy", CopySource: `${Bucket}/key` });
    assert.equal((await namesOf(Bucket, undefined, "copy")).length, 1000);
    await s3.deleteObject({ Bucket, Key: "key" });
  });

  test("of what does not exist are refused as the object is", async () => {
    const Bucket = await newObject("Enabled");
    const noKey = { code: "NoSuchKey", status: 404 };
    const place = { Bucket, Key: "none", AnnotationName: "note" };
    await assertRefused(s3.putObjectAnnotation({ ...place, AnnotationPayload: "x" }), noKey);
    await assertRefused(s3.getObjectAnnotation(place), noKey);
    await assertRefused(s3.deleteObjectAnnotation(place), noKey);
    await assertRefused(s3.listObjectAnnotations({ Bucket, Key: "none" }), noKey);
    const { VersionId } = await s3.deleteObject({ Bucket, Key: "key" });
    await assertRefused(annotate(Bucket, "note"), noKey);
    const marker = { code: "MethodNotAllowed", status: 405 };
    await assertRefused(annotate(Bucket, "note", "x", VersionId), marker);
    const Missing = { Bucket: "no-such-bucket", Key: "key" };
    const noBucket = { code: "NoSuchBucket", status: 404 };
    await assertRefused(s3.listObjectAnnotations(Missing), noBucket);
  });

  test("belong to one version, and go with it", async () => {
    const Bucket = await newObject("Enabled");
    const first = await s3.headObject({ Bucket, Key: "key" });
    const written = await annotate(Bucket, "note", "of the first");
    assert.equal(written.ObjectVersionId, first.VersionId);
    const { versionId: second } = await put(Bucket, "key", "second");
    assert.deepEqual(await namesOf(Bucket), []);
    assert.equal(await read(Bucket, "note", first.VersionId), "of the first");
    await annotate(Bucket, "note", "of the second");
    await annotate(Bucket, "more", textOfBytes(100_000), first.VersionId);
    assert.deepEqual(await namesOf(Bucket, first.VersionId), ["more", "note"]);
    // Hidden, and there again.
    const { VersionId: marker } = await s3.deleteObject({ Bucket, Key: "key" });
    assert.equal(await read(Bucket, "note", second), "of the second");
    await s3.deleteObject({ Bucket, Key: "key", VersionId: marker });
    assert.equal(await read(Bucket, "note"), "of the second");
    await s3.deleteObject({ Bucket, Key: "key", VersionId: second });
    assert.deepEqual(await namesOf(Bucket), ["more", "note"]);
    await s3.deleteObject({ Bucket, Key: "key", VersionId: first.VersionId });
    await s3.deleteBucket({ Bucket });
  });

  test("of an object that is overwritten are gone", async () => {
    for (const versioning of [undefined, "Suspended"] as const) {
      const Bucket = await newObject(versioning);
      await annotate(Bucket, "note");
      await put(Bucket, "key", "other bytes");
      assert.deepEqual(await namesOf(Bucket), []);
      await annotate(Bucket, "note");
      await s3.deleteObject({ Bucket, Key: "key" });
      await put(Bucket, "key");
      assert.deepEqual(await namesOf(Bucket), []);
    }
  });

  test("are written and removed on condition of the object's ETag", async () => {
    const Bucket = await newObject();
    const { ETag: ObjectIfMatch } = await s3.headObject({ Bucket, Key: "key" });
    const place = { Bucket, Key: "key", AnnotationName: "note" };
    const failed = { code: "PreconditionFailed", status: 412 };
    const other = '"d41d8cd98f00b204e9800998ecf8427e"';
    const text = { AnnotationPayload: "text" };
    await assertRefused(
      s3.putObjectAnnotation({ ...place, ...text, ObjectIfMatch: other }),
      failed,
    );
    await s3.putObjectAnnotation({ ...place, ...text, ObjectIfMatch });
    await assertRefused(s3.deleteObjectAnnotation({ ...place, ObjectIfMatch: other }), failed);
    assert.equal(await read(Bucket, "note"), "text");
    await s3.deleteObjectAnnotation({ ...place, ObjectIfMatch });
    await assertRefused(read(Bucket, "note"), noAnnotation);
  });

  test("survive changes of what is beside the bytes", async () => {
    const Bucket = await newObject();
    await annotate(Bucket, "note");
    await s3.putObjectTagging({ Bucket, Key: "key", Tagging: { TagSet: [] } });
    assert.equal(await read(Bucket, "note"), "note");
  });

  test("are written by several at once, and none is lost", async () => {
    const Bucket = await newObject();
    const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
    await Promise.all(names.map((name) => annotate(Bucket, name)));
    assert.deepEqual(await namesOf(Bucket), names.toSorted());
  });
});

async function annotated(versioning?: "Enabled"): Promise<string> {
  const Bucket = await newObject(versioning);
  await annotate(Bucket, "long", textOfBytes(200_000));
  await annotate(Bucket, "short", "short");
  return Bucket;
}

describe("copies", () => {
  test("take annotations along, which are then their own", async () => {
    const Bucket = await annotated();
    await s3.copyObject({ Bucket, Key: "copy", CopySource: `${Bucket}/key` });
    assert.deepEqual(await namesOf(Bucket, undefined, "copy"), ["long", "short"]);
    await s3.deleteObject({ Bucket, Key: "key" });
    assert.equal(await read(Bucket, "long", undefined, "copy"), textOfBytes(200_000));
    assert.equal(await read(Bucket, "short", undefined, "copy"), "short");
  });

  test("leave them where they are told to", async () => {
    const Bucket = await annotated();
    const AnnotationDirective = "EXCLUDE";
    const CopySource = `${Bucket}/key`;
    await s3.copyObject({ Bucket, Key: "copy", CopySource, AnnotationDirective });
    assert.deepEqual(await namesOf(Bucket, undefined, "copy"), []);
    const headers = { "x-amz-copy-source": CopySource };
    const inQuery = await send({
      method: "PUT",
      path: `/${Bucket}/other`,
      query: "x-amz-object-annotation-directive=EXCLUDE",
      headers,
    });
    assert.equal(inQuery.status, 200);
    assert.deepEqual(await namesOf(Bucket, undefined, "other"), []);
    const odd = await send({
      method: "PUT",
      path: `/${Bucket}/other`,
      headers: { ...headers, "x-amz-object-annotation-directive": "REPLACE" },
    });
    assertErrorAnswer(odd, { code: "InvalidArgument", status: 400 });
  });

  test("of an object onto itself keep them", async () => {
    const Bucket = await annotated();
    const CopySource = `${Bucket}/key`;
    await s3.copyObject({ Bucket, Key: "key", CopySource, MetadataDirective: "REPLACE" });
    assert.deepEqual(await namesOf(Bucket), ["long", "short"]);
    assert.equal(await read(Bucket, "short"), "short");
  });

  test("have those of the version that is named", async () => {
    const Bucket = await annotated("Enabled");
    const { VersionId } = await s3.headObject({ Bucket, Key: "key" });
    await put(Bucket, "key", "second");
    const CopySource = `${Bucket}/key?versionId=${VersionId}`;
    await s3.copyObject({ Bucket, Key: "key", CopySource });
    assert.deepEqual(await namesOf(Bucket), ["long", "short"]);
  });

  test("with another checksum give it to the annotations too", async () => {
    const Bucket = await annotated();
    const CopySource = `${Bucket}/key`;
    await s3.copyObject({ Bucket, Key: "copy", CopySource, ChecksumAlgorithm: "SHA256" });
    const answer = await s3.getObjectAnnotation({
      Bucket,
      Key: "copy",
      AnnotationName: "short",
      ChecksumMode: "ENABLED",
    });
    const expected = createHash("sha256").update("short").digest("base64");
    assert.equal(answer.ChecksumSHA256, expected);
  });

  for (const [from, to] of [
    ["AES256", "aws:kms"],
    ["AES256", "aws:kms:dsse"],
    ["aws:kms", "AES256"],
    ["aws:kms:dsse", "aws:kms"],
    ["aws:kms", "aws:kms"],
  ] as const) {
    test(`from ${from} to ${to} are sealed as the copy is`, async () => {
      const Bucket = await newBucket();
      await s3.putObject({ Bucket, Key: "key", Body: "x", ServerSideEncryption: from });
      const written = await annotate(Bucket, "short", "short");
      assert.equal(written.ServerSideEncryption, from);
      await annotate(Bucket, "long", textOfBytes(200_000));
      const CopySource = `${Bucket}/key`;
      await s3.copyObject({ Bucket, Key: "copy", CopySource, ServerSideEncryption: to });
      await s3.deleteObject({ Bucket, Key: "key" });
      assert.equal(await read(Bucket, "short", undefined, "copy"), "short");
      assert.equal(await read(Bucket, "long", undefined, "copy"), textOfBytes(200_000));
      const copied = { Bucket, Key: "copy", AnnotationName: "short" };
      const answer = await s3.getObjectAnnotation(copied);
      assert.equal(answer.ServerSideEncryption, to);
      assert.equal(unquoted(answer.ETag) === md5Hex("short"), to === "AES256");
    });
  }
});

describe("encryption", () => {
  test("with a customer's key takes no annotations, also not from a copy", async () => {
    const Bucket = await newObject();
    const key = randomBytes(32);
    const customer = {
      SSECustomerAlgorithm: "AES256",
      SSECustomerKey: key.toString("base64"),
      SSECustomerKeyMD5: createHash("md5").update(key).digest("base64"),
    };
    await s3.putObject({ Bucket, Key: "secret", Body: "x", ...customer });
    const refused = { code: "InvalidRequest", status: 400 };
    const note = { AnnotationName: "note", AnnotationPayload: "x" };
    await assertRefused(s3.putObjectAnnotation({ Bucket, Key: "secret", ...note }), refused);
    assert.deepEqual(await namesOf(Bucket, undefined, "secret"), []);
    await annotate(Bucket, "note");
    const copy = { Bucket, Key: "copy", CopySource: `${Bucket}/key`, ...customer };
    await assertRefused(s3.copyObject(copy), refused);
    await s3.copyObject({ ...copy, AnnotationDirective: "EXCLUDE" });
  });

  test("that is changed takes the annotations along", async () => {
    const Bucket = await newObject();
    await annotate(Bucket, "short", "short");
    await annotate(Bucket, "long", textOfBytes(200_000));
    const other = await s3.putObject({
      Bucket,
      Key: "other",
      Body: "x",
      ServerSideEncryption: "aws:kms",
    });
    await s3.updateObjectEncryption({
      Bucket,
      Key: "key",
      ObjectEncryption: { SSEKMS: { KMSKeyArn: other.SSEKMSKeyId ?? "" } },
    });
    assert.equal(await read(Bucket, "short"), "short");
    assert.equal(await read(Bucket, "long"), textOfBytes(200_000));
    const answer = await annotate(Bucket, "new", "new");
    assert.equal(answer.ServerSideEncryption, "aws:kms");
    assert.equal(await read(Bucket, "new"), "new");
  });
});

test("archived objects can be annotated", async () => {
  const Bucket = await newBucket();
  await s3.putObject({ Bucket, Key: "key", Body: patternBytes(1000), StorageClass: "GLACIER" });
  await annotate(Bucket, "note", "text");
  await assertRefused(s3.getObject({ Bucket, Key: "key" }), {
    code: "InvalidObjectState",
    status: 403,
  });
  assert.equal(await read(Bucket, "note"), "text");
  await s3.deleteObjectAnnotation({ Bucket, Key: "key", AnnotationName: "note" });
});

test("the store is whole after all of this", async () => {
  await using stores = await openStoresToRead(directory);
  const { store, blobs } = stores;
  const output = { write: () => {} };
  const result = await checkStore({ store, blobs, clock: systemClock, output, isTerminal: false });
  assert.deepEqual(result.findings, []);
});
