// Managed and inline policies, attachments and boundaries, through the official client.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allow, assertRefused, deny, policy, startIamServer, text, trust } from "./iam-server.ts";

const { iam, accountId, arn, newUser } = await startIamServer();

async function newPolicy(PolicyName: string, ...statements: readonly object[]): Promise<string> {
  const PolicyDocument = policy(...statements);
  const { Policy } = await iam.createPolicy({ PolicyName, PolicyDocument });
  return text(Policy?.Arn);
}

function create(PolicyDocument: string): Promise<unknown> {
  return iam.createPolicy({ PolicyName: "bad", PolicyDocument });
}

describe("managed policies", () => {
  test("a policy reads back as it was made", async () => {
    const document = policy(allow("s3:GetObject", "arn:aws:s3:::b/ä*"));
    const { Policy } = await iam.createPolicy({
      PolicyName: "read-all",
      Path: "/policies/",
      PolicyDocument: document,
      Description: "All objects",
      Tags: [{ Key: "k", Value: "v" }],
    });
    const PolicyArn = arn("policy/policies/read-all");
    assert.equal(Policy?.Arn, PolicyArn);
    assert.match(text(Policy?.PolicyId), /^ANPA[A-Z2-7]{17}$/);
    const { Policy: read } = await iam.getPolicy({ PolicyArn });
    assert.equal(read?.Description, "All objects");
    assert.equal(read?.DefaultVersionId, "v1");
    assert.equal(read?.AttachmentCount, 0);
    assert.deepEqual(read?.Tags, [{ Key: "k", Value: "v" }]);
    const { PolicyVersion } = await iam.getPolicyVersion({ PolicyArn, VersionId: "v1" });
    assert.equal(decodeURIComponent(text(PolicyVersion?.Document)), document);
    await assertRefused(
      iam.createPolicy({ PolicyName: "read-all", PolicyDocument: document }),
      "EntityAlreadyExists",
      "A policy called read-all already exists. Duplicate names are not allowed.",
    );
  });

  test("malformed documents are refused in IAM's words", async () => {
    await assertRefused(create("{"), "MalformedPolicyDocument");
    await assertRefused(
      create(policy({ ...allow("s3:*"), Principal: "*" })),
      "MalformedPolicyDocument",
      "Policy document should not specify a principal.",
    );
    await assertRefused(
      create(policy(allow("GetObject"))),
      "MalformedPolicyDocument",
      "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
    );
  });

  test("up to five versions, of which one counts", async () => {
    const PolicyArn = await newPolicy("versioned", allow("s3:ListAllMyBuckets"));
    for (const setAsDefault of [false, true, false, false]) {
      await iam.createPolicyVersion({
        PolicyArn,
        PolicyDocument: policy(allow("iam:ListUsers")),
        SetAsDefault: setAsDefault,
      });
    }
    await assertRefused(
      iam.createPolicyVersion({ PolicyArn, PolicyDocument: policy(allow("s3:*")) }),
      "LimitExceeded",
    );
    const { Versions } = await iam.listPolicyVersions({ PolicyArn });
    assert.deepEqual(
      Versions?.map(({ VersionId, IsDefaultVersion }) => [VersionId, IsDefaultVersion]),
      [
        ["v5", false],
        ["v4", false],
        ["v3", true],
        ["v2", false],
        ["v1", false],
      ],
    );
    await assertRefused(
      iam.deletePolicyVersion({ PolicyArn, VersionId: "v3" }),
      "DeleteConflict",
      "Cannot delete the default version of a policy.",
    );
    const user = await newUser("follower");
    await iam.attachUserPolicy({ UserName: "follower", PolicyArn });
    await user.iam.listUsers({});
    await iam.setDefaultPolicyVersion({ PolicyArn, VersionId: "v1" });
    await assertRefused(user.iam.listUsers({}), "AccessDenied");
    await user.s3.listBuckets({});
    await assertRefused(iam.deletePolicy({ PolicyArn }), "DeleteConflict");
    await iam.detachUserPolicy({ UserName: "follower", PolicyArn });
    for (const VersionId of ["v2", "v3", "v4", "v5"]) {
      await iam.deletePolicyVersion({ PolicyArn, VersionId });
    }
    await iam.deletePolicy({ PolicyArn });
    await assertRefused(iam.getPolicy({ PolicyArn }), "NoSuchEntity");
  });

  test("tags", async () => {
    const PolicyArn = await newPolicy("tagged", allow("s3:*"));
    await iam.tagPolicy({ PolicyArn, Tags: [{ Key: "a", Value: "1" }] });
    assert.deepEqual((await iam.listPolicyTags({ PolicyArn })).Tags, [{ Key: "a", Value: "1" }]);
    await iam.untagPolicy({ PolicyArn, TagKeys: ["a"] });
    assert.deepEqual((await iam.listPolicyTags({ PolicyArn })).Tags, []);
  });

  test("lists by scope, attachment and path; those of AWS are there", async () => {
    const PolicyArn = await newPolicy("listed", allow("s3:*"));
    const names = async (input: Parameters<typeof iam.listPolicies>[0]): Promise<string[]> => {
      const { Policies = [] } = await iam.listPolicies(input);
      return Policies.map(({ PolicyName }) => text(PolicyName));
    };
    const local = await names({ Scope: "Local" });
    assert.ok(local.includes("listed") && !local.includes("AdministratorAccess"));
    assert.ok((await names({ Scope: "AWS" })).includes("AmazonS3FullAccess"));
    assert.ok(!(await names({ OnlyAttached: true })).includes("listed"));
    await iam.createGroup({ GroupName: "listed" });
    await iam.attachGroupPolicy({ GroupName: "listed", PolicyArn });
    assert.ok((await names({ OnlyAttached: true })).includes("listed"));
    assert.deepEqual(await names({ PathPrefix: "/none/" }), []);
  });
});

