import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { S3Error } from "../model/errors.ts";
import type { CORSRule } from "../model/types.generated.ts";
import { checkCorsRules, findCorsGrant, formatCorsRules, parseCorsRules } from "./cors-rules.ts";

function rule(parts: Partial<CORSRule> = {}): CORSRule {
  return { AllowedMethods: ["GET"], AllowedOrigins: ["*"], ...parts };
}

// Pattern, origin, whether it fits. Those with a suffix and a prefix are of ceph/s3-tests.
const origins: readonly (readonly [string, string, boolean])[] = [
  ["*", "http://a.example", true],
  ["*", "null", true],
  ["https://a.example", "https://a.example", true],
  ["https://a.example", "http://a.example", false],
  ["https://a.example", "https://a.example:8443", false],
  ["https://a.example", "https://a.example/", false],
  ["https://a.example", "https://A.example", false],
  ["https://*.example", "https://a.b.example", true],
  ["https://*.example", "https://a.example.org", false],
  ["https://a.example:*", "https://a.example:8443", true],
  ["*suffix", "foo.suffix", true],
  ["*suffix", "foo.suffix.get", false],
  ["start*end", "startend", true],
  ["start*end", "0start12end", false],
  ["prefix*", "prefix", true],
  ["prefix*", "0prefix", false],
  ["ab*ba", "aba", false],
  ["a.c", "abc", false],
  ["", "https://a.example", false],
];

describe("origins", () => {
  for (const [pattern, origin, fits] of origins) {
    test(`"${pattern}" ${fits ? "fits" : "does not fit"} ${origin}`, () => {
      const rules = [rule({ AllowedOrigins: ["https://other.example", pattern] })];
      const grant = findCorsGrant(rules, { origin, method: "GET", headers: undefined });
      assert.equal(grant !== undefined, fits);
      if (grant === undefined) return;
      assert.equal(grant.allowOrigin, pattern === "*" ? "*" : origin);
      assert.equal(grant.allowsCredentials, pattern !== "*");
    });
  }
});

// Allowed headers, those that are asked for, what is answered; undefined: refused.
const headers: readonly (readonly [string[] | undefined, string, string | undefined])[] = [
  [undefined, "x-a", undefined],
  [[], "x-a", undefined],
  [["*"], "X-A", "x-a"],
  [["X-A", "x-b"], "x-a,X-B", "x-a, x-b"],
  [["x-a"], "x-a, x-b", undefined],
  [["x-amz-*"], "X-Amz-Meta-Color , x-amz-date", "x-amz-meta-color, x-amz-date"],
  [["x-amz-*"], "content-type", undefined],
];

test("every requested header must be allowed by the rule", () => {
  for (const [AllowedHeaders, asked, answered] of headers) {
    const rules = [rule({ AllowedHeaders })];
    const grant = findCorsGrant(rules, { origin: "http://a", method: "GET", headers: asked });
    assert.equal(grant?.allowHeaders, answered, `${String(AllowedHeaders)} for ${asked}`);
  }
  for (const none of [undefined, "", " , "]) {
    const grant = findCorsGrant([rule()], { origin: "http://a", method: "GET", headers: none });
    assert.ok(grant !== undefined && grant.allowHeaders === undefined);
  }
});

test("the first rule that fits whole decides", () => {
  const rules = [
    rule({ AllowedOrigins: ["http://b"], MaxAgeSeconds: 1 }),
    rule({ AllowedMethods: ["PUT", "POST"], MaxAgeSeconds: 2 }),
    rule({ AllowedOrigins: ["http://a"], MaxAgeSeconds: 3, ExposeHeaders: ["ETag", "Date"] }),
    rule({ MaxAgeSeconds: 4 }),
    rule({ AllowedHeaders: ["x-a"], MaxAgeSeconds: 0 }),
  ];
  const find = (origin: string, method: string, asked?: string): number | undefined =>
    findCorsGrant(rules, { origin, method, headers: asked })?.maxAgeSeconds;
  assert.equal(find("http://b", "GET"), 1);
  assert.equal(find("http://b", "POST"), 2);
  assert.equal(find("http://a", "GET"), 3);
  assert.equal(find("http://c", "GET"), 4);
  assert.equal(find("http://a", "GET", "x-a"), 0);
  assert.equal(find("http://a", "DELETE"), undefined);
  assert.deepEqual(findCorsGrant(rules, { origin: "http://a", method: "GET", headers: "" }), {
    allowOrigin: "http://a",
    allowMethods: "GET",
    allowHeaders: undefined,
    exposeHeaders: "ETag, Date",
    maxAgeSeconds: 3,
    allowsCredentials: true,
  });
});

const malformed = "MalformedXML";
const refused: readonly (readonly [string, readonly CORSRule[], string])[] = [
  ["no rule", [], malformed],
  ["no origin", [rule({ AllowedOrigins: [] })], malformed],
  ["no method", [rule({ AllowedMethods: [] })], malformed],
  ["a negative age", [rule({ MaxAgeSeconds: -1 })], malformed],
  [
    "the form before the values",
    [rule({ AllowedMethods: ["PATCH"] }), rule({ AllowedOrigins: [] })],
    malformed,
  ],
  [
    "101 rules",
    Array.from({ length: 101 }, () => rule()),
    "The number of CORS rules should not exceed allowed limit of 100 rules.",
  ],
  [
    "a long id",
    [rule({ ID: "x".repeat(256) })],
    `The ID value can be up to 255 characters long. Invalid ID is "${"x".repeat(256)}"`,
  ],
  ...["OPTIONS", "get", "*", ""].map(
    (method) =>
      [
        `the method "${method}"`,
        [rule(), rule({ AllowedMethods: ["GET", method] })],
        `Found unsupported HTTP method in CORS config. Unsupported method is ${method}`,
      ] as const,
  ),
  [
    "two wildcards in an origin",
    [rule({ AllowedOrigins: ["*", "http://*.*"] })],
    'AllowedOrigin "http://*.*" can not have more than one wildcard.',
  ],
  [
    "two wildcards in a header",
    [rule({ AllowedHeaders: ["**"] })],
    'AllowedHeader "**" can not have more than one wildcard.',
  ],
  [
    "a wildcard in an exposed header",
    [rule({ ExposeHeaders: ["ETag", "x-amz-*"] })],
    'ExposeHeader "x-amz-*" contains wildcard. We currently do not support wildcard for ExposeHeader.',
  ],
];

describe("rules that are refused", () => {
  for (const [what, rules, reason] of refused) {
    test(what, () => {
      assert.throws(
        () => checkCorsRules(rules),
        (error) =>
          error instanceof S3Error &&
          (reason === malformed
            ? error.code === malformed
            : error.code === "InvalidRequest" && error.message === reason),
      );
    });
  }
});

test("rules at the limits are accepted, and kept as they are", () => {
  const rules = Array.from({ length: 100 }, (_, index) =>
    rule({
      ID: String(index).padEnd(255, "x"),
      AllowedMethods: ["DELETE", "POST", "HEAD", "PUT", "GET"],
      AllowedOrigins: ["", "http://*.example", "http://test.example:80"],
      AllowedHeaders: ["x-AMZ-*"],
      ExposeHeaders: ["ETag"],
      MaxAgeSeconds: 0,
    }),
  );
  checkCorsRules(rules);
  assert.deepEqual(parseCorsRules(formatCorsRules(rules)), rules);
});
