// GET /metrics on the admin port: strictly formed, and exact after requests that are known.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { Agent } from "node:http";
import { connect } from "node:net";
import { describe, test } from "node:test";

import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";

import { createServer, type HoldfastServer } from "../../src/app.ts";
import { formatMetricsTable, metricNames } from "../../src/telemetry/metrics-catalogue.ts";
import { readMetrics, type ReadMetrics } from "./metrics-text.ts";
import {
  rootAccessKey,
  rootSecretKey,
  ServerProcess,
  TemporaryDirectory,
} from "./server-process.ts";

const openMetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8";

async function scrape(adminEndpoint: string | undefined, accept?: string): Promise<ReadMetrics> {
  const answer = await fetch(`${adminEndpoint}/metrics`, {
    headers: accept === undefined ? {} : { accept },
  });
  assert.equal(answer.status, 200);
  const type = answer.headers.get("content-type");
  const isOpenMetrics = accept !== undefined;
  assert.equal(type, isOpenMetrics ? openMetricsType : "text/plain; version=0.0.4; charset=utf-8");
  return readMetrics(await answer.text(), isOpenMetrics);
}

function s3Of({ endpoint, credentials }: Pick<HoldfastServer, "endpoint" | "credentials">): S3 {
  return new S3({
    endpoint,
    region: "us-east-1",
    credentials,
    forcePathStyle: true,
    maxAttempts: 1,
    // The body as it is, so that its bytes can be counted.
    requestChecksumCalculation: "WHEN_REQUIRED",
    requestHandler: { httpAgent: new Agent({ keepAlive: false }) },
  });
}

function ofFamily({ values }: ReadMetrics, name: string): Record<string, number> {
  return Object.fromEntries([...values].filter(([series]) => series.startsWith(`${name}{`)));
}

/** Sends what is not HTTP and waits until the connection ends. */
async function sendNonsense(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.end("nonsense\r\n\r\n");
  socket.resume();
  await new Promise((resolve) => socket.once("close", resolve));
}

async function exercise(server: HoldfastServer): Promise<void> {
  const s3 = s3Of(server);
  const object = { Bucket: "photos", Key: "cat" };
  await s3.createBucket({ Bucket: "photos" });
  await s3.putBucketMetricsConfiguration({
    Bucket: "photos",
    Id: "all",
    MetricsConfiguration: { Id: "all" },
  });
  await s3.putObject({ ...object, Body: Buffer.alloc(4096) });
  for (let round = 0; round < 3; round += 1) {
    await (await s3.getObject(object)).Body?.transformToByteArray();
  }
  await assert.rejects(s3.getObject({ ...object, Key: "dog" }), { name: "NoSuchKey" });
  s3.destroy();
  const { endpoint, credentials, region } = server;
  const iam = new IAM({ endpoint, credentials, region, maxAttempts: 1 });
  await iam.createUser({ UserName: "alice" });
  await assert.rejects(iam.getUser({ UserName: "nobody" }), { name: "NoSuchEntityException" });
  iam.destroy();
  await sendNonsense(server.port);
}

function checkRequests(metrics: ReadMetrics): void {
  const requests = "holdfast_http_requests_total";
  assert.deepEqual(ofFamily(metrics, requests), {
    [`${requests}{service="s3",operation="CreateBucket",code="2xx"}`]: 1,
    [`${requests}{service="s3",operation="PutBucketMetricsConfiguration",code="2xx"}`]: 1,
    [`${requests}{service="s3",operation="PutObject",code="2xx"}`]: 1,
    [`${requests}{service="s3",operation="GetObject",code="2xx"}`]: 3,
    [`${requests}{service="s3",operation="GetObject",code="4xx"}`]: 1,
    [`${requests}{service="iam",operation="CreateUser",code="2xx"}`]: 1,
    [`${requests}{service="iam",operation="GetUser",code="4xx"}`]: 1,
  });
  assert.deepEqual(ofFamily(metrics, "holdfast_http_errors_total"), {
    'holdfast_http_errors_total{service="s3",code="NoSuchKey"}': 1,
    'holdfast_http_errors_total{service="iam",code="NoSuchEntity"}': 1,
  });
  const { values } = metrics;
  const get = '{service="s3",operation="GetObject"}';
  assert.equal(values.get(`holdfast_http_request_duration_seconds_count${get}`), 4);
  const seconds = values.get(`holdfast_http_request_duration_seconds_sum${get}`) ?? 0;
  assert.ok(seconds > 0 && seconds < 60, String(seconds));
  const put = '{service="s3",operation="PutObject"}';
  assert.equal(values.get(`holdfast_http_request_body_bytes_total${put}`), 4096);
  assert.equal(values.get(`holdfast_http_response_body_bytes_total${put}`), 0);
  const sent = values.get(`holdfast_http_response_body_bytes_total${get}`) ?? 0;
  assert.ok(sent > 3 * 4096 && sent < 3 * 4096 + 1024, "three objects and a short error");
  assert.equal(values.get('holdfast_http_heads_refused_total{reason="malformed"}'), 1);
  assert.equal(values.get("holdfast_http_connections_refused_total"), 0);
  assert.equal(values.get("holdfast_http_requests_in_flight"), 0);
  // Each of S3's on a connection of its own, IAM's two on one, and the nonsense.
  assert.equal(values.get("holdfast_http_connections_accepted_total"), 9);
  const wholeSent = values.get("holdfast_http_sent_bytes_total") ?? 0;
  assert.ok(wholeSent > sent, "heads count too");
  assert.ok((values.get("holdfast_http_received_bytes_total") ?? 0) > 4096);
}