describe("attachments", () => {
  test("of users, groups and roles, and who has a policy", async () => {
    const PolicyArn = await newPolicy("shared", allow("s3:*"));
    await iam.createUser({ UserName: "has" });
    await iam.createGroup({ GroupName: "has" });
    await iam.createRole({ RoleName: "has", AssumeRolePolicyDocument: trust(accountId) });
    await iam.attachUserPolicy({ UserName: "has", PolicyArn });
    await iam.attachGroupPolicy({ GroupName: "has", PolicyArn });
    await iam.attachRolePolicy({ RoleName: "has", PolicyArn });
    const attached = [{ PolicyName: "shared", PolicyArn }];
    const ofUser = await iam.listAttachedUserPolicies({ UserName: "has" });
    assert.deepEqual(ofUser.AttachedPolicies, attached);
    const ofGroup = await iam.listAttachedGroupPolicies({ GroupName: "has" });
    assert.deepEqual(ofGroup.AttachedPolicies, attached);
    const ofRole = await iam.listAttachedRolePolicies({ RoleName: "has" });
    assert.deepEqual(ofRole.AttachedPolicies, attached);
    assert.equal((await iam.getPolicy({ PolicyArn })).Policy?.AttachmentCount, 3);

    const entities = await iam.listEntitiesForPolicy({ PolicyArn });
    assert.deepEqual(
      [entities.PolicyUsers, entities.PolicyGroups, entities.PolicyRoles].map(
        (list) => list?.length,
      ),
      [1, 1, 1],
    );
    const roles = await iam.listEntitiesForPolicy({ PolicyArn, EntityFilter: "Role" });
    assert.deepEqual(roles.PolicyUsers, []);
    assert.equal(roles.PolicyRoles?.[0]?.RoleName, "has");

    await iam.detachGroupPolicy({ GroupName: "has", PolicyArn });
    await assertRefused(iam.detachGroupPolicy({ GroupName: "has", PolicyArn }), "NoSuchEntity");
    await assertRefused(
      iam.attachUserPolicy({ UserName: "has", PolicyArn: arn("policy/none") }),
      "NoSuchEntity",
      `Policy ${arn("policy/none")} does not exist or is not attachable.`,
    );
    await assertRefused(
      iam.attachUserPolicy({ UserName: "has", PolicyArn: "arn:aws:s3:::not-a-policy" }),
      "InvalidInput",
    );
  });
});

