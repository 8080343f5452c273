// Conditional reads: the whole truth table of the four headers, with times of whole seconds.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/app.ts";
import { assertErrorAnswer, startTestServer, type RawAnswer } from "./test-server.ts";

// The object is written between two seconds: Last-Modified is the second before.
const second = Math.floor(Date.now() / 1000) * 1000 - 60_000;
const clock = new ManualClock(second + 789);
const { newBucket, put, send } = await startTestServer({ clock });
const Bucket = await newBucket();
const { etag } = await put(Bucket, "key", "text");
clock.advance(60_000);

function read(headers: Readonly<Record<string, string>>, method = "GET"): Promise<RawAnswer> {
  return send({ method, path: `/${Bucket}/key`, headers });
}

const httpDate = (offsetSeconds: number): string =>
  new Date(second + offsetSeconds * 1000).toUTCString();

const tags = { absent: undefined, same: `"${etag}"`, other: '"0123"' } as const;
const times = { absent: undefined, before: -1, same: 0, after: 1 } as const;

interface Row {
  readonly ifMatch: keyof typeof tags;
  readonly ifNoneMatch: keyof typeof tags;
  readonly ifModifiedSince: keyof typeof times;
  readonly ifUnmodifiedSince: keyof typeof times;
}

/** GetObject, "Additional considerations about request headers", and RFC 9110, 13.2.2. */
function expectedStatus(row: Row): number {
  if (row.ifMatch === "other") return 412;
  if (row.ifMatch === "absent" && row.ifUnmodifiedSince === "before") return 412;
  if (row.ifNoneMatch === "same") return 304;
  if (row.ifNoneMatch === "other") return 200;
  return row.ifModifiedSince === "same" || row.ifModifiedSince === "after" ? 304 : 200;
}

function rows(): readonly Row[] {
  const found: Row[] = [];
  const tagNames = Object.keys(tags) as (keyof typeof tags)[];
  const timeNames = Object.keys(times) as (keyof typeof times)[];
  for (const ifMatch of tagNames) {
    for (const ifNoneMatch of tagNames) {
      for (const ifModifiedSince of timeNames) {
        for (const ifUnmodifiedSince of timeNames) {
          found.push({ ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince });
        }
      }
    }
  }
  return found;
}

function headersOf(row: Row): Record<string, string> {
  const headers: Record<string, string> = {};
  const { [row.ifMatch]: match } = tags;
  const { [row.ifNoneMatch]: noneMatch } = tags;
  const { [row.ifModifiedSince]: modified } = times;
  const { [row.ifUnmodifiedSince]: unmodified } = times;
  if (match !== undefined) headers["if-match"] = match;
  if (noneMatch !== undefined) headers["if-none-match"] = noneMatch;
  if (modified !== undefined) headers["if-modified-since"] = httpDate(modified);
  if (unmodified !== undefined) headers["if-unmodified-since"] = httpDate(unmodified);
  return headers;
}

for (const method of ["GET", "HEAD"]) {
  test(`the truth table of ${method}`, async () => {
    for (const row of rows()) {
      const answer = await read(headersOf(row), method);
      assert.equal(answer.status, expectedStatus(row), JSON.stringify(row));
    }
  });
}

test("Last-Modified has whole seconds, so that a client's own date matches", async () => {
  const plain = await read({});
  assert.equal(plain.headers.get("last-modified"), httpDate(0));
  const since = plain.headers.get("last-modified") ?? "";
  assert.equal((await read({ "if-modified-since": since })).status, 304);
  assert.equal((await read({ "if-unmodified-since": since })).status, 200);
});

test("304 has the headers of a cache's entry and no body", async () => {
  for (const method of ["GET", "HEAD"]) {
    const answer = await read({ "if-none-match": `"${etag}"` }, method);
    assert.deepEqual([answer.status, answer.body.length], [304, 0]);
    assert.equal(answer.headers.get("etag"), `"${etag}"`);
    assert.equal(answer.headers.get("last-modified"), httpDate(0));
    assert.equal(answer.headers.get("content-type"), undefined);
  }
});

test("412 names the condition that failed", async () => {
  for (const [header, value, condition] of [
    ["if-match", '"0123"', "If-Match"],
    ["if-unmodified-since", httpDate(-1), "If-Unmodified-Since"],
  ] as const) {
    assertErrorAnswer(await read({ [header]: value }), {
      code: "PreconditionFailed",
      status: 412,
      message: "At least one of the pre-conditions you specified did not hold",
      fields: { Condition: condition },
    });
  }
  const head = await read({ "if-match": '"0123"' }, "HEAD");
  assert.deepEqual([head.status, head.body.length], [412, 0]);
});

test("an ETag may come without quotes, in a list, or as a star", async () => {
  for (const value of [etag, `"${etag}"`, `"a", "${etag}"`, "*"]) {
    assert.equal((await read({ "if-match": value })).status, 200, value);
    assert.equal((await read({ "if-none-match": value })).status, 304, value);
  }
});

test("a date that cannot be read is no condition", async () => {
  for (const date of ["yesterday", "2026-01-01", "Fri, 31 Feb 2026 00:00:00 GMT"]) {
    const headers = { "if-modified-since": date, "if-unmodified-since": date };
    assert.equal((await read(headers)).status, 200, date);
  }
});

test("a condition is judged before the range", async () => {
  const wrong = await read({ "if-match": '"0123"', range: "bytes=100-" });
  assert.equal(wrong.status, 412);
  const unchanged = await read({ "if-none-match": `"${etag}"`, range: "bytes=0-0" });
  assert.equal(unchanged.status, 304);
  const right = await read({ "if-match": `"${etag}"`, range: "bytes=0-0" });
  assert.equal(right.status, 206);
});

test("a missing object is missing whatever the condition", async () => {
  const headers = { "if-match": "*" };
  const answer = await send({ path: `/${Bucket}/none`, headers });
  assertErrorAnswer(answer, { code: "NoSuchKey", status: 404 });
});

test("a cached entry of a version is told with its version id", async () => {
  const versioned = await newBucket("Enabled");
  const written = await put(versioned, "key", "text");
  const headers = { "if-none-match": `"${written.etag}"` };
  const answer = await send({ path: `/${versioned}/key`, headers });
  assert.equal(answer.status, 304);
  assert.equal(answer.headers.get("x-amz-version-id"), written.versionId);
});
