// Wildcards against every text, and against texts and patterns that are made to be slow.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { compileWildcards, readWildcards } from "./wildcard.ts";

function matches(pattern: string, text: string): boolean {
  return compileWildcards(readWildcards(pattern)).matches(text);
}

/** The definition, word by word; exponential. */
function matchesPlainly(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  const rest = pattern.slice(1);
  if (pattern.startsWith("*")) {
    return matchesPlainly(rest, text) || (text !== "" && matchesPlainly(pattern, text.slice(1)));
  }
  if (text === "" || (!pattern.startsWith("?") && pattern[0] !== text[0])) return false;
  return matchesPlainly(rest, text.slice(1));
}

function texts(characters: readonly string[]): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(...characters), { maxLength: 9 }).map((all) => all.join(""));
}

test("a pattern matches what its definition says", () => {
  const patterns = texts(["a", "b", "*", "?"]);
  fc.assert(
    fc.property(patterns, texts(["a", "b", "*"]), (pattern, text) => {
      assert.equal(matches(pattern, text), matchesPlainly(pattern, text));
    }),
    { numRuns: 5000 },
  );
});

test("long runs are found where they are", () => {
  const run = texts(["a", "b", "?"]).map((part) => part.padEnd(40, "?a").padEnd(130, "b?ab"));
  fc.assert(
    fc.property(run, texts(["a", "b"]), fc.boolean(), (part, around, isThere) => {
      const inside = part.replaceAll("?", "a");
      const text = `${around}${isThere ? inside : inside.replaceAll("b", "a")}${around}`;
      assert.equal(matches(`*${part}*`, text), isThere);
      if (isThere) assert.equal(matches(`*${part}*${part}`, text + inside), true);
      assert.equal(matches(`*${part}*${part}*`, text), false);
    }),
    { numRuns: 500 },
  );
});

test("no pattern of 20 KiB is slow on the longest texts", () => {
  const long = "a".repeat(8192);
  const patterns = [
    "*a".repeat(10_000),
    `${"*a".repeat(5000)}b`,
    `*${"?".repeat(4000)}b*`,
    `*${"a?".repeat(2000)}b*`,
    `*${"?a".repeat(2000)}b`,
    `*${"?a".repeat(10)}b${"*?a".repeat(3000)}b*`,
    "?*".repeat(10_000),
  ];
  for (const pattern of patterns) {
    const compiled = compileWildcards(readWildcards(pattern));
    const start = process.cpuUsage();
    assert.equal(compiled.matches(long), !pattern.includes("b") && pattern.length < 2 * 8193);
    const { user } = process.cpuUsage(start);
    // A bound for runaway work alone: backtracking would take years.
    assert.ok(user < 1_000_000, `${pattern.slice(0, 20)}… took ${user} us`);
  }
});
