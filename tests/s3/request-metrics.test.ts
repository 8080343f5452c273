// Metrics configurations as they act: what /metrics tells of a bucket's requests under each of its ids,
// in S3's own terms (User Guide, "Amazon S3 request metrics in CloudWatch").

import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import type { MetricsFilter } from "@aws-sdk/client-s3";
import { readMetrics } from "../app/metrics-text.ts";
import { startTestServer } from "./test-server.ts";

const { s3, plainS3, server, newBucket, put, upload, send } = await startTestServer({
  adminPort: 0,
  defaultPublicAccessBlock: "off",
  websiteDomains: ["web.example"],
});

/** What is told of a bucket's filter: values by the family's short name, with the last label. */
async function told(bucket: string, filter: string): Promise<Readonly<Record<string, number>>> {
  const answer = await fetch(`${server.adminEndpoint}/metrics`);
  const { values } = readMetrics(await answer.text(), false);
  const labels = `bucket="${bucket}",filter="${filter}"`;
  const found: Record<string, number> = {};
  for (const [series, value] of values) {
    const match = /^holdfast_bucket_(\w+)\{(.*)\}$/.exec(series);
    if (match === null || !match[2]?.startsWith(labels) || series.includes("le=")) continue;
    const rest = match[2].slice(labels.length).replaceAll(/,\w+="(\w+)"/g, " $1");
    found[`${match[1]}${rest}`] = value;
  }
  return found;
}

