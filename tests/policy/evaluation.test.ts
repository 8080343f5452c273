// The policy engine against the naive evaluator, and the promise that narrowing never widens: whatever
// is added to take something away, nobody gets more than before.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { evaluatePolicies } from "../../src/access/policy/evaluate.ts";
import type { PolicyVerdict } from "../../src/access/policy/evaluate.ts";
import {
  bucketDocuments,
  compileDocument,
  conditions,
  identityDocuments,
  requests,
  toRequest,
} from "./generated-policies.ts";
import { evaluateNaively } from "./naive-evaluator.ts";
import type { NaiveDocument, NaiveRequest, NaiveStatement } from "./naive-evaluator.ts";

const numRuns = 3000;

type Kind = "bucket" | "identity";

function evaluate(
  documents: readonly NaiveDocument[],
  kind: Kind,
  request: NaiveRequest,
): PolicyVerdict["effect"] {
  const policies = documents.map((document) => compileDocument(document, kind));
  return evaluatePolicies(policies, toRequest(request)).effect;
}

/** Every change of `before` must leave less or the same. */
function assertNarrower(
  before: PolicyVerdict["effect"],
  after: PolicyVerdict["effect"],
  message: string,
): void {
  if (after === "Allow") assert.equal(before, "Allow", message);
}

for (const [kind, documents] of [
  ["identity", identityDocuments],
  ["bucket", bucketDocuments],
] as const) {
  test(`${kind} policies: both evaluators agree`, (context) => {
    const seen = { Allow: 0, Deny: 0, None: 0 };
    fc.assert(
      fc.property(fc.array(documents, { maxLength: 3 }), requests, (policies, request) => {
        const expected = evaluateNaively(policies, request);
        seen[expected] += 1;
        assert.equal(evaluate(policies, kind, request), expected);
      }),
      { numRuns },
    );
    context.diagnostic(JSON.stringify(seen));
    // A generator that never meets proves nothing.
    for (const count of Object.values(seen)) assert.ok(count > numRuns / 50, JSON.stringify(seen));
  });

  test(`${kind} policies: a further Deny takes away alone`, () => {
    fc.assert(
      fc.property(documents, documents, requests, (document, other, request) => {
        const denials = other.Statement.map((statement): NaiveStatement => ({
          ...statement,
          Effect: "Deny",
        }));
        const narrowed = { ...document, Statement: [...document.Statement, ...denials] };
        const before = evaluate([document], kind, request);
        const after = evaluate([narrowed], kind, request);
        assertNarrower(before, after, "a Deny widened");
        if (before === "Deny") assert.equal(after, "Deny");
      }),
      { numRuns },
    );
  });

  test(`${kind} policies: a further condition takes away alone`, () => {
    fc.assert(
      fc.property(documents, conditions, requests, (document, added, request) => {
        const narrow = (statement: NaiveStatement): NaiveStatement =>
          statement.Effect === "Deny"
            ? statement
            : { ...statement, Condition: { ...added, ...statement.Condition } };
        const narrowed = { ...document, Statement: document.Statement.map(narrow) };
        const before = evaluate([document], kind, request);
        assertNarrower(before, evaluate([narrowed], kind, request), "a condition widened");
      }),
      { numRuns },
    );
  });
}

test("the order of statements and of policies does not matter", () => {
  fc.assert(
    fc.property(fc.array(bucketDocuments, { maxLength: 3 }), requests, (policies, request) => {
      const turned = policies.toReversed().map((document) => ({
        ...document,
        Statement: document.Statement.toReversed(),
      }));
      assert.equal(evaluate(policies, "bucket", request), evaluate(turned, "bucket", request));
    }),
    { numRuns: numRuns / 3 },
  );
});

test("a policy looks at no keys but those that it names", () => {
  fc.assert(
    fc.property(bucketDocuments, requests, (document, request) => {
      const policy = compileDocument(document, "bucket");
      const { context, ...rest } = toRequest(request);
      const get = (key: string): readonly string[] | undefined => {
        const family = key.includes("/") ? key.slice(0, key.indexOf("/") + 1) : key;
        assert.ok(policy.contextKeys.has(family), key);
        return context.get(key);
      };
      evaluatePolicies([policy], { ...rest, context: { get } });
    }),
    { numRuns: numRuns / 3 },
  );
});
