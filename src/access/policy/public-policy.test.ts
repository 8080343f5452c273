// "The meaning of public": the examples of the S3 user guide, and the rules around them.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compilePolicy } from "./compile-policy.ts";
import { parsePolicy } from "./policy-document.ts";
import { isPublicPolicy } from "./public-policy.ts";

interface Statement {
  readonly [field: string]: unknown;
}

function isPublic(...statements: readonly Statement[]): boolean {
  const written = statements.map((statement) => ({
    Effect: "Allow",
    ...(statement["NotPrincipal"] === undefined && { Principal: "*" }),
    Action: "s3:PutObject",
    Resource: "*",
    ...statement,
  }));
  const text = JSON.stringify({ Version: "2012-10-17", Statement: written });
  const document = parsePolicy(text, "bucket", { bucketName: "photos" });
  return isPublicPolicy(compilePolicy(document, { kind: "bucket", name: "photos" }), "photos");
}

describe("by principal", () => {
  const root = "arn:aws:iam::111122223333:root";
  const rows: readonly (readonly [principal: unknown, expected: boolean])[] = [
    ["*", true],
    [{ AWS: "*" }, true],
    [{ AWS: ["111122223333", "*"] }, true],
    [{ Federated: "graph.facebook.com" }, true],
    [{ AWS: "111122223333" }, false],
    [{ AWS: [root, "arn:aws:iam::444455556666:user/bob"] }, false],
    [{ CanonicalUser: "a".repeat(64) }, false],
    [{ Service: "cloudtrail.amazonaws.com" }, false],
    [{ AWS: root, Federated: "accounts.google.com" }, true],
  ];
  for (const [principal, expected] of rows) {
    test(`${JSON.stringify(principal)} is ${expected ? "" : "not "}public`, () => {
      assert.equal(isPublic({ Principal: principal }), expected);
    });
  }

  test("everybody but somebody is public", () => {
    assert.equal(isPublic({ NotPrincipal: { AWS: root } }), true);
  });
});

describe("by condition", () => {
  const rows: readonly (readonly [operator: string, key: string, value: unknown, boolean])[] = [
    ["StringLike", "aws:SourceVpc", "vpc-*", true],
    ["StringEquals", "aws:SourceVpc", "vpc-91237329", false],
    ["StringLike", "aws:SourceVpc", "vpc-91237329", false],
    ["StringEquals", "aws:SourceVpc", ["vpc-1", "vpc-2"], false],
    ["StringLike", "aws:SourceVpc", ["vpc-1", "vpc-?"], true],
    ["StringEquals", "aws:SourceVpc", "${aws:PrincipalTag/vpc}", true],
    ["StringEquals", "aws:SourceVpc", "", true],
    ["StringEquals", "aws:SourceVpc", [], true],
    ["StringNotEquals", "aws:SourceVpc", "vpc-91237329", true],
    ["StringEqualsIfExists", "aws:SourceVpc", "vpc-91237329", true],
    ["ForAllValues:StringEquals", "aws:SourceVpc", "vpc-91237329", true],
    ["ForAnyValue:StringEquals", "AWS:sourcevpc", "vpc-91237329", false],
    ["StringEquals", "aws:SourceVpce", "vpce-1", false],
    ["StringEquals", "aws:PrincipalOrgID", "o-1234567890", false],
    ["StringLike", "aws:PrincipalOrgID", "o-*", true],
    ["ArnEquals", "aws:PrincipalArn", "arn:aws:iam::111122223333:role/reader", false],
    ["ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/reader", true],
    ["StringEquals", "aws:PrincipalAccount", "111122223333", false],
    ["StringEquals", "aws:SourceAccount", "111122223333", false],
    ["StringEquals", "aws:SourceOwner", "111122223333", false],
    ["ArnEquals", "aws:SourceArn", "arn:aws:sns:us-east-1:111122223333:topic", false],
    ["StringEquals", "aws:userid", "AIDAEXAMPLE", false],
    ["StringLike", "aws:userid", "AROAEXAMPLE:*", true],
    ["StringEquals", "aws:username", "alice", true],
    ["Bool", "aws:SecureTransport", "true", true],
    ["StringEquals", "aws:referer", "https://example.com/", true],
    [
      "StringEquals",
      "s3:x-amz-server-side-encryption-aws-kms-key-id",
      "arn:aws:kms:us-east-1:111122223333:key/1",
      false,
    ],
    ["StringEquals", "s3:DataAccessPointAccount", "111122223333", false],
    ["StringLike", "s3:DataAccessPointAccount", "*", true],
    ["ArnLike", "s3:DataAccessPointArn", "arn:aws:s3:us-west-2:111122223333:accesspoint/*", false],
    ["ArnLike", "s3:DataAccessPointArn", "arn:aws:s3:us-west-2:*:accesspoint/*", true],
    ["IpAddress", "aws:SourceIp", "0.0.0.0/0", true],
    ["IpAddress", "aws:SourceIp", "0.0.0.0/1", true],
    ["IpAddress", "aws:SourceIp", "54.0.0.0/7", true],
    ["IpAddress", "aws:SourceIp", "54.0.0.0/8", false],
    ["IpAddress", "aws:SourceIp", "192.0.2.1", false],
    ["IpAddress", "aws:SourceIp", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"], false],
    ["IpAddress", "aws:SourceIp", ["192.0.2.0/24", "0.0.0.0/1"], true],
    ["IpAddress", "aws:SourceIp", "2001:db8::/32", false],
    ["IpAddress", "aws:SourceIp", "2001::/16", true],
    ["IpAddress", "aws:SourceIp", "::/0", true],
    ["NotIpAddress", "aws:SourceIp", "192.0.2.0/24", true],
  ];
  for (const [operator, key, value, expected] of rows) {
    const name = `${operator} ${key} ${JSON.stringify(value)}`;
    test(`${name} is ${expected ? "" : "not "}public`, () => {
      assert.equal(isPublic({ Condition: { [operator]: { [key]: value } } }), expected);
    });
  }

  test("one binding condition is enough", () => {
    const condition = {
      Bool: { "aws:SecureTransport": "true" },
      StringEquals: { "aws:SourceVpc": "vpc-1" },
    };
    assert.equal(isPublic({ Condition: condition }), false);
  });
});

describe("by the whole policy", () => {
  test("denials do not matter", () => {
    assert.equal(isPublic({ Effect: "Deny" }), false);
    assert.equal(isPublic({}, { Effect: "Deny" }), true);
  });

  test("one public statement makes it public", () => {
    assert.equal(isPublic({ Principal: { AWS: "111122223333" } }, {}), true);
  });
});

test("a key that every object has is no key that binds", () => {
  // Policies of other kinds than a bucket's take any key.
  for (const key of ["constructor", "__proto__"]) {
    const statement = `{ "Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*",
      "Condition": { "StringEquals": { "${key}": "fixed" } } }`;
    const text = `{ "Version": "2012-10-17", "Statement": [${statement}] }`;
    const policy = compilePolicy(parsePolicy(text, "key"), { kind: "bucket", name: "photos" });
    assert.ok(isPublicPolicy(policy, "photos"), key);
  }
});
