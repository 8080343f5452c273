// ListBuckets: whose buckets, in which order, by pages.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/app.ts";
import { assertErrorAnswer, assertRefused, elementsOf, startTestServer } from "./test-server.ts";

const clock = new ManualClock(Date.now());
const { s3, send } = await startTestServer({ clock });
const names = ["alpha", "beta-1", "beta-2", "beta.3", "gamma", "zeta"];
const firstCreation = Math.floor(clock.now() / 1000) * 1000;
for (const Bucket of names.toReversed()) {
  await s3.createBucket({ Bucket });
  clock.advance(1000);
}

test("lists every bucket by name with its time of creation", async () => {
  const { Buckets = [], Owner, ContinuationToken, Prefix } = await s3.listBuckets({});
  assert.deepEqual(
    Buckets.map(({ Name }) => Name),
    names,
  );
  assert.match(Owner?.ID ?? "", /^[0-9a-f]{64}$/);
  assert.deepEqual([ContinuationToken, Prefix], [undefined, undefined]);
  assert.deepEqual(
    Buckets.map(({ CreationDate }) => ((CreationDate?.getTime() ?? 0) - firstCreation) / 1000),
    [5, 4, 3, 2, 1, 0],
  );
});

test("the region of a bucket is told to those who use the newer parameters", async () => {
  const plain = await send({ path: "/" });
  assert.deepEqual(elementsOf(plain.text, "BucketRegion"), []);
  const paged = await s3.listBuckets({ MaxBuckets: 10 });
  assert.deepEqual(
    new Set(paged.Buckets?.map(({ BucketRegion }) => BucketRegion)),
    new Set(["us-east-1"]),
  );
});

test("pages follow one another without gap or repetition", async () => {
  for (const MaxBuckets of [1, 2, 4, 6, 7]) {
    const seen: (string | undefined)[] = [];
    let ContinuationToken: string | undefined;
    let pages = 0;
    do {
      const page = await s3.listBuckets({ MaxBuckets, ContinuationToken });
      assert.ok((page.Buckets?.length ?? 0) <= MaxBuckets);
      seen.push(...(page.Buckets ?? []).map(({ Name }) => Name));
      ContinuationToken = page.ContinuationToken;
      pages += 1;
    } while (ContinuationToken !== undefined);
    assert.deepEqual(seen, names);
    assert.equal(pages, Math.ceil(names.length / MaxBuckets), "no empty page at the end");
  }
});

test("a prefix selects, is echoed, and combines with pages", async () => {
  const page = await s3.listBuckets({ Prefix: "beta", MaxBuckets: 2 });
  assert.equal(page.Prefix, "beta");
  assert.deepEqual(
    page.Buckets?.map(({ Name }) => Name),
    ["beta-1", "beta-2"],
  );
  const { ContinuationToken } = page;
  const rest = await s3.listBuckets({ Prefix: "beta", MaxBuckets: 2, ContinuationToken });
  assert.deepEqual(
    rest.Buckets?.map(({ Name }) => Name),
    ["beta.3"],
  );
  assert.equal(rest.ContinuationToken, undefined);
  assert.deepEqual((await s3.listBuckets({ Prefix: "none" })).Buckets ?? [], []);
});

test("a region selects", async () => {
  const here = await s3.listBuckets({ BucketRegion: "us-east-1" });
  assert.equal(here.Buckets?.length, names.length);
  assert.deepEqual((await s3.listBuckets({ BucketRegion: "eu-west-1" })).Buckets ?? [], []);
});

test("max-buckets lies between 1 and 10,000", async () => {
  // Reference, ListBuckets: "Valid Range: Minimum value of 1. Maximum value of 10000."
  for (const value of ["0", "10001", "-1"]) {
    const answer = await send({ path: "/", query: `max-buckets=${value}` });
    assertErrorAnswer(answer, { code: "InvalidArgument", status: 400 });
  }
  assertErrorAnswer(await send({ path: "/", query: "max-buckets=many" }), {
    code: "InvalidArgument",
    status: 400,
    fields: { ArgumentName: "max-buckets", ArgumentValue: "many" },
  });
});

test("a token that no answer held is refused", async () => {
  await assertRefused(s3.listBuckets({ ContinuationToken: "made-up" }), {
    code: "InvalidArgument",
    status: 400,
    fields: { ArgumentName: "continuation-token" },
  });
});
