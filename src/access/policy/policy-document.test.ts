// What is a policy document and what is not, with the words in which S3 and IAM say so.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parsePolicy, PolicySyntaxError } from "./policy-document.ts";
import type { PolicyKind, PolicyParseOptions } from "./policy-document.ts";
import { countPolicyCharacters } from "./policy-limits.ts";

type Json = unknown;

function refuses(
  text: string,
  kind: PolicyKind,
  message: string,
  options: PolicyParseOptions = { bucketName: "photos" },
): void {
  assert.throws(
    () => parsePolicy(text, kind, options),
    (error) => error instanceof PolicySyntaxError && error.message === message,
    `${text} is not refused with "${message}"`,
  );
}

const bucketStatement = {
  Effect: "Allow",
  Principal: "*",
  Action: "s3:GetObject",
  Resource: "arn:aws:s3:::photos/*",
};

function bucketPolicy(changes: Record<string, Json>, document: Record<string, Json> = {}): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ ...bucketStatement, ...changes }],
    ...document,
  });
}

const trustStatement = {
  Effect: "Allow",
  Principal: { AWS: "111122223333" },
  Action: "sts:AssumeRole",
};

function trustPolicy(changes: Record<string, Json>): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ ...trustStatement, ...changes }],
  });
}

function identityPolicy(
  changes: Record<string, Json>,
  document: Record<string, Json> = {},
): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "s3:GetObject", Resource: "*", ...changes }],
    ...document,
  });
}

function longPolicy(length: number): string {
  const empty = bucketPolicy({ Sid: "" }).length;
  return bucketPolicy({ Sid: "a".repeat(length - empty) });
}

