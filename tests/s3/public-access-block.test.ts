// Block Public Access of a bucket: the configuration, and what it refuses to store.

import assert from "node:assert/strict";
import { test } from "node:test";
import { assertRefused, startTestServer } from "./test-server.ts";

const server = await startTestServer();
const { s3 } = server;

const everything = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

const blockOf = async (Bucket: string): Promise<unknown> =>
  (await s3.getPublicAccessBlock({ Bucket })).PublicAccessBlockConfiguration;

test("a new bucket blocks everything, until somebody changes it", async () => {
  const Bucket = await server.newBucket();
  assert.deepEqual(await blockOf(Bucket), everything);
  // A switch that is not named is off.
  await s3.putPublicAccessBlock({
    Bucket,
    PublicAccessBlockConfiguration: { IgnorePublicAcls: true },
  });
  assert.deepEqual(await blockOf(Bucket), {
    BlockPublicAcls: false,
    IgnorePublicAcls: true,
    BlockPublicPolicy: false,
    RestrictPublicBuckets: false,
  });
  await s3.deletePublicAccessBlock({ Bucket });
  await assertRefused(blockOf(Bucket), {
    code: "NoSuchPublicAccessBlockConfiguration",
    status: 404,
    message: "The public access block configuration was not found",
  });
  await s3.deletePublicAccessBlock({ Bucket });
});

test("a server may make buckets that block nothing", async () => {
  const older = await startTestServer({ defaultPublicAccessBlock: "off" });
  const Bucket = await older.newBucket();
  await assertRefused(older.s3.getPublicAccessBlock({ Bucket }), {
    code: "NoSuchPublicAccessBlockConfiguration",
    status: 404,
  });
});

const refused = (action: string, resource: string): Parameters<typeof assertRefused>[1] => ({
  code: "AccessDenied",
  status: 403,
  message: new RegExp(
    `^User: arn:aws:iam::\\d{12}:root is not authorized to perform: ${action} on resource: "${resource}" because public access control lists \\(ACLs\\) are blocked by the BlockPublicAcls block public access setting\\.$`,
  ),
});

test("public lists are refused, what is stored stays", async () => {
  const Bucket = server.newBucketName();
  await s3.createBucket({ Bucket, ObjectOwnership: "ObjectWriter" });
  await s3.deletePublicAccessBlock({ Bucket });
  await s3.putObject({ Bucket, Key: "k", Body: "x", ACL: "public-read" });
  const PublicAccessBlockConfiguration = { BlockPublicAcls: true };
  await s3.putPublicAccessBlock({ Bucket, PublicAccessBlockConfiguration });
  const ofBucket = refused("s3:PutBucketAcl", `arn:aws:s3:::${Bucket}`);
  const ofObject = refused("s3:PutObjectAcl", `arn:aws:s3:::${Bucket}/k`);
  for (const ACL of ["public-read", "public-read-write", "authenticated-read"] as const) {
    await assertRefused(s3.putBucketAcl({ Bucket, ACL }), ofBucket);
    await assertRefused(s3.putObjectAcl({ Bucket, Key: "k", ACL }), ofObject);
    await assertRefused(s3.putObject({ Bucket, Key: "k", Body: "y", ACL }), ofObject);
    await assertRefused(s3.createMultipartUpload({ Bucket, Key: "k", ACL }), ofObject);
    const copy = { Bucket, Key: "k", CopySource: `${Bucket}/k`, ACL };
    await assertRefused(s3.copyObject({ ...copy, MetadataDirective: "REPLACE" }), ofObject);
  }
  assert.equal((await s3.getObjectAcl({ Bucket, Key: "k" })).Grants?.length, 2);
  await s3.putObjectAcl({ Bucket, Key: "k", ACL: "bucket-owner-full-control" });
});
