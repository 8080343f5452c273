// Server access logging: what PutBucketLogging takes, and what is delivered. The format is that of
// "Amazon S3 server access log format" (User Guide, LogFormat.html).

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { BucketLoggingStatus } from "@aws-sdk/client-s3";
import { ManualClock } from "../../src/app.ts";
import { allowing, logInto, readLog } from "./access-log-reader.ts";
import { startIdentityServer } from "./identity-server.ts";
import { startTestServer, startTestServerAlone, type TestServer } from "./test-server.ts";

const start = Date.parse("2026-02-06T23:59:30Z");
const clock = new ManualClock(start);

const group = `uri="http://acs.amazonaws.com/groups/s3/LogDelivery"`;
const logDelivery = { GrantWrite: group, GrantReadACP: group };

const started = await startTestServer({ clock });
// Clients sign with the time of the server's clock, which stands still.
const s3 = started.client({ systemClockOffset: start - Date.now() });
const test: TestServer = { ...started, s3 };

const put = (Bucket: string, Key: string) => s3.putObject({ Bucket, Key, Body: "text" });
const putLogging = (Bucket: string, status: BucketLoggingStatus) =>
  s3.putBucketLogging({ Bucket, BucketLoggingStatus: status });

let buckets = 0;
async function newBucket(): Promise<string> {
  buckets += 1;
  const Bucket = `bucket-${buckets}`;
  await s3.createBucket({ Bucket });
  return Bucket;
}

/** A bucket whose requests are logged into another. */
async function newLogged(
  settings: Partial<NonNullable<BucketLoggingStatus["LoggingEnabled"]>> = {},
): Promise<{ Bucket: string; target: string }> {
  const Bucket = await newBucket();
  const target = await newBucket();
  await test.s3.putBucketPolicy({ Bucket: target, Policy: allowing(target, Bucket) });
  const LoggingEnabled = { TargetBucket: target, TargetPrefix: "log/", ...settings };
  await putLogging(Bucket, { LoggingEnabled });
  return { Bucket, target };
}