describe("inline policies", () => {
  test("of users, groups and roles", async () => {
    const document = policy(allow("s3:*"));
    const PolicyName = "inline";
    await iam.createUser({ UserName: "inline" });
    await iam.createGroup({ GroupName: "inline" });
    await iam.createRole({ RoleName: "inline", AssumeRolePolicyDocument: trust(accountId) });
    const user = { UserName: "inline" };
    const group = { GroupName: "inline" };
    const role = { RoleName: "inline" };
    await iam.putUserPolicy({ ...user, PolicyName, PolicyDocument: document });
    await iam.putGroupPolicy({ ...group, PolicyName, PolicyDocument: document });
    await iam.putRolePolicy({ ...role, PolicyName, PolicyDocument: document });
    const read = [
      await iam.getUserPolicy({ ...user, PolicyName }),
      await iam.getGroupPolicy({ ...group, PolicyName }),
      await iam.getRolePolicy({ ...role, PolicyName }),
    ];
    for (const { PolicyName: name, PolicyDocument } of read) {
      assert.equal(name, PolicyName);
      assert.equal(decodeURIComponent(text(PolicyDocument)), document);
    }
    assert.deepEqual((await iam.listUserPolicies(user)).PolicyNames, [PolicyName]);
    assert.deepEqual((await iam.listGroupPolicies(group)).PolicyNames, [PolicyName]);
    assert.deepEqual((await iam.listRolePolicies(role)).PolicyNames, [PolicyName]);
    await iam.deleteUserPolicy({ ...user, PolicyName });
    await iam.deleteGroupPolicy({ ...group, PolicyName });
    await iam.deleteRolePolicy({ ...role, PolicyName });
    await assertRefused(
      iam.getUserPolicy({ ...user, PolicyName }),
      "NoSuchEntity",
      "The user policy with name inline cannot be found.",
    );
    assert.deepEqual((await iam.listUserPolicies(user)).PolicyNames, []);
  });

  test("too much of them is refused", async () => {
    await iam.createUser({ UserName: "wordy" });
    const resources = Array.from({ length: 100 }, (_, index) => `arn:aws:s3:::bucket-${index}/*`);
    const PolicyDocument = policy({ Effect: "Allow", Action: "s3:*", Resource: resources });
    await assertRefused(
      iam.putUserPolicy({ UserName: "wordy", PolicyName: "long", PolicyDocument }),
      "LimitExceeded",
      "Maximum policy size of 2048 bytes exceeded for user wordy",
    );
  });
});

describe("permissions boundaries", () => {
  test("what the boundary leaves out is not allowed, whatever policies say", async () => {
    const boundary = await newPolicy("boundary", allow("iam:Get*"));
    const user = await newUser("bounded", allow("iam:*"));
    await user.iam.listUsers({});
    await iam.putUserPermissionsBoundary({ UserName: "bounded", PermissionsBoundary: boundary });
    const { User } = await user.iam.getUser({});
    assert.deepEqual(User?.PermissionsBoundary, {
      PermissionsBoundaryType: "PermissionsBoundaryPolicy",
      PermissionsBoundaryArn: boundary,
    });
    await assertRefused(
      user.iam.listUsers({}),
      "AccessDenied",
      /because no permissions boundary allows the iam:ListUsers action$/,
    );
    await iam.deleteUserPermissionsBoundary({ UserName: "bounded" });
    await user.iam.listUsers({});
    await assertRefused(iam.deleteUserPermissionsBoundary({ UserName: "bounded" }), "NoSuchEntity");
  });

  test("who may only make users with a boundary makes no others", async () => {
    const boundary = await newPolicy("required", allow("s3:*"));
    const delegate = await newUser("delegate", {
      ...allow("iam:CreateUser"),
      Condition: { StringEquals: { "iam:PermissionsBoundary": boundary } },
    });
    await assertRefused(delegate.iam.createUser({ UserName: "free" }), "AccessDenied");
    await delegate.iam.createUser({ UserName: "bound", PermissionsBoundary: boundary });
    const { PolicyUsers } = await iam.listEntitiesForPolicy({
      PolicyArn: boundary,
      PolicyUsageFilter: "PermissionsBoundary",
    });
    assert.deepEqual(
      PolicyUsers?.map(({ UserName }) => UserName),
      ["bound"],
    );
  });

  test("of roles", async () => {
    const boundary = await newPolicy("for-roles", allow("s3:*"));
    await iam.createRole({ RoleName: "bounded", AssumeRolePolicyDocument: trust(accountId) });
    await iam.putRolePermissionsBoundary({ RoleName: "bounded", PermissionsBoundary: boundary });
    const { Role } = await iam.getRole({ RoleName: "bounded" });
    assert.equal(Role?.PermissionsBoundary?.PermissionsBoundaryArn, boundary);
    await iam.deleteRolePermissionsBoundary({ RoleName: "bounded" });
    const { Role: freed } = await iam.getRole({ RoleName: "bounded" });
    assert.equal(freed?.PermissionsBoundary, undefined);
  });
});

