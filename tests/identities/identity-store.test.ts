import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { arnOf } from "../../src/access/identities/entities.ts";
import { allowAll, inspectStore, openTestIdentities, refused } from "./test-identities.ts";

describe("accounts", () => {
  test("an account is found by id, canonical id and e-mail address, whatever its case", async () => {
    const { identities } = await openTestIdentities();
    const made = await identities.accounts.create({ displayName: "Ops", email: "Ops@Example.com" });
    assert.match(made.accountId, /^\d{12}$/);
    assert.match(made.canonicalId, /^[0-9a-f]{64}$/);
    assert.deepEqual(await identities.accounts.findById(made.accountId), made);
    assert.deepEqual(await identities.accounts.findByCanonicalId(made.canonicalId), made);
    assert.deepEqual(await identities.accounts.findByEmail("ops@example.COM"), [made]);
    assert.deepEqual(await identities.accounts.findByEmail("nobody@example.com"), []);
  });

  test("an e-mail address of two accounts names both", async () => {
    const { identities } = await openTestIdentities();
    await identities.accounts.create({ displayName: "one", email: "same@example.com" });
    await identities.accounts.create({ displayName: "two", email: "same@example.com" });
    const found = await identities.accounts.findByEmail("same@example.com");
    assert.deepEqual(found.map(({ displayName }) => displayName).toSorted(), ["one", "two"]);
  });

  test("an account with identities stays until they are gone", async () => {
    const { identities } = await openTestIdentities();
    const { accountId } = await identities.accounts.create({ displayName: "Ops" });
    await identities.users.create(accountId, { userName: "bob" });
    await refused(identities.accounts.delete(accountId), "DeleteConflict", /first/);
    await identities.users.delete(accountId, "bob");
    await identities.accounts.delete(accountId);
    assert.equal(await identities.accounts.find(accountId), undefined);
  });
});

