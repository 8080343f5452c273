// Keys of users against a whole server: who they are, when they stop being valid, and that every process
// on a store knows it at once.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ManualClock } from "../../src/base/clock.ts";
import { startIdentityServer } from "./identity-server.ts";
import { assertRefused } from "./test-server.ts";

const fullAccess = "AmazonS3FullAccess";
const readOnly = "AmazonS3ReadOnlyAccess";
const unknownKey = { code: "InvalidAccessKeyId", status: 403 };
const denied = { code: "AccessDenied", status: 403 };

test("a user's key opens what the user's policies allow, in the name of the account", async () => {
  await using server = await startIdentityServer();
  const bob = server.client(await server.newUser("bob", fullAccess));
  const eve = server.client(await server.newUser("eve"));
  await bob.createBucket({ Bucket: "of-bob" });
  await bob.putObject({ Bucket: "of-bob", Key: "key", Body: "text" });
  const { Buckets = [], Owner } = await server.client(server.root).listBuckets({});
  assert.deepEqual(
    Buckets.map(({ Name }) => Name),
    ["of-bob"],
    "the account owns it",
  );
  const { canonicalId } = await server.identities.accounts.get(server.accountId);
  assert.equal(Owner?.ID, canonicalId);
  await assertRefused(eve.getObject({ Bucket: "of-bob", Key: "key" }), denied);
});

test("a change of policies holds from the next request on", async () => {
  await using server = await startIdentityServer();
  const { identities, accountId } = server;
  const bob = server.client(await server.newUser("bob"));
  await assertRefused(bob.createBucket({ Bucket: "one" }), denied);
  await identities.groups.create(accountId, { groupName: "writers" });
  const group = { kind: "group", accountId, name: "writers" } as const;
  await identities.entityPolicies.attach(group, `arn:aws:iam::aws:policy/${fullAccess}`);
  await assertRefused(bob.createBucket({ Bucket: "one" }), denied);
  await identities.groups.addUser(accountId, "writers", "bob");
  await bob.createBucket({ Bucket: "one" });
  const user = { kind: "user", accountId, name: "bob" } as const;
  await identities.entityPolicies.putBoundary(user, `arn:aws:iam::aws:policy/${readOnly}`);
  await assertRefused(bob.createBucket({ Bucket: "two" }), denied);
  await bob.headBucket({ Bucket: "one" });
  await identities.entityPolicies.deleteBoundary(user);
  await bob.createBucket({ Bucket: "two" });
  await identities.groups.removeUser(accountId, "writers", "bob");
  await assertRefused(bob.createBucket({ Bucket: "three" }), denied);
});

test("a service account may do what its owner may and its policy leaves", async () => {
  const clock = new ManualClock(Date.now());
  await using server = await startIdentityServer({ clock });
  const { identities, accountId } = server;
  await server.newUser("bob", readOnly);
  const policy = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "arn:aws:s3:::mine/*" }],
  });
  const root = server.client(server.root);
  await root.createBucket({ Bucket: "mine" });
  await root.createBucket({ Bucket: "other" });
  for (const Bucket of ["mine", "other"]) await root.putObject({ Bucket, Key: "key", Body: "1" });
  for (const userName of ["bob", undefined]) {
    const { key, secret } = await identities.accessKeys.createServiceAccount(
      { accountId, userName },
      { policy, expiresMilliseconds: clock.now() + 300_000 },
    );
    const service = server.client({ accessKeyId: key.accessKeyId, secretAccessKey: secret });
    await service.getObject({ Bucket: "mine", Key: "key" });
    await assertRefused(service.getObject({ Bucket: "other", Key: "key" }), denied);
    const writing = service.putObject({ Bucket: "mine", Key: "new", Body: "1" });
    // Its owner may not, in the case of the user.
    if (userName === undefined) await writing;
    else await assertRefused(writing, denied);
    clock.advance(300_000);
    await assertRefused(service.getObject({ Bucket: "mine", Key: "key" }), unknownKey);
  }
});

test("the root of another account has its own buckets, and none of this one's", async () => {
  await using server = await startIdentityServer();
  const { identities } = server;
  const other = await identities.accounts.create({ displayName: "other" });
  const owner = { accountId: other.accountId, userName: undefined };
  const { key, secret } = await identities.accessKeys.create(owner);
  const theirs = server.client({ accessKeyId: key.accessKeyId, secretAccessKey: secret });
  const ours = server.client(server.root);
  await ours.createBucket({ Bucket: "ours" });
  await theirs.createBucket({ Bucket: "theirs" });
  const { Buckets = [], Owner } = await theirs.listBuckets({});
  assert.deepEqual(
    Buckets.map(({ Name }) => Name),
    ["theirs"],
  );
  assert.equal(Owner?.ID, other.canonicalId);
  await assertRefused(theirs.listObjectsV2({ Bucket: "ours" }), denied);
  await assertRefused(ours.listObjectsV2({ Bucket: "theirs" }), denied);
});

test("a key made inactive or deleted in one process is refused by the next request to another", async () => {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-keys-"));
  try {
    await using first = await startIdentityServer({ directory });
    const { root, identities, accountId } = first;
    await using second = await startIdentityServer({ directory, root, isFirst: false });
    const pair = await first.newUser("bob", fullAccess);
    const bob = { accountId, userName: "bob" };
    const clients = [first.client(pair), second.client(pair)];
    for (const client of clients) await client.listBuckets({});
    await identities.accessKeys.setStatus(bob, pair.accessKeyId, "Inactive");
    for (const client of clients) await assertRefused(client.listBuckets({}), unknownKey);
    await second.identities.accessKeys.setStatus(bob, pair.accessKeyId, "Active");
    for (const client of clients) await client.listBuckets({});
    await second.identities.accessKeys.delete(bob, pair.accessKeyId);
    for (const client of clients) await assertRefused(client.listBuckets({}), unknownKey);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("keys, secrets and accounts outlive a restart; uses are written down, not one by one", async () => {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-keys-"));
  const clock = new ManualClock(Math.floor(Date.now() / 1000) * 1000);
  try {
    const usedAt = clock.now();
    let pair;
    let root;
    {
      await using server = await startIdentityServer({ directory, clock });
      root = server.root;
      pair = await server.newUser("bob", fullAccess);
      const never = await server.identities.accessKeys.lastUsed(server.accountId, pair.accessKeyId);
      assert.deepEqual([never.userName, never.lastUsed], ["bob", undefined]);
      const client = server.client(pair);
      for (let count = 0; count < 20; count += 1) await client.listBuckets({});
    }
    await using server = await startIdentityServer({ directory, clock, root });
    const { lastUsed } = await server.identities.accessKeys.lastUsed(
      server.accountId,
      pair.accessKeyId,
    );
    assert.deepEqual(lastUsed, {
      v: 1,
      usedMilliseconds: usedAt,
      service: "s3",
      region: "us-east-1",
    });
    await server.client(pair).listBuckets({});
  } finally {
    await rm(directory, { recursive: true });
  }
});
