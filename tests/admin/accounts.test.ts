// Accounts, their root's keys, quotas and usage, and who may administer what.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { startIdentityServer } from "../s3/identity-server.ts";
import { ManagementClient, send } from "./management-client.ts";

const server = await startIdentityServer();
after(() => server[Symbol.asyncDispose]());
const root = new ManagementClient(server.endpoint, server.root);

describe("accounts", () => {
  test("are made, shown, listed page by page, changed and deleted", async () => {
    const { Account } = await root.call("CreateAccount", { Name: "one", Email: "one@example.com" });
    assert.match(Account.AccountId, /^\d{12}$/);
    assert.equal(Account.IsRootAccount, false);
    const AccountId = Account.AccountId as string;
    assert.deepEqual((await root.call("GetAccount", { AccountId })).Account, Account);

    const listed: string[] = [];
    let NextToken: string | undefined;
    do {
      const page = await root.call("ListAccounts", { MaxItems: 1, NextToken });
      assert.equal(page.Accounts.length, 1);
      listed.push(page.Accounts[0].AccountId);
      NextToken = page.NextToken;
    } while (NextToken !== undefined);
    assert.ok(listed.includes(AccountId) && listed.includes(server.accountId));

    const changed = await root.call("UpdateAccount", { AccountId, Name: "two", Email: "" });
    assert.deepEqual([changed.Account.Name, changed.Account.Email], ["two", undefined]);
    await root.call("DeleteAccount", { AccountId });
    await root.refused("GetAccount", { AccountId }, "NoSuchEntityException", 404);
  });

  test("are not deleted while they own something", async () => {
    const { accountId: AccountId, pair } = await root.newAccount("owner");
    const s3 = server.client(pair);
    await s3.createBucket({ Bucket: "owned" });
    const conflict = ["DeleteConflictException", 409] as const;
    assert.match(await root.refused("DeleteAccount", { AccountId }, ...conflict), /bucket owned/);
    await s3.deleteBucket({ Bucket: "owned" });
    assert.match(await root.refused("DeleteAccount", { AccountId }, ...conflict), /access keys/);
    const { AccessKeys } = await root.call("ListRootAccessKeys", { AccountId });
    assert.deepEqual(
      AccessKeys.map(({ AccessKeyId }: { AccessKeyId: string }) => AccessKeyId),
      [pair.accessKeyId],
    );
    const AccessKeyId = pair.accessKeyId;
    await root.call("DeleteRootAccessKey", { AccountId, AccessKeyId });
    await root.call("DeleteAccount", { AccountId });
    const answer = await send(server.endpoint, pair, "GetAccount");
    assert.equal(answer.body["__type"], "UnrecognizedClientException");
    assert.equal(answer.status, 403);
  });

  test("the server's root account stays", async () => {
    const AccountId = server.accountId;
    await root.refused("DeleteAccount", { AccountId }, "DeleteConflictException", 409);
  });

  test("an account administers itself, and nothing beyond", async () => {
    const { accountId, pair } = await root.newAccount("tenant");
    const tenant = new ManagementClient(server.endpoint, pair);
    assert.equal((await tenant.call("GetAccount")).Account.AccountId, accountId);
    const denied = ["AccessDeniedException", 403] as const;
    await tenant.refused("ListAccounts", {}, ...denied);
    await tenant.refused("CreateAccount", { Name: "x" }, ...denied);
    await tenant.refused("GetAccount", { AccountId: server.accountId }, ...denied);
    await tenant.refused("SetAccountQuota", { AccountId: accountId, Bytes: 1 }, ...denied);
    await tenant.refused("CreateRootAccessKey", { AccountId: server.accountId }, ...denied);
    await tenant.refused("GetUsage", { AccountId: server.accountId }, ...denied);
    const s3 = server.client(server.root);
    await s3.createBucket({ Bucket: "of-the-root" });
    await tenant.refused("GetUsage", { Bucket: "of-the-root" }, ...denied);
    await tenant.refused("SetBucketQuota", { Bucket: "of-the-root" }, ...denied);
    await tenant.refused("GetUsage", { Bucket: "no-such" }, "NoSuchBucketException", 404);
  });

  test("a user may what its policies say", async () => {
    const plain = new ManagementClient(server.endpoint, await server.newUser("plain"));
    const text = await plain.refused("ListAccounts", {}, "AccessDeniedException", 403);
    assert.match(text, /user\/plain is not authorized to perform: holdfast:ListAccounts/);
    assert.match(text, /no identity-based policy allows/);
    const pair = await server.newUser("operator");
    const PolicyDocument = JSON.stringify({
      Version: "2012-10-17",
      Statement: { Effect: "Allow", Action: "holdfast:List*", Resource: "*" },
    });
    const entity = { kind: "user", accountId: server.accountId, name: "operator" } as const;
    await server.identities.entityPolicies.putInline(entity, "lists", PolicyDocument);
    const operator = new ManagementClient(server.endpoint, pair);
    assert.ok((await operator.call("ListAccounts")).Accounts.length >= 1);
    await operator.refused("CreateAccount", { Name: "x" }, "AccessDeniedException", 403);
  });
});