describe("conditions of IAM", () => {
  test("a policy may be attached only if the condition names it", async () => {
    const good = await newPolicy("good", allow("s3:*"));
    const other = await newPolicy("other", allow("s3:*"));
    const user = await newUser("attacher", {
      ...allow("iam:AttachUserPolicy"),
      Condition: { ArnEquals: { "iam:PolicyARN": good } },
    });
    await user.iam.attachUserPolicy({ UserName: "attacher", PolicyArn: good });
    await assertRefused(
      user.iam.attachUserPolicy({ UserName: "attacher", PolicyArn: other }),
      "AccessDenied",
    );
  });

  test("tags of the request and of the resource", async () => {
    const user = await newUser(
      "by-tags",
      {
        ...allow("iam:CreateUser"),
        Condition: {
          StringEquals: { "aws:RequestTag/team": "a" },
          "ForAllValues:StringEquals": { "aws:TagKeys": ["team"] },
        },
      },
      {
        ...allow("iam:DeleteUser"),
        Condition: { StringEquals: { "iam:ResourceTag/team": "a" } },
      },
      { ...allow("iam:GetUser"), Condition: { StringEquals: { "aws:ResourceTag/team": "a" } } },
    );
    const Tags = [{ Key: "team", Value: "a" }];
    await user.iam.createUser({ UserName: "of-team", Tags });
    await assertRefused(user.iam.createUser({ UserName: "without" }), "AccessDenied");
    await assertRefused(
      user.iam.createUser({ UserName: "more", Tags: [...Tags, { Key: "x", Value: "" }] }),
      "AccessDenied",
    );
    await user.iam.getUser({ UserName: "of-team" });
    await assertRefused(user.iam.deleteUser({ UserName: "by-tags" }), "AccessDenied");
    await user.iam.deleteUser({ UserName: "of-team" });
  });

  test("an explicit denial wins, and says so", async () => {
    const user = await newUser("denied", allow("iam:*"), deny("iam:ListRoles"));
    await assertRefused(
      user.iam.listRoles({}),
      "AccessDenied",
      `User: ${arn("user/denied")} is not authorized to perform: iam:ListRoles on resource: ${arn("role/")} with an explicit deny in an identity-based policy`,
    );
  });

  test("s3:ListAllMyBuckets is about every bucket", async () => {
    const user = await newUser("lists-buckets", allow("s3:ListAllMyBuckets", "arn:aws:s3:::*"));
    await user.s3.listBuckets({});
    const shutOut = await newUser(
      "lists-nothing",
      allow("s3:*"),
      deny("s3:ListAllMyBuckets", "arn:aws:s3:::*"),
    );
    await assertRefused(shutOut.s3.listBuckets({}), "AccessDenied");
  });

  test("whether something is there is no business of who may not see it", async () => {
    const user = await newUser("curious");
    await assertRefused(user.iam.getUser({ UserName: "nobody" }), "AccessDenied");
    await assertRefused(user.iam.getRole({ RoleName: "nothing" }), "AccessDenied");
  });
});
