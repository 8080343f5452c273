// Tables of requests against policies: who is allowed, who is denied, and by which statement.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compilePolicy } from "./compile-policy.ts";
import type { CompiledPolicy } from "./compile-policy.ts";
import { evaluatePolicies } from "./evaluate.ts";
import type { PolicyCaller, PolicyPrincipal, PolicyVerdict } from "./evaluate.ts";
import { parsePolicy } from "./policy-document.ts";

const account = "111122223333";
const canonicalId = "a".repeat(64);

const user: PolicyPrincipal = {
  kind: "user",
  accountId: account,
  arn: `arn:aws:iam::${account}:user/alice`,
  canonicalId,
  userId: "AIDAEXAMPLEALICE01",
};
const root: PolicyPrincipal = {
  ...user,
  kind: "root",
  arn: `arn:aws:iam::${account}:root`,
  userId: account,
};
const session: PolicyPrincipal = {
  ...user,
  kind: "role-session",
  arn: `arn:aws:sts::${account}:assumed-role/reader/job-1`,
  roleArn: `arn:aws:iam::${account}:role/team/reader`,
  userId: "AROAEXAMPLEREADER01:job-1",
};
const stranger: PolicyPrincipal = {
  ...user,
  accountId: "999988887777",
  arn: "arn:aws:iam::999988887777:user/bob",
  canonicalId: "b".repeat(64),
  userId: "AIDAEXAMPLEBOB0001",
};
const service: PolicyPrincipal = {
  kind: "service",
  accountId: "",
  arn: "",
  canonicalId: "",
  userId: "",
  service: "logging.s3.amazonaws.com",
};

type Context = Readonly<Record<string, string | readonly string[]>>;

function evaluate(
  policy: CompiledPolicy,
  request: { action?: string; resource?: string; principal?: PolicyCaller; context?: Context },
): PolicyVerdict {
  const { context = {} } = request;
  return evaluatePolicies([policy], {
    action: request.action ?? "s3:GetObject",
    resource: request.resource ?? "arn:aws:s3:::photos/2026/cat.jpg",
    principal: request.principal ?? user,
    context: {
      get: (key) => {
        const value = context[key];
        return typeof value === "string" ? [value] : value;
      },
    },
  });
}

interface Statement {
  readonly [field: string]: unknown;
}

function identity(statement: Statement, version = "2012-10-17"): CompiledPolicy {
  const written = { Effect: "Allow", Action: "*", Resource: "*", ...statement };
  const document = parsePolicy(
    JSON.stringify({ Version: version, Statement: [written] }),
    "identity",
  );
  return compilePolicy(document, { kind: "identity", name: "test" });
}

function bucket(...statements: readonly Statement[]): CompiledPolicy {
  const written = statements.map((statement) => ({
    Effect: "Allow",
    ...(statement["NotPrincipal"] === undefined && { Principal: "*" }),
    Action: "s3:*",
    Resource: ["arn:aws:s3:::photos", "arn:aws:s3:::photos/*"],
    ...statement,
  }));
  const document = parsePolicy(
    JSON.stringify({ Version: "2012-10-17", Statement: written }),
    "bucket",
    { bucketName: "photos" },
  );
  return compilePolicy(document, { kind: "bucket", name: "photos" });
}

describe("actions", () => {
  const rows: readonly (readonly [pattern: string | readonly string[], action: string, boolean])[] =
    [
      ["s3:GetObject", "s3:GetObject", true],
      ["S3:getobject", "s3:GetObject", true],
      ["s3:GetObject", "s3:GetObjectAcl", false],
      ["s3:Get*", "s3:GetObjectAcl", true],
      ["s3:*Object", "s3:GetObject", true],
      ["s3:*Object", "s3:GetObjectAcl", false],
      ["s3:?etObject", "s3:GetObject", true],
      ["*", "s3:GetObject", true],
      ["iam:*", "s3:GetObject", false],
      [["s3:PutObject", "s3:Get*"], "s3:GetObject", true],
    ];
  for (const [pattern, action, expected] of rows) {
    test(`${String(pattern)} ${expected ? "covers" : "does not cover"} ${action}`, () => {
      const wanted = expected ? "Allow" : "None";
      assert.equal(evaluate(identity({ Action: pattern }), { action }).effect, wanted);
      const negated = identity({ Action: undefined, NotAction: pattern });
      assert.equal(evaluate(negated, { action }).effect, expected ? "None" : "Allow");
    });
  }
});