function checkStore({ values }: ReadMetrics): void {
  assert.equal(values.get('holdfast_bucket_objects{bucket="photos"}'), 1);
  assert.equal(values.get('holdfast_bucket_bytes{bucket="photos"}'), 4096);
  assert.equal(values.get('holdfast_bucket_upload_bytes{bucket="photos"}'), 0);
  assert.equal(values.get("holdfast_buckets_omitted"), 0);
  const commits = values.get("holdfast_store_commits_total") ?? 0;
  assert.ok(commits >= 3, "a bucket, an object and a user");
  assert.equal(values.get("holdfast_store_commit_duration_seconds_count"), commits);
  assert.equal(values.get("holdfast_store_commit_writes_count"), commits);
  const outcomes = ["committed", "conflict", "failed"].map(
    (outcome) => values.get(`holdfast_store_writes_total{outcome="${outcome}"}`) ?? 0,
  );
  const writes = outcomes.reduce((sum, count) => sum + count, 0);
  assert.equal(values.get("holdfast_store_commit_writes_sum"), writes);
  assert.equal(values.get("holdfast_store_write_wait_seconds_count"), writes);
  assert.equal(values.get("holdfast_store_queue_writes"), 0);
  const free = values.get("holdfast_storage_free_bytes") ?? 0;
  assert.ok(free > 0 && free <= (values.get("holdfast_storage_size_bytes") ?? 0));
  assert.ok((values.get('holdfast_worker_runs_total{worker="sweeper"}') ?? 0) >= 1);
  assert.equal(values.get('holdfast_worker_failures_total{worker="sweeper"}'), 0);
}

describe("one process", () => {
  test("counts exactly, in both formats, under documented names", async () => {
    using directory = new TemporaryDirectory();
    await using server = await createServer({
      store: { directory: directory.path },
      durability: "relaxed",
      adminPort: 0,
      logLevel: "silent",
    });
    await exercise(server);
    const metrics = await scrape(server.adminEndpoint);
    checkRequests(metrics);
    checkStore(metrics);
    // Nothing waits for replication here; see tests/s3/replication-administration.test.ts.
    const shown = metricNames.filter((name) => !name.startsWith("holdfast_replication_"));
    assert.deepEqual([...metrics.types.keys()].toSorted(), shown.toSorted());
    const open = await scrape(
      server.adminEndpoint,
      "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
    );
    checkRequests(open);
    assert.equal(open.types.get("holdfast_http_requests"), "counter");
  });

  test("a blob's bytes are synced, and the syncs counted, in strict durability", async () => {
    using directory = new TemporaryDirectory();
    await using server = await createServer({
      store: { directory: directory.path },
      adminPort: 0,
    });
    const s3 = s3Of(server);
    await s3.createBucket({ Bucket: "films" });
    const before = (await scrape(server.adminEndpoint)).values;
    await s3.putObject({ Bucket: "films", Key: "long", Body: Buffer.alloc(1024 * 1024) });
    s3.destroy();
    const after = (await scrape(server.adminEndpoint)).values;
    const series = 'holdfast_blob_sync_duration_seconds_count{kind="data"}';
    assert.equal((after.get(series) ?? 0) - (before.get(series) ?? 0), 1);
  });

  test("answers those who know the token, where there is one", async () => {
    const token = "correct-horse-battery";
    await using server = await createServer({ adminPort: 0, metricsToken: token });
    const statusWith = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(`${server.adminEndpoint}/metrics`, { headers })).status;
    assert.equal(await statusWith({}), 401);
    assert.equal(await statusWith({ authorization: `Bearer ${token}x` }), 401);
    assert.equal(await statusWith({ authorization: `Basic ${token}` }), 401);
    assert.equal(await statusWith({ authorization: `Bearer ${token}` }), 200);
    assert.equal((await fetch(`${server.adminEndpoint}/health/live`)).status, 200);
  });

  test("names no bucket on an address that others can reach, unless it is told to", async () => {
    for (const [metrics, isNamed] of [
      ["auto", false],
      ["with-buckets", true],
    ] as const) {
      await using server = await createServer({ host: "0.0.0.0", adminPort: 0, metrics });
      const s3 = s3Of({ ...server, endpoint: server.endpoint.replace("0.0.0.0", "127.0.0.1") });
      await s3.createBucket({ Bucket: "secret-plans" });
      s3.destroy();
      const { port } = new URL(server.adminEndpoint ?? "");
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      assert.match(text, /operation="CreateBucket"/);
      assert.equal(text.includes("secret-plans"), isNamed);
    }
  });

  test("tells as much as it is told to, and only to those who read", async () => {
    await using discreet = await createServer({ adminPort: 0, metrics: "without-buckets" });
    const s3 = s3Of(discreet);
    await s3.createBucket({ Bucket: "secret-plans" });
    s3.destroy();
    const answer = await fetch(`${discreet.adminEndpoint}/metrics`);
    const text = await answer.text();
    assert.match(text, /operation="CreateBucket"/);
    assert.doesNotMatch(text, /secret-plans/);
    const posted = await fetch(`${discreet.adminEndpoint}/metrics`, { method: "POST" });
    assert.equal(posted.status, 405);
    assert.equal((await fetch(`${discreet.adminEndpoint}/health/ready`)).status, 200);
    await using silent = await createServer({ adminPort: 0, metrics: "off" });
    assert.equal((await fetch(`${silent.adminEndpoint}/metrics`)).status, 404);
  });
});

