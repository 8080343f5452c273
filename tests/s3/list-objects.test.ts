// ListObjects and ListObjectsV2: order, pages, prefixes, delimiters, and odd arguments.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertErrorAnswer,
  assertRefused,
  elementOf,
  elementsOf,
  startTestServer,
} from "./test-server.ts";

const { s3, newBucket, put, send } = await startTestServer();

async function bucketOf(...keys: readonly string[]): Promise<string> {
  const Bucket = await newBucket();
  await Promise.all(keys.map((key) => put(Bucket, key)));
  return Bucket;
}

interface Page {
  readonly Contents?: readonly { readonly Key?: string | undefined }[] | undefined;
  readonly CommonPrefixes?: readonly { readonly Prefix?: string | undefined }[] | undefined;
}

const keysOf = ({ Contents = [] }: Page) => Contents.map(({ Key }) => Key);
const prefixesOf = ({ CommonPrefixes = [] }: Page) => CommonPrefixes.map(({ Prefix }) => Prefix);

const tree = await bucketOf("a.txt", "b/1", "b/2", "b/c/3", "b/c/4", "d", "d/", "d/5", "e//6", "z");

test("an empty bucket is an empty page", async () => {
  const Bucket = await newBucket();
  const answer = await send({ path: `/${Bucket}`, query: "list-type=2" });
  assert.equal(answer.headers.get("content-type"), "application/xml");
  assert.equal(elementOf(answer.text, "KeyCount"), "0");
  assert.equal(elementOf(answer.text, "MaxKeys"), "1000");
  assert.equal(elementOf(answer.text, "IsTruncated"), "false");
  assert.equal(elementOf(answer.text, "Prefix"), "");
  assert.equal(elementOf(answer.text, "NextContinuationToken"), undefined);
  const first = await send({ path: `/${Bucket}` });
  assert.equal(elementOf(first.text, "Marker"), "");
  assert.equal(elementOf(first.text, "KeyCount"), undefined);
});

test("keys come in the order of their UTF-8 bytes", async () => {
  // U+FFEE has three bytes, U+1F680 four: the UTF-16 order would be the other way round.
  const keys = ["🚀", "\uffee", "z", "é", "Z", "a", "~", "A", "\u{10000}", "0", "\ud7ff", " "];
  const Bucket = await bucketOf(...keys);
  const expected = keys.toSorted((left, right) =>
    Buffer.compare(Buffer.from(left), Buffer.from(right)),
  );
  assert.deepEqual(expected.slice(-4), ["\ud7ff", "\uffee", "\u{10000}", "🚀"]);
  assert.deepEqual(keysOf(await s3.listObjectsV2({ Bucket })), expected);
  assert.deepEqual(keysOf(await s3.listObjects({ Bucket })), expected);
  const after = await s3.listObjectsV2({ Bucket, StartAfter: "\uffee" });
  assert.deepEqual(keysOf(after), ["\u{10000}", "🚀"]);
});

test("an entry tells time, ETag, size and class", async () => {
  const Bucket = await newBucket();
  const { etag } = await put(Bucket, "key", "12345");
  const head = await s3.headObject({ Bucket, Key: "key" });
  const { Contents = [] } = await s3.listObjectsV2({ Bucket });
  const [entry] = Contents;
  assert.deepEqual([entry?.ETag, entry?.Size], [`"${etag}"`, 5]);
  assert.equal(entry?.StorageClass, "STANDARD");
  assert.deepEqual(entry?.LastModified, head.LastModified);
  const answer = await send({ path: `/${Bucket}` });
  assert.match(
    elementOf(answer.text, "LastModified") ?? "",
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/,
  );
  assert.ok(answer.text.includes(`<ETag>&quot;${etag}&quot;</ETag>`));
});

test("the owner is always in the first version and on demand in the second", async () => {
  const { Contents: first = [] } = await s3.listObjects({ Bucket: tree });
  assert.match(first[0]?.Owner?.ID ?? "", /^[0-9a-f]{64}$/);
  const { Contents: without = [] } = await s3.listObjectsV2({ Bucket: tree });
  assert.equal(without[0]?.Owner, undefined);
  const { Contents: asked = [] } = await s3.listObjectsV2({ Bucket: tree, FetchOwner: true });
  assert.deepEqual(asked[0]?.Owner, first[0]?.Owner);
});

