// User metadata: names, text beyond ASCII, and how much of it there may be.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assertErrorAnswer, startTestServer } from "./test-server.ts";

const { s3, newBucket, send } = await startTestServer();
const Bucket = await newBucket();

test("names are lower case, values are kept", async () => {
  const headers = { "X-Amz-Meta-CamelCase": "Value With  Blanks", "x-amz-meta-empty": "" };
  await send({ method: "PUT", path: `/${Bucket}/names`, headers, body: "x" });
  const { Metadata } = await s3.headObject({ Bucket, Key: "names" });
  assert.deepEqual(Metadata, { camelcase: "Value With  Blanks", empty: "" });
});

test("an object without metadata has none", async () => {
  await s3.putObject({ Bucket, Key: "none", Body: "x" });
  assert.deepEqual((await s3.headObject({ Bucket, Key: "none" })).Metadata, {});
});

test("a name that JavaScript knows otherwise is a name like any other", async () => {
  const headers = { "x-amz-meta-__proto__": "p", "x-amz-meta-constructor": "c" };
  await send({ method: "PUT", path: `/${Bucket}/odd`, headers, body: "x" });
  const answer = await send({ method: "HEAD", path: `/${Bucket}/odd` });
  assert.equal(answer.headers.get("x-amz-meta-constructor"), "c");
  const raw = answer.headerNames.map((name) => name.toLowerCase());
  assert.ok(raw.includes("x-amz-meta-__proto__"));
});

// Guide, "Working with object metadata": Unicode travels as RFC 2047 encoded words.
test("text beyond ASCII comes back as an encoded word", async () => {
  const text = "Grüße, 世界 🚀";
  const word = `=?UTF-8?B?${Buffer.from(text).toString("base64")}?=`;
  const path = `/${Bucket}/unicode`;
  const sent = { base64: word, quoted: "=?UTF-8?Q?Gr=C3=BC=C3=9Fe,_=E4=B8=96?=", plain: "ascii" };
  const headers = Object.fromEntries(
    Object.entries(sent).map(([name, value]) => [`x-amz-meta-${name}`, value]),
  );
  await send({ method: "PUT", path, headers, body: "x" });
  const answer = await send({ method: "HEAD", path });
  assert.equal(answer.headers.get("x-amz-meta-base64"), word);
  const quoted = answer.headers.get("x-amz-meta-quoted") ?? "";
  const encoded = /^=\?UTF-8\?B\?(.*)\?=$/.exec(quoted)?.[1] ?? "";
  assert.equal(Buffer.from(encoded, "base64").toString(), "Grüße, 世");
  assert.equal(answer.headers.get("x-amz-meta-plain"), "ascii");
});

test("what only looks like an encoded word is kept as it is", async () => {
  const path = `/${Bucket}/no-word`;
  const headers = { "x-amz-meta-a": "=?nonsense?=", "x-amz-meta-b": "=?UTF-8?X?abc?=" };
  await send({ method: "PUT", path, headers, body: "x" });
  const answer = await send({ method: "HEAD", path });
  assert.equal(answer.headers.get("x-amz-meta-a"), "=?nonsense?=");
  assert.equal(answer.headers.get("x-amz-meta-b"), "=?UTF-8?X?abc?=");
});

const metadata = (bytes: number) => ({ "x-amz-meta-ab": "v".repeat(bytes - 2) });

test("names and values together have at most 2 KB", async () => {
  const path = `/${Bucket}/limit`;
  const most = await send({ method: "PUT", path, headers: metadata(2048), body: "x" });
  assert.equal(most.status, 200);
  const over = await send({ method: "PUT", path, headers: metadata(2049), body: "y" });
  assertErrorAnswer(over, {
    code: "MetadataTooLarge",
    status: 400,
    message: "Your metadata headers exceed the maximum allowed metadata size",
    fields: { MaxSizeAllowed: "2048", Size: "2049" },
  });
  assert.equal((await send({ path })).text, "x");
  // The sum counts, not the single header.
  const headers = Object.fromEntries(
    Array.from({ length: 21 }, (_, index) => [`x-amz-meta-${10 + index}`, "v".repeat(98)]),
  );
  assert.equal((await send({ method: "PUT", path, headers, body: "z" })).status, 400);
});
