// The judgement over one run of ceph/s3-tests, and the committed lists that it judges with.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import {
  compareResults,
  parseExpectedFailures,
  parseGroups,
  parseResults,
} from "./s3-tests-report.ts";

const groups = parseGroups(
  "later acl _acl\nin-scope listings _list\nin-scope objects ::test_object",
);
const reasons = parseExpectedFailures("f.py::test_object_acl # later: lists of grants\n");

function read(name: string): string {
  return readFileSync(join(import.meta.dirname, name), "utf8");
}

function judge(results: string, expected = reasons): ReturnType<typeof compareResults> {
  return compareResults(parseResults(results), expected, groups);
}

test("listed failures and passes are fine, and what passes though listed is told", () => {
  const report = judge(
    "failed\tf.py::test_object_acl\t0.1\tx\npassed\tf.py::test_bucket_list\t0.1",
  );
  assert.equal(report.hasFailed, false);
  const surprise = judge("passed\tf.py::test_object_acl\t0.1");
  assert.equal(surprise.hasFailed, false);
  assert.ok(surprise.lines.includes("listed, but passed: f.py::test_object_acl"));
});

test("a failure that is not listed fails the run and is named with its message", () => {
  const report = judge("failed\tf.py::test_object_copy\t0.1\tassert 1 == 2");
  assert.equal(report.hasFailed, true);
  assert.match(report.lines.join("\n"), /test_object_copy\n\s+assert 1 == 2/);
});

test("a case in scope cannot wait for later, and a case of no group is a mistake", () => {
  const excused = parseExpectedFailures("f.py::test_object_copy # later: copies\n");
  assert.equal(judge("failed\tf.py::test_object_copy\t0.1\tx", excused).hasFailed, true);
  assert.equal(judge("passed\tf.py::test_other\t0.1").hasFailed, true);
});

test("reasons need a kind, and a case is listed once", () => {
  assert.throws(() => parseExpectedFailures("f.py::test_a"));
  assert.throws(() => parseExpectedFailures("f.py::test_a # because"));
  assert.throws(() => parseExpectedFailures("f.py::a # aws: x\nf.py::a # aws: y"));
});

test("the committed lists hold together", () => {
  const committed = parseGroups(read("s3-tests-groups.txt"));
  for (const [name, reason] of parseExpectedFailures(read("s3-tests-expected-failures.txt"))) {
    const group = committed.find(({ pattern }) => pattern.test(name));
    assert.ok(group !== undefined, name);
    assert.ok(!(group.inScope && reason.startsWith("later:")), name);
  }
});
