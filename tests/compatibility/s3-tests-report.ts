// Compares the outcomes of one run of ceph/s3-tests with the committed list of expected failures
// and prints counts by group. Fails when a case fails that is not listed, or when a case in scope
// is excused with a capability that comes later.

import { readFileSync } from "node:fs";
import { join } from "node:path";

export type Outcome = "passed" | "failed" | "skipped";

export interface CaseResult {
  readonly name: string;
  readonly outcome: Outcome;
  readonly message: string;
}

export interface Group {
  readonly name: string;
  readonly inScope: boolean;
  readonly pattern: RegExp;
}

export interface Report {
  readonly lines: readonly string[];
  readonly hasFailed: boolean;
}

/** One line per case: `outcome<TAB>file::case<TAB>seconds<TAB>message`. */
export function parseResults(text: string): CaseResult[] {
  return contentLines(text).map((line) => {
    const [outcome, name, , message = ""] = line.split("\t");
    if (name === undefined || !isOutcome(outcome)) throw new Error(`not a result: ${line}`);
    return { name, outcome, message };
  });
}

/** One line per case: `file::case # kind: reason`. */
export function parseExpectedFailures(text: string): Map<string, string> {
  const reasons = new Map<string, string>();
  for (const line of contentLines(text)) {
    const match = /^(\S.*?)\s+# ((?:later|aws|suite): .+)$/.exec(line);
    const [, name, reason] = match ?? [];
    if (name === undefined || reason === undefined) {
      throw new Error(`not "case # later|aws|suite: reason": ${line}`);
    }
    if (reasons.has(name)) throw new Error(`listed twice: ${name}`);
    reasons.set(name, reason);
  }
  return reasons;
}

/** One line per group: `scope name pattern`; the first pattern that matches a case decides. */
export function parseGroups(text: string): Group[] {
  return contentLines(text).map((line) => {
    const [, scope, name, pattern] = /^(in-scope|later)\s+(\S+)\s+(\S+)$/.exec(line) ?? [];
    if (name === undefined || pattern === undefined) throw new Error(`not a group: ${line}`);
    return { name, inScope: scope === "in-scope", pattern: new RegExp(pattern) };
  });
}

export function compareResults(
  results: readonly CaseResult[],
  reasons: ReadonlyMap<string, string>,
  groups: readonly Group[],
): Report {
  const counts = new Map(groups.map((group) => [group, { passed: 0, expected: 0, failed: 0 }]));
  const problems: string[] = [];
  const surprises: string[] = [];
  for (const { name, outcome, message } of results) {
    const group = groups.find((candidate) => candidate.pattern.test(name));
    const count = group === undefined ? undefined : counts.get(group);
    if (group === undefined || count === undefined) {
      problems.push(`no group matches ${name}`);
      continue;
    }
    const reason = reasons.get(name);
    if (group.inScope && reason?.startsWith("later:") === true) {
      problems.push(`in scope (${group.name}), yet excused as later: ${name}`);
    }
    if (outcome === "passed") {
      count.passed += 1;
      if (reason !== undefined) surprises.push(`listed, but passed: ${name}`);
    } else if (outcome === "failed" && reason === undefined) {
      count.failed += 1;
      problems.push(`failed, not listed (${group.name}): ${name}\n    ${message}`);
    } else if (outcome === "failed") count.expected += 1;
  }
  const skipped = results.filter(({ outcome }) => outcome === "skipped").length;
  const lines = [
    ...formatTable(counts),
    `${results.length} cases, ${skipped} skipped by the suite itself`,
    ...surprises,
    ...problems,
  ];
  return { lines, hasFailed: problems.length > 0 };
}

interface Count {
  readonly passed: number;
  readonly expected: number;
  readonly failed: number;
}

function formatTable(counts: ReadonlyMap<Group, Count>): string[] {
  const rows = [["group", "scope", "passed", "expected", "failed"]];
  const totals = { "in scope": [0, 0, 0], later: [0, 0, 0] };
  for (const [group, { passed, expected, failed }] of counts) {
    const scope = group.inScope ? "in scope" : "later";
    const numbers = [passed, expected, failed];
    totals[scope] = totals[scope].map((total, index) => total + (numbers[index] ?? 0));
    if (passed + expected + failed > 0) rows.push([group.name, scope, ...numbers.map(String)]);
  }
  for (const [scope, numbers] of Object.entries(totals)) {
    rows.push(["all", scope, ...numbers.map(String)]);
  }
  return rows.map(
    ([name = "", scope = "", ...cells]) =>
      `${name.padEnd(22)}${scope.padEnd(10)}${cells.map((cell) => cell.padStart(9)).join("")}`,
  );
}

function contentLines(text: string): string[] {
  return text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
}

function isOutcome(text: string | undefined): text is Outcome {
  return text === "passed" || text === "failed" || text === "skipped";
}

function readCommitted(name: string): string {
  return readFileSync(join(import.meta.dirname, name), "utf8");
}

if (import.meta.main) {
  const resultsPath = process.argv[2];
  if (resultsPath === undefined) throw new Error("usage: s3-tests-report.ts RESULTS");
  const report = compareResults(
    parseResults(readFileSync(resultsPath, "utf8")),
    parseExpectedFailures(readCommitted("s3-tests-expected-failures.txt")),
    parseGroups(readCommitted("s3-tests-groups.txt")),
  );
  for (const line of report.lines) console.log(line);
  if (report.hasFailed) process.exitCode = 1;
}
