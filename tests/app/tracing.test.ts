// Traces as a collector gets them: a span for each request, with its stages and what the stores did.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { S3, type S3ClientConfig } from "@aws-sdk/client-s3";
import { createServer, type HoldfastServer } from "../../src/app.ts";
import {
  rootAccessKey,
  rootSecretKey,
  ServerProcess,
  TemporaryDirectory,
} from "./server-process.ts";
import { TraceReceiver, type ReceivedSpan } from "./trace-receiver.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const parentId = "00f067aa0ba902b7";

function clientOf(
  server: Pick<HoldfastServer, "endpoint" | "credentials">,
  settings: S3ClientConfig = {},
): S3 {
  const { endpoint, credentials } = server;
  const common = { region: "us-east-1", forcePathStyle: true, maxAttempts: 1 };
  return new S3({ endpoint, credentials, ...common, ...settings });
}

/** Sends the context of a trace with every request. */
function withTraceparent(s3: S3, traceparent: string): S3 {
  s3.middlewareStack.add(
    (next) => (input) => {
      (input.request as { headers: Record<string, string> }).headers["traceparent"] = traceparent;
      return next(input);
    },
    { step: "build" },
  );
  return s3;
}

function spanNamed(spans: readonly ReceivedSpan[], name: string): ReceivedSpan {
  const found = spans.filter((span) => span.name === name);
  assert.equal(found.length, 1, `${name} among ${spans.map((span) => span.name).join(", ")}`);
  return found[0] as ReceivedSpan;
}

function childrenOf(spans: readonly ReceivedSpan[], parent: ReceivedSpan): readonly ReceivedSpan[] {
  const children = spans.filter((span) => span.parentId === parent.spanId);
  for (const child of children) {
    assert.equal(child.traceId, parent.traceId);
    assert.ok(child.startNanoseconds >= parent.startNanoseconds, child.name);
    assert.ok(child.endNanoseconds <= parent.endNanoseconds, child.name);
  }
  return children.toSorted((a, b) => Number(a.startNanoseconds - b.startNanoseconds));
}

const namesOf = (spans: readonly ReceivedSpan[]): string[] => spans.map(({ name }) => name);

test("without a collector nothing of OpenTelemetry is loaded", async () => {
  await using server = await createServer({ adminPort: 0 });
  const s3 = clientOf(server);
  await s3.createBucket({ Bucket: "photos" });
  s3.destroy();
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  assert.deepEqual(
    loaded.filter((path) => path.includes("@opentelemetry")),
    [],
  );
});

test("a request has its stages, and what the stores did in them", async () => {
  await using receiver = await TraceReceiver.start();
  using directory = new TemporaryDirectory();
  const server = await createServer({
    store: { directory: directory.path },
    durability: "relaxed",
    tracing: { url: `${receiver.endpoint}/v1/traces` },
  });
  const s3 = withTraceparent(clientOf(server), `00-${traceId}-${parentId}-01`);
  const object = { Bucket: "photos", Key: "cats/tom" };
  await s3.createBucket({ Bucket: "photos" });
  await s3.putObject({ ...object, Body: Buffer.alloc(300_000, "x") });
  const { Body } = await s3.getObject(object);
  assert.equal((await Body?.transformToByteArray())?.length, 300_000);
  await assert.rejects(s3.getObject({ ...object, Key: "none" }));
  s3.destroy();
  await server.close();

  const { spans } = receiver;
  const put = spanNamed(spans, "s3:PutObject");
  assert.equal(put.traceId, traceId);
  assert.equal(put.parentId, parentId);
  assert.equal(put.kind, 2);
  assert.equal(put.error, undefined);
  const { attributes, resource } = put;
  assert.equal(attributes.get("http.request.method"), "PUT");
  assert.equal(attributes.get("http.response.status_code"), 200);
  assert.equal(attributes.get("aws.s3.bucket"), "photos");
  assert.equal(attributes.get("aws.s3.key"), "cats/tom");
  assert.ok(Number(attributes.get("http.request.body.size")) >= 300_000);
  assert.match(String(attributes.get("aws.request_id")), /^[0-9A-Z]{16}$/);
  assert.equal(resource.get("service.name"), "holdfast");
  const stages = childrenOf(spans, put);
  assert.deepEqual(namesOf(stages), ["authenticate", "decode input", "authorize", "run", "send"]);
  const run = stages[3] as ReceivedSpan;
  const parts = childrenOf(spans, run);
  const written = spanNamed(parts, "blob write");
  assert.ok(Number(written.attributes.get("holdfast.bytes")) >= 300_000);
  const commit = spanNamed(parts, "store commit");
  assert.equal(commit.attributes.get("holdfast.committed"), true);
  assert.ok(commit.startNanoseconds >= written.endNanoseconds, "bytes before what names them");

  const gets = spans.filter(({ name }) => name === "s3:GetObject");
  const [found, missing] = gets.toSorted(
    (a, b) => Number(a.startNanoseconds) - Number(b.startNanoseconds),
  ) as [ReceivedSpan, ReceivedSpan];
  const inside = childrenOf(spans, found).flatMap((stage) => childrenOf(spans, stage));
  spanNamed(inside, "store read");
  spanNamed(inside, "blob open");
  assert.ok(Number(spanNamed(inside, "blob read").attributes.get("holdfast.bytes")) >= 300_000);
  assert.equal(missing.attributes.get("http.response.status_code"), 404);
  assert.equal(missing.attributes.get("error.type"), "NoSuchKey");
  assert.equal(missing.error, undefined, "the client's error is none of the server's");
});

