// Policies and requests made up by fast-check, of a small vocabulary, so that they meet often.

import * as fc from "fast-check";
import { compilePolicy } from "../../src/access/policy/compile-policy.ts";
import type { CompiledPolicy } from "../../src/access/policy/compile-policy.ts";
import type { PolicyCaller, PolicyRequest } from "../../src/access/policy/evaluate.ts";
import { parsePolicy } from "../../src/access/policy/policy-document.ts";
import type { NaiveDocument, NaiveRequest, NaiveStatement } from "./naive-evaluator.ts";

const accounts = ["111122223333", "444455556666"];
const canonicalIds = ["a".repeat(64), "b".repeat(64)];

const callers: readonly PolicyCaller[] = [
  "anonymous",
  ...accounts.flatMap((accountId, index): readonly PolicyCaller[] => {
    const shared = { accountId, canonicalId: canonicalIds[index] as string };
    const iam = `arn:aws:iam::${accountId}`;
    return [
      { ...shared, kind: "root", arn: `${iam}:root`, userId: accountId },
      { ...shared, kind: "user", arn: `${iam}:user/alice`, userId: `AIDAEXAMPLEALICE${index}` },
      {
        ...shared,
        kind: "role-session",
        arn: `arn:aws:sts::${accountId}:assumed-role/reader/job`,
        roleArn: `${iam}:role/reader`,
        userId: `AROAEXAMPLEREADER${index}:job`,
      },
    ];
  }),
];

const names = [
  "*",
  ...accounts,
  ...accounts.flatMap((account) => [
    `arn:aws:iam::${account}:root`,
    `arn:aws:iam::${account}:user/alice`,
    `arn:aws:iam::${account}:role/reader`,
    `arn:aws:sts::${account}:assumed-role/reader/job`,
  ]),
];

function list(values: fc.Arbitrary<string>, maximum = 3): fc.Arbitrary<readonly string[]> {
  return fc.array(values, { minLength: 1, maxLength: maximum });
}

const principal: fc.Arbitrary<"*" | Record<string, readonly string[]>> = fc.oneof(
  { weight: 2, arbitrary: fc.constant("*" as const) },
  { weight: 4, arbitrary: list(fc.constantFrom(...names), 4).map((AWS) => ({ AWS })) },
  {
    weight: 1,
    arbitrary: list(fc.constantFrom(...canonicalIds)).map((CanonicalUser) => ({ CanonicalUser })),
  },
);

const actions = list(
  fc.constantFrom("s3:GetObject", "s3:PutObject", "s3:Get*", "s3:?utObject", "S3:*object", "*"),
);

const patternPiece = fc.constantFrom("a", "b", "/", "*", "?", "a:b", "${aws:username}", "${*}");
const defaulted = fc.constantFrom("${aws:username, 'a'}", "${aws:PrincipalTag/x}", "${?}", "ab");
const pattern = fc
  .array(fc.oneof({ weight: 4, arbitrary: patternPiece }, { weight: 1, arbitrary: defaulted }), {
    maxLength: 6,
  })
  .map((pieces) => pieces.join(""));
const resources = list(
  fc.oneof(
    { weight: 1, arbitrary: fc.constant("*") },
    { weight: 6, arbitrary: pattern.map((text) => `arn:aws:s3:::photos/${text}`) },
    { weight: 1, arbitrary: pattern.map((text) => `arn:aws:s3:::p*/${text}`) },
  ),
);

const operators: Readonly<Record<string, fc.Arbitrary<string>>> = {
  StringEquals: pattern,
  StringNotEquals: pattern,
  StringLike: pattern,
  StringNotLike: pattern,
  ArnLike: pattern.map((text) => `arn:aws:*:eu-?:1:${text}`),
  ArnNotEquals: pattern.map((text) => `arn:aws:sns:eu-1:1:${text}`),
  NumericEquals: fc.constantFrom("1", "2", "10"),
  NumericNotEquals: fc.constantFrom("1", "2", "10"),
  NumericLessThan: fc.constantFrom("1", "2", "10"),
  Bool: fc.constantFrom("true", "false"),
  IpAddress: fc.constantFrom("10.0.0.0/8", "10.1.2.3", "10.1.2.0/25", "0.0.0.0/0"),
  NotIpAddress: fc.constantFrom("10.0.0.0/8", "10.1.2.3", "10.1.2.0/25"),
};

/** A key of the right kind for an operator. */
const keys: readonly (readonly [start: string, keys: readonly string[]])[] = [
  ["String", ["aws:username", "aws:TagKeys", "aws:PrincipalTag/x"]],
  ["Arn", ["aws:SourceArn"]],
  ["Numeric", ["aws:MultiFactorAuthAge"]],
  ["Bool", ["aws:SecureTransport"]],
  ["Ip", ["aws:SourceIp"]],
];

