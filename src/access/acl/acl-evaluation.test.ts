import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  aclGroups,
  type AclGrant,
  type AclGrantee,
  type AclGrants,
  type AclPermission,
} from "../../model/access-control-list.ts";
import type { AccountId, Caller, CanonicalId } from "../caller.ts";
import { anonymousCanonicalId } from "../caller.ts";
import { aclAllows, aclAllowsGroup, isPublicAcl, isSharedAcl } from "./acl-evaluation.ts";

const permissions: readonly AclPermission[] = ["READ", "WRITE", "READ_ACP", "WRITE_ACP"];

const owner = callerOf("a".repeat(64));
const friend = callerOf("b".repeat(64));
const stranger = callerOf("c".repeat(64));
const anonymous: Caller = { kind: "anonymous" };

function callerOf(canonicalId: string): Caller & { readonly canonicalId: string } {
  return {
    kind: "identified",
    accessKeyId: "AKIAEXAMPLE",
    accountId: "111122223333" as AccountId,
    canonicalId: canonicalId as CanonicalId,
    displayName: "somebody",
    principal: { kind: "root", arn: "arn:aws:iam::111122223333:root", userId: "111122223333" },
  };
}

const group = (uri: string): AclGrantee => ({ kind: "group", uri });
const user = (id: string): AclGrantee => ({ kind: "canonical-user", id });
const grant = (grantee: AclGrantee, permission: AclPermission): AclGrant => ({
  grantee,
  permission,
});

/** Letters of what is allowed: r, w, and R, W for the list itself. */
function allowed(grants: AclGrants | undefined, caller: Caller, ignorePublic = false): string {
  const letters = ["r", "w", "R", "W"];
  return permissions
    .map((permission, index) =>
      aclAllows(grants, owner.canonicalId, caller, permission, { ignorePublic }).allowed
        ? letters[index]
        : "-",
    )
    .join("");
}

describe("aclAllows", () => {
  test("without a list the owner may do all and nobody else anything", () => {
    assert.equal(allowed(undefined, owner), "rwRW");
    assert.equal(allowed(undefined, friend), "----");
    assert.equal(allowed(undefined, anonymous), "----");
  });

  test("an owner without a grant may still read and write the list", () => {
    assert.equal(allowed([], owner), "--RW");
    assert.equal(allowed([grant(user(friend.canonicalId), "FULL_CONTROL")], owner), "--RW");
  });

  const cases: readonly (readonly [AclGrantee, AclPermission, string, string, string])[] = [
    // grantee, permission; what friend, stranger and anonymous may
    [user(friend.canonicalId), "READ", "r---", "----", "----"],
    [user(friend.canonicalId), "WRITE", "-w--", "----", "----"],
    [user(friend.canonicalId), "READ_ACP", "--R-", "----", "----"],
    [user(friend.canonicalId), "WRITE_ACP", "---W", "----", "----"],
    [user(friend.canonicalId), "FULL_CONTROL", "rwRW", "----", "----"],
    [group(aclGroups.authenticatedUsers), "READ", "r---", "r---", "----"],
    [group(aclGroups.authenticatedUsers), "FULL_CONTROL", "rwRW", "rwRW", "----"],
    [group(aclGroups.allUsers), "WRITE", "-w--", "-w--", "-w--"],
    [group(aclGroups.allUsers), "FULL_CONTROL", "rwRW", "rwRW", "rwRW"],
    [group(aclGroups.logDelivery), "FULL_CONTROL", "----", "----", "----"],
    [user(anonymousCanonicalId), "READ", "----", "----", "r---"],
  ];
  for (const [grantee, permission, ofFriend, ofStranger, ofAnonymous] of cases) {
    test(`${permission} for ${JSON.stringify(grantee)}`, () => {
      const grants = [grant(grantee, permission)];
      assert.equal(allowed(grants, friend), ofFriend);
      assert.equal(allowed(grants, stranger), ofStranger);
      assert.equal(allowed(grants, anonymous), ofAnonymous);
    });
  }

  test("ignoring public grants leaves those for accounts and for log delivery", () => {
    const grants = [
      grant(group(aclGroups.allUsers), "FULL_CONTROL"),
      grant(group(aclGroups.authenticatedUsers), "READ"),
      grant(user(friend.canonicalId), "WRITE"),
    ];
    assert.equal(allowed(grants, anonymous, true), "----");
    assert.equal(allowed(grants, stranger, true), "----");
    assert.equal(allowed(grants, friend, true), "-w--");
    assert.equal(allowed(grants, owner, true), "--RW");
  });

  test("names the grantee by whom it was allowed", () => {
    const grants = [grant(group(aclGroups.allUsers), "READ")];
    const options = { ignorePublic: false };
    assert.deepEqual(aclAllows(grants, owner.canonicalId, anonymous, "READ", options), {
      allowed: true,
      grantee: group(aclGroups.allUsers),
    });
    assert.deepEqual(aclAllows(grants, owner.canonicalId, anonymous, "WRITE", options), {
      allowed: false,
    });
  });

  test("who uploaded without a signature owns what he uploaded, as everybody then does", () => {
    const verdict = aclAllows(undefined, anonymousCanonicalId, anonymous, "READ", {
      ignorePublic: false,
    });
    assert.equal(verdict.allowed, true);
  });
});

test("log delivery is asked for by name", () => {
  const grants = [grant(group(aclGroups.logDelivery), "WRITE")];
  assert.equal(aclAllowsGroup(grants, aclGroups.logDelivery, "WRITE"), true);
  assert.equal(aclAllowsGroup(grants, aclGroups.logDelivery, "READ_ACP"), false);
  assert.equal(aclAllowsGroup(grants, aclGroups.allUsers, "WRITE"), false);
  assert.equal(aclAllowsGroup(undefined, aclGroups.logDelivery, "WRITE"), false);
});

test("public is what everybody or every account is granted", () => {
  assert.equal(isPublicAcl(undefined), false);
  assert.equal(isPublicAcl([grant(user(friend.canonicalId), "FULL_CONTROL")]), false);
  assert.equal(isPublicAcl([grant(group(aclGroups.logDelivery), "WRITE")]), false);
  assert.equal(isPublicAcl([grant(group(aclGroups.allUsers), "READ_ACP")]), true);
  assert.equal(isPublicAcl([grant(group(aclGroups.authenticatedUsers), "READ")]), true);
});

test("shared is what anybody but the owner is granted", () => {
  const { canonicalId } = owner;
  assert.equal(isSharedAcl(undefined, canonicalId), false);
  assert.equal(isSharedAcl([grant(user(canonicalId), "READ")], canonicalId), false);
  assert.equal(isSharedAcl([grant(user(friend.canonicalId), "READ")], canonicalId), true);
  assert.equal(isSharedAcl([grant(group(aclGroups.logDelivery), "WRITE")], canonicalId), true);
});