test("requests without a context begin traces of their own; unsampled ones are left out", async () => {
  await using receiver = await TraceReceiver.start();
  const server = await createServer({ tracing: { url: `${receiver.endpoint}/v1/traces` } });
  const own = clientOf(server);
  await own.createBucket({ Bucket: "one" });
  await own.createBucket({ Bucket: "two" });
  const unsampled = withTraceparent(clientOf(server), `00-${traceId}-${parentId}-00`);
  await unsampled.createBucket({ Bucket: "three" });
  const broken = withTraceparent(clientOf(server), "00-nonsense");
  await broken.createBucket({ Bucket: "four" });
  for (const client of [own, unsampled, broken]) client.destroy();
  await server.close();
  const roots = receiver.spans.filter(({ name }) => name === "s3:CreateBucket");
  const buckets = roots.map(({ attributes }) => String(attributes.get("aws.s3.bucket")));
  assert.deepEqual(
    buckets.toSorted((a, b) => (a < b ? -1 : 1)),
    ["four", "one", "two"],
  );
  assert.equal(new Set(roots.map((root) => root.traceId)).size, 3);
  for (const { parentId: parent } of roots) assert.equal(parent, "");
});

test("the command takes OpenTelemetry's own variables, in all processes; its log names the trace", async () => {
  await using receiver = await TraceReceiver.start();
  using directory = new TemporaryDirectory();
  const path = join(directory.path, "holdfast.log");
  await using server = new ServerProcess(
    ["--data", join(directory.path, "data"), "--durability", "relaxed", "--workers", "2"].concat(
      ["--port", "0", "--admin-port", "off"],
      ["--log-file", path, "--log-requests", "--log-format", "json"],
    ),
    {
      HOLDFAST_ROOT_ACCESS_KEY: rootAccessKey,
      HOLDFAST_ROOT_SECRET_KEY: rootSecretKey,
      OTEL_EXPORTER_OTLP_ENDPOINT: `${receiver.endpoint}/base/`,
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20token",
      OTEL_SERVICE_NAME: "storage",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
    },
  );
  const credentials = { accessKeyId: rootAccessKey, secretAccessKey: rootSecretKey };
  const s3 = clientOf({ endpoint: await server.endpoint(), credentials });
  await s3.createBucket({ Bucket: "photos" });
  for (let round = 0; round < 10; round += 1) {
    s3.destroy();
    await s3.headBucket({ Bucket: "photos" });
  }
  s3.destroy();
  server.child.kill("SIGTERM");
  assert.equal((await server.ended()).code, 0);
  const heads = receiver.spans.filter(({ name }) => name === "s3:HeadBucket");
  assert.equal(heads.length, 10);
  assert.deepEqual([...receiver.paths], ["/base/v1/traces"]);
  assert.deepEqual([...receiver.authorizations], ["Bearer token"]);
  const [head] = heads;
  assert.equal(head?.resource.get("service.name"), "storage");
  assert.equal(head?.resource.get("deployment.environment.name"), "test");
  assert.ok(readFileSync(path, "utf8").includes(`"traceId":"${head?.traceId}"`));
});

test("a collector that does not answer holds up nothing", async () => {
  const server = await createServer({ tracing: { url: "http://127.0.0.1:9/v1/traces" } });
  const s3 = clientOf(server);
  await s3.createBucket({ Bucket: "photos" });
  s3.destroy();
  const began = performance.now();
  assert.equal(await server.close(), true);
  assert.ok(performance.now() - began < 8000);
});
