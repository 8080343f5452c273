// What of locks and tags asks for a permission of its own: to be seen, and to be passed by.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { S3 } from "@aws-sdk/client-s3";
import { startIdentityServer } from "./identity-server.ts";
import { locked } from "./lock-server.ts";
import { assertRefused } from "./test-server.ts";

const server = await startIdentityServer();
after(() => server[Symbol.asyncDispose]());
const root = server.client(server.root);
const Bucket = "protected";
const Key = "key";
await root.createBucket({ Bucket, ObjectLockEnabledForBucket: true });

let count = 0;

/** A user of the bucket's account who may do this and nothing else. */
async function userWith(...actions: readonly string[]): Promise<S3> {
  const name = `user-${(count += 1)}`;
  const pair = await server.newUser(name);
  const Statement = [{ Effect: "Allow", Action: actions, Resource: "*" }];
  const document = JSON.stringify({ Version: "2012-10-17", Statement });
  const entity = { kind: "user", accountId: server.accountId, name } as const;
  await server.identities.entityPolicies.putInline(entity, "inline", document);
  return server.client(pair);
}

async function putLocked(): Promise<string> {
  const { VersionId = "" } = await root.putObject({
    Bucket,
    Key,
    Body: "x",
    Tagging: "a=b",
    ObjectLockMode: "GOVERNANCE",
    ObjectLockRetainUntilDate: new Date(Date.now() + 3_600_000),
    ObjectLockLegalHoldStatus: "OFF",
  });
  return VersionId;
}

async function shown(...actions: readonly string[]) {
  const head = await (await userWith("s3:GetObject", ...actions)).headObject({ Bucket, Key });
  return [head.ObjectLockMode, head.ObjectLockLegalHoldStatus, head.TagCount];
}

test("reads show of lock and tags what the caller may see", async () => {
  await putLocked();
  assert.deepEqual(await shown(), [undefined, undefined, undefined]);
  assert.deepEqual(await shown("s3:GetObjectRetention"), ["GOVERNANCE", undefined, undefined]);
  assert.deepEqual(await shown("s3:GetObjectLegalHold"), [undefined, "OFF", undefined]);
  assert.deepEqual(await shown("s3:GetObjectTagging"), [undefined, undefined, 1]);
});

test("bypassing GOVERNANCE needs the permission beside the header", async () => {
  const VersionId = await putLocked();
  const deletion = { Bucket, Key, VersionId, BypassGovernanceRetention: true };
  const without = await userWith("s3:DeleteObjectVersion", "s3:PutObjectRetention");
  await assertRefused(without.deleteObject(deletion), locked);
  const weakened = { ...deletion, Retention: {} };
  await assertRefused(without.putObjectRetention(weakened), locked);
  const { Errors } = await without.deleteObjects({
    Bucket,
    Delete: { Objects: [{ Key, VersionId }] },
    BypassGovernanceRetention: true,
  });
  assert.equal(Errors?.[0]?.Code, "AccessDenied");
  const allowed = await userWith("s3:DeleteObjectVersion", "s3:BypassGovernanceRetention");
  await allowed.deleteObject(deletion);
});

test("locks on an upload ask for their own permissions", async () => {
  const lock = {
    ObjectLockMode: "GOVERNANCE",
    ObjectLockRetainUntilDate: new Date(Date.now() + 3_600_000),
  } as const;
  const writer = await userWith("s3:PutObject");
  const denied = { code: "AccessDenied", status: 403 };
  const upload = { Bucket, Key, Body: "x" };
  await assertRefused(writer.putObject({ ...upload, ...lock }), denied);
  await assertRefused(writer.putObject({ ...upload, ObjectLockEventHold: "ON" }), denied);
  await assertRefused(writer.putObject({ ...upload, ObjectLockLegalHoldStatus: "ON" }), denied);
  const keeper = await userWith("s3:PutObject", "s3:PutObjectRetention");
  await keeper.putObject({ ...upload, ...lock });
});

test("MFA delete is the root user's alone", async () => {
  const user = await userWith("s3:*");
  const request = user.putBucketVersioning({
    Bucket,
    VersioningConfiguration: { Status: "Enabled", MFADelete: "Enabled" },
    MFA: `arn:aws:iam::${server.accountId}:mfa/phone 123456`,
  });
  await assertRefused(request, {
    code: "AccessDenied",
    status: 403,
    message: "This operation may only be performed by the bucket owner",
  });
});
