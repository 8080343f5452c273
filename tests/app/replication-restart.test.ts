// Replication over a restart: what waits and what was refused is there again, nothing arrives twice, the
// check finds the store whole, and the secret of the other server stands nowhere in clear.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { createServer, ManualClock, type HoldfastServer } from "../../src/app.ts";
import { Log } from "../../src/telemetry/log.ts";
import { replicationRole, ruleTo } from "../s3/replication-server.ts";
import { startTestServer, setVersioning } from "../s3/test-server.ts";
import { ServerProcess, TemporaryDirectory } from "./server-process.ts";

const other = await startTestServer();
const { accessKeyId } = other.server.credentials;
const secret = "the secret of the other server, which no file may show";

function clientOf(server: HoldfastServer): S3 {
  const { endpoint, region, credentials } = server;
  return new S3({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1 });
}

test("replication goes on after a restart", async () => {
  using directory = new TemporaryDirectory();
  const clock = new ManualClock(Date.now());
  let logged = "";
  const destination = { write: (lines: string) => void (logged += lines), bufferedBytes: 0 };
  const log = () => new Log({ level: "debug", format: "json", clock, requests: true, destination });
  const { secretAccessKey } = other.server.credentials;
  const targets = (password: string) => [
    {
      bucketArn: "arn:aws:s3:::there",
      endpoint: other.server.endpoint,
      kind: "holdfast" as const,
      accessKeyId,
      secretAccessKey: password,
    },
  ];
  const open = (password: string) =>
    createServer({
      store: { directory: directory.path },
      clock,
      log: log(),
      provisioning: {
        roles: [replicationRole],
        replication: { targets: targets(password) },
        buckets: [
          { name: "here", settings: { versioning: { Status: "Enabled" } } },
          { name: "near", settings: { versioning: { Status: "Enabled" } } },
        ],
      },
    });
  await other.s3.createBucket({ Bucket: "there" });
  await setVersioning(other.s3, "there", "Enabled");

  // With a wrong secret everything is refused; the other bucket of this server gets it all the same.
  const ids: (string | undefined)[] = [];
  {
    await using server = await open(secret);
    const s3 = clientOf(server);
    const Role = `arn:aws:iam::${server.accountId}:role/replication`;
    const Rules = [ruleTo("there"), ruleTo("near", { Priority: 2 })];
    await s3.putBucketReplication({
      Bucket: "here",
      ReplicationConfiguration: { Role, Rules },
    });
    for (const Body of ["1", "2"]) {
      ids.unshift((await s3.putObject({ Bucket: "here", Key: "key", Body })).VersionId);
    }
    await server.runWorker("replication");
    const head = await s3.headObject({ Bucket: "here", Key: "key" });
    assert.equal(head.ReplicationStatus, "FAILED");
    assert.equal((await s3.listObjectVersions({ Bucket: "near" })).Versions?.length, 2);
    s3.destroy();
  }
  await using check = new ServerProcess(["check", "--data", directory.path]);
  const { code, output } = await check.ended();
  assert.equal(code, 0, output);
  const files = readdirSync(directory.path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
  for (const content of [...files, Buffer.from(logged)]) {
    assert.ok(!content.includes(secret), "the secret stands in clear");
  }

  // The declaration is mended, and time passes.
  await using server = await open(secretAccessKey);
  const s3 = clientOf(server);
  clock.advance(60_000);
  await server.runWorker("replication");
  const head = await s3.headObject({ Bucket: "here", Key: "key" });
  assert.equal(head.ReplicationStatus, "COMPLETED");
  const { Versions = [] } = await other.s3.listObjectVersions({ Bucket: "there" });
  assert.deepEqual(
    Versions.map(({ VersionId }) => VersionId),
    ids,
  );
  assert.equal((await s3.listObjectVersions({ Bucket: "near" })).Versions?.length, 2);
  s3.destroy();
});
