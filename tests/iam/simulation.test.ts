// The policy simulator of IAM, and the account's own actions.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allow, assertRefused, deny, policy, startIamServer, text, trust } from "./iam-server.ts";

const { iam, accountId, arn } = await startIamServer();
const object = "arn:aws:s3:::bucket/key";

describe("SimulateCustomPolicy", () => {
  test("each action against each resource, with the statement that decided", async () => {
    const document = `{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::bucket/*"},
    {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/secret"}
  ]
}`;
    const { EvaluationResults = [] } = await iam.simulateCustomPolicy({
      PolicyInputList: [document],
      ActionNames: ["s3:GetObject", "s3:PutObject"],
      ResourceArns: [object, "arn:aws:s3:::bucket/secret"],
    });
    assert.deepEqual(
      EvaluationResults.map((each) => [
        each.EvalActionName,
        each.EvalResourceName,
        each.EvalDecision,
      ]),
      [
        ["s3:GetObject", object, "allowed"],
        ["s3:GetObject", "arn:aws:s3:::bucket/secret", "explicitDeny"],
        ["s3:PutObject", object, "implicitDeny"],
        ["s3:PutObject", "arn:aws:s3:::bucket/secret", "implicitDeny"],
      ],
    );
    const [statement] = EvaluationResults[1]?.MatchedStatements ?? [];
    assert.equal(statement?.SourcePolicyId, "PolicyInputList.1");
    assert.deepEqual(statement?.StartPosition, { Line: 5, Column: 5 });
    assert.equal(statement?.EndPosition?.Line, 5);
  });

  test("conditions see the context that is given, and what is missing is named", async () => {
    const PolicyInputList = [
      policy({
        ...allow("s3:GetObject"),
        Condition: { StringEquals: { "aws:PrincipalTag/team": "a" } },
      }),
    ];
    const input = { PolicyInputList, ActionNames: ["s3:GetObject"], ResourceArns: [object] };
    const [bare] = (await iam.simulateCustomPolicy(input)).EvaluationResults ?? [];
    assert.equal(bare?.EvalDecision, "implicitDeny");
    assert.deepEqual(bare?.MissingContextValues, ["aws:PrincipalTag/team"]);
    const [given] =
      (
        await iam.simulateCustomPolicy({
          ...input,
          ContextEntries: [
            {
              ContextKeyName: "aws:principaltag/team",
              ContextKeyValues: ["a"],
              ContextKeyType: "string",
            },
          ],
        })
      ).EvaluationResults ?? [];
    assert.equal(given?.EvalDecision, "allowed");
    assert.deepEqual(given?.MissingContextValues, []);
  });

  test("a boundary, and a policy of the resource", async () => {
    const base = { ActionNames: ["s3:GetObject"], ResourceArns: [object] };
    const [bounded] =
      (
        await iam.simulateCustomPolicy({
          ...base,
          PolicyInputList: [policy(allow("s3:*"))],
          PermissionsBoundaryPolicyInputList: [policy(allow("s3:Put*"))],
        })
      ).EvaluationResults ?? [];
    assert.equal(bounded?.EvalDecision, "implicitDeny");
    assert.deepEqual(bounded?.PermissionsBoundaryDecisionDetail, {
      AllowedByPermissionsBoundary: false,
    });
    const [byResource] =
      (
        await iam.simulateCustomPolicy({
          ...base,
          PolicyInputList: [policy(allow("iam:*"))],
          CallerArn: arn("user/anna"),
          ResourcePolicy: policy({
            ...allow("s3:GetObject", object),
            Principal: { AWS: arn("user/anna") },
          }),
        })
      ).EvaluationResults ?? [];
    assert.equal(byResource?.EvalDecision, "allowed");
    assert.equal(byResource?.MatchedStatements?.[0]?.SourcePolicyType, "resource");
  });

  test("malformed policies and actions", async () => {
    await assertRefused(
      iam.simulateCustomPolicy({ PolicyInputList: ["{"], ActionNames: ["s3:GetObject"] }),
      "MalformedPolicyDocument",
    );
    await assertRefused(
      iam.simulateCustomPolicy({
        PolicyInputList: [policy(allow("*"))],
        ActionNames: ["GetObject"],
      }),
      "ValidationError",
    );
  });

  test("results come in pages", async () => {
    const input = {
      PolicyInputList: [policy(allow("s3:*"))],
      ActionNames: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
    };
    const first = await iam.simulateCustomPolicy({ ...input, MaxItems: 2 });
    assert.equal(first.IsTruncated, true);
    const second = await iam.simulateCustomPolicy({ ...input, Marker: first.Marker });
    assert.deepEqual(
      [...(first.EvaluationResults ?? []), ...(second.EvaluationResults ?? [])].map(
        ({ EvalActionName }) => EvalActionName,
      ),
      input.ActionNames,
    );
  });
});