test("a prefix selects keys and is echoed", async () => {
  const page = await s3.listObjectsV2({ Bucket: tree, Prefix: "b/" });
  assert.deepEqual(keysOf(page), ["b/1", "b/2", "b/c/3", "b/c/4"]);
  assert.equal(page.Prefix, "b/");
  assert.deepEqual(keysOf(await s3.listObjectsV2({ Bucket: tree, Prefix: "b/c" })), [
    "b/c/3",
    "b/c/4",
  ]);
  assert.equal((await s3.listObjectsV2({ Bucket: tree, Prefix: "none" })).KeyCount, 0);
});

test("a delimiter groups what lies behind it into common prefixes", async () => {
  const page = await s3.listObjectsV2({ Bucket: tree, Delimiter: "/" });
  assert.deepEqual(keysOf(page), ["a.txt", "d", "z"]);
  assert.deepEqual(prefixesOf(page), ["b/", "d/", "e/"]);
  // s3-api.md 1.1: KeyCount includes common prefixes.
  assert.deepEqual([page.KeyCount, page.Delimiter], [6, "/"]);
  const below = await s3.listObjectsV2({ Bucket: tree, Delimiter: "/", Prefix: "b/" });
  assert.deepEqual(keysOf(below), ["b/1", "b/2"]);
  assert.deepEqual(prefixesOf(below), ["b/c/"]);
  const folder = await s3.listObjectsV2({ Bucket: tree, Delimiter: "/", Prefix: "d/" });
  assert.deepEqual([keysOf(folder), prefixesOf(folder)], [["d/", "d/5"], []]);
  const double = await s3.listObjectsV2({ Bucket: tree, Delimiter: "/", Prefix: "e/" });
  assert.deepEqual([keysOf(double), prefixesOf(double)], [[], ["e//"]]);
});

test("a delimiter may have several characters, and none that fits groups nothing", async () => {
  const Bucket = await bucketOf("a--b", "a--c", "a-d", "🚀🚀x", "🚀y");
  const page = await s3.listObjectsV2({ Bucket, Delimiter: "--" });
  assert.deepEqual([keysOf(page), prefixesOf(page)], [["a-d", "🚀y", "🚀🚀x"], ["a--"]]);
  const rockets = await s3.listObjectsV2({ Bucket, Delimiter: "🚀" });
  assert.deepEqual(prefixesOf(rockets), ["🚀"]);
  assert.deepEqual(prefixesOf(await s3.listObjectsV2({ Bucket, Delimiter: "%" })), []);
  // An empty delimiter is as good as none.
  const answer = await send({ path: `/${Bucket}`, query: "list-type=2&delimiter=" });
  assert.equal(elementOf(answer.text, "KeyCount"), "5");
  assert.equal(elementOf(answer.text, "Delimiter"), undefined);
});

