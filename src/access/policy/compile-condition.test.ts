// Every operator, with the values that meet it, and what a missing key or several values do to it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compileCondition } from "./compile-condition.ts";
import { parseConditionOperator } from "./condition-operators.ts";

type Values = string | readonly string[];

function holds(
  operatorName: string,
  policyValues: Values,
  requestValues: Values | undefined,
  others: Readonly<Record<string, string>> = {},
): boolean {
  const operator = parseConditionOperator(operatorName);
  assert.ok(operator !== undefined, operatorName);
  const values = typeof policyValues === "string" ? [policyValues] : policyValues;
  const condition = compileCondition({ operator, key: "aws:Key", values }, true);
  const found = typeof requestValues === "string" ? [requestValues] : requestValues;
  return condition.holds({
    get: (key) => {
      if (key === "aws:key") return found;
      const other = others[key];
      return other === undefined ? undefined : [other];
    },
  });
}

describe("one value", () => {
  const rows: readonly (readonly [
    operator: string,
    negated: string | undefined,
    policy: Values,
    request: string,
    expected: boolean,
  ])[] = [
    ["StringEquals", "StringNotEquals", "a", "a", true],
    ["StringEquals", "StringNotEquals", "a", "A", false],
    ["StringEquals", "StringNotEquals", ["a", "b"], "b", true],
    ["StringEquals", "StringNotEquals", "a*", "ab", false],
    ["StringEquals", "StringNotEquals", "a${*}", "a*", true],
    ["StringEquals", "StringNotEquals", [], "a", false],
    ["StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "aB", "Ab", true],
    ["StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "aB", "Abc", false],
    ["StringLike", "StringNotLike", "a*c?", "abbbcd", true],
    ["StringLike", "StringNotLike", "a*c?", "abbbc", false],
    ["StringLike", "StringNotLike", "A*", "ab", false],
    ["StringLike", "StringNotLike", "*", "", true],
    ["NumericEquals", "NumericNotEquals", "10", "10.0", true],
    ["NumericEquals", "NumericNotEquals", "10", "11", false],
    ["NumericEquals", "NumericNotEquals", "ten", "ten", false],
    ["NumericLessThan", "NumericGreaterThanEquals", "10", "9", true],
    ["NumericLessThan", "NumericGreaterThanEquals", "10", "10", false],
    ["NumericLessThan", undefined, "10", "x", false],
    ["NumericGreaterThan", "NumericLessThanEquals", "10", "11", true],
    ["NumericGreaterThan", "NumericLessThanEquals", "10", "10", false],
    ["DateEquals", "DateNotEquals", "2026-01-02T03:04:05Z", "1767323045", true],
    ["DateEquals", "DateNotEquals", "2026-01-02T03:04:05Z", "2026-01-02T04:04:05+01:00", true],
    ["DateEquals", "DateNotEquals", "2026", "2026-01-01T00:00:00Z", true],
    ["DateEquals", "DateNotEquals", "2026-02-30", "2026-03-02", false],
    ["DateLessThan", "DateGreaterThanEquals", "2026-01-02", "2026-01-01T23:59:59.999Z", true],
    ["DateLessThan", "DateGreaterThanEquals", "2026-01-02", "2026-01-02", false],
    ["DateGreaterThan", "DateLessThanEquals", "2026-01-02", "2026-01-02T00:00:01Z", true],
    ["DateGreaterThan", "DateLessThanEquals", "2026-01-02", "2026-01-02", false],
    ["Bool", undefined, "true", "TRUE", true],
    ["Bool", undefined, "false", "true", false],
    ["BinaryEquals", undefined, "QmluYXJ5", "QmluYXJ5", true],
    ["BinaryEquals", undefined, "QQ==", "QQ", true],
    ["BinaryEquals", undefined, "QmluYXJ5", "qmluyxj5", false],
    ["IpAddress", "NotIpAddress", "192.0.2.0/24", "192.0.2.255", true],
    ["IpAddress", "NotIpAddress", "192.0.2.0/24", "192.0.3.0", false],
    ["IpAddress", "NotIpAddress", "192.0.2.1", "192.0.2.1", true],
    ["IpAddress", "NotIpAddress", "192.0.2.0/25", "192.0.2.128", false],
    ["IpAddress", "NotIpAddress", "192.0.2.0/24", "::ffff:192.0.2.7", true],
    ["IpAddress", "NotIpAddress", "::ffff:192.0.2.0/120", "192.0.2.7", true],
    ["IpAddress", "NotIpAddress", "0.0.0.0/0", "2001:db8::1", false],
    ["IpAddress", "NotIpAddress", "::/0", "192.0.2.1", false],
    ["IpAddress", "NotIpAddress", "2001:DB8:1234:5678::/64", "2001:db8:1234:5678:9::", true],
    ["IpAddress", "NotIpAddress", "2001:db8::/33", "2001:db8:8000::1", false],
    ["IpAddress", "NotIpAddress", ["10.0.0.0/8", "2001:db8::/32"], "10.1.2.3", true],
    ["IpAddress", "NotIpAddress", "nonsense", "10.1.2.3", false],
    ["IpAddress", "NotIpAddress", "0.0.0.0/0", "nonsense", false],
    [
      "ArnEquals",
      "ArnNotEquals",
      "arn:aws:sns:*:111122223333:t?pic",
      "arn:aws:sns:eu-1:111122223333:topic",
      true,
    ],
    ["ArnLike", "ArnNotLike", "arn:aws:sns:*:topic", "arn:aws:sns:eu-1:111122223333:topic", false],
    [
      "ArnLike",
      "ArnNotLike",
      "arn:aws:iam::111122223333:user/*",
      "arn:aws:iam::111122223333:user/a/b",
      true,
    ],
    ["ArnLike", "ArnNotLike", "arn:aws-us-gov:iam::1:user/a", "arn:aws:iam::1:user/a", true],
  ];
  for (const [operator, negated, policy, request, expected] of rows) {
    test(`${operator} ${JSON.stringify(policy)}: ${request} is ${String(expected)}`, () => {
      assert.equal(holds(operator, policy, request), expected);
      if (negated !== undefined) assert.equal(holds(negated, policy, request), !expected);
    });
  }
});

describe("no value, and several", () => {
  const rows: readonly (readonly [string, Values, Values | undefined, boolean])[] = [
    ["StringEquals", "a", undefined, false],
    ["StringNotEquals", "a", undefined, true],
    ["StringEqualsIfExists", "a", undefined, true],
    ["StringEqualsIfExists", "a", "b", false],
    ["StringNotEqualsIfExists", "a", "a", false],
    ["NumericLessThan", "1", undefined, false],
    ["NotIpAddress", "10.0.0.0/8", undefined, true],
    ["Bool", "false", undefined, false],
    ["BoolIfExists", "false", undefined, true],
    ["StringEquals", "a", [], false],
    ["StringEquals", "", "", true],
    ["Null", "true", undefined, true],
    ["Null", "false", undefined, false],
    ["Null", "true", "x", false],
    ["Null", "false", "x", true],
    ["Null", ["true", "false"], "x", true],
    ["ForAllValues:StringEquals", ["a", "b"], ["a", "b"], true],
    ["ForAllValues:StringEquals", ["a", "b"], ["a", "c"], false],
    ["ForAllValues:StringEquals", "a", undefined, true],
    ["ForAllValues:StringEquals", "a", "", true],
    ["ForAllValues:StringNotEquals", "a", ["b", "c"], true],
    ["ForAllValues:StringNotEquals", "a", ["a", "c"], false],
    ["ForAllValues:StringEqualsIfExists", "a", undefined, true],
    ["ForAnyValue:StringEquals", ["a", "b"], ["c", "b"], true],
    ["ForAnyValue:StringEquals", ["a", "b"], ["c", "d"], false],
    ["ForAnyValue:StringEquals", "a", undefined, false],
    ["ForAnyValue:StringLike", "*", "", false],
    ["ForAnyValue:StringNotEquals", "a", ["a", "c"], true],
    ["ForAnyValue:StringNotEquals", "a", ["a"], false],
    ["ForAnyValue:StringNotEquals", "a", undefined, false],
    ["foranyvalue:stringlike", "a*", ["b", "ab"], true],
  ];
  for (const [operator, policy, request, expected] of rows) {
    const name = `${operator} ${JSON.stringify(policy)}: ${JSON.stringify(request) ?? "missing"}`;
    test(`${name} is ${String(expected)}`, () => {
      assert.equal(holds(operator, policy, request), expected);
    });
  }
});

describe("variables", () => {
  const known = { "aws:username": "Alice" };
  const rows: readonly (readonly [string, string, string, Record<string, string>, boolean])[] = [
    ["StringEquals", "${aws:username}", "Alice", known, true],
    ["StringEquals", "${aws:username}", "alice", known, false],
    ["StringEqualsIgnoreCase", "X-${aws:username}", "x-ALICE", known, true],
    ["StringLike", "${aws:username}/*", "Alice/a", known, true],
    ["StringLike", "${aws:username}/*", "Bob/a", { "aws:username": "*" }, false],
    ["ArnLike", "arn:aws:iam::*:user/${aws:username}", "arn:aws:iam::1:user/Alice", known, true],
    ["StringEquals", "${aws:username}", "Alice", {}, false],
    ["StringNotEquals", "${aws:username}", "Alice", {}, true],
    ["StringEquals", "${aws:username, 'nobody'}", "nobody", {}, true],
    ["NumericEquals", "${aws:number}", "1", { "aws:number": "1" }, false],
  ];
  for (const [operator, policy, request, others, expected] of rows) {
    test(`${operator} ${policy}: ${request} of ${JSON.stringify(others)}`, () => {
      assert.equal(holds(operator, policy, request, others), expected);
    });
  }
});

test("names of tags of objects keep their case, other keys do not", () => {
  const operator = parseConditionOperator("StringEquals");
  assert.ok(operator !== undefined);
  const keyOf = (key: string): string => compileCondition({ operator, key, values: [] }, true).key;
  assert.equal(keyOf("S3:ExistingObjectTag/Project"), "s3:existingobjecttag/Project");
  assert.equal(keyOf("aws:PrincipalTag/Project"), "aws:principaltag/project");
  assert.equal(keyOf("AWS:SourceIP"), "aws:sourceip");
});