describe("server access logging", () => {
  it("is off until it is set, and off again after an empty status", async () => {
    const { Bucket } = await newLogged();
    const got = await test.s3.getBucketLogging({ Bucket });
    assert.equal(got.LoggingEnabled?.TargetPrefix, "log/");
    await putLogging(Bucket, {});
    assert.equal((await test.s3.getBucketLogging({ Bucket })).LoggingEnabled, undefined);
  });

  it("refuses targets that S3 refuses", async () => {
    const Bucket = await newBucket();
    const target = await newBucket();
    const refused = (
      status: BucketLoggingStatus["LoggingEnabled"],
      name: string,
      message: RegExp,
    ) => assert.rejects(putLogging(Bucket, { LoggingEnabled: status }), { name, message });
    const invalid = "InvalidTargetBucketForLogging";
    await refused({ TargetBucket: "no-such", TargetPrefix: "" }, invalid, /does not exist/);
    const Grantee = { Type: "CanonicalUser", ID: "0".repeat(64) } as const;
    const granting = { TargetBucket: target, TargetPrefix: "", TargetGrants: [{ Grantee }] };
    await refused(granting, "AccessControlListNotSupported", /./);
    await test.s3.putBucketRequestPayment({
      Bucket: target,
      RequestPaymentConfiguration: { Payer: "Requester" },
    });
    await refused({ TargetBucket: target, TargetPrefix: "" }, invalid, /Requester Pays/);
    const withLists = await newBucket();
    await test.s3.putBucketOwnershipControls({
      Bucket: withLists,
      OwnershipControls: { Rules: [{ ObjectOwnership: "ObjectWriter" }] },
    });
    const listed = { TargetBucket: withLists, TargetPrefix: "" };
    await refused(listed, invalid, /log-delivery group WRITE and READ_ACP/);
    await test.s3.putBucketAcl({ Bucket: withLists, ...logDelivery });
    await putLogging(Bucket, { LoggingEnabled: listed });
    await refused(
      { ...listed, TargetObjectKeyFormat: { SimplePrefix: {}, PartitionedPrefix: {} } },
      "MalformedXML",
      /./,
    );
  });

  it("writes a record of every request, in the format of S3", async () => {
    const { Bucket, target } = await newLogged();
    const { s3, server } = test;
    await s3.putObject({ Bucket, Key: "a b/ü.txt", Body: "twelve bytes" });
    await s3.getObject({ Bucket, Key: "a b/ü.txt", Range: "bytes=0-4" });
    await assert.rejects(s3.getObject({ Bucket, Key: "absent" }));
    await s3.listObjectsV2({ Bucket, Prefix: 'quoted "prefix"' });
    const anonymous = await test.send({ path: `/${Bucket}/a%20b`, isSigned: false });
    assert.equal(anonymous.status, 403);
    await s3.getBucketVersioning({ Bucket });
    const done = await server.runWorker("access-log");
    assert.equal(done["refused"], 0);
    const records = await readLog(test.s3, target, "log/");
    const seen = records.map(({ operation, status, errorCode }) => [operation, status, errorCode]);
    assert.deepEqual(seen.map((each) => each.join(" ")).toSorted(), [
      "REST.GET.BUCKET 200 -",
      "REST.GET.OBJECT 206 -",
      "REST.GET.OBJECT 403 AccessDenied",
      "REST.GET.OBJECT 404 NoSuchKey",
      "REST.GET.VERSIONING 200 -",
      "REST.PUT.OBJECT 200 -",
    ]);
    const { Owner } = await s3.listBuckets();
    const ranged = records.find(({ status }) => status === "206");
    assert.ok(ranged);
    assert.equal(ranged.owner, Owner?.ID);
    assert.equal(ranged.requester, Owner?.ID);
    assert.equal(ranged.bucket, Bucket);
    assert.equal(ranged.time, "06/Feb/2026:23:59:30 +0000");
    assert.equal(ranged.remoteAddress, "127.0.0.1");
    // The key of the request line, encoded once more.
    assert.equal(ranged.key, "a%2520b/%25C3%25BC.txt");
    assert.match(ranged.requestLine, /^GET \/.*a%20b\/%C3%BC\.txt\?x-id=GetObject HTTP\/1\.1$/);
    assert.deepEqual([ranged.bytesSent, ranged.objectSize], ["5", "12"]);
    assert.match(ranged.totalTime, /^\d+$/);
    assert.match(ranged.turnAroundTime, /^\d+$/);
    assert.match(ranged.userAgent, /aws-sdk-js/);
    assert.deepEqual([ranged.signatureVersion, ranged.authentication], ["SigV4", "AuthHeader"]);
    assert.deepEqual([ranged.cipherSuite, ranged.tlsVersion, ranged.accessPoint], ["-", "-", "-"]);
    const stranger = records.find(({ status }) => status === "403");
    assert.deepEqual([stranger?.requester, stranger?.authentication], ["-", "-"]);
    const put = records.find(({ operation }) => operation === "REST.PUT.OBJECT");
    assert.deepEqual([put?.bytesSent, put?.objectSize], ["-", "12"]);
  });

  it("writes a record for each key of a batch, and never a presigned signature", async () => {
    const { Bucket, target } = await newLogged();
    await put(Bucket, "one");
    await test.s3.deleteObjects({ Bucket, Delete: { Objects: [{ Key: "one" }, { Key: "two" }] } });
    const query = `X-Amz-Signature=${"0123456789abcdef".repeat(4)}&X-Amz-Algorithm=AWS4-HMAC-SHA256`;
    await test.send({ path: `/${Bucket}/one`, query, isSigned: false });
    await test.server.runWorker("access-log");
    const records = await readLog(test.s3, target);
    const batch = records.filter(({ operation }) => operation === "BATCH.DELETE.OBJECT");
    assert.deepEqual(
      batch.map(({ key, status }) => [key, status]),
      [
        ["one", "204"],
        ["two", "204"],
      ],
    );
    assert.ok(records.some(({ operation }) => operation === "REST.POST.MULTI_OBJECT_DELETE"));
    const lines = records.map(({ requestLine }) => requestLine).join("\n");
    assert.doesNotMatch(lines, /0123456789abcdef/);
    assert.match(lines, /X-Amz-Signature=REDACTED/);
  });

  it("names log objects with a simple prefix, or partitioned by the day of the event", async () => {
    const simple = await newLogged();
    const byEvent = await newLogged({
      TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: "EventTime" } },
    });
    await put(simple.Bucket, "key");
    await put(byEvent.Bucket, "key");
    clock.advance(60_000);
    await put(byEvent.Bucket, "key");
    await test.server.runWorker("access-log");
    const keysOf = async (Bucket: string) =>
      ((await test.s3.listObjectsV2({ Bucket })).Contents ?? []).map(({ Key }) => Key ?? "");
    const [simpleKey = ""] = await keysOf(simple.target);
    assert.match(simpleKey, /^log\/2026-02-06-23-59-30-[0-9A-F]{16}$/);
    const keys = await keysOf(byEvent.target);
    const folder = `log/${test.server.accountId}/us-east-1/${byEvent.Bucket}`;
    const days = ["2026/02/06/2026-02-06", "2026/02/07/2026-02-07"];
    assert.deepEqual(
      keys.map((key) => key.replace(/-[0-9A-F]{16}$/, "")),
      days.map((day) => `${folder}/${day}-00-00-00`),
    );
    clock.set(start);
  });

  it("delivers nothing to a bucket that does not let it", async () => {
    const { Bucket, target } = await newLogged();
    await test.s3.putBucketPolicy({ Bucket: target, Policy: allowing(target, "another") });
    await put(Bucket, "key");
    const done = await test.server.runWorker("access-log");
    assert.equal(done["objects"], 0);
    assert.ok((done["refused"] ?? 0) >= 1);
    assert.equal((await test.s3.listObjectsV2({ Bucket: target })).KeyCount, 0);
  });

  it("gives log objects the grants of the target", async () => {
    const target = await newBucket();
    await test.s3.putBucketOwnershipControls({
      Bucket: target,
      OwnershipControls: { Rules: [{ ObjectOwnership: "ObjectWriter" }] },
    });
    await test.s3.putBucketAcl({ Bucket: target, ...logDelivery });
    const Bucket = await newBucket();
    const URI = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
    const TargetGrants = [
      { Grantee: { Type: "Group" as const, URI }, Permission: "READ" as const },
    ];
    await test.s3.deletePublicAccessBlock({ Bucket: target });
    await putLogging(Bucket, {
      LoggingEnabled: { TargetBucket: target, TargetPrefix: "", TargetGrants },
    });
    assert.deepEqual(
      (await test.s3.getBucketLogging({ Bucket })).LoggingEnabled?.TargetGrants,
      TargetGrants,
    );
    await test.server.runWorker("access-log");
    const { Contents = [] } = await test.s3.listObjectsV2({ Bucket: target });
    const { Grants = [] } = await test.s3.getObjectAcl({ Bucket: target, Key: Contents[0]?.Key });
    assert.deepEqual(Grants.map(({ Permission }) => `${Permission}`).toSorted(), [
      "FULL_CONTROL",
      "READ",
    ]);
  });

  it("delivers after a restart what was not delivered before", async () => {
    const directory = await mkdtemp(join(tmpdir(), "holdfast-access-log-"));
    after(() => rm(directory, { recursive: true, force: true }));
    const first = await startTestServerAlone({ store: { directory } });
    const Bucket = await first.newBucket();
    const target = await first.newBucket();
    await first.s3.putBucketPolicy({ Bucket: target, Policy: allowing(target) });
    await first.s3.putBucketLogging({
      Bucket,
      BucketLoggingStatus: { LoggingEnabled: { TargetBucket: target, TargetPrefix: "" } },
    });
    await first.server.runWorker("access-log");
    await first.put(Bucket, "late");
    await first[Symbol.asyncDispose]();
    await using second = await startTestServerAlone({ store: { directory } });
    await second.server.runWorker("access-log");
    const records = await readLog(second.s3, target);
    assert.equal(records.filter(({ key }) => key === "late").length, 1);
  });

  it("writes down who is refused before anybody has looked at the bucket", async () => {
    const directory = await mkdtemp(join(tmpdir(), "holdfast-access-log-"));
    after(() => rm(directory, { recursive: true, force: true }));
    const first = await startTestServerAlone({ store: { directory } });
    const Bucket = await first.newBucket();
    const target = await first.newBucket();
    const quiet = await first.newBucket();
    await logInto(first.s3, Bucket, target);
    await first[Symbol.asyncDispose]();
    await using second = await startTestServerAlone({ store: { directory } });
    const stranger = { accessKeyId: "AKIAUNKNOWNUNKNOWN12", secretAccessKey: "none" };
    for (const path of [`/${Bucket}/key`, `/${quiet}/key`, "/no-such-bucket/key"]) {
      const unknown = await second.send({ path, credentials: stranger });
      assert.equal(unknown.status, 403);
    }
    const headers = { authorization: "AWS4-HMAC-SHA256 nonsense" };
    const malformed = await second.send({ path: `/${Bucket}`, headers, isSigned: false });
    assert.equal(malformed.status, 400);
    await second.server.runWorker("access-log");
    const records = await readLog(second.s3, target);
    assert.deepEqual(
      records.map((each) => [each.operation, each.key, each.status, each.errorCode].join(" ")),
      [
        "REST.GET.OBJECT key 403 InvalidAccessKeyId",
        "REST.GET.BUCKET - 400 AuthorizationHeaderMalformed",
      ],
    );
    for (const each of records) {
      assert.deepEqual([each.bucket, each.requester], [Bucket, "-"]);
      assert.ok(Number(each.bytesSent) > 100);
      assert.match(each.totalTime, /^\d+$/);
    }
  });

  it("writes down who is refused where logging was switched on by another process", async () => {
    const directory = await mkdtemp(join(tmpdir(), "holdfast-access-log-"));
    after(() => rm(directory, { recursive: true, force: true }));
    await using one = await startIdentityServer({ directory });
    await using other = await startIdentityServer({ directory, root: one.root, isFirst: false });
    const s3 = one.client(one.root);
    for (const name of ["logged", "logs"]) await s3.createBucket({ Bucket: name });
    // The other process knows the bucket as one without a log.
    await other.client(one.root).headBucket({ Bucket: "logged" });
    await logInto(s3, "logged", "logs");
    const stranger = { accessKeyId: "AKIAUNKNOWNUNKNOWN12", secretAccessKey: "none" };
    const refused = other.client(stranger).listObjectsV2({ Bucket: "logged" });
    await assert.rejects(refused, { name: "InvalidAccessKeyId" });
    await other.serving.workers.run("access-log");
    const [record] = await readLog(s3, "logs");
    assert.deepEqual([record?.operation, record?.status], ["REST.GET.BUCKET", "403"]);
  });
});
