import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { aclGroups, type AclGrants } from "../../model/access-control-list.ts";
import { S3Error, type ErrorCode } from "../../model/errors.ts";
import { directoryOf } from "../accounts.ts";
import type { AccountId, CanonicalId } from "../caller.ts";
import { expandBucketCannedAcl, expandObjectCannedAcl } from "./canned-acl.ts";
import { effectiveBucketAcl, effectiveObjectAcl, shownGrants } from "./effective-acl.ts";
import { checkAclHeaders, parseGrantHeaders, readPolicyGrants } from "./grant-headers.ts";
import { resolveGrants } from "./resolve-grants.ts";

const ann = { id: "a".repeat(64), name: "ann" };
const bob = { id: "b".repeat(64), name: "bob" };
const accounts = directoryOf([
  account("111111111111", ann, "ann@example.com"),
  account("222222222222", bob, "both@example.com"),
  account("333333333333", { id: "c".repeat(64), name: "cid" }, "both@example.com"),
]);

function account(accountId: string, person: typeof ann, email: string) {
  return {
    accountId: accountId as AccountId,
    canonicalId: person.id as CanonicalId,
    displayName: person.name,
    email,
  };
}

/** `ann:READ all:WRITE`. */
function summary(grants: AclGrants): string {
  return grants
    .map(({ grantee, permission }) => {
      const name =
        grantee.kind === "group" ? grantee.uri.replace(/.*\//, "") : (grantee.displayName ?? "");
      return `${name}:${permission}`;
    })
    .join(" ");
}

function assertRefuses(code: ErrorCode, message: RegExp, run: () => unknown): S3Error {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof S3Error, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return error;
  }
  return assert.fail("was not refused");
}

const bucketAcl = (name: string): AclGrants => expandBucketCannedAcl(name, ann);
const objectAcl = (name: string): AclGrants =>
  expandObjectCannedAcl(name, { owner: bob, bucketOwner: ann });

describe("canned lists", () => {
  const cases: readonly (readonly [string, string | undefined, string | undefined])[] = [
    // name, of ann's bucket, of bob's object in ann's bucket
    ["private", "ann:FULL_CONTROL", "bob:FULL_CONTROL"],
    ["public-read", "ann:FULL_CONTROL AllUsers:READ", "bob:FULL_CONTROL AllUsers:READ"],
    [
      "public-read-write",
      "ann:FULL_CONTROL AllUsers:READ AllUsers:WRITE",
      "bob:FULL_CONTROL AllUsers:READ AllUsers:WRITE",
    ],
    [
      "authenticated-read",
      "ann:FULL_CONTROL AuthenticatedUsers:READ",
      "bob:FULL_CONTROL AuthenticatedUsers:READ",
    ],
    ["aws-exec-read", "ann:FULL_CONTROL za-team:READ", "bob:FULL_CONTROL za-team:READ"],
    ["bucket-owner-read", "ann:FULL_CONTROL", "bob:FULL_CONTROL ann:READ"],
    ["bucket-owner-full-control", "ann:FULL_CONTROL", "bob:FULL_CONTROL ann:FULL_CONTROL"],
    ["log-delivery-write", "ann:FULL_CONTROL LogDelivery:WRITE LogDelivery:READ_ACP", undefined],
    ["public", undefined, undefined],
    ["toString", undefined, undefined],
  ];
  for (const [name, ofBucket, ofObject] of cases) {
    test(name, () => {
      if (ofBucket === undefined) assertRefuses("InvalidArgument", /./, () => bucketAcl(name));
      else assert.equal(summary(bucketAcl(name)), ofBucket);
      if (ofObject === undefined) assertRefuses("InvalidArgument", /./, () => objectAcl(name));
      else assert.equal(summary(objectAcl(name)), ofObject);
    });
  }

  test("an owner of both bucket and object is named once", () => {
    for (const name of ["bucket-owner-read", "bucket-owner-full-control"]) {
      const grants = expandObjectCannedAcl(name, { owner: ann, bucketOwner: ann });
      assert.equal(summary(grants), "ann:FULL_CONTROL");
    }
  });
});

describe("grant headers", () => {
  const good: readonly (readonly [string, string])[] = [
    [`id="${ann.id}"`, `id ${ann.id}`],
    [`id=${ann.id}`, `id ${ann.id}`],
    [`ID = "${ann.id}" , emailaddress="ann@example.com"`, `id ${ann.id}, email ann@example.com`],
    [`emailAddress=ann@example.com`, `email ann@example.com`],
    [`uri=${aclGroups.allUsers},id="x"`, `uri ${aclGroups.allUsers}, id x`],
    [`uri="a,b"`, "uri a,b"],
  ];
  for (const [text, expected] of good) {
    test(text, () => {
      const grants = parseGrantHeaders({ GrantRead: text });
      const found = grants.map(({ grantee }) => `${grantee.kind} ${grantee.value}`);
      assert.equal(found.join(", "), expected);
      assert.ok(grants.every(({ permission }) => permission === "READ"));
    });
  }

  for (const text of [
    "",
    "x",
    "id",
    "id=",
    'id=""',
    "user=x",
    "id=x;id=y",
    "id=x,",
    'id="x',
    "=x",
  ]) {
    test(`refuses ${JSON.stringify(text)}`, () => {
      const error = assertRefuses("InvalidArgument", /^Argument format not recognized$/, () =>
        parseGrantHeaders({ GrantReadACP: text }),
      );
      assert.deepEqual(error.fields, {
        ArgumentName: "x-amz-grant-read-acp",
        ArgumentValue: text,
      });
    });
  }

  test("keep the order of the permissions", () => {
    const grants = parseGrantHeaders({
      GrantWriteACP: "id=a",
      GrantWrite: "id=b",
      GrantReadACP: "id=c",
      GrantRead: "id=d",
      GrantFullControl: "id=e",
    });
    assert.equal(
      grants.map(({ permission }) => permission).join(" "),
      "READ WRITE READ_ACP WRITE_ACP FULL_CONTROL",
    );
  });

  test("do not go together with a canned list", () => {
    checkAclHeaders({ ACL: "private" });
    checkAclHeaders({ GrantRead: "id=a" });
    assertRefuses(
      "InvalidRequest",
      /^Specifying both Canned ACLs and Header Grants is not allowed$/,
      () => checkAclHeaders({ ACL: "private", GrantRead: "id=a" }),
    );
  });
});

