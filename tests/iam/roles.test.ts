// Roles of IAM, through the official client. Who may assume them: assume-role.test.ts.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertRefused, startIamServer, text, trust } from "./iam-server.ts";

const { iam, accountId, arn } = await startIamServer();

describe("roles", () => {
  test("a role reads back as it was made", async () => {
    const document = trust(accountId);
    const { Role } = await iam.createRole({
      RoleName: "reader",
      Path: "/roles/",
      AssumeRolePolicyDocument: document,
      Description: "Reads",
      MaxSessionDuration: 7200,
      Tags: [{ Key: "k", Value: "v" }],
    });
    assert.equal(Role?.Arn, arn("role/roles/reader"));
    assert.match(text(Role?.RoleId), /^AROA[A-Z2-7]{17}$/);
    const { Role: read } = await iam.getRole({ RoleName: "reader" });
    assert.equal(decodeURIComponent(text(read?.AssumeRolePolicyDocument)), document);
    assert.equal(read?.Description, "Reads");
    assert.equal(read?.MaxSessionDuration, 7200);
    assert.deepEqual(read?.Tags, [{ Key: "k", Value: "v" }]);
    assert.deepEqual(read?.RoleLastUsed, {});
    const { Roles } = await iam.listRoles({ PathPrefix: "/roles/" });
    assert.deepEqual(
      Roles?.map(({ RoleName, Tags }) => [RoleName, Tags]),
      [["reader", undefined]],
    );
  });

  test("a trust policy must be one", async () => {
    const create = (AssumeRolePolicyDocument: string): Promise<unknown> =>
      iam.createRole({ RoleName: "bad", AssumeRolePolicyDocument });
    await assertRefused(
      create("{"),
      "MalformedPolicyDocument",
      "This policy contains invalid Json",
    );
    await assertRefused(
      create(trust(accountId, { Resource: "*" })),
      "MalformedPolicyDocument",
      "Has prohibited field Resource",
    );
    await assertRefused(create(trust([])), "MalformedPolicyDocument");
    await assertRefused(iam.getRole({ RoleName: "bad" }), "NoSuchEntity");
  });

  test("description, duration, trust policy and tags change", async () => {
    const RoleName = "changing";
    await iam.createRole({ RoleName, AssumeRolePolicyDocument: trust(accountId) });
    await iam.updateRole({ RoleName, Description: "new", MaxSessionDuration: 43_200 });
    const { Role } = await iam.updateRoleDescription({ RoleName, Description: "newer" });
    assert.equal(Role?.Description, "newer");
    assert.equal(Role?.MaxSessionDuration, 43_200);
    await assertRefused(iam.updateRole({ RoleName, MaxSessionDuration: 60 }), "ValidationError");
    const document = trust(arn("root"));
    await iam.updateAssumeRolePolicy({ RoleName, PolicyDocument: document });
    const { Role: read } = await iam.getRole({ RoleName });
    assert.equal(decodeURIComponent(text(read?.AssumeRolePolicyDocument)), document);
    await iam.tagRole({ RoleName, Tags: [{ Key: "a", Value: "1" }] });
    assert.deepEqual((await iam.listRoleTags({ RoleName })).Tags, [{ Key: "a", Value: "1" }]);
    await iam.untagRole({ RoleName, TagKeys: ["a"] });
    assert.deepEqual((await iam.listRoleTags({ RoleName })).Tags, []);
  });

  test("a role with policies is not deleted; Terraform's question before is answered", async () => {
    const RoleName = "kept";
    await iam.createRole({ RoleName, AssumeRolePolicyDocument: trust(accountId) });
    const PolicyArn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    await iam.attachRolePolicy({ RoleName, PolicyArn });
    assert.deepEqual((await iam.listInstanceProfilesForRole({ RoleName })).InstanceProfiles, []);
    await assertRefused(
      iam.deleteRole({ RoleName }),
      "DeleteConflict",
      "Cannot delete entity, must detach all policies first.",
    );
    await iam.detachRolePolicy({ RoleName, PolicyArn });
    await iam.deleteRole({ RoleName });
    await assertRefused(iam.getRole({ RoleName }), "NoSuchEntity");
  });

  test("service-linked roles are refused in clear words", async () => {
    await assertRefused(
      iam.createServiceLinkedRole({ AWSServiceName: "elasticbeanstalk.amazonaws.com" }),
      "InvalidInput",
      /does not support service-linked roles/,
    );
  });
});
