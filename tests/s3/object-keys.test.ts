// Keys are any text of 1 to 1,024 bytes: nothing in them is a path, a pattern or a place on a disk.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertErrorAnswer,
  assertRefused,
  elementsOf,
  startTestServer,
  textOf,
} from "./test-server.ts";

const { s3, newBucket, put, send } = await startTestServer();

const oddKeys = [
  " ",
  "a b",
  "a+b",
  "a%20b",
  "a%2Fb",
  "100%",
  "?query=1#fragment",
  "a&b<c>\"d'",
  "/leading",
  "//two//slashes//",
  "trailing/",
  "/",
  "//",
  ".",
  "..",
  "./here",
  "../up",
  "a/../b",
  "a/./b",
  "a/..",
  "trailing.",
  "trailing..",
  "con",
  "nul.txt",
  "back\\slash",
  "colon:star*",
  "~!@$^()_+`{}|[];',",
  "ümläut",
  "e\u0301 decomposed",
  "é composed",
  "日本語/キー",
  "עברית",
  "🚀🪐",
  "\u{10ffff}",
  "\uffee",
  "\ufeffbom",
  "zero\u200bwidth",
  "tab\there",
  "new\nline",
  "\u0001\u001f\u007f",
  "null",
  "undefined",
  "__proto__",
  "x".repeat(1024),
  "ü".repeat(512),
  "🚀".repeat(256),
];

test("every odd key is written, read, listed and deleted as itself", async () => {
  const Bucket = await newBucket();
  for (const Key of oddKeys) await put(Bucket, Key, `body of ${Key}`);
  for (const Key of oddKeys) {
    const read = await s3.getObject({ Bucket, Key });
    assert.equal(await textOf(read), `body of ${Key}`, JSON.stringify(Key));
  }
  const { Contents = [] } = await s3.listObjectsV2({ Bucket, EncodingType: "url" });
  const listed = Contents.map(({ Key = "" }) => decodeURIComponent(Key.replaceAll("+", " ")));
  const expected = oddKeys.toSorted((left, right) =>
    Buffer.compare(Buffer.from(left), Buffer.from(right)),
  );
  assert.deepEqual(listed, expected);
  for (const Key of oddKeys) await s3.deleteObject({ Bucket, Key });
  assert.equal((await s3.listObjectsV2({ Bucket })).KeyCount, 0);
});

const control = /\p{Cc}/u;

test("keys without control characters are listed without encoding too", async () => {
  const Bucket = await newBucket();
  const keys = oddKeys.filter((key) => !control.test(key));
  for (const Key of keys) await put(Bucket, Key);
  const { Contents = [] } = await s3.listObjectsV2({ Bucket });
  assert.deepEqual(new Set(Contents.map(({ Key }) => Key)), new Set(keys));
});

test("control characters in a listing are references, as S3 writes them", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "a\u0001b");
  await put(Bucket, "c\rd");
  const answer = await send({ path: `/${Bucket}` });
  assert.ok(answer.text.includes("<Key>a&#x1;b</Key>"));
  assert.ok(answer.text.includes("<Key>c&#13;d</Key>"));
  const encoded = await send({ path: `/${Bucket}`, query: "encoding-type=url" });
  assert.deepEqual(elementsOf(encoded.text, "Key"), ["a%01b", "c%0Dd"]);
});

test("dots and double slashes in a path are part of the key", async () => {
  const Bucket = await newBucket();
  for (const [path, key] of [
    ["a/../../b", "a/../../b"],
    ["../../etc/passwd", "../../etc/passwd"],
    ["/x", "/x"],
    ["//", "//"],
    ["..", ".."],
  ] as const) {
    const written = await send({ method: "PUT", path: `/${Bucket}/${path}`, body: key });
    assert.equal(written.status, 200, written.text);
    assert.equal((await send({ path: `/${Bucket}/${path}` })).text, key);
    const listed = await s3.listObjectsV2({ Bucket, Prefix: key });
    assert.deepEqual(
      listed.Contents?.map(({ Key }) => Key),
      [key],
    );
    await s3.deleteObject({ Bucket, Key: key });
  }
});

test("composed and decomposed letters are different keys", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "é", "composed");
  await put(Bucket, "e\u0301", "decomposed");
  assert.equal(await textOf(await s3.getObject({ Bucket, Key: "é" })), "composed");
  assert.equal(await textOf(await s3.getObject({ Bucket, Key: "e\u0301" })), "decomposed");
});

test("a key and a key below it live side by side", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "a", "file");
  await put(Bucket, "a/", "folder");
  await put(Bucket, "a/b", "below");
  assert.equal((await send({ path: `/${Bucket}/a` })).text, "file");
  assert.equal((await send({ path: `/${Bucket}/a/` })).text, "folder");
  assert.equal((await send({ path: `/${Bucket}/a/b` })).text, "below");
  await s3.deleteObject({ Bucket, Key: "a" });
  assert.equal((await send({ path: `/${Bucket}/a/b` })).text, "below");
});

test("a key has at most 1,024 bytes of UTF-8, whatever its characters", async () => {
  const Bucket = await newBucket();
  for (const Key of ["x".repeat(1025), `${"ü".repeat(512)}x`, `${"🚀".repeat(256)}x`]) {
    const tooLong = {
      code: "KeyTooLongError",
      status: 400,
      message: "Your key is too long",
      fields: { Size: "1025", MaxSizeAllowed: "1024" },
    };
    await assertRefused(s3.putObject({ Bucket, Key, Body: "x" }), tooLong);
    await assertRefused(s3.getObject({ Bucket, Key }), tooLong);
  }
});

test("a key that is no UTF-8 is refused", async () => {
  const Bucket = await newBucket();
  for (const path of ["%FF", "a%C3", "%ED%A0%80", "a%zz"]) {
    const answer = await send({ method: "PUT", path: `/${Bucket}/${path}`, body: "x" });
    assertErrorAnswer(answer, { code: "InvalidURI", status: 400 });
  }
});