describe("SimulatePrincipalPolicy", () => {
  test("of a user with groups, attached policies and a boundary", async () => {
    const UserName = "simulated";
    await iam.createUser({ UserName });
    await iam.createGroup({ GroupName: "simulated" });
    await iam.addUserToGroup({ UserName, GroupName: "simulated" });
    await iam.putGroupPolicy({
      GroupName: "simulated",
      PolicyName: "put",
      PolicyDocument: policy(allow("s3:PutObject")),
    });
    const PolicyArn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    await iam.attachUserPolicy({ UserName, PolicyArn });
    const input = {
      PolicySourceArn: arn("user/simulated"),
      ActionNames: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
      ResourceArns: [object],
    };
    const decisions = async (): Promise<readonly unknown[]> =>
      ((await iam.simulatePrincipalPolicy(input)).EvaluationResults ?? []).map(
        ({ EvalDecision, MatchedStatements }) => [
          EvalDecision,
          MatchedStatements?.[0]?.SourcePolicyType,
        ],
      );
    assert.deepEqual(await decisions(), [
      ["allowed", "aws-managed"],
      ["allowed", "group"],
      ["implicitDeny", undefined],
    ]);
    await iam.putUserPermissionsBoundary({ UserName, PermissionsBoundary: PolicyArn });
    assert.deepEqual((await decisions())[1], ["implicitDeny", undefined]);
    const added = await iam.simulatePrincipalPolicy({
      ...input,
      PolicyInputList: [policy(deny("s3:GetObject"))],
    });
    assert.equal(added.EvaluationResults?.[0]?.EvalDecision, "explicitDeny");
  });

  test("of somebody who is not there", async () => {
    await assertRefused(
      iam.simulatePrincipalPolicy({
        PolicySourceArn: arn("user/nobody"),
        ActionNames: ["s3:GetObject"],
      }),
      "NoSuchEntity",
    );
    await assertRefused(
      iam.simulatePrincipalPolicy({
        PolicySourceArn: "arn:aws:s3:::no-entity-at-all",
        ActionNames: ["s3:GetObject"],
      }),
      "InvalidInput",
    );
  });

  test("the context keys of policies, custom and of a role", async () => {
    const document = policy({
      Effect: "Allow",
      Action: "s3:*",
      Resource: "arn:aws:s3:::home/${aws:username}/*",
      Condition: { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } },
    });
    const custom = await iam.getContextKeysForCustomPolicy({ PolicyInputList: [document] });
    assert.deepEqual(custom.ContextKeyNames?.toSorted(), ["aws:SourceIp", "aws:username"]);
    await iam.createRole({ RoleName: "keys", AssumeRolePolicyDocument: trust(accountId) });
    await iam.putRolePolicy({ RoleName: "keys", PolicyName: "p", PolicyDocument: document });
    const principal = await iam.getContextKeysForPrincipalPolicy({
      PolicySourceArn: arn("role/keys"),
    });
    assert.deepEqual(principal.ContextKeyNames, custom.ContextKeyNames);
  });
});

describe("the account", () => {
  test("an alias is set, listed, taken away", async () => {
    await iam.createAccountAlias({ AccountAlias: "example-corp" });
    assert.deepEqual((await iam.listAccountAliases({})).AccountAliases, ["example-corp"]);
    await assertRefused(iam.createAccountAlias({ AccountAlias: "-bad-" }), "ValidationError");
    await iam.deleteAccountAlias({ AccountAlias: "example-corp" });
    assert.deepEqual((await iam.listAccountAliases({})).AccountAliases, []);
    await assertRefused(iam.deleteAccountAlias({ AccountAlias: "example-corp" }), "NoSuchEntity");
  });

  test("everything about everybody, in pages and by kind", async () => {
    const { Policy } = await iam.createPolicy({
      PolicyName: "detailed",
      PolicyDocument: policy(allow("s3:*")),
    });
    await iam.createUser({ UserName: "detailed", Tags: [{ Key: "k", Value: "v" }] });
    await iam.attachUserPolicy({ UserName: "detailed", PolicyArn: Policy?.Arn });
    const all = await iam.getAccountAuthorizationDetails({});
    const user = all.UserDetailList?.find(({ UserName }) => UserName === "detailed");
    assert.deepEqual(user?.AttachedManagedPolicies, [
      { PolicyName: "detailed", PolicyArn: Policy?.Arn },
    ]);
    assert.deepEqual(user?.Tags, [{ Key: "k", Value: "v" }]);
    const detail = all.Policies?.find(({ PolicyName }) => PolicyName === "detailed");
    const [version] = detail?.PolicyVersionList ?? [];
    assert.equal(decodeURIComponent(text(version?.Document)), policy(allow("s3:*")));
    assert.ok(all.Policies?.some(({ PolicyName }) => PolicyName === "AmazonS3ReadOnlyAccess"));
    assert.ok(!all.Policies?.some(({ PolicyName }) => PolicyName === "AdministratorAccess"));

    const roles = await iam.getAccountAuthorizationDetails({ Filter: ["Role"] });
    assert.deepEqual(roles.UserDetailList, []);
    assert.ok((roles.RoleDetailList ?? []).length > 0);
    let count = 0;
    let Marker: string | undefined;
    do {
      const page = await iam.getAccountAuthorizationDetails({ MaxItems: 1, Marker });
      count += [
        page.UserDetailList,
        page.GroupDetailList,
        page.RoleDetailList,
        page.Policies,
      ].flatMap((list) => list ?? []).length;
      ({ Marker } = page);
    } while (Marker !== undefined);
    const whole = [all.UserDetailList, all.GroupDetailList, all.RoleDetailList, all.Policies];
    assert.equal(count, whole.flatMap((list) => list ?? []).length);
  });

  test("a summary counts", async () => {
    const { SummaryMap } = await iam.getAccountSummary({});
    const { Users = [] } = await iam.listUsers({});
    assert.equal(SummaryMap?.Users, Users.length);
    assert.equal(SummaryMap?.AccountMFAEnabled, 0);
    assert.equal(SummaryMap?.VersionsPerPolicyQuota, 5);
  });
});
