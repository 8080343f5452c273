// Two processes that administer the same account at the same time: limits, names and counts hold.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { IdentityStore } from "../../src/access/identities/identity-store.ts";
import { openTestIdentities } from "./test-identities.ts";

const readOnly = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";

async function openTwice() {
  const opened = await openTestIdentities();
  const { store, clock, sealer, identities } = opened;
  const other = new IdentityStore({ store, clock, sealer, randomBytes });
  return { ...opened, both: [identities, other] as const };
}

async function settle(calls: readonly Promise<unknown>[]): Promise<number> {
  const results = await Promise.allSettled(calls);
  return results.filter(({ status }) => status === "fulfilled").length;
}

test("of many keys at once two are made", async () => {
  const { both, accountId } = await openTwice();
  const owner = { accountId, userName: undefined };
  const made = await settle(
    Array.from({ length: 12 }, (_, index) =>
      (both[index % 2] as IdentityStore).accessKeys.create(owner),
    ),
  );
  assert.equal(made, 2);
  assert.equal((await both[0].accessKeys.list(owner)).items.length, 2);
});

test("of many users of one name one is made, in whatever case", async () => {
  const { both, accountId } = await openTwice();
  const made = await settle(
    ["bob", "Bob", "BOB", "bOb", "boB", "bOB"].map((userName, index) =>
      (both[index % 2] as IdentityStore).users.create(accountId, { userName }),
    ),
  );
  assert.equal(made, 1);
});

test("a user is not deleted under a policy, a key or a group that comes at the same time", async () => {
  for (let round = 0; round < 20; round += 1) {
    const { both, accountId } = await openTwice();
    const [one, two] = both;
    await one.users.create(accountId, { userName: "bob" });
    await one.groups.create(accountId, { groupName: "group" });
    const bob = { kind: "user", accountId, name: "bob" } as const;
    const additions = [
      () => two.entityPolicies.attach(bob, readOnly),
      () => two.accessKeys.create({ accountId, userName: "bob" }),
      () => two.groups.addUser(accountId, "group", "bob"),
    ];
    const add = additions[round % additions.length] as () => Promise<unknown>;
    const done = await settle([one.users.delete(accountId, "bob"), add()]);
    assert.equal(done, 1, "one of both happens");
    const { attachmentCount } = await one.policies.get(accountId, readOnly);
    const { items } = await one.groups.listUsers(accountId, "group");
    const isThere = (await one.users.list(accountId)).items.length === 1;
    assert.equal(attachmentCount, isThere && round % 3 === 0 ? 1 : 0);
    assert.equal(items.length, isThere && round % 3 === 2 ? 1 : 0);
  }
});

test("a policy is not deleted while it becomes somebody's", async () => {
  const document = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
  });
  for (let round = 0; round < 10; round += 1) {
    const { both, accountId } = await openTwice();
    const [one, two] = both;
    await one.users.create(accountId, { userName: "bob" });
    const input = { policyName: "policy", policyDocument: document };
    const { arn } = await one.policies.create(accountId, input);
    const bob = { kind: "user", accountId, name: "bob" } as const;
    const attaching =
      round % 2 === 0
        ? two.entityPolicies.attach(bob, arn)
        : two.entityPolicies.putBoundary(bob, arn);
    assert.equal(await settle([one.policies.delete(accountId, arn), attaching]), 1);
  }
});