describe("users", () => {
  test("names are unique whatever their case, and kept as they were written", async () => {
    const { identities, accountId } = await openTestIdentities();
    const made = await identities.users.create(accountId, { userName: "Bob", path: "/division/" });
    assert.equal(arnOf(made), `arn:aws:iam::${accountId}:user/division/Bob`);
    assert.match(made.id, /^AIDA[A-Z2-7]{17}$/);
    assert.equal((await identities.users.get(accountId, "bob")).name, "Bob");
    await refused(
      identities.users.create(accountId, { userName: "BOB" }),
      "EntityAlreadyExists",
      "User with name BOB already exists.",
    );
    await refused(
      identities.users.get(accountId, "alice"),
      "NoSuchEntity",
      "The user with name alice cannot be found.",
    );
  });

  test("lists are paged in order of the name and kept to a path", async () => {
    const { identities, accountId } = await openTestIdentities();
    for (const userName of ["d", "b", "A", "c"]) {
      const path = userName === "c" ? "/other/" : "/team/";
      await identities.users.create(accountId, { userName, path });
    }
    const request = { pathPrefix: "/team", maxItems: 2 };
    const first = await identities.users.list(accountId, request);
    assert.deepEqual(
      first.items.map(({ name }) => name),
      ["A", "b"],
    );
    const second = await identities.users.list(accountId, { ...request, marker: first.marker });
    assert.deepEqual(
      second.items.map(({ name }) => name),
      ["d"],
    );
    assert.equal(second.marker, undefined);
    await refused(identities.users.list(accountId, { marker: "=" }), "ValidationError", /Marker/);
  });

  test("a renamed user keeps id, keys and groups", async () => {
    const { identities, accountId } = await openTestIdentities();
    const { users, groups, accessKeys } = identities;
    const made = await users.create(accountId, { userName: "bob" });
    const { key } = await accessKeys.create({ accountId, userName: "bob" });
    await groups.create(accountId, { groupName: "Admins" });
    await groups.addUser(accountId, "admins", "bob");
    await users.update(accountId, "bob", { newUserName: "robert", newPath: "/x/" });
    assert.equal((await users.get(accountId, "robert")).id, made.id);
    await refused(users.get(accountId, "bob"), "NoSuchEntity", /bob/);
    const { items } = await accessKeys.list({ accountId, userName: "robert" });
    assert.deepEqual(
      items.map(({ accessKeyId }) => accessKeyId),
      [key.accessKeyId],
    );
    const members = await groups.listUsers(accountId, "Admins");
    assert.deepEqual(
      members.items.map(({ name }) => name),
      ["robert"],
    );
    const held = await users.listGroups(accountId, "robert");
    assert.deepEqual(
      held.items.map(({ name }) => name),
      ["Admins"],
    );
  });

  test("what belongs to a user keeps it from being deleted, in IAM's words", async () => {
    const { identities, accountId } = await openTestIdentities();
    const { users, groups, accessKeys, entityPolicies } = identities;
    const bob = { kind: "user", accountId, name: "bob" } as const;
    const readOnly = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    await users.create(accountId, { userName: "bob" });
    const { key } = await accessKeys.create({ accountId, userName: "bob" });
    await groups.create(accountId, { groupName: "Admins" });
    await groups.addUser(accountId, "Admins", "bob");
    await entityPolicies.attach(bob, readOnly);
    await entityPolicies.putInline(bob, "inline", allowAll);
    const conflict = (what: string): Promise<void> =>
      refused(users.delete(accountId, "bob"), "DeleteConflict", `Cannot delete entity, ${what}.`);
    await conflict("must delete access keys first");
    await accessKeys.delete({ accountId, userName: "bob" }, key.accessKeyId);
    await conflict("must detach all policies first");
    await entityPolicies.detach(bob, readOnly);
    await conflict("must delete policies first");
    await entityPolicies.deleteInline(bob, "inline");
    await conflict("must remove users from group first");
    await groups.removeUser(accountId, "Admins", "bob");
    await users.delete(accountId, "bob");
    await groups.delete(accountId, "Admins");
  });

  test("names, paths and tags are judged as IAM judges them", async () => {
    const { identities, accountId } = await openTestIdentities();
    const create = (userName: string, more: object = {}) =>
      identities.users.create(accountId, { userName, ...more });
    await refused(
      create("no blanks"),
      "ValidationError",
      "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-",
    );
    await refused(create("x".repeat(65)), "ValidationError", /less than or equal to 64/);
    await refused(create("bob", { path: "division/" }), "ValidationError", /path is invalid/);
    await refused(
      create("bob", {
        tags: [
          ["Team", "a"],
          ["team", "b"],
        ],
      }),
      "InvalidInput",
      "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    );
    const many = Array.from({ length: 51 }, (_, index) => [`key${index}`, ""]);
    await refused(create("bob", { tags: many }), "LimitExceeded", /maximum limit/);
  });
});

describe("access keys", () => {
  test("two for each user and for the root; more are refused", async () => {
    const { identities, accountId } = await openTestIdentities();
    await identities.users.create(accountId, { userName: "bob" });
    for (const userName of ["bob", undefined]) {
      const owner = { accountId, userName };
      const first = await identities.accessKeys.create(owner);
      assert.match(first.key.accessKeyId, /^AKIA[A-Z2-7]{16}$/);
      assert.match(first.secret, /^[\w+/]{40}$/);
      await identities.accessKeys.create(owner);
      await refused(
        identities.accessKeys.create(owner),
        "LimitExceeded",
        "Cannot exceed quota for AccessKeysPerUser: 2",
      );
      await identities.accessKeys.delete(owner, first.key.accessKeyId);
      const { items } = await identities.accessKeys.list(owner);
      assert.equal(items.length, 1);
    }
  });

  test("belong to their owner alone", async () => {
    const { identities, accountId } = await openTestIdentities();
    await identities.users.create(accountId, { userName: "bob" });
    await identities.users.create(accountId, { userName: "eve" });
    const { key } = await identities.accessKeys.create({ accountId, userName: "bob" });
    const eve = { accountId, userName: "eve" };
    const words = `The Access Key with id ${key.accessKeyId} cannot be found.`;
    const { accessKeyId } = key;
    await refused(identities.accessKeys.delete(eve, accessKeyId), "NoSuchEntity", words);
    await refused(
      identities.accessKeys.setStatus(eve, accessKeyId, "Inactive"),
      "NoSuchEntity",
      words,
    );
  });

  test("a service account's policy is one, or the key is not made", async () => {
    const { identities, accountId } = await openTestIdentities();
    const { accessKeys } = identities;
    const owner = { accountId, userName: undefined };
    const making = accessKeys.createServiceAccount(owner, { policy: "{}" });
    await refused(making, "MalformedPolicyDocument", /./);
    const { key } = await accessKeys.createServiceAccount(owner, { policy: allowAll });
    const changing = accessKeys.updateServiceAccount(owner, key.accessKeyId, { policy: "no" });
    await refused(changing, "MalformedPolicyDocument", /./);
    const { items } = await accessKeys.listServiceAccounts(owner);
    assert.deepEqual(
      items.map(({ service }) => service?.policy),
      [allowAll],
    );
    assert.deepEqual((await accessKeys.list(owner)).items, [], "it is no access key of IAM's");
  });

  test("no secret is stored, listed or shown in clear", async () => {
    const { identities, accountId, store } = await openTestIdentities();
    const owner = { accountId, userName: undefined };
    const { secret, key } = await identities.accessKeys.create(owner);
    const chosen = { accessKeyId: "importedkey", secret: "an imported secret" };
    await identities.accessKeys.createServiceAccount(owner, {}, chosen);
    const stored = await inspectStore(store);
    assert.ok(stored.includes(key.accessKeyId), "the store was read");
    const listed = JSON.stringify([
      await identities.accessKeys.list(owner),
      await identities.accessKeys.listServiceAccounts(owner),
      await identities.accessKeys.find(key.accessKeyId),
    ]);
    for (const clear of [secret, chosen.secret]) {
      assert.ok(!stored.includes(clear));
      assert.ok(!listed.includes(clear));
    }
    assert.ok(!/sealed/i.test(listed));
  });
});
