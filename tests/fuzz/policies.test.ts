// Mutates policy documents: every text is a document or is refused with PolicySyntaxError, in bounded time,
// and what was taken can be compiled, evaluated and judged, whoever asks.

import assert from "node:assert/strict";
import { test } from "node:test";
import { compilePolicy } from "../../src/access/policy/compile-policy.ts";
import { evaluatePolicies } from "../../src/access/policy/evaluate.ts";
import type { PolicyCaller } from "../../src/access/policy/evaluate.ts";
import { parsePolicy, PolicySyntaxError } from "../../src/access/policy/policy-document.ts";
import type { PolicyDocument, PolicyKind } from "../../src/access/policy/policy-document.ts";
import { isPublicPolicy } from "../../src/access/policy/public-policy.ts";
import { fuzz, mutate } from "./fuzzing.ts";

/** A document of 20 KiB takes less than a millisecond; this is for a machine with much else to do. */
const maximumMilliseconds = 1000;

const accountId = "111122223333";
const bucketArn = "arn:aws:s3:::photos";

const documents: readonly (readonly [PolicyKind, unknown])[] = [
  [
    "bucket",
    {
      Version: "2012-10-17",
      Id: "An id",
      Statement: [
        {
          Sid: "Readers",
          Effect: "Allow",
          Principal: { AWS: [`arn:aws:iam::${accountId}:root`, "*"] },
          Action: ["s3:GetObject*", "s3:ListBucket"],
          Resource: [bucketArn, `${bucketArn}/\${aws:username, 'a'}/*`],
          Condition: {
            IpAddress: { "aws:SourceIp": ["192.0.2.0/24", "2001:db8::/32"] },
            DateLessThan: { "aws:CurrentTime": "2030-01-01T00:00:00Z" },
          },
        },
        {
          Effect: "Deny",
          NotPrincipal: {
            AWS: `arn:aws:iam::${accountId}:user/alice`,
            CanonicalUser: "a".repeat(64),
          },
          NotAction: "s3:PutObject",
          NotResource: `${bucketArn}/public/?`,
          Condition: {
            "ForAnyValue:StringNotLikeIfExists": { "aws:TagKeys": ["a*", "${*}"] },
            NumericGreaterThanEquals: { "s3:signatureAge": 600 },
            Null: { "aws:PrincipalTag/Team": true },
          },
        },
      ],
    },
  ],
  [
    "identity",
    {
      Version: "2012-10-17",
      Statement: {
        Sid: "All",
        Effect: "Allow",
        Action: "*",
        Resource: ["arn:aws:s3:*", "arn:*:iam::*:user/${aws:username}"],
        Condition: { ArnLike: { "aws:SourceArn": "arn:aws:*:*:${aws:PrincipalAccount}:*" } },
      },
    },
  ],
  [
    "trust",
    {
      Version: "2008-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { Federated: `arn:aws:iam::${accountId}:oidc-provider/id.example.com` },
          Action: "sts:AssumeRoleWithWebIdentity",
          Condition: { StringEquals: { "id.example.com:aud": "holdfast" } },
        },
      ],
    },
  ],
];

const tokens = [
  "{",
  "}",
  "[",
  "]",
  '"',
  ":",
  ",",
  "\\",
  "\\u0000",
  "*",
  "?",
  "${",
  "${aws:username}",
  "${*}",
  "arn:aws:s3:::",
  "null",
  "true",
  "-1e999",
  "\0",
  "\u00ff",
  '"Effect":"Deny",',
  '"Condition":{},',
  '"__proto__":1,',
  '{"a":'.repeat(40),
  "*?".repeat(3000),
  "${a".repeat(3000),
  "::".repeat(20),
  "ForAllValues:",
  "IfExists",
  "999.999.999.999/99",
  "9999-99-99T99:99:99Z",
];

const callers: readonly PolicyCaller[] = [
  "anonymous",
  {
    kind: "user",
    accountId,
    arn: `arn:aws:iam::${accountId}:user/alice`,
    canonicalId: "a".repeat(64),
    userId: "AIDAEXAMPLEALICE",
  },
];

function parse(text: string, kind: PolicyKind): PolicyDocument | undefined {
  try {
    return parsePolicy(text, kind, { bucketName: "photos" });
  } catch (error) {
    assert.ok(error instanceof PolicySyntaxError, String(error));
    assert.ok(error.message.length > 0);
    return undefined;
  }
}

function use(document: PolicyDocument, key: string): void {
  const policy = compilePolicy(document, { kind: "bucket", name: "fuzzed" });
  isPublicPolicy(policy, "photos");
  for (const principal of callers) {
    for (const action of ["s3:GetObject", "s3:ListBucket", "sts:AssumeRoleWithWebIdentity"]) {
      const resource = action === "s3:ListBucket" ? bucketArn : `${bucketArn}/${key}`;
      evaluatePolicies([policy], {
        action,
        resource,
        principal,
        context: { get: () => [key] },
      });
    }
  }
}

test("changed documents are taken or refused, soon", async (context) => {
  let taken = 0;
  const attempts = await fuzz(async (random) => {
    const [kind, document] = random.pick(documents);
    const written = Buffer.from(JSON.stringify(document), "latin1");
    const text = mutate(random, written, tokens).toString(random.chance(0.5) ? "latin1" : "utf8");
    const start = performance.now();
    const parsed = parse(text, kind);
    if (parsed !== undefined) {
      taken += 1;
      use(parsed, random.pick(["public/a", "a".repeat(1024), "*", "", "\ud800"]));
    }
    const milliseconds = performance.now() - start;
    assert.ok(milliseconds < maximumMilliseconds, `${milliseconds} ms`);
    // Lets the other lanes, and the clock of the whole, have their turn.
    await Promise.resolve();
  });
  context.diagnostic(`${attempts} attempts, ${taken} documents`);
  assert.ok(attempts > 100 && taken > attempts / 50, `${taken} of ${attempts}`);
});