describe("resources", () => {
  const rows: readonly (readonly [pattern: string, resource: string, expected: boolean])[] = [
    ["*", "arn:aws:s3:::photos", true],
    ["arn:aws:s3:::photos", "arn:aws:s3:::photos", true],
    ["arn:aws:s3:::photos", "arn:aws:s3:::photos/a", false],
    ["arn:aws:s3:::photos/*", "arn:aws:s3:::photos", false],
    ["arn:aws:s3:::photos/*", "arn:aws:s3:::photos/", true],
    ["arn:aws:s3:::photos/*", "arn:aws:s3:::photos/a/b:c", true],
    ["arn:aws:s3:::photos/*", "arn:aws:s3:::Photos/a", false],
    ["arn:aws:s3:::photos*", "arn:aws:s3:::photos-old/a", true],
    ["arn:aws:s3:::*/private/?", "arn:aws:s3:::photos/private/1", true],
    ["arn:aws:s3:::*/private/?", "arn:aws:s3:::photos/private/10", false],
    ["arn:aws:s3:::p/a*b*c", "arn:aws:s3:::p/abbc", true],
    ["arn:aws:s3:::p/a*b*c", "arn:aws:s3:::p/ac", false],
    ["arn:aws:s3:::p/a*ab", "arn:aws:s3:::p/ab", false],
    ["arn:aws-cn:s3:::photos/*", "arn:aws:s3:::photos/a", true],
    ["arn:aws:s3:*", "arn:aws:s3:::photos/a", true],
    ["arn:aws:*:::photos/a", "arn:aws:s3:::photos/a", true],
    ["arn:aws:iam::*:user/a", "arn:aws:iam::111122223333:user/a", true],
    ["arn:aws:iam::*:user/a", "arn:aws:iam::1:group/x:user/a", false],
  ];
  for (const [pattern, resource, expected] of rows) {
    test(`${pattern} ${expected ? "covers" : "does not cover"} ${resource}`, () => {
      const wanted = expected ? "Allow" : "None";
      assert.equal(evaluate(identity({ Resource: pattern }), { resource }).effect, wanted);
      const negated = identity({ Resource: undefined, NotResource: pattern });
      assert.equal(evaluate(negated, { resource }).effect, expected ? "None" : "Allow");
    });
  }
});

describe("principals", () => {
  const rows: readonly (readonly [
    principal: unknown,
    caller: PolicyCaller,
    expected: PolicyVerdict["principalMatch"],
  ])[] = [
    ["*", "anonymous", "anyone"],
    [{ AWS: "*" }, "anonymous", "anyone"],
    [{ AWS: "*" }, user, "anyone"],
    [{ AWS: account }, user, "account"],
    [{ AWS: account }, root, "account"],
    [{ AWS: root.arn }, session, "account"],
    [{ AWS: root.arn }, stranger, undefined],
    [{ AWS: root.arn }, "anonymous", undefined],
    [{ AWS: user.arn }, user, "principal"],
    [{ AWS: user.arn }, root, undefined],
    [{ AWS: user.arn.replace("arn:aws:", "arn:aws-us-gov:") }, user, "principal"],
    [{ AWS: [stranger.arn, "*", user.arn] }, user, "principal"],
    [{ AWS: user.userId }, user, "principal"],
    [{ AWS: session.roleArn }, session, "role"],
    [{ AWS: "AROAEXAMPLEREADER01" }, session, "role"],
    [{ AWS: [session.arn, session.roleArn] }, session, "principal"],
    [{ CanonicalUser: canonicalId }, user, "account"],
    [{ CanonicalUser: canonicalId }, stranger, undefined],
    [{ Service: "logging.s3.amazonaws.com" }, service, "principal"],
    [{ Service: "logging.s3.amazonaws.com" }, user, undefined],
    [{ AWS: "*" }, service, "anyone"],
  ];
  for (const [principal, caller, expected] of rows) {
    const name = caller === "anonymous" ? caller : caller.arn || caller.service;
    test(`${JSON.stringify(principal)} names ${name}: ${expected ?? "not"}`, () => {
      const verdict = evaluate(bucket({ Principal: principal }), { principal: caller });
      assert.equal(verdict.effect, expected === undefined ? "None" : "Allow");
      assert.equal(verdict.principalMatch, expected);
    });
  }

  test("the most telling of several statements is reported", () => {
    const policy = bucket({}, { Principal: { AWS: account } }, { Principal: { AWS: user.arn } });
    const verdict = evaluate(policy, {});
    assert.equal(verdict.principalMatch, "principal");
    assert.equal(verdict.statement?.index, 2);
  });

  test("a Deny with NotPrincipal spares whoever is listed wholly", () => {
    assert.equal(denied(deny(user.arn, root.arn), user), false);
    assert.equal(denied(deny(user.arn), user), true);
    assert.equal(denied(deny(root.arn), user), true);
    assert.equal(denied(deny(root.arn), root), false);
    assert.equal(denied(deny(user.arn, root.arn), "anonymous"), true);
    assert.equal(denied(deny(user.arn, root.arn), stranger), true);
    assert.equal(denied(deny(session.arn, root.arn), session), true);
    assert.equal(denied(deny(session.arn, session.roleArn ?? "", root.arn), session), false);
  });

  test("an Allow with NotPrincipal gives to nobody who is listed in any way", () => {
    const policy = bucket({ NotPrincipal: { AWS: account } });
    assert.equal(evaluate(policy, { principal: user }).effect, "None");
    assert.equal(evaluate(policy, { principal: stranger }).principalMatch, "anyone");
    assert.equal(evaluate(policy, { principal: "anonymous" }).principalMatch, "anyone");
  });
});

