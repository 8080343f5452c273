// URLs that the official presigner makes: what it moves from the headers into the query still counts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { bytesOf, startTestServer } from "./test-server.ts";

const { s3, newBucket } = await startTestServer();

test("metadata, tags and the storage class of a presigned upload are kept", async () => {
  const Bucket = await newBucket();
  const command = new PutObjectCommand({
    Bucket,
    Key: "k",
    Metadata: { color: "deep blue" },
    Tagging: "team=a&stage=test",
    StorageClass: "STANDARD_IA",
  });
  const url = await getSignedUrl(s3, command);
  assert.match(url, /x-amz-meta-color=deep%20blue/);
  // Signed before there was a body, the URL carries the checksum of none, which S3 ignores.
  const answer = await fetch(url, { method: "PUT", body: "bytes" });
  assert.equal(answer.status, 200, await answer.text());
  const head = await s3.headObject({ Bucket, Key: "k" });
  assert.deepEqual(head.Metadata, { color: "deep blue" });
  assert.equal(head.StorageClass, "STANDARD_IA");
  const { TagSet } = await s3.getObjectTagging({ Bucket, Key: "k" });
  assert.deepEqual(TagSet, [
    { Key: "team", Value: "a" },
    { Key: "stage", Value: "test" },
  ]);
});

test("a presigned download answers with the headers that it was signed for", async () => {
  const Bucket = await newBucket();
  await s3.putObject({ Bucket, Key: "k", Body: "bytes" });
  const ResponseContentDisposition = 'attachment; filename="k.txt"';
  const command = new GetObjectCommand({ Bucket, Key: "k", ResponseContentDisposition });
  const answer = await fetch(await getSignedUrl(s3, command));
  assert.equal(answer.headers.get("content-disposition"), ResponseContentDisposition);
  assert.equal(await answer.text(), "bytes");
  assert.equal((await bytesOf(await s3.getObject({ Bucket, Key: "k" }))).length, 5);
});
