// RunInventory and GetInventoryReport: a report at once, for the bucket's account and nobody else's.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startIdentityServer } from "../s3/identity-server.ts";
import { ManagementClient } from "./management-client.ts";

const server = await startIdentityServer();
after(() => server[Symbol.asyncDispose]());
const root = new ManagementClient(server.endpoint, server.root);
const { client: tenant } = await root.newAccount();

test("a report is written when it is asked for, and failures are told", async () => {
  const s3 = server.client(server.root);
  const Bucket = "listed";
  const Id = "on-demand";
  await s3.createBucket({ Bucket });
  await s3.createBucket({ Bucket: "reports" });
  for (const Key of ["a", "b"]) await s3.putObject({ Bucket, Key, Body: "text" });
  const missing = ["GetInventoryReport", "RunInventory"];
  for (const action of missing) {
    await root.refused(action, { Bucket, Id }, "NoSuchConfigurationException", 404);
  }
  await s3.putBucketInventoryConfiguration({
    Bucket,
    Id,
    InventoryConfiguration: {
      Id,
      IsEnabled: false,
      IncludedObjectVersions: "Current",
      Schedule: { Frequency: "Weekly" },
      Destination: { S3BucketDestination: { Bucket: "arn:aws:s3:::reports", Format: "CSV" } },
    },
  });
  assert.deepEqual(await root.call("GetInventoryReport", { Bucket, Id }), {
    Bucket,
    Id,
    Status: "Waiting",
  });
  const failed = await root.call("RunInventory", { Bucket, Id });
  assert.deepEqual([failed.Status, failed.Error], ["Failing", "AccessDenied: Access Denied"]);
  const Policy = JSON.stringify({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Principal: { Service: "s3.amazonaws.com" },
        Action: "s3:PutObject",
        Resource: "arn:aws:s3:::reports/*",
        Condition: { ArnEquals: { "aws:SourceArn": `arn:aws:s3:::${Bucket}` } },
      },
    ],
  });
  await s3.putBucketPolicy({ Bucket: "reports", Policy });
  const report = await root.call("RunInventory", { Bucket, Id });
  assert.deepEqual([report.Status, report.Rows, report.Files], ["Finished", 2, 1]);
  const key = String(report.Manifest).replace("s3://reports/", "");
  const { Body } = await s3.getObject({ Bucket: "reports", Key: key });
  const manifest = JSON.parse((await Body?.transformToString()) ?? "");
  assert.equal(manifest.sourceBucket, Bucket);
  assert.equal(manifest.files.length, 1);
  assert.deepEqual(await root.call("GetInventoryReport", { Bucket, Id }), report);
  for (const action of missing) {
    await tenant.refused(action, { Bucket, Id }, "AccessDeniedException", 403);
  }
});