function deny(...listed: readonly string[]): CompiledPolicy {
  return bucket({ Effect: "Deny", NotPrincipal: { AWS: listed } });
}

function denied(policy: CompiledPolicy, principal: PolicyCaller): boolean {
  return evaluate(policy, { principal }).effect === "Deny";
}

describe("verdicts", () => {
  test("a Deny wins over every Allow, and names itself", () => {
    const policy = bucket(
      { Sid: "Everybody", Action: "s3:*" },
      { Sid: "NotThis", Effect: "Deny", Action: "s3:GetObject" },
    );
    assert.deepEqual(evaluate(policy, {}), {
      effect: "Deny",
      statement: { source: { kind: "bucket", name: "photos" }, sid: "NotThis", index: 1 },
    });
    const put = evaluate(policy, { action: "s3:PutObject" });
    assert.deepEqual(put.statement, {
      source: { kind: "bucket", name: "photos" },
      sid: "Everybody",
      index: 0,
    });
  });

  test("nothing that fits is neither", () => {
    assert.deepEqual(evaluate(identity({ Action: "iam:*" }), {}), { effect: "None" });
  });

  test("a policy says which keys it looks at", () => {
    const policy = identity({
      Resource: "arn:aws:s3:::photos/${aws:username}/*",
      Condition: {
        StringEquals: { "s3:ExistingObjectTag/Project": "${aws:PrincipalTag/Team}" },
        IpAddress: { "aws:SourceIp": "192.0.2.0/24" },
      },
    });
    assert.deepEqual([...policy.contextKeys].toSorted(), [
      "aws:principaltag/",
      "aws:sourceip",
      "aws:username",
      "s3:existingobjecttag/",
    ]);
  });
});

describe("variables", () => {
  const rows: readonly (readonly [pattern: string, key: string, Context, expected: boolean])[] = [
    ["home/${aws:username}/*", "home/alice/a", { "aws:username": "alice" }, true],
    ["home/${AWS:UserName}/*", "home/alice/a", { "aws:username": "alice" }, true],
    ["home/${aws:username}/*", "home/bob/a", { "aws:username": "alice" }, false],
    ["home/${aws:username}/*", "home/alice/a", {}, false],
    ["home/${aws:username}/*", "home/${aws:username}/a", {}, false],
    ["home/${aws:username}/*", "home/bob/a", { "aws:username": "*" }, false],
    ["home/${aws:username}/*", "home/*/a", { "aws:username": "*" }, true],
    ["home/${aws:username, 'guest'}/*", "home/guest/a", {}, true],
    ["home/${aws:username, 'guest'}/*", "home/guest/a", { "aws:username": "alice" }, false],
    ["${aws:PrincipalTag/Team}/*", "blue/a", { "aws:principaltag/team": "blue" }, true],
    ["${aws:PrincipalTag/Team}/*", "blue/a", { "aws:principaltag/team": ["blue", "red"] }, false],
    ["a${*}b", "a*b", {}, true],
    ["a${*}b", "axb", {}, false],
    ["a${?}${$}", "a?$", {}, true],
    ["a${", "a${", {}, true],
  ];
  for (const [pattern, key, context, expected] of rows) {
    test(`${pattern} ${expected ? "covers" : "does not cover"} ${key}`, () => {
      const policy = identity({ Resource: `arn:aws:s3:::photos/${pattern}` });
      const resource = `arn:aws:s3:::photos/${key}`;
      const { effect } = evaluate(policy, { resource, context });
      assert.equal(effect, expected ? "Allow" : "None");
    });
  }

  test("documents of 2008 have none", () => {
    const policy = identity({ Resource: "arn:aws:s3:::photos/${aws:username}" }, "2008-10-17");
    const context = { "aws:username": "alice" };
    const allowed = (key: string): boolean =>
      evaluate(policy, { resource: `arn:aws:s3:::photos/${key}`, context }).effect === "Allow";
    assert.equal(allowed("alice"), false);
    assert.equal(allowed("${aws:username}"), true);
  });
});