describe("an AccessControlPolicy", () => {
  test("needs a permission, a grantee and the element of its type", () => {
    const grantees = [
      undefined,
      { Type: "CanonicalUser", URI: "x" },
      { Type: "Group", ID: "x" },
      { Type: "AmazonCustomerByEmail", ID: "x" },
    ] as const;
    for (const Grantee of grantees) {
      assertRefuses("MalformedACLError", /schema/, () =>
        readPolicyGrants({ Grants: [{ Grantee, Permission: "READ" }] }),
      );
    }
    assertRefuses("MalformedACLError", /schema/, () =>
      readPolicyGrants({ Grants: [{ Grantee: { Type: "CanonicalUser", ID: "x" } }] }),
    );
  });

  test("may be empty", () => {
    assert.deepEqual(readPolicyGrants({}), []);
    assert.deepEqual(readPolicyGrants({ Grants: [] }), []);
  });
});

async function resolved(header: string): Promise<string> {
  return summary(await resolveGrants(parseGrantHeaders({ GrantRead: header }), accounts));
}

describe("grantees", () => {
  test("are accounts by id or e-mail address, and groups", async () => {
    const header = `id=${bob.id}, emailAddress="Ann@Example.com", uri=${aclGroups.logDelivery}`;
    assert.equal(await resolved(header), "bob:READ ann:READ LogDelivery:READ");
  });

  const bad: readonly (readonly [string, ErrorCode, string, object])[] = [
    // github.com/versity/versitygw/issues/1384 shows the service's own answer.
    ["id=0123", "InvalidArgument", "Invalid id", { ArgumentName: "id", ArgumentValue: "0123" }],
    [
      "uri=http://acs.amazonaws.com/groups/global/Authenticated",
      "InvalidArgument",
      "Invalid group uri",
      {
        ArgumentName: "uri",
        ArgumentValue: "http://acs.amazonaws.com/groups/global/Authenticated",
      },
    ],
    [
      "emailAddress=nobody@example.com",
      "UnresolvableGrantByEmailAddress",
      "The email address you provided does not match any account on record.",
      {},
    ],
    [
      "emailAddress=both@example.com",
      "AmbiguousGrantByEmailAddress",
      "The email address you provided is associated with more than one account.",
      {},
    ],
  ];
  for (const [header, code, message, fields] of bad) {
    test(`${header} is refused`, async () => {
      await assert.rejects(resolved(header), (error) => {
        assert.ok(error instanceof S3Error);
        assert.equal(error.code, code);
        assert.equal(error.message, message);
        assert.deepEqual(error.fields, fields);
        return true;
      });
    });
  }

  test("in documents are named by their elements", async () => {
    const Grantee = { Type: "CanonicalUser", ID: "0123" } as const;
    const grants = readPolicyGrants({ Grants: [{ Grantee, Permission: "READ" }] });
    await assert.rejects(resolveGrants(grants, accounts), (error) => {
      assert.ok(error instanceof S3Error);
      assert.deepEqual(error.fields, {
        ArgumentName: "CanonicalUser/ID",
        ArgumentValue: "0123",
      });
      return true;
    });
  });

  test("are at most a hundred", async () => {
    const grants = Array(101).fill(`id=${ann.id}`);
    assert.equal((await resolved(grants.slice(1).join(","))).split(" ").length, 100);
    await assert.rejects(resolved(grants.join(",")), { code: "MalformedACLError" });
  });
});

describe("the list that counts", () => {
  const acl: AclGrants = expandObjectCannedAcl("public-read", { owner: bob, bucketOwner: ann });
  const bucket = { ownerId: ann.id, ownerName: ann.name, acl };

  test("is the stored one where lists are enabled", () => {
    for (const objectOwnership of ["ObjectWriter", "BucketOwnerPreferred"]) {
      const owned = { ...bucket, objectOwnership };
      assert.deepEqual(effectiveBucketAcl(owned), { owner: ann, grants: acl });
      assert.deepEqual(effectiveObjectAcl(owned, { owner: bob, acl }), { owner: bob, grants: acl });
      assert.deepEqual(effectiveObjectAcl(owned, {}), { owner: ann, grants: undefined });
    }
  });

  test("is the bucket owner's full control where he is enforced", () => {
    const owned = { ...bucket, objectOwnership: "BucketOwnerEnforced" };
    const expected = { owner: ann, grants: undefined };
    assert.deepEqual(effectiveBucketAcl(owned), expected);
    assert.deepEqual(effectiveObjectAcl(owned, { owner: bob, acl }), expected);
    assert.equal(summary(shownGrants(effectiveObjectAcl(owned, { acl }))), "ann:FULL_CONTROL");
  });
});
