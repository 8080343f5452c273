// GetLifecycleReport: what each rule of a bucket did, for the bucket's account and nobody else's.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startIdentityServer } from "../s3/identity-server.ts";
import { ManagementClient } from "./management-client.ts";

const server = await startIdentityServer();
after(() => server[Symbol.asyncDispose]());
const root = new ManagementClient(server.endpoint, server.root);
const { client: tenant } = await root.newAccount();

test("says what was looked at and what each rule did", async () => {
  const Bucket = "reported";
  const s3 = server.client(server.root);
  await s3.createBucket({ Bucket });
  assert.deepEqual(await root.call("GetLifecycleReport", { Bucket }), {
    Bucket,
    Status: "Waiting",
  });
  for (const Key of ["old/a", "old/b", "kept"]) await s3.putObject({ Bucket, Key, Body: "text" });
  const expiration = { Expiration: { Date: new Date("2020-01-01T00:00:00Z") } };
  const Rules = [
    { ID: "old", Filter: { Prefix: "old/" }, Status: "Enabled" as const, ...expiration },
    { ID: "idle", Filter: { Prefix: "new/" }, Status: "Enabled" as const, ...expiration },
  ];
  await s3.putBucketLifecycleConfiguration({ Bucket, LifecycleConfiguration: { Rules } });
  await root.call("RunWorker", { Name: "lifecycle" });
  const report = await root.call("GetLifecycleReport", { Bucket });
  assert.equal(report.Status, "Finished");
  assert.ok(Date.parse(report.StartedAt) <= Date.parse(report.FinishedAt));
  assert.equal(report.Looked, 2);
  assert.deepEqual(report.Rules, [{ Id: "old", Expired: 2 }]);
  await tenant.refused("GetLifecycleReport", { Bucket }, "AccessDeniedException", 403);
  await s3.deleteBucketLifecycle({ Bucket });
  assert.equal((await root.call("GetLifecycleReport", { Bucket })).Status, "Waiting");
});
