import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { iam } from "../../model/iam.generated.ts";
import { iamConstraints, stsConstraints } from "../../model/service-constraints.ts";
import { sts } from "../../model/sts.generated.ts";
import { decodeAction, type ActionInput } from "./decode-action.ts";
import { QueryError } from "./query-error.ts";
import { parseParameters } from "./query-parameters.ts";

const nothing = new Uint8Array(0);

function decode(action: string, query: string): ActionInput {
  const options = { contract: iam, constraints: iamConstraints, explainsPatterns: true };
  return decodeAction(action, parseParameters(query, nothing), options);
}

function decodeSts(action: string, query: string): ActionInput {
  const options = { contract: sts, constraints: stsConstraints, explainsPatterns: false };
  return decodeAction(action, parseParameters(query, nothing), options);
}

function refusal(body: () => unknown): { code: string; message: string } {
  try {
    body();
  } catch (error) {
    assert.ok(error instanceof QueryError, String(error));
    return { code: error.code, message: error.message };
  }
  return assert.fail("nothing was refused");
}

describe("inputs", () => {
  test("scalars, lists of strings and of structures", () => {
    const query =
      "Action=CreateUser&UserName=anna&Tags.member.2.Key=b&Tags.member.2.Value=&Tags.member.1.Key=a&Tags.member.1.Value=1+2";
    assert.deepEqual(decode("CreateUser", query), {
      UserName: "anna",
      Tags: [
        { Key: "a", Value: "1 2" },
        { Key: "b", Value: "" },
      ],
    });
    assert.deepEqual(decode("ListUsers", "MaxItems=7"), { MaxItems: 7 });
    assert.deepEqual(decode("ListPolicies", "OnlyAttached=true&Scope=Local"), {
      OnlyAttached: true,
      Scope: "Local",
    });
    assert.deepEqual(decode("UntagUser", "UserName=a&TagKeys.member.1=x&TagKeys.member.3=y"), {
      UserName: "a",
      TagKeys: ["x", "y"],
    });
  });

  test("an empty list is sent as an empty value", () => {
    assert.deepEqual(decode("UntagUser", "UserName=a&TagKeys="), { UserName: "a", TagKeys: [] });
  });

  test("structures in structures, by the names of their members", () => {
    const query =
      "ActionNames.member.1=s3:GetObject&PolicyInputList.member.1=%7B%7D&ContextEntries.member.1.ContextKeyName=aws:username&ContextEntries.member.1.ContextKeyValues.member.1=anna";
    assert.deepEqual(decode("SimulateCustomPolicy", query), {
      ActionNames: ["s3:GetObject"],
      PolicyInputList: ["{}"],
      ContextEntries: [{ ContextKeyName: "aws:username", ContextKeyValues: ["anna"] }],
    });
  });

  test("a body that is no UTF-8, a broken escape and a doubled name are syntax errors", () => {
    for (const body of [
      Buffer.of(0x41, 0x3d, 0xff),
      Buffer.from("A=%zz"),
      Buffer.from("A=1&A=2"),
    ]) {
      assert.equal(refusal(() => parseParameters("", body)).code, "MalformedQueryString");
    }
    const many = Array.from({ length: 5001 }, (_, index) => `P${index}=`).join("&");
    assert.equal(
      refusal(() => parseParameters("", Buffer.from(many))).code,
      "MalformedQueryString",
    );
  });

  test("indices that are none, numbers that are none, words that are no boolean", () => {
    const queries = [
      ["UntagUser", "UserName=a&TagKeys.member.0=x"],
      ["UntagUser", "UserName=a&TagKeys.member.x=x"],
      ["UntagUser", "UserName=a&TagKeys.member.99999999=x"],
      ["ListUsers", "MaxItems=seven"],
      ["ListPolicies", "OnlyAttached=yes"],
      ["CreateUser", `UserName=a&${Array.from({ length: 20 }, () => "x").join(".")}=1`],
    ] as const;
    for (const [action, query] of queries) {
      assert.equal(refusal(() => decode(action, query)).code, "MalformedInput", query);
    }
  });
});

describe("constraints, in the words of AWS", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    [
      "CreateUser",
      "",
      "1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not be null",
    ],
    [
      "CreateGroup",
      "GroupName=",
      "1 validation error detected: Value '' at 'groupName' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    [
      "CreateUser",
      "UserName=an%20na",
      "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-",
    ],
    [
      "ListUsers",
      "MaxItems=0",
      "1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1",
    ],
    [
      "UpdateAccessKey",
      "AccessKeyId=AKIAIOSFODNN7EXAMPLE&Status=active",
      "1 validation error detected: Value 'active' at 'status' failed to satisfy constraint: Member must satisfy enum value set: [Active, Expired, Inactive]",
    ],
    [
      "TagUser",
      "UserName=a&Tags.member.1.Key=k&Tags.member.1.Value=%7B",
      String.raw`1 validation error detected: Value '{' at 'tags.1.member.value' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*`,
    ],
    [
      "AttachUserPolicy",
      "PolicyArn=arn",
      "2 validation errors detected: Value null at 'userName' failed to satisfy constraint: Member must not be null; Value 'arn' at 'policyArn' failed to satisfy constraint: Member must have length greater than or equal to 20",
    ],
  ];
  for (const [action, query, message] of cases) {
    test(`${action}?${query}`, () => {
      assert.deepEqual(
        refusal(() => decode(action, query)),
        { code: "ValidationError", message },
      );
    });
  }

  test("STS prints the pattern", () => {
    const query = "RoleArn=arn:aws:iam::123456789012:role/r&RoleSessionName=my+session";
    assert.equal(
      refusal(() => decodeSts("AssumeRole", query)).message,
      String.raw`1 validation error detected: Value 'my session' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`,
    );
  });

  test("the longest duration depends on the action", () => {
    const role = "RoleArn=arn:aws:iam::123456789012:role/r&RoleSessionName=session";
    const message = refusal(() => decodeSts("AssumeRole", `${role}&DurationSeconds=43201`)).message;
    assert.match(message, /'durationSeconds' .* less than or equal to 43200$/);
    assert.deepEqual(decodeSts("GetSessionToken", "DurationSeconds=129600"), {
      DurationSeconds: 129_600,
    });
  });

  test("every constraint is about a member that some action has", () => {
    for (const [contract, constraints] of [
      [iam, iamConstraints],
      [sts, stsConstraints],
    ] as const) {
      const names = new Set<string>();
      const actions: Readonly<Record<string, { input: readonly { name: string }[] }>> =
        contract.actions;
      for (const { input } of Object.values(actions)) for (const { name } of input) names.add(name);
      const shapes: Readonly<Record<string, readonly { name: string }[]>> = contract.shapes;
      for (const members of Object.values(shapes)) for (const { name } of members) names.add(name);
      const known = [...Object.keys(constraints.members), ...Object.keys(constraints.lists)];
      assert.deepEqual(
        known.filter((name) => !names.has(name)),
        [],
      );
      for (const place of Object.keys(constraints.exceptions)) {
        const [action = "", member] = place.split(".");
        assert.ok(
          actions[action]?.input.some(({ name }) => name === member),
          place,
        );
      }
    }
  });
});