describe("a bucket policy", () => {
  test("is read as it is written", () => {
    const text = bucketPolicy(
      {
        Sid: "Some words",
        Principal: { AWS: ["111122223333", "*"], Service: "logging.s3.amazonaws.com" },
        Action: ["s3:GetObject", "s3:*Tagging"],
        Condition: {
          NumericLessThan: { "s3:signatureAge": 600 },
          Bool: { "aws:SecureTransport": true },
        },
      },
      { Id: "An id" },
    );
    const document = parsePolicy(text, "bucket", { bucketName: "photos" });
    assert.equal(document.version, "2012-10-17");
    assert.equal(document.id, "An id");
    const [statement] = document.statements;
    assert.equal(statement?.sid, "Some words");
    assert.deepEqual(statement?.principals?.entries, [
      { type: "AWS", value: "111122223333" },
      { type: "AWS", value: "*" },
      { type: "Service", value: "logging.s3.amazonaws.com" },
    ]);
    assert.deepEqual(
      statement?.conditions.map(({ key, values }) => [key, values]),
      [
        ["s3:signatureAge", ["600"]],
        ["aws:SecureTransport", ["true"]],
      ],
    );
  });

  test("without a Version is of 2008", () => {
    const text = JSON.stringify({ Statement: bucketStatement });
    assert.equal(parsePolicy(text, "bucket").version, "2008-10-17");
  });

  const notJson = "Policies must be valid JSON and the first byte must be '{'";
  const invalidJson = "This policy contains invalid Json";
  const texts: readonly (readonly [text: string, message: string])[] = [
    ["", notJson],
    ["[]", notJson],
    [" {}", notJson],
    ["null", notJson],
    ["{", invalidJson],
    ["{}}", invalidJson],
    ['{"Version":"2012-10-17",}', invalidJson],
    ["{'Version':1}", invalidJson],
    ['{"Version":"2012-10-17","Version":"2012-10-17"}', invalidJson],
    [`{"Version":${"[".repeat(100_00)}`, invalidJson],
    ["{}", "Missing required field Statement"],
    ['{"Statement":[]}', "Could not parse the policy: Statement is empty!"],
    ['{"Statement":["x"]}', "Invalid policy syntax."],
    ['{"Version":"2020-01-01","Statement":[]}', "The policy must contain a valid version string"],
    ['{"Foo":1}', "Unknown field Foo"],
    ['{"statement":[]}', "Unknown field statement"],
  ];
  for (const [text, message] of texts) {
    test(`${text.slice(0, 50)}: ${message}`, () => refuses(text, "bucket", message));
  }

  test("is no longer than 20 KiB", () => {
    parsePolicy(longPolicy(20_480), "bucket");
    refuses(longPolicy(20_481), "bucket", "Policy exceeds the maximum allowed document size.");
  });

  const principal = "Invalid principal in policy";
  const resource = "Policy has invalid resource";
  const action = "Policy has invalid action";
  const nowhere = "Action does not apply to any resource(s) in statement";
  const never = "Conditions do not apply to combination of actions and resources in statement";
  const bucket = "arn:aws:s3:::photos";
  const both = [bucket, `${bucket}/*`];
  const prefix = { StringLike: { "s3:prefix": "a*" } };
  const statements: readonly (readonly [changes: Record<string, Json>, message: string])[] = [
    [{ Foo: 1 }, "Unknown field Foo"],
    [{ Effect: undefined }, "Missing required field Effect"],
    [{ Effect: "allow" }, "Invalid effect: allow"],
    [{ Principal: undefined }, "Missing required field Principal"],
    [{ Action: undefined }, "Missing required field Action"],
    [{ Resource: undefined }, "Missing required field Resource"],
    [{ Action: [] }, "Missing required field Action cannot be empty!"],
    [{ Resource: [] }, "Missing required field Resource cannot be empty!"],
    [{ NotAction: "s3:*" }, "Invalid policy syntax."],
    [{ Action: 1 }, "Invalid policy syntax."],
    [{ Sid: 1 }, "Invalid policy syntax."],
    [{ Principal: "111122223333" }, principal],
    [{ Principal: {} }, principal],
    [{ Principal: { AWS: [] } }, principal],
    [{ Principal: { Foo: "*" } }, principal],
    [{ Principal: { AWS: "alice" } }, principal],
    [{ Principal: { AWS: "1234" } }, principal],
    [{ Principal: { AWS: "arn:aws:iam::111122223333:user/*" } }, principal],
    [{ Principal: { AWS: "arn:aws:iam::111122223333:group/all" } }, principal],
    [{ Principal: { AWS: "arn:aws:iam::1234:root" } }, principal],
    [{ Principal: { CanonicalUser: "abc" } }, principal],
    [{ Principal: { Service: "example.com" } }, principal],
    [{ Resource: "arn:aws:s3:::other/*" }, resource],
    [{ Resource: "photos/*" }, resource],
    [{ Resource: "arn:aws:s3:::" }, resource],
    [{ Resource: "arn:aws:s3:::/*" }, resource],
    [{ Resource: "arn:aws:sqs:us-east-1:111122223333:queue" }, resource],
    [{ Resource: [`${bucket}/*`, "arn:aws:s3:::other/*"] }, resource],
    [{ Action: "s3:Nothing" }, action],
    [{ Action: "s3:Nothing*" }, action],
    [{ Action: "GetObject" }, action],
    [{ Action: "ec2:RunInstances" }, action],
    [{ Action: ["s3:GetObject", "s3:Nothing"] }, action],
    [{ Action: "s3:ListBucket" }, nowhere],
    [{ Action: "s3:GetObject", Resource: bucket }, nowhere],
    [{ Action: ["s3:GetObject", "s3:ListBucket"], Resource: `${bucket}/*` }, nowhere],
    [{ Action: "s3:ListAllMyBuckets", Resource: "*" }, nowhere],
    [{ Condition: { StringFoo: { "aws:username": "a" } } }, "Invalid Condition type : StringFoo"],
    [
      { Condition: { NullIfExists: { "aws:username": "true" } } },
      "Invalid Condition type : NullIfExists",
    ],
    [{ Condition: { StringEquals: { "s3:foo": "a" } } }, "Policy has an invalid condition key"],
    [{ Condition: { StringEquals: { username: "a" } } }, "Policy has an invalid condition key"],
    [{ Condition: [] }, "Invalid policy syntax."],
    [{ Condition: { StringEquals: "a" } }, "Invalid policy syntax."],
    [{ Condition: { StringEquals: { "aws:username": null } } }, "Invalid policy syntax."],
    [{ Condition: { StringEquals: { "aws:username": {} } } }, "Invalid policy syntax."],
    [{ Condition: prefix }, never],
    // As reported against S3: bucket actions of which only one knows the key.
    [{ Action: ["s3:ListBucket", "s3:GetBucketAcl"], Resource: bucket, Condition: prefix }, never],
    [{ Action: "s3:*", Resource: `${bucket}/*`, Condition: prefix }, never],
    [
      { Action: "s3:DeleteObject", Condition: { StringEquals: { "s3:ExistingObjectTag/a": "b" } } },
      never,
    ],
  ];
  for (const [changes, message] of statements) {
    test(`${JSON.stringify(changes)}: ${message}`, () => {
      refuses(bucketPolicy(changes), "bucket", message);
    });
  }

  const good: readonly Record<string, Json>[] = [
    { Action: "*", Resource: "*" },
    { Action: "S3:GETOBJECT" },
    { Action: "s3:*" },
    { Action: ["s3:GetObject", "s3:ListBucket"], Resource: both },
    { Action: "s3:List*", Resource: bucket, Condition: prefix },
    { Action: "s3:*", Resource: both, Condition: prefix },
    { Action: undefined, NotAction: "s3:PutObject" },
    { Resource: undefined, NotResource: `${bucket}/private/*` },
    { Resource: "arn:aws:s3:::*" },
    { Resource: "arn:aws:s3:::ph?tos/*" },
    { Resource: "arn:aws-cn:s3:::photos/*" },
    { Resource: `${bucket}/\${aws:username}/*` },
    { Principal: undefined, NotPrincipal: { AWS: "111122223333" }, Effect: "Deny" },
    { Principal: { AWS: "arn:aws:sts::111122223333:assumed-role/reader/job" } },
    { Principal: { AWS: "arn:aws:iam::111122223333:role/path/to/reader" } },
    { Principal: { Federated: "cognito-identity.amazonaws.com" } },
    { Condition: {} },
    { Condition: { StringEquals: { "aws:SomethingNew": "a" } } },
    { Condition: { "ForAnyValue:StringLike": { "AWS:principalorgpaths": ["o-1/*"] } } },
    { Condition: { stringequals: { "s3:ExistingObjectTag/Project": "x" } } },
    { Condition: { StringEquals: { "s3:DataAccessPointAccount": "111122223333" } }, Action: "*" },
  ];
  for (const changes of good) {
    test(`${JSON.stringify(changes)} is fine`, () => {
      parsePolicy(bucketPolicy(changes), "bucket", { bucketName: "photos" });
    });
  }
});

