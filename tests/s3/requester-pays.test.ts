// Requester Pays: another account must say that it pays, the owner need not, a stranger may not.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { S3 } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { startIdentityServer } from "./identity-server.ts";
import { assertRefused, textOf } from "./test-server.ts";

const server = await startIdentityServer();
after(() => server[Symbol.asyncDispose]());
const owner = server.client(server.root);
const user = server.client(await server.newUser("reader", "AmazonS3FullAccess"));
const stranger = await strangerOf("stranger");
const denied = { code: "AccessDenied", status: 403 };

/** The root of an account of its own. */
async function strangerOf(displayName: string): Promise<S3> {
  const { accounts, accessKeys } = server.identities;
  const { accountId } = await accounts.create({ displayName });
  const { key, secret } = await accessKeys.create({ accountId, userName: undefined });
  return server.client({ accessKeyId: key.accessKeyId, secretAccessKey: secret });
}

let count = 0;

/** Open to everybody, but for who pays. */
async function newSharedBucket(Payer: "Requester" | "BucketOwner"): Promise<string> {
  const Bucket = `shared-${(count += 1)}`;
  await owner.createBucket({ Bucket });
  await owner.deletePublicAccessBlock({ Bucket });
  const Resource = [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`];
  const Statement = [{ Effect: "Allow", Principal: "*", Action: "s3:*", Resource }];
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
  await owner.putBucketPolicy({ Bucket, Policy });
  await owner.putBucketRequestPayment({ Bucket, RequestPaymentConfiguration: { Payer } });
  await owner.putObject({ Bucket, Key: "key", Body: "text" });
  return Bucket;
}

test("a bucket's owner pays until it is said otherwise", async () => {
  await owner.createBucket({ Bucket: "new" });
  assert.equal((await owner.getBucketRequestPayment({ Bucket: "new" })).Payer, "BucketOwner");
  const Bucket = await newSharedBucket("Requester");
  assert.equal((await owner.getBucketRequestPayment({ Bucket })).Payer, "Requester");
  const RequestPaymentConfiguration = { Payer: "BucketOwner" } as const;
  await owner.putBucketRequestPayment({ Bucket, RequestPaymentConfiguration });
  assert.equal((await owner.getBucketRequestPayment({ Bucket })).Payer, "BucketOwner");
});

test("another account must say that it pays, and is told that it does", async () => {
  const Bucket = await newSharedBucket("Requester");
  const Key = "key";
  await assertRefused(stranger.getObject({ Bucket, Key }), denied);
  await assertRefused(stranger.listObjectsV2({ Bucket }), denied);
  await assertRefused(stranger.putObject({ Bucket, Key, Body: "x" }), denied);
  const RequestPayer = "requester";
  const read = await stranger.getObject({ Bucket, Key, RequestPayer });
  assert.deepEqual([read.RequestCharged, await textOf(read)], ["requester", "text"]);
  const torrent = { Bucket, Key };
  await assertRefused(stranger.getObjectTorrent(torrent), denied);
  const { RequestCharged } = await stranger.getObjectTorrent({ ...torrent, RequestPayer });
  assert.equal(RequestCharged, "requester");
  const written = await stranger.putObject({ Bucket, Key: "new", Body: "x", RequestPayer });
  assert.equal(written.RequestCharged, "requester");
  const listed = await stranger.listObjectsV2({ Bucket, RequestPayer });
  assert.equal(listed.RequestCharged, "requester");
  const Objects = [{ Key: "new" }];
  const deleted = await stranger.deleteObjects({ Bucket, Delete: { Objects }, RequestPayer });
  assert.deepEqual([deleted.RequestCharged, deleted.Errors], ["requester", undefined]);
});

test("a signed link may say it too", async () => {
  const Bucket = await newSharedBucket("Requester");
  const command = (RequestPayer?: "requester") =>
    new GetObjectCommand({ Bucket, Key: "key", RequestPayer });
  const refused = await fetch(await getSignedUrl(stranger, command()));
  assert.equal(refused.status, 403);
  const read = await fetch(await getSignedUrl(stranger, command("requester")));
  assert.deepEqual([read.status, await read.text()], [200, "text"]);
});

test("copying from such a bucket costs too", async () => {
  const Bucket = await newSharedBucket("Requester");
  await stranger.createBucket({ Bucket: "of-the-stranger" });
  const copy = { Bucket: "of-the-stranger", Key: "copy", CopySource: `${Bucket}/key` };
  await assertRefused(stranger.copyObject(copy), denied);
  const { RequestCharged } = await stranger.copyObject({ ...copy, RequestPayer: "requester" });
  assert.equal(RequestCharged, "requester");
});

test("a query costs too, of which the SDK cannot say who pays", async () => {
  const Bucket = await newSharedBucket("Requester");
  const querying = await strangerOf("querying");
  const select = () =>
    querying.selectObjectContent({
      Bucket,
      Key: "key",
      Expression: "SELECT * FROM S3Object",
      ExpressionType: "SQL",
      InputSerialization: { CSV: {} },
      OutputSerialization: { CSV: {} },
    });
  await assertRefused(select(), denied);
  querying.middlewareStack.add(
    (next) => (sent) => {
      const { headers } = sent.request as { readonly headers: Record<string, string> };
      headers["x-amz-request-payer"] = "requester";
      return next(sent);
    },
    { step: "build" },
  );
  let text = "";
  for await (const { Records } of (await select()).Payload ?? []) {
    text += Buffer.from(Records?.Payload ?? []).toString();
  }
  assert.equal(text, "text\n");
});

test("the owner's account is charged nothing and need not say a thing", async () => {
  const Bucket = await newSharedBucket("Requester");
  for (const client of [owner, user]) {
    assert.equal((await client.getObject({ Bucket, Key: "key" })).RequestCharged, undefined);
    const read = await client.getObject({ Bucket, Key: "key", RequestPayer: "requester" });
    assert.equal(read.RequestCharged, undefined);
  }
});

test("nobody is let in without a signature, whatever the policy says", async () => {
  const [paying, free] = [await newSharedBucket("Requester"), await newSharedBucket("BucketOwner")];
  const headers = { "x-amz-request-payer": "requester" };
  assert.equal((await fetch(`${server.endpoint}/${free}/key`)).status, 200);
  assert.equal((await fetch(`${server.endpoint}/${paying}/key`, { headers })).status, 403);
});

test("where the owner pays, saying so changes nothing", async () => {
  const Bucket = await newSharedBucket("BucketOwner");
  const read = await stranger.getObject({ Bucket, Key: "key", RequestPayer: "requester" });
  assert.deepEqual([read.RequestCharged, await textOf(read)], [undefined, "text"]);
});
