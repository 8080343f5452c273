// Access control lists between accounts: who owns what he uploads, what grants give, e-mail grantees.

import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import type { ObjectOwnership, S3 } from "@aws-sdk/client-s3";
import { aclGroups } from "../../src/model/access-control-list.ts";
import { startIdentityServer } from "./identity-server.ts";
import { assertRefused, textOf } from "./test-server.ts";

const server = await startIdentityServer();
after(() => server[Symbol.asyncDispose]());
const owner = server.client(server.root);
const friend = await newAccount("friend");
const stranger = await newAccount("stranger");
const denied = { code: "AccessDenied", status: 403 };
const ownerId = (await owner.listBuckets()).Owner?.ID ?? "";
let bucketCount = 0;

interface Account {
  readonly s3: S3;
  readonly canonicalId: string;
}

async function newAccount(name: string): Promise<Account> {
  const account = await server.identities.accounts.create({
    displayName: name,
    email: `${name}@example.com`,
  });
  const { accountId, canonicalId } = account;
  const { key, secret } = await server.identities.accessKeys.create({
    accountId,
    userName: undefined,
  });
  return {
    s3: server.client({ accessKeyId: key.accessKeyId, secretAccessKey: secret }),
    canonicalId,
  };
}

async function newBucket(ObjectOwnership: ObjectOwnership): Promise<string> {
  const Bucket = `shared-${(bucketCount += 1)}`;
  await owner.createBucket({ Bucket, ObjectOwnership });
  await owner.deletePublicAccessBlock({ Bucket });
  return Bucket;
}

describe("grants to another account", () => {
  test("give exactly what they say", async () => {
    const Bucket = await newBucket("ObjectWriter");
    await owner.putObject({ Bucket, Key: "k", Body: "x" });
    const object = { Bucket, Key: "k" };
    await assertRefused(friend.s3.getObject(object), denied);
    await owner.putObjectAcl({ ...object, GrantRead: `id=${friend.canonicalId}` });
    assert.equal(await textOf(await friend.s3.getObject(object)), "x");
    await assertRefused(friend.s3.getObjectAcl(object), denied);
    await assertRefused(stranger.s3.getObject(object), denied);
    await owner.putObjectAcl({ ...object, GrantReadACP: 'emailAddress="FRIEND@example.com"' });
    await friend.s3.getObjectAcl(object);
    await assertRefused(friend.s3.getObject(object), denied);
    await owner.putObjectAcl({ ...object, GrantRead: `uri=${aclGroups.authenticatedUsers}` });
    assert.equal(await textOf(await stranger.s3.getObject(object)), "x");
    await assertRefused(friend.s3.putObjectAcl({ ...object, ACL: "private" }), denied);
    await owner.putObjectAcl({ ...object, GrantWriteACP: `id=${friend.canonicalId}` });
    await friend.s3.putObjectAcl({ ...object, ACL: "public-read" });
    // The owner stays who he was, whoever writes the list.
    assert.equal((await owner.getObjectAcl(object)).Owner?.ID, ownerId);
    await assertRefused(friend.s3.listObjectsV2({ Bucket }), denied);
    await owner.putBucketAcl({ Bucket, GrantRead: `id=${friend.canonicalId}` });
    assert.equal((await friend.s3.listObjectsV2({ Bucket })).KeyCount, 1);
  });
});

const upload = async (ownership: ObjectOwnership, ACL?: "bucket-owner-full-control") => {
  const Bucket = await newBucket("ObjectWriter");
  const GrantWrite = `id=${friend.canonicalId}`;
  await owner.putBucketAcl({ Bucket, GrantWrite, GrantFullControl: `id=${ownerId}` });
  await owner.putBucketOwnershipControls({
    Bucket,
    OwnershipControls: { Rules: [{ ObjectOwnership: ownership }] },
  });
  await friend.s3.putObject({ Bucket, Key: "k", Body: "x", ...(ACL ? { ACL } : {}) });
  return Bucket;
};
const ownerOf = async (Bucket: string): Promise<string | undefined> =>
  (await owner.listObjects({ Bucket })).Contents?.[0]?.Owner?.ID;

describe("objects that others write", () => {
  test("are the writer's, whom the bucket's owner has to ask", async () => {
    for (const ownership of ["ObjectWriter", "BucketOwnerPreferred"] as const) {
      const Bucket = await upload(ownership);
      assert.equal(await ownerOf(Bucket), friend.canonicalId);
      await assertRefused(owner.getObject({ Bucket, Key: "k" }), denied);
      await assertRefused(owner.putObjectAcl({ Bucket, Key: "k", ACL: "private" }), denied);
      await friend.s3.putObjectAcl({ Bucket, Key: "k", ACL: "bucket-owner-read" });
      assert.equal(await textOf(await owner.getObject({ Bucket, Key: "k" })), "x");
      // Once the owner is enforced everything is his, and nobody needs to be asked.
      await owner.putBucketAcl({ Bucket, ACL: "private" });
      await owner.putBucketOwnershipControls({
        Bucket,
        OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
      });
      assert.equal(await ownerOf(Bucket), ownerId);
      await assertRefused(friend.s3.getObject({ Bucket, Key: "k" }), denied);
    }
  });

  test("are handed over with full control, for good where the bucket's owner is preferred", async () => {
    const written = await upload("ObjectWriter", "bucket-owner-full-control");
    assert.equal(await ownerOf(written), friend.canonicalId);
    await owner.getObject({ Bucket: written, Key: "k" });
    const preferred = await upload("BucketOwnerPreferred", "bucket-owner-full-control");
    assert.equal(await ownerOf(preferred), ownerId);
    await assertRefused(friend.s3.getObject({ Bucket: preferred, Key: "k" }), denied);
  });

  test("delete markers belong to whoever deleted", async () => {
    const Bucket = await upload("ObjectWriter");
    await owner.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Enabled" } });
    await friend.s3.deleteObject({ Bucket, Key: "k" });
    await friend.s3.deleteObjects({ Bucket, Delete: { Objects: [{ Key: "other" }] } });
    const { DeleteMarkers = [] } = await owner.listObjectVersions({ Bucket });
    assert.deepEqual(
      DeleteMarkers.map(({ Owner }) => Owner?.ID),
      [friend.canonicalId, friend.canonicalId],
    );
  });
});