describe("a trust policy", () => {
  const rows: readonly (readonly [changes: Record<string, Json>, message: string])[] = [
    [{ Resource: "*" }, "Has prohibited field Resource"],
    [{ NotResource: "*" }, "Has prohibited field NotResource"],
    [{ Action: "s3:GetObject" }, "AssumeRole policy may only specify STS AssumeRole actions."],
    [{ Action: "*" }, "AssumeRole policy may only specify STS AssumeRole actions."],
    [{ Principal: undefined }, "Missing required field Principal"],
    [{ Principal: {} }, "Missing required field Principal cannot be empty!"],
    [{ Principal: { AWS: "alice" } }, 'Invalid principal in policy: "AWS":"alice"'],
    [{ Principal: { Service: "x" } }, 'Invalid principal in policy: "SERVICE":"x"'],
  ];
  for (const [changes, message] of rows) {
    test(`${JSON.stringify(changes)}: ${message}`, () => {
      refuses(trustPolicy(changes), "trust", message);
    });
  }

  test("may speak of web identities and their claims", () => {
    const provider = "arn:aws:iam::111122223333:oidc-provider/id.example.com/realm";
    const document = parsePolicy(
      trustPolicy({
        Principal: { Federated: provider },
        Action: ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
        Condition: { StringEquals: { "id.example.com/realm:aud": "holdfast" } },
      }),
      "trust",
    );
    assert.equal(document.statements[0]?.principals?.entries[0]?.value, provider);
    assert.equal(document.statements[0]?.resources, undefined);
  });
});

