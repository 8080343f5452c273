// Metrics configurations as documents: what is taken, what is refused, and how they are listed. What they
// do is in metrics.test.ts.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { MetricsConfiguration } from "@aws-sdk/client-s3";
import { assertErrorAnswer, assertRefused, startTestServer } from "./test-server.ts";

const { s3, newBucket, send } = await startTestServer();

const red = { Key: "colour", Value: "red" };
const big = { Key: "size", Value: "big" };
const malformed = { code: "MalformedXML", status: 400 };

function put(Bucket: string, MetricsConfiguration: MetricsConfiguration, Id?: string) {
  return s3.putBucketMetricsConfiguration({
    Bucket,
    Id: Id ?? MetricsConfiguration.Id ?? "",
    MetricsConfiguration,
  });
}

test("each reads back as it was put, is replaced as a whole, and goes away", async () => {
  const Bucket = await newBucket();
  const configurations: MetricsConfiguration[] = [
    { Id: "EntireBucket" },
    { Id: "prefix", Filter: { Prefix: "photos/ü/" } },
    { Id: "tag", Filter: { Tag: red } },
    {
      Id: "point",
      Filter: { AccessPointArn: "arn:aws:s3:us-east-1:123456789012:accesspoint/photos" },
    },
    { Id: "and", Filter: { And: { Prefix: "photos/", Tags: [red, big] } } },
    { Id: "and-tags", Filter: { And: { Tags: [big, red] } } },
  ];
  for (const configuration of configurations) {
    const answer = await put(Bucket, configuration);
    assert.equal(answer.$metadata.httpStatusCode, 204); // as floci-io/floci#2382 saw it on the service
  }
  for (const configuration of configurations) {
    const { Id } = configuration;
    const found = await s3.getBucketMetricsConfiguration({ Bucket, Id });
    assert.deepEqual(found.MetricsConfiguration, configuration);
  }
  const replaced = { Id: "and", Filter: { Prefix: "films/" } };
  await put(Bucket, replaced);
  const found = await s3.getBucketMetricsConfiguration({ Bucket, Id: "and" });
  assert.deepEqual(found.MetricsConfiguration, replaced);
  const deleted = await s3.deleteBucketMetricsConfiguration({ Bucket, Id: "and" });
  assert.equal(deleted.$metadata.httpStatusCode, 204);
  const missing = { code: "NoSuchConfiguration", status: 404 };
  await assertRefused(s3.getBucketMetricsConfiguration({ Bucket, Id: "and" }), missing);
  await assertRefused(s3.deleteBucketMetricsConfiguration({ Bucket, Id: "and" }), missing);
  const listed = await s3.listBucketMetricsConfigurations({ Bucket });
  assert.equal(listed.MetricsConfigurationList?.length, configurations.length - 1);
});

test("a wrong one is refused and leaves what was there", async () => {
  const Bucket = await newBucket();
  const Id = "kept";
  await put(Bucket, { Id });
  // As seen on the service: aws/aws-cli#2355, floci-io/floci#2382.
  await assertRefused(put(Bucket, { Id: " kept " }, Id), malformed);
  await assertRefused(put(Bucket, { Id: "x".repeat(65) }), {
    code: "InvalidArgument",
    status: 400,
  });
  await assertRefused(put(Bucket, { Id: "a b" }), { code: "InvalidArgument", status: 400 });
  await put(Bucket, { Id: "x".repeat(64) });
  await s3.deleteBucketMetricsConfiguration({ Bucket, Id: "x".repeat(64) });
  const documents = [
    "<Filter/>",
    "<Filter><Prefix>a</Prefix><Tag><Key>b</Key><Value>c</Value></Tag></Filter>",
    "<Filter><And><Prefix>a</Prefix></And></Filter>",
    "<Filter><And><Tag><Key>b</Key><Value>c</Value></Tag></And></Filter>",
    "<Filter><AccessPointArn>photos</AccessPointArn></Filter>",
    "<Filter><Prefix>a</Prefix></Filter><Filter><Prefix>b</Prefix></Filter>",
    "<Filters/>",
  ];
  for (const filter of documents) {
    const body = `<MetricsConfiguration><Id>${Id}</Id>${filter}</MetricsConfiguration>`;
    const query = `metrics&id=${Id}`;
    assertErrorAnswer(await send({ method: "PUT", path: `/${Bucket}`, query, body }), malformed);
  }
  await assertRefused(put(Bucket, { Id, Filter: { And: { Tags: [red, red] } } }), {
    code: "InvalidTag",
    status: 400,
  });
  await assertRefused(put(Bucket, { Id, Filter: { Tag: { Key: "aws:x", Value: "" } } }), {
    code: "InvalidTag",
    status: 400,
  });
  const body = `<MetricsConfiguration><Id>${Id}</Id></MetricsConfiguration>`;
  const unnamed = await send({ method: "PUT", path: `/${Bucket}`, query: "metrics", body });
  assertErrorAnswer(unnamed, { code: "InvalidArgument", status: 400 });
  const { MetricsConfigurationList } = await s3.listBucketMetricsConfigurations({ Bucket });
  assert.deepEqual(MetricsConfigurationList, [{ Id }]);
  await assertRefused(put("no-such-bucket", { Id }), { code: "NoSuchBucket", status: 404 });
});

test("a thousand fit, and are listed a hundred to a page in the order of their ids", async () => {
  const Bucket = await newBucket();
  const ids = Array.from({ length: 1000 }, (_, index) => `id-${String(index).padStart(4, "0")}`);
  for (let begin = 0; begin < ids.length; begin += 50) {
    const some = ids.slice(begin, begin + 50);
    for (const Id of some.toReversed()) await put(Bucket, { Id });
  }
  const full = { code: "TooManyConfigurations", status: 400 };
  await assertRefused(put(Bucket, { Id: "one-too-many" }), full);
  await put(Bucket, { Id: "id-0500", Filter: { Prefix: "replaced/" } });
  const found: (string | undefined)[] = [];
  let ContinuationToken: string | undefined;
  for (;;) {
    const page = await s3.listBucketMetricsConfigurations({ Bucket, ContinuationToken });
    assert.equal(page.MetricsConfigurationList?.length, 100);
    assert.equal(page.ContinuationToken, ContinuationToken);
    found.push(...(page.MetricsConfigurationList ?? []).map(({ Id }) => Id));
    ContinuationToken = page.NextContinuationToken;
    assert.equal(page.IsTruncated, ContinuationToken !== undefined);
    if (ContinuationToken === undefined) break;
  }
  assert.deepEqual(found, ids);
  await assertRefused(s3.listBucketMetricsConfigurations({ Bucket, ContinuationToken: "x" }), {
    code: "InvalidArgument",
    status: 400,
  });
});