describe("several processes", () => {
  test("add up exactly, and no counter falls when one hangs or dies", async () => {
    using directory = new TemporaryDirectory();
    const parameters = ["--data", directory.path, "--workers", "2", "--durability", "relaxed"];
    await using server = new ServerProcess(
      [...parameters, "--port", "0", "--admin-port", "0", "--log-format", "json"],
      { HOLDFAST_ROOT_ACCESS_KEY: rootAccessKey, HOLDFAST_ROOT_SECRET_KEY: rootSecretKey },
    );
    const s3 = s3Of({
      endpoint: await server.endpoint(),
      credentials: { accessKeyId: rootAccessKey, secretAccessKey: rootSecretKey },
    });
    const adminEndpoint = await server.adminEndpoint();
    await s3.createBucket({ Bucket: "photos" });
    const answers = 24;
    await Promise.all(Array.from({ length: answers }, () => s3.headBucket({ Bucket: "photos" })));
    s3.destroy();
    const series = 'holdfast_http_requests_total{service="s3",operation="HeadBucket",code="2xx"}';
    const whole = (await scrape(adminEndpoint)).values;
    assert.equal(whole.get(series), answers);
    assert.equal(whole.get("holdfast_http_connections_accepted_total"), answers + 1);
    assert.equal(whole.get('holdfast_processes{state="configured"}'), 2);
    assert.equal(whole.get('holdfast_processes{state="answered"}'), 2);
    assert.equal(whole.get('holdfast_bucket_objects{bucket="photos"}'), 0);
    const [processId = 0] = [...server.errors.matchAll(/"processId":(\d+)/g)].map((found) =>
      Number(found[1]),
    );
    process.kill(processId, "SIGSTOP");
    const partial = (await scrape(adminEndpoint)).values;
    assert.equal(partial.get('holdfast_processes{state="answered"}'), 1);
    assert.equal(partial.get(series), answers);
    process.kill(processId, "SIGKILL");
    for (;;) {
      const { values } = await scrape(adminEndpoint);
      assert.equal(values.get(series), answers);
      if (server.errors.split(`"processId"`).length > 4) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const restarted = (await scrape(adminEndpoint)).values;
    assert.equal(restarted.get('holdfast_processes{state="answered"}'), 2);
    assert.equal(restarted.get(series), answers);
  });
});

test("docs/guide/metrics.md lists every metric as the server knows it", async () => {
  const page = await readFile(new URL("../../docs/guide/metrics.md", import.meta.url), "utf8");
  const begin = page.indexOf("<!-- metrics:");
  const end = page.indexOf("<!-- end of metrics -->");
  assert.ok(begin >= 0 && end > begin, "the page has no place for the table");
  assert.equal(page.slice(page.indexOf("\n", begin), end).trim(), formatMetricsTable());
});
