// AssumeRole through the official client: who may, and what the session may then do.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ManualClock } from "../../src/app.ts";
import {
  allow,
  assertRefused,
  deny,
  pairOf,
  policy,
  startIamServer,
  text,
  trust,
  type Clients,
} from "./iam-server.ts";

const clock = new ManualClock(Date.now());
const { iam, sts, accountId, arn, as, newUser } = await startIamServer({ clock });

async function newRole(
  RoleName: string,
  AssumeRolePolicyDocument: string,
  ...statements: readonly object[]
): Promise<string> {
  await iam.createRole({ RoleName, AssumeRolePolicyDocument, MaxSessionDuration: 7200 });
  if (statements.length > 0) {
    const PolicyDocument = policy(...statements);
    await iam.putRolePolicy({ RoleName, PolicyName: "inline", PolicyDocument });
  }
  return arn(`role/${RoleName}`);
}

type Input = Omit<Parameters<typeof sts.assumeRole>[0], "RoleArn" | "RoleSessionName">;

async function assume(
  { sts: client }: Pick<Clients, "sts">,
  RoleArn: string,
  input: Input = {},
): Promise<Clients> {
  const RoleSessionName = "session";
  const { Credentials } = await client.assumeRole({ RoleArn, RoleSessionName, ...input });
  return as(pairOf(Credentials));
}

describe("who may assume a role", () => {
  test("a user that the trust policy names needs no permission of its own", async () => {
    const user = await newUser("named");
    const role = await newRole("for-named", trust(arn("user/named")), allow("s3:ListAllMyBuckets"));
    const answer = await user.sts.assumeRole({ RoleArn: role, RoleSessionName: "job-7" });
    const { Role } = await iam.getRole({ RoleName: "for-named" });
    assert.equal(
      answer.AssumedRoleUser?.Arn,
      `arn:aws:sts::${accountId}:assumed-role/for-named/job-7`,
    );
    assert.equal(answer.AssumedRoleUser?.AssumedRoleId, `${Role?.RoleId}:job-7`);
    assert.match(text(answer.Credentials?.AccessKeyId), /^ASIA[A-Z2-7]{16}$/);
    const lifetime = Number(answer.Credentials?.Expiration?.getTime()) - clock.now();
    assert.ok(Math.abs(lifetime - 3_600_000) < 2000, String(lifetime));
    const session = as(pairOf(answer.Credentials));
    const who = await session.sts.getCallerIdentity({});
    assert.equal(who.Arn, answer.AssumedRoleUser?.Arn);
    assert.equal(who.UserId, answer.AssumedRoleUser?.AssumedRoleId);
    assert.equal(who.Account, accountId);
    await session.s3.listBuckets({});
    await assertRefused(session.iam.listUsers({}), "AccessDenied");
  });

  test("where the account is named, the user needs the permission", async () => {
    const role = await newRole("for-account", trust(accountId));
    const without = await newUser("without");
    await assertRefused(
      assume(without, role),
      "AccessDenied",
      `User: ${arn("user/without")} is not authorized to perform: sts:AssumeRole on resource: ${role}`,
    );
    const permitted = await newUser("permitted", allow("sts:AssumeRole", role));
    await assume(permitted, role);
    const other = await newRole("other", trust(accountId));
    await assertRefused(assume(permitted, other), "AccessDenied");
  });

  test("an explicit denial on either side wins", async () => {
    const role = await newRole(
      "denies",
      policy(
        { Effect: "Allow", Principal: { AWS: accountId }, Action: "sts:AssumeRole" },
        { Effect: "Deny", Principal: { AWS: arn("user/shut-out") }, Action: "sts:AssumeRole" },
      ),
    );
    const shutOut = await newUser("shut-out", allow("sts:*"));
    await assertRefused(assume(shutOut, role), "AccessDenied");
    const denied = await newUser("denied", allow("sts:*"), deny("sts:AssumeRole"));
    await assertRefused(assume(denied, role), "AccessDenied");
    await assume(await newUser("let-in", allow("sts:*")), role);
  });

  test("a role that is not there is told from none that may not be assumed", async () => {
    const user = await newUser("seeking", allow("sts:*"));
    const nothing = arn("role/nothing");
    await assertRefused(
      assume(user, nothing),
      "AccessDenied",
      `User: ${arn("user/seeking")} is not authorized to perform: sts:AssumeRole on resource: ${nothing}`,
    );
    await assertRefused(assume(user, arn("user/seeking")), "ValidationError");
  });

  test("the root of an account assumes no roles", async () => {
    const role = await newRole("not-for-root", trust(accountId));
    await assertRefused(
      assume({ sts }, role),
      "AccessDenied",
      "Roles may not be assumed by root accounts.",
    );
  });

  test("an external id and a session name that the trust policy asks for", async () => {
    const user = await newUser("external");
    const role = await newRole(
      "with-external-id",
      trust(arn("user/external"), {
        Condition: { StringEquals: { "sts:ExternalId": "42", "sts:RoleSessionName": "session" } },
      }),
    );
    await assertRefused(assume(user, role), "AccessDenied");
    await assertRefused(assume(user, role, { ExternalId: "43" }), "AccessDenied");
    await assume(user, role, { ExternalId: "42" });
  });
});