/** The counts of requests alone, by type, without zeros. */
async function requestsOf(bucket: string, filter: string): Promise<Record<string, number>> {
  const all = Object.entries(await told(bucket, filter));
  const prefix = "requests_total ";
  return Object.fromEntries(
    all
      .filter(([name, value]) => name.startsWith(prefix) && value > 0)
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

async function configure(Bucket: string, filters: Record<string, MetricsFilter | undefined>) {
  for (const [Id, Filter] of Object.entries(filters)) {
    const MetricsConfiguration = { Id, ...(Filter === undefined ? {} : { Filter }) };
    await s3.putBucketMetricsConfiguration({ Bucket, Id, MetricsConfiguration });
  }
}

test("requests are counted by type, with errors, bytes and times", async () => {
  const Bucket = await newBucket();
  await put(Bucket, "before", "not counted");
  await configure(Bucket, { all: undefined });
  await put(Bucket, "cat", "x".repeat(1000));
  for (const Key of ["cat", "cat", "none"]) {
    await s3.getObject({ Bucket, Key }).then(
      ({ Body }) => Body?.transformToByteArray(),
      () => {},
    );
  }
  await s3.headObject({ Bucket, Key: "cat" });
  await s3.headBucket({ Bucket });
  await s3.listObjectsV2({ Bucket });
  await s3.listMultipartUploads({ Bucket });
  await s3.getBucketVersioning({ Bucket });
  await s3.deleteObject({ Bucket, Key: "cat" });
  await s3.deleteObjects({ Bucket, Delete: { Objects: [{ Key: "a" }, { Key: "b" }] } });
  const begun = await upload(Bucket, "film", [Buffer.alloc(500)]);
  await s3.completeMultipartUpload({
    Bucket,
    Key: "film",
    UploadId: begun.UploadId,
    MultipartUpload: { Parts: begun.parts },
  });
  await send({ path: `/${Bucket}/cat`, isSigned: false });
  const wrong = { accessKeyId: server.credentials.accessKeyId, secretAccessKey: "wrong-secret" };
  await send({ path: `/${Bucket}/cat`, credentials: wrong });
  const found = await told(Bucket, "all");
  const expected = {
    "requests_total put": 2, // the object and the part
    "requests_total get": 5,
    "requests_total head": 2,
    "requests_total list": 2,
    "requests_total other": 1,
    "requests_total delete": 2,
    "requests_total post": 2,
    "request_errors_total 4xx": 3,
    "request_errors_total 5xx": 0,
    first_byte_seconds_count: 16,
    request_duration_seconds_count: 16,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(found[name], value, name);
  assert.ok((found["uploaded_bytes_total"] ?? 0) >= 1500);
  assert.ok((found["uploaded_bytes_total"] ?? 0) < 3000, "documents are short");
  assert.ok((found["downloaded_bytes_total"] ?? 0) >= 2000);
  const firstByte = found["first_byte_seconds_sum"] ?? 0;
  assert.ok(firstByte > 0 && firstByte <= (found["request_duration_seconds_sum"] ?? 0));
});

test("the time to the first byte begins when the request is there, the whole time before", async () => {
  const Bucket = await newBucket();
  await configure(Bucket, { all: undefined });
  const body = Readable.from(
    (async function* () {
      yield Buffer.alloc(500);
      await new Promise((resolve) => setTimeout(resolve, 300));
      yield Buffer.alloc(500);
    })(),
  );
  await plainS3.putObject({ Bucket, Key: "slow", Body: body, ContentLength: 1000 });
  const found = await told(Bucket, "all");
  assert.ok((found["request_duration_seconds_sum"] ?? 0) > 0.25);
  assert.ok((found["first_byte_seconds_sum"] ?? 1) < 0.2);
});

test("filters select by prefix and by tags, and only what is about objects", async () => {
  const Bucket = await newBucket();
  const red = { Key: "colour", Value: "red" };
  await configure(Bucket, {
    everything: undefined,
    photos: { Prefix: "photos/" },
    red: { Tag: red },
    "red-photos": { And: { Prefix: "photos/", Tags: [red] } },
    point: { AccessPointArn: "arn:aws:s3:us-east-1:123456789012:accesspoint/photos" },
  });
  await s3.putObject({ Bucket, Key: "photos/cat", Tagging: "colour=red&size=big", Body: "x" });
  await s3.putObject({ Bucket, Key: "photos/dog", Body: "x" });
  await s3.putObject({ Bucket, Key: "films/cat", Tagging: "colour=red", Body: "x" });
  await s3.getObject({ Bucket, Key: "photos/cat" });
  await s3.headObject({ Bucket, Key: "films/cat" });
  await s3.listObjectsV2({ Bucket, Prefix: "photos/" });
  await s3.putObjectTagging({ Bucket, Key: "photos/dog", Tagging: { TagSet: [red] } });
  await s3.deleteObject({ Bucket, Key: "photos/cat" });
  await s3.deleteObject({ Bucket, Key: "never/there" });
  assert.deepEqual(await requestsOf(Bucket, "everything"), {
    put: 4,
    get: 1,
    head: 1,
    list: 1,
    delete: 2,
    other: 4, // the later four of the configurations
  });
  assert.deepEqual(await requestsOf(Bucket, "photos"), { put: 3, get: 1, delete: 1 });
  assert.deepEqual(await requestsOf(Bucket, "red"), { put: 3, get: 1, head: 1, delete: 1 });
  assert.deepEqual(await requestsOf(Bucket, "red-photos"), { put: 2, get: 1, delete: 1 });
  assert.deepEqual(await requestsOf(Bucket, "point"), {});
});

test("a copy is read from its source and put into its destination", async () => {
  const source = await newBucket();
  const destination = await newBucket();
  await put(source, "photos/cat", "x".repeat(100));
  await configure(source, { photos: { Prefix: "photos/" } });
  await configure(destination, { all: undefined });
  const CopySource = `${source}/photos/cat`;
  await s3.copyObject({ Bucket: destination, Key: "copied", CopySource });
  assert.deepEqual(await requestsOf(source, "photos"), { get: 1 });
  assert.deepEqual(await requestsOf(destination, "all"), { put: 1 });
});

test("what is configured is there with zeros before its first request", async () => {
  const Bucket = await newBucket();
  await configure(Bucket, { quiet: { Prefix: "never/" } });
  const found = await told(Bucket, "quiet");
  assert.equal(found["requests_total get"], 0);
  assert.equal(found["request_errors_total 5xx"], 0);
  assert.equal(found["downloaded_bytes_total"], 0);
});

test("what is deleted is told no more, and what is replaced selects anew", async () => {
  const Bucket = await newBucket();
  await configure(Bucket, { one: undefined, two: { Prefix: "a" } });
  await put(Bucket, "a");
  await put(Bucket, "b");
  assert.deepEqual(await requestsOf(Bucket, "two"), { put: 1 });
  await configure(Bucket, { two: { Prefix: "b" } });
  await put(Bucket, "a");
  await put(Bucket, "b");
  assert.deepEqual(await requestsOf(Bucket, "two"), { put: 2 });
  await s3.deleteBucketMetricsConfiguration({ Bucket, Id: "two" });
  assert.deepEqual(await told(Bucket, "two"), {});
  assert.deepEqual(await requestsOf(Bucket, "one"), { put: 4, other: 3 });
  await s3.deleteObjects({ Bucket, Delete: { Objects: [{ Key: "a" }, { Key: "b" }] } });
  await s3.deleteBucket({ Bucket });
  assert.deepEqual(await told(Bucket, "one"), {});
});

async function openToAll(Bucket: string, ...Action: string[]): Promise<void> {
  const Resource = `arn:aws:s3:::${Bucket}/*`;
  const Statement = { Effect: "Allow", Principal: "*", Action, Resource };
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
  await s3.putBucketPolicy({ Bucket, Policy });
}

test("forms count by the key in their fields, refused ones too", async () => {
  const Bucket = await newBucket();
  await openToAll(Bucket, "s3:PutObject");
  await configure(Bucket, { photos: { Prefix: "photos/" } });
  const postForm = async (key: string): Promise<number> => {
    const form = new FormData();
    form.append("key", key);
    form.append("file", new Blob(["meow"]), "cat.jpg");
    return (await fetch(`${server.endpoint}/${Bucket}`, { method: "POST", body: form })).status;
  };
  assert.equal(await postForm("photos/cat"), 204);
  assert.equal(await postForm("films/cat"), 204);
  await s3.deleteBucketPolicy({ Bucket });
  assert.equal(await postForm("photos/dog"), 403);
  const found = await told(Bucket, "photos");
  assert.equal(found["requests_total post"], 2);
  assert.equal(found["request_errors_total 4xx"], 1);
});

test("visits of a website count as reads of its pages", async () => {
  const Bucket = await newBucket();
  await openToAll(Bucket, "s3:GetObject");
  const WebsiteConfiguration = { IndexDocument: { Suffix: "index.html" } };
  await s3.putBucketWebsite({ Bucket, WebsiteConfiguration });
  await put(Bucket, "docs/index.html", "welcome");
  await configure(Bucket, { docs: { Prefix: "docs/" } });
  const headers = { host: `${Bucket}.web.example` };
  const visit = await send({ path: "/docs/", headers, isSigned: false });
  assert.equal(visit.text, "welcome");
  const found = await told(Bucket, "docs");
  assert.equal(found["requests_total get"], 1);
  assert.equal(found["downloaded_bytes_total"], 7);
});