test("pages of any size make up the whole, in both versions", async () => {
  for (const Delimiter of [undefined, "/"]) {
    const whole = await s3.listObjectsV2({ Bucket: tree, Delimiter });
    for (const MaxKeys of [1, 2, 3, 5]) {
      const second: (string | undefined)[] = [];
      let ContinuationToken: string | undefined;
      do {
        const input = { Bucket: tree, Delimiter, MaxKeys, ContinuationToken };
        const page = await s3.listObjectsV2(input);
        assert.ok((page.KeyCount ?? 0) <= MaxKeys);
        assert.equal(page.IsTruncated, page.NextContinuationToken !== undefined);
        assert.equal(page.ContinuationToken, ContinuationToken);
        second.push(...keysOf(page), ...prefixesOf(page));
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
      assert.deepEqual(new Set(second), new Set([...keysOf(whole), ...prefixesOf(whole)]));
      assert.equal(second.length, whole.KeyCount);
      const first: (string | undefined)[] = [];
      for (let Marker: string | undefined; ;) {
        const page = await s3.listObjects({ Bucket: tree, Delimiter, MaxKeys, Marker });
        first.push(...keysOf(page), ...prefixesOf(page));
        if (page.IsTruncated !== true) break;
        // s3-api.md 1.1: NextMarker only with a delimiter; else clients go on after the last key.
        assert.equal(page.NextMarker !== undefined, Delimiter !== undefined);
        Marker = page.NextMarker ?? keysOf(page).at(-1);
      }
      assert.deepEqual(first, second);
    }
  }
});

test("a marker inside a common prefix skips the whole prefix", async () => {
  // s3-api.md 4.2.
  for (const [marker, prefixes] of [
    ["b/1", ["d/", "e/"]],
    ["b/", ["d/", "e/"]],
    ["b/zzz", ["d/", "e/"]],
    ["b", ["b/", "d/", "e/"]],
    ["a.txt", ["b/", "d/", "e/"]],
  ] as const) {
    const first = await s3.listObjects({ Bucket: tree, Delimiter: "/", Marker: marker });
    assert.deepEqual(prefixesOf(first), prefixes, marker);
    assert.equal(first.Marker, marker);
    const second = await s3.listObjectsV2({ Bucket: tree, Delimiter: "/", StartAfter: marker });
    assert.deepEqual(prefixesOf(second), prefixes, marker);
    assert.equal(second.StartAfter, marker);
  }
});

const page = (Marker: string) => s3.listObjects({ Bucket: tree, Prefix: "b/", Marker });

test("a marker need not be a key, and one behind the prefix leaves nothing", async () => {
  assert.deepEqual(keysOf(await page("0")), ["b/1", "b/2", "b/c/3", "b/c/4"]);
  assert.deepEqual(keysOf(await page("b/15")), ["b/2", "b/c/3", "b/c/4"]);
  assert.deepEqual(keysOf(await page("c")), []);
});

test("a continuation token outranks start-after, which is echoed all the same", async () => {
  const begin = await s3.listObjectsV2({ Bucket: tree, MaxKeys: 2, StartAfter: "a.txt" });
  assert.deepEqual(keysOf(begin), ["b/1", "b/2"]);
  const { NextContinuationToken } = begin;
  const next = await s3.listObjectsV2({
    Bucket: tree,
    MaxKeys: 2,
    StartAfter: "a.txt",
    ContinuationToken: NextContinuationToken,
  });
  assert.deepEqual(keysOf(next), ["b/c/3", "b/c/4"]);
  assert.equal(next.StartAfter, "a.txt");
});

test("a token that no answer held is refused, an empty one too", async () => {
  for (const ContinuationToken of ["nonsense", "b/1"]) {
    await assertRefused(s3.listObjectsV2({ Bucket: tree, ContinuationToken }), {
      code: "InvalidArgument",
      status: 400,
      message: "The continuation token provided is incorrect",
      fields: { ArgumentName: "continuation-token" },
    });
  }
  const empty = await send({ path: `/${tree}`, query: "list-type=2&continuation-token=" });
  assertErrorAnswer(empty, { code: "InvalidArgument", status: 400 });
});

test("a token does not show the key that it stands for", async () => {
  const { NextContinuationToken = "" } = await s3.listObjectsV2({ Bucket: tree, MaxKeys: 1 });
  assert.ok(!NextContinuationToken.includes("a.txt"));
});

test("max-keys: 0 is an empty page, more than 1,000 is 1,000", async () => {
  const none = await s3.listObjectsV2({ Bucket: tree, MaxKeys: 0 });
  assert.deepEqual([none.KeyCount, none.MaxKeys, none.IsTruncated], [0, 0, false]);
  assert.equal(none.Contents, undefined);
  const many = await s3.listObjectsV2({ Bucket: tree, MaxKeys: 100_000 });
  assert.deepEqual([many.MaxKeys, many.KeyCount], [1000, 10]);
  const empty = await send({ path: `/${tree}`, query: "max-keys=" });
  assert.equal(elementOf(empty.text, "MaxKeys"), "1000");
});

test("max-keys that is negative or no number is refused", async () => {
  for (const [value, name, message] of [
    ["-1", "maxKeys", "Argument maxKeys must be an integer between 0 and 2147483647"],
    ["abc", "max-keys", "Provided max-keys not an integer or within integer range"],
    ["2147483648", "max-keys", "Provided max-keys not an integer or within integer range"],
    ["1.5", "max-keys", "Provided max-keys not an integer or within integer range"],
  ] as const) {
    for (const query of [`max-keys=${value}`, `list-type=2&max-keys=${value}`]) {
      assertErrorAnswer(await send({ path: `/${tree}`, query }), {
        code: "InvalidArgument",
        status: 400,
        message,
        fields: { ArgumentName: name, ArgumentValue: value },
      });
    }
  }
});

test("encoding-type=url encodes every name in the answer", async () => {
  const Bucket = await bucketOf("ä b/1", "ä b/2", "a+b", "c&d", "*-._~");
  const query = "list-type=2&encoding-type=url&delimiter=%2F&start-after=%20";
  const answer = await send({ path: `/${Bucket}`, query });
  assert.equal(elementOf(answer.text, "EncodingType"), "url");
  assert.deepEqual(elementsOf(answer.text, "Key"), ["*-._%7E", "a%2Bb", "c%26d"]);
  assert.ok(answer.text.includes("<CommonPrefixes><Prefix>%C3%A4+b/</Prefix></CommonPrefixes>"));
  assert.equal(elementOf(answer.text, "StartAfter"), "+");
  assert.equal(elementOf(answer.text, "Delimiter"), "/");
  const prefixed = await send({
    path: `/${Bucket}`,
    query: "encoding-type=url&prefix=%C3%A4%20&delimiter=%2F&max-keys=1&marker=%C3%A4",
  });
  assert.equal(elementOf(prefixed.text, "Prefix"), "%C3%A4+");
  assert.equal(elementOf(prefixed.text, "Marker"), "%C3%A4");
});

test("another encoding is refused", async () => {
  assertErrorAnswer(await send({ path: `/${tree}`, query: "encoding-type=base64" }), {
    code: "InvalidArgument",
    status: 400,
    message: "Invalid Encoding Method specified in Request",
    fields: { ArgumentName: "encoding-type", ArgumentValue: "base64" },
  });
});

test("a page of a thousand keys is followed by the rest", async () => {
  const Bucket = await newBucket();
  const keys = Array.from({ length: 1005 }, (_, index) => String(index).padStart(5, "0"));
  for (let at = 0; at < keys.length; at += 100) {
    await Promise.all(keys.slice(at, at + 100).map((key) => put(Bucket, key)));
  }
  const page = await s3.listObjectsV2({ Bucket });
  assert.deepEqual([page.KeyCount, page.IsTruncated], [1000, true]);
  const { NextContinuationToken: ContinuationToken } = page;
  const rest = await s3.listObjectsV2({ Bucket, ContinuationToken });
  assert.deepEqual([...keysOf(page), ...keysOf(rest)], keys);
  assert.equal(rest.IsTruncated, false);
});

test("hidden and deleted keys are not listed, overwritten ones once", async () => {
  const Bucket = await newBucket("Enabled");
  await put(Bucket, "hidden");
  await s3.deleteObject({ Bucket, Key: "hidden" });
  await put(Bucket, "twice", "1");
  await put(Bucket, "twice", "22");
  const { Contents = [], KeyCount } = await s3.listObjectsV2({ Bucket });
  assert.deepEqual([Contents[0]?.Key, Contents[0]?.Size, KeyCount], ["twice", 2, 1]);
});

test("a listing of a missing bucket is NoSuchBucket", async () => {
  const missing = { code: "NoSuchBucket", status: 404, fields: { BucketName: "nowhere" } };
  await assertRefused(s3.listObjects({ Bucket: "nowhere" }), missing);
  await assertRefused(s3.listObjectsV2({ Bucket: "nowhere" }), missing);
  await assertRefused(s3.listObjectVersions({ Bucket: "nowhere" }), missing);
});