describe("what a session may do", () => {
  test("a session policy narrows it, and never widens it", async () => {
    const user = await newUser("narrowing");
    const role = await newRole(
      "wide",
      trust(arn("user/narrowing")),
      allow(["iam:ListUsers", "iam:ListRoles"]),
    );
    const session = await assume(user, role, {
      Policy: policy(allow(["iam:ListUsers", "iam:ListGroups"])),
    });
    await session.iam.listUsers({});
    await assertRefused(
      session.iam.listRoles({}),
      "AccessDenied",
      /because no session policy allows the iam:ListRoles action$/,
    );
    await assertRefused(session.iam.listGroups({}), "AccessDenied");
  });

  test("managed session policies narrow it as well", async () => {
    const user = await newUser("by-arn");
    const role = await newRole("by-arn", trust(arn("user/by-arn")), allow("*"));
    const session = await assume(user, role, {
      PolicyArns: [{ arn: "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess" }],
    });
    await session.s3.listBuckets({});
    await assertRefused(session.iam.listUsers({}), "AccessDenied");
    await assertRefused(
      assume(user, role, { PolicyArns: [{ arn: arn("policy/none-of-that-name") }] }),
      "ValidationError",
    );
  });

  test("a session policy that is none", async () => {
    const user = await newUser("malformed");
    const role = await newRole("malformed", trust(arn("user/malformed")));
    await assertRefused(assume(user, role, { Policy: "{" }), "MalformedPolicyDocument");
  });

  test("it ends with its time", async () => {
    const user = await newUser("ending");
    const role = await newRole("ending", trust(arn("user/ending")));
    const { Credentials } = await user.sts.assumeRole({
      RoleArn: role,
      RoleSessionName: "session",
      DurationSeconds: 900,
    });
    const ahead = 901_000;
    clock.advance(ahead);
    try {
      const late = as(pairOf(Credentials), ahead);
      await assertRefused(
        late.sts.getCallerIdentity({}),
        "ExpiredToken",
        "The security token included in the request is expired",
      );
      await assertRefused(late.s3.listBuckets({}), "ExpiredToken");
    } finally {
      clock.advance(-ahead);
    }
  });

  test("it lasts no longer than the role allows, and through a chain an hour", async () => {
    const user = await newUser("long");
    const role = await newRole("long", trust([arn("user/long")]), allow("sts:AssumeRole"));
    await assume(user, role, { DurationSeconds: 7200 });
    await assertRefused(
      assume(user, role, { DurationSeconds: 7201 }),
      "ValidationError",
      "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    );
    const next = await newRole("next", trust(role));
    const session = await assume(user, role);
    await assume(session, next);
    await assertRefused(
      assume(session, next, { DurationSeconds: 3601 }),
      "ValidationError",
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    );
  });

  test("it ends with its role, and with the permissions of the role", async () => {
    const user = await newUser("outliving");
    const role = await newRole("short-lived", trust(arn("user/outliving")), allow("iam:ListUsers"));
    const session = await assume(user, role);
    await session.iam.listUsers({});
    await iam.deleteRolePolicy({ RoleName: "short-lived", PolicyName: "inline" });
    await assertRefused(session.iam.listUsers({}), "AccessDenied");
    await iam.deleteRole({ RoleName: "short-lived" });
    await assertRefused(session.sts.getCallerIdentity({}), "InvalidClientTokenId");
  });

  test("its token belongs to its key alone", async () => {
    const user = await newUser("mixing");
    const role = await newRole("mixing", trust(arn("user/mixing")));
    const input = { RoleArn: role, RoleSessionName: "session" };
    const first = pairOf((await user.sts.assumeRole(input)).Credentials);
    const second = pairOf((await user.sts.assumeRole(input)).Credentials);
    const mixed = as({ ...first, sessionToken: text(second.sessionToken) });
    await assertRefused(mixed.sts.getCallerIdentity({}), "InvalidClientTokenId");
    await assertRefused(mixed.s3.listBuckets({}), "InvalidToken");
    const { accessKeyId, secretAccessKey } = first;
    const bare = as({ accessKeyId, secretAccessKey });
    await assertRefused(bare.sts.getCallerIdentity({}), "InvalidClientTokenId");
  });
});

describe("session tags and source identity", () => {
  test("tags need a permission, and are condition keys of the session", async () => {
    const user = await newUser("tagging");
    const byTeam = { StringEquals: { "aws:PrincipalTag/team": "a" } };
    const plain = await newRole("no-tags", trust(arn("user/tagging")));
    const Tags = [{ Key: "team", Value: "a" }];
    await assertRefused(
      assume(user, plain, { Tags }),
      "AccessDenied",
      `User: ${arn("user/tagging")} is not authorized to perform: sts:TagSession on resource: ${plain}`,
    );
    const role = await newRole(
      "tags",
      trust(arn("user/tagging"), { Action: ["sts:AssumeRole", "sts:TagSession"] }),
      { ...allow("iam:ListUsers"), Condition: byTeam },
    );
    const tagged = await assume(user, role, { Tags });
    await tagged.iam.listUsers({});
    const untagged = await assume(user, role);
    await assertRefused(untagged.iam.listUsers({}), "AccessDenied");
  });

  test("transitive tags pass on to the next session and cannot be set anew", async () => {
    const user = await newUser("passing-on");
    const actions = { Action: ["sts:AssumeRole", "sts:TagSession"] };
    const first = await newRole("first", trust(arn("user/passing-on"), actions), allow("sts:*"));
    const second = await newRole("second", trust(first, actions), {
      ...allow("iam:ListUsers"),
      Condition: { StringEquals: { "aws:PrincipalTag/project": "x" } },
    });
    const Tags = [{ Key: "project", Value: "x" }];
    const session = await assume(user, first, { Tags, TransitiveTagKeys: ["project"] });
    const next = await assume(session, second);
    await next.iam.listUsers({});
    await assertRefused(
      assume(session, second, { Tags: [{ Key: "project", Value: "y" }] }),
      "ValidationError",
    );
    await assertRefused(
      assume(user, first, { Tags, TransitiveTagKeys: ["other"] }),
      "ValidationError",
      "The specified transitive tag key must be included in the requested tags.",
    );
  });

  test("a source identity needs a permission and stays", async () => {
    const user = await newUser("sourced");
    const actions = { Action: ["sts:AssumeRole", "sts:SetSourceIdentity"] };
    const first = await newRole("source-1", trust(arn("user/sourced"), actions), allow("sts:*"));
    const second = await newRole("source-2", trust(first, actions), {
      ...allow("iam:ListUsers"),
      Condition: { StringEquals: { "aws:SourceIdentity": "somebody" } },
    });
    const session = await assume(user, first, { SourceIdentity: "somebody" });
    const next = await assume(session, second);
    await next.iam.listUsers({});
    await assertRefused(assume(session, second, { SourceIdentity: "else" }), "AccessDenied");
  });
});