describe("quotas and usage", () => {
  test("usage is exact and quotas are enforced", async () => {
    const { accountId: AccountId, pair } = await root.newAccount("metered");
    const s3 = server.client(pair);
    const tenant = new ManagementClient(server.endpoint, pair);
    const Bucket = "metered";
    await s3.createBucket({ Bucket });
    await s3.putObject({ Bucket, Key: "a", Body: "12345" });
    const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: "b" });
    await s3.uploadPart({ Bucket, Key: "b", UploadId, PartNumber: 1, Body: "123" });
    const counted = { Objects: 1, Bytes: 8, UploadBytes: 3 };
    const used = { ...counted, Uploads: 1 };
    assert.deepEqual(await tenant.call("GetUsage", { Bucket }), { Bucket, ...used });
    assert.deepEqual(await root.call("GetUsage", { AccountId }), { AccountId, ...used });

    await tenant.call("SetBucketQuota", { Bucket, Objects: 1, Bytes: 100 });
    const quota = await root.call("GetBucketQuota", { Bucket });
    assert.deepEqual(quota, { Bucket, Quota: { Objects: 1, Bytes: 100 }, Usage: counted });
    await assert.rejects(s3.putObject({ Bucket, Key: "c", Body: "1" }), { name: "QuotaExceeded" });
    await tenant.call("SetBucketQuota", { Bucket });
    await s3.putObject({ Bucket, Key: "c", Body: "1" });

    await root.call("SetAccountQuota", { AccountId, Bytes: 9 });
    const ofAccount = await tenant.call("GetAccountQuota");
    assert.deepEqual(ofAccount.Quota, { Bytes: 9 });
    assert.equal(ofAccount.Usage.Bytes, 9);
    await assert.rejects(s3.putObject({ Bucket, Key: "d", Body: "1" }), { name: "QuotaExceeded" });
    await root.call("SetAccountQuota", { AccountId });
    const { Buckets } = await root.call("ListBucketsOfAccount", { AccountId });
    assert.equal(Buckets.length, 1);
    assert.deepEqual([Buckets[0].Name, Buckets[0].Bytes], [Bucket, 9]);
  });

  test("lists of buckets have pages and prefixes", async () => {
    const { accountId: AccountId, pair } = await root.newAccount("many");
    const s3 = server.client(pair);
    for (const Bucket of ["many-1", "many-2", "more-3"]) await s3.createBucket({ Bucket });
    const first = await root.call("ListBucketsOfAccount", { AccountId, MaxItems: 2 });
    const { NextToken } = first;
    const second = await root.call("ListBucketsOfAccount", { AccountId, MaxItems: 2, NextToken });
    const names = [...first.Buckets, ...second.Buckets].map(({ Name }) => Name);
    assert.deepEqual(names, ["many-1", "many-2", "more-3"]);
    assert.equal(second.NextToken, undefined);
    const more = await root.call("ListBucketsOfAccount", { AccountId, Prefix: "more" });
    assert.equal(more.Buckets.length, 1);
    const wrong = { AccountId, NextToken: "%" };
    await root.refused("ListBucketsOfAccount", wrong, "ValidationException", 400);
  });
});

describe("requests that are wrong", () => {
  const invalid = ["ValidationException", 400] as const;

  test("say what is wrong with which member", async () => {
    assert.match(await root.refused("CreateAccount", {}, ...invalid), /^Name: /);
    const unknown = await root.refused("CreateAccount", { Name: "x", Nmae: "y" }, ...invalid);
    assert.equal(unknown, 'there is no member "Nmae"');
    await root.refused("GetAccount", { AccountId: "12" }, ...invalid);
    await root.refused("ListAccounts", { MaxItems: 1001 }, ...invalid);
    await root.refused("SetBucketQuota", { Bucket: "b", Bytes: -1 }, ...invalid);
    await root.refused("UpdateAccount", { AccountId: server.accountId }, ...invalid);
    await root.refused("GetUsage", { Bucket: "b", AccountId: server.accountId }, ...invalid);
  });

  test("unknown actions, other bodies and strangers are refused", async () => {
    await root.refused("NoSuchAction", {}, "UnknownOperationException", 400);
    await root.refused("ListAccounts", "[1]", "SerializationException", 400);
    await root.refused("ListAccounts", "{", "SerializationException", 400);
    const wrong = { ...server.root, secretAccessKey: "wrong" };
    const answer = await send(server.endpoint, wrong, "ListAccounts");
    assert.equal(answer.body["__type"], "InvalidSignatureException");
    assert.equal(answer.status, 403);
    // Without a signature nothing says that it is not S3 that was asked.
    const unsigned = await send(server.endpoint, undefined, "ListAccounts");
    assert.notEqual(unsigned.status, 200);
    assert.doesNotMatch(JSON.stringify(unsigned.body), /AccountId/);
  });
});
