// The audit log: a line for every request, with who asked and what decided, and never a secret.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { createServer, type HoldfastServer } from "../../src/app.ts";
import { ManagementClient } from "../admin/management-client.ts";
import { TemporaryDirectory } from "./server-process.ts";

interface Line {
  readonly operation?: string;
  readonly status: number;
  readonly errorCode?: string;
  readonly bucket?: string;
  readonly key?: string;
  readonly principal: { readonly kind: string; readonly arn?: string };
  readonly decision?: Readonly<Record<string, unknown>>;
}

const options = { maximumBytes: 1024 * 1024, keptFiles: 2 };

function clientOf({ endpoint, region, credentials }: HoldfastServer): S3 {
  return new S3({ endpoint, region, credentials, forcePathStyle: true, maxAttempts: 1 });
}

function readLines(path: string): readonly Line[] {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Line);
}

test("each request has a line that says who asked and what decided", async () => {
  using directory = new TemporaryDirectory();
  const path = join(directory.path, "audit.log");
  const server = await createServer({ audit: { path, ...options } });
  const s3 = clientOf(server);
  await s3.createBucket({ Bucket: "bucket" });
  await s3.putObject({ Bucket: "bucket", Key: "k", Body: "1" });
  const Statement = [
    {
      Sid: "NoReading",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:GetObject",
      Resource: "arn:aws:s3:::bucket/*",
    },
  ];
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
  await s3.putBucketPolicy({ Bucket: "bucket", Policy });
  await s3.getObject({ Bucket: "bucket", Key: "k" }).catch(() => {});
  await fetch(`${server.endpoint}/bucket/other?versionId=secret`);
  const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket: "bucket", Key: "k" }));
  await fetch(url);
  s3.destroy();
  await server.close();

  const lines = readLines(path);
  assert.deepEqual(
    lines.map(({ operation, status }) => [operation, status]),
    [
      ["CreateBucket", 200],
      ["PutObject", 200],
      ["PutBucketPolicy", 204],
      ["GetObject", 403],
      ["GetObject", 403],
      ["GetObject", 403],
    ],
  );
  const [created, , , denied, anonymous] = lines;
  assert.equal(created?.principal.arn, `arn:aws:iam::${server.accountId}:root`);
  assert.equal(created?.decision?.["effect"], "allow");
  assert.deepEqual(denied?.decision, {
    effect: "deny",
    action: "s3:GetObject",
    resource: "arn:aws:s3:::bucket/k",
    reason: "explicit-deny",
    policy: "bucket policy",
    policyKind: "bucket",
    statement: "NoReading",
  });
  assert.deepEqual(anonymous?.principal, { kind: "anonymous" });
  assert.equal(anonymous?.key, "other");
  const text = readFileSync(path, "utf8");
  const signature = new URL(url).searchParams.get("X-Amz-Signature");
  for (const secret of [server.credentials.secretAccessKey, signature ?? "", "Signature="]) {
    assert.ok(!text.includes(secret), "nothing secret is written");
  }
});

test("a file that has grown too long is put aside, and the oldest goes", async () => {
  using directory = new TemporaryDirectory();
  const path = join(directory.path, "audit.log");
  const server = await createServer({ audit: { path, maximumBytes: 2000, keptFiles: 2 } });
  const s3 = clientOf(server);
  for (let count = 0; count < 40; count += 1) await s3.listBuckets({});
  s3.destroy();
  await server.close();
  const files = readdirSync(directory.path).toSorted();
  assert.equal(files.length, 3, files.join(", "));
  for (const name of files) {
    const text = readFileSync(join(directory.path, name), "utf8");
    assert.ok(Buffer.byteLength(text) < 4000);
    for (const line of text.split("\n").filter((each) => each !== "")) JSON.parse(line);
  }
});

test("calls of administration are named, with what was decided about their caller", async () => {
  using directory = new TemporaryDirectory();
  const path = join(directory.path, "audit.log");
  const server = await createServer({ audit: { path, ...options } });
  const root = new ManagementClient(server.endpoint, server.credentials);
  const { ServiceAccount } = await root.call("CreateServiceAccount", {
    Policy: JSON.stringify({
      Version: "2012-10-17",
      Statement: { Sid: "Lists", Effect: "Allow", Action: "holdfast:List*", Resource: "*" },
    }),
  });
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } = ServiceAccount;
  const narrowed = new ManagementClient(server.endpoint, { accessKeyId, secretAccessKey });
  await narrowed.refused("CreateAccount", { Name: "x" }, "AccessDeniedException", 403);
  const { endpoint, region } = server;
  const iam = new IAM({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  await assert.rejects(iam.createUser({ UserName: "x" }), { name: "AccessDenied" });
  iam.destroy();
  await server.close();

  const [made, refused, ofIam] = readLines(path);
  assert.equal(ofIam?.operation, "iam:CreateUser");
  assert.equal(ofIam?.errorCode, "AccessDenied");
  assert.equal(ofIam?.decision?.["reason"], "session-policy");
  assert.equal(made?.operation, "holdfast:CreateServiceAccount");
  assert.equal(made?.decision?.["effect"], "allow");
  assert.equal(refused?.operation, "holdfast:CreateAccount");
  assert.equal(refused?.errorCode, "AccessDeniedException");
  assert.deepEqual(refused?.decision, {
    effect: "deny",
    action: "holdfast:CreateAccount",
    resource: "*",
    reason: "session-policy",
  });
  assert.ok(!readFileSync(path, "utf8").includes(secretAccessKey));
});