const condition = fc
  .constantFrom(...Object.keys(operators))
  .chain((operator) => {
    const [, known] = keys.find(([start]) => operator.replace("Not", "").startsWith(start)) ?? [];
    return fc.record({
      quantifier: fc.constantFrom("", "", "ForAllValues:", "ForAnyValue:"),
      operator: fc.constant(operator),
      ifExists: fc.constantFrom("", "", "IfExists"),
      key: fc.constantFrom(...(known ?? [])),
      values: list(operators[operator] as fc.Arbitrary<string>),
    });
  })
  .map(({ quantifier, operator, ifExists, key, values }) => ({
    [`${quantifier}${operator}${ifExists}`]: { [key]: values },
  }));

const nullCondition = fc
  .record({
    key: fc.constantFrom("aws:username", "aws:SourceIp"),
    value: fc.constantFrom("true", "false"),
  })
  .map(({ key, value }) => ({ Null: { [key]: [value] } }));

export const conditions: fc.Arbitrary<NonNullable<NaiveStatement["Condition"]>> = fc
  .array(fc.oneof({ weight: 5, arbitrary: condition }, { weight: 1, arbitrary: nullCondition }), {
    maxLength: 2,
  })
  .map((blocks) => Object.assign({}, ...blocks) as Record<string, Record<string, string[]>>);

function either(name: string, values: fc.Arbitrary<unknown>): fc.Arbitrary<object> {
  return fc
    .record({ value: values, isNegated: fc.integer({ min: 0, max: 4 }).map((roll) => roll === 0) })
    .map(({ value, isNegated }) => ({ [isNegated ? `Not${name}` : name]: value }));
}

const effect = fc.constantFrom("Allow", "Allow", "Allow", "Deny");

function statements(hasPrincipals: boolean): fc.Arbitrary<NaiveStatement> {
  return fc
    .tuple(
      effect,
      either("Action", actions),
      either("Resource", resources),
      conditions,
      hasPrincipals ? either("Principal", principal) : fc.constant({}),
    )
    .map(([Effect, action, resource, Condition, named]) => ({
      Effect,
      ...action,
      ...resource,
      ...named,
      Condition,
    }));
}

function documents(hasPrincipals: boolean): fc.Arbitrary<NaiveDocument> {
  return fc.record({
    Version: fc.constantFrom("2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17"),
    Statement: fc.array(statements(hasPrincipals), { minLength: 1, maxLength: 4 }),
  });
}

export const identityDocuments = documents(false);
export const bucketDocuments = documents(true);

const text = fc
  .array(fc.constantFrom("a", "b", "/", "*", "a:b"), { maxLength: 5 })
  .map((pieces) => pieces.join(""));

function sometimes(
  values: fc.Arbitrary<readonly string[]>,
): fc.Arbitrary<readonly string[] | undefined> {
  return fc.option(values, { nil: undefined, freq: 4 });
}

function one(value: fc.Arbitrary<string>): fc.Arbitrary<readonly string[]> {
  return value.map((each) => [each]);
}

const context: fc.Arbitrary<NaiveRequest["context"]> = fc
  .record({
    "aws:username": sometimes(one(text)),
    "aws:principaltag/x": sometimes(one(text)),
    "aws:tagkeys": sometimes(fc.array(text, { maxLength: 3 })),
    "aws:sourcearn": sometimes(one(text.map((each) => `arn:aws:sns:eu-1:1:${each}`))),
    "aws:multifactorauthage": sometimes(one(fc.constantFrom("1", "2", "5", "10"))),
    "aws:securetransport": sometimes(one(fc.constantFrom("true", "false"))),
    "aws:sourceip": sometimes(one(fc.constantFrom("10.1.2.3", "10.1.2.200", "192.0.2.1"))),
  })
  .map((found) =>
    Object.fromEntries(
      Object.entries(found).flatMap(([key, values]) => (values ? [[key, values]] : [])),
    ),
  );

export const requests: fc.Arbitrary<NaiveRequest> = fc.record({
  action: fc.constantFrom("s3:GetObject", "s3:PutObject", "s3:GetObjectAcl"),
  resource: text.map((key) => `arn:aws:s3:::photos/${key}`),
  principal: fc.constantFrom(...callers),
  context,
});

export function compileDocument(
  document: NaiveDocument,
  kind: "bucket" | "identity",
): CompiledPolicy {
  const parsed = parsePolicy(JSON.stringify(document), kind);
  return compilePolicy(parsed, { kind, name: "generated" });
}

export function toRequest({ context: found, ...request }: NaiveRequest): PolicyRequest {
  return { ...request, context: { get: (key) => found[key] } };
}