describe("an identity policy", () => {
  const syntax = "Syntax errors in policy.";
  const vendor = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
  const rows: readonly (readonly [text: string, message: string])[] = [
    ["", "The policy is not in the valid JSON format."],
    ['{"Statement":[],"Statement":[]}', "The policy is not in the valid JSON format."],
    ["[]", syntax],
    ["{}", syntax],
    [identityPolicy({}, { Statement: [] }), syntax],
    [identityPolicy({}, { Version: "2020-01-01" }), syntax],
    [identityPolicy({}, { Foo: 1 }), syntax],
    [identityPolicy({ Foo: 1 }), syntax],
    [identityPolicy({ Effect: "allow" }), syntax],
    [identityPolicy({ Effect: undefined }), syntax],
    [identityPolicy({ Principal: "*" }), "Policy document should not specify a principal."],
    [identityPolicy({ Action: undefined }), "Policy statement must contain actions."],
    [identityPolicy({ Action: [] }), "Policy statement must contain actions."],
    [identityPolicy({ Resource: undefined }), "Policy statement must contain resources."],
    [identityPolicy({ Resource: [] }), "Policy statement must contain resources."],
    [identityPolicy({ NotAction: "s3:*" }), syntax],
    [identityPolicy({ Action: "GetObject" }), vendor],
    [identityPolicy({ Action: "a a:GetObject" }), "Vendor a a is not valid"],
    [identityPolicy({ Action: "s3:Get:Object" }), "Actions/Condition can contain only one colon."],
    [identityPolicy({ Resource: "photos" }), 'Resource photos must be in ARN format or "*".'],
    [
      identityPolicy({ Resource: "arn:foo:s3:::photos" }),
      'Partition "foo" is not valid for resource "arn:foo:s3:::photos".',
    ],
    [identityPolicy({ Resource: "arn:aws:s3:photos" }), "The policy failed legacy parsing"],
    [identityPolicy({ Condition: { Foo: { "aws:username": "a" } } }), syntax],
    [identityPolicy({ Condition: { StringEquals: { username: "a" } } }), vendor],
    [
      identityPolicy({ Sid: "a b" }),
      "Statement IDs (SID) must be alpha-numeric. " +
        "Check that your input satisfies the regular expression [0-9A-Za-z]*",
    ],
    [
      identityPolicy(
        {},
        {
          Statement: [1, 2].map(() => ({
            Sid: "a",
            Effect: "Allow",
            Action: "*",
            Resource: "*",
          })),
        },
      ),
      "Statement IDs (SID) in a single policy must be unique.",
    ],
  ];
  for (const [text, message] of rows) {
    test(`${text.slice(0, 100)}: ${message}`, () => {
      for (const kind of ["identity", "session", "boundary"] as const) refuses(text, kind, message);
    });
  }

  test("of 2008 is no new managed policy", () => {
    const text = identityPolicy({}, { Version: "2008-10-17" });
    parsePolicy(text, "identity");
    refuses(text, "identity", "Policy document must be version 2012-10-17 or greater.", {
      requiresCurrentVersion: true,
    });
  });

  test("may speak of every service", () => {
    parsePolicy(
      identityPolicy({
        Action: ["iam:*", "sts:AssumeRole", "kms:Decrypt"],
        Resource: ["arn:aws:iam::*:role/*", "arn:aws:kms:us-east-1:111122223333:key/*"],
        Condition: { StringEquals: { "kms:ViaService": "s3", "sts:ExternalId": "x" } },
      }),
      "identity",
    );
  });

  test("is counted without white space", () => {
    assert.equal(countPolicyCharacters('{ "Version" :\n\t"2012-10-17" }\r\n'), 24);
  });
});
