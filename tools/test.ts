// Runs the tests: every *.test.ts under src/, tests/ and bench/, except the real clients of
// tests/compatibility, which have a command of their own. Parameters choose files by part of their path.

import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";

const roots = ["src", "tests", "bench"];
const excluded = [join("tests", "compatibility")];
/** For one file with all its tests. */
const timeoutMilliseconds = 5 * 60_000;

const wanted = process.argv.slice(2);
const files = roots
  .flatMap((root) =>
    readdirSync(root, { recursive: true, encoding: "utf8" }).map((path) => join(root, path)),
  )
  .filter((path) => path.endsWith(".test.ts"))
  .filter((path) => !excluded.some((directory) => path.startsWith(directory)))
  .filter((path) => wanted.length === 0 || wanted.some((part) => path.includes(part)))
  .toSorted();

if (files.length === 0) {
  process.stderr.write("no test file matches\n");
  process.exit(1);
}

let passed = 0;
let isSuccess = false;
const events = run({ files, concurrency: availableParallelism(), timeout: timeoutMilliseconds });
events.on("test:summary", (summary) => {
  // One summary for each file, and one of all, without a file.
  if (summary.file !== undefined) return;
  passed = summary.counts.passed;
  isSuccess = summary.success;
});
const report = events.compose(new spec());
report.pipe(process.stdout);
report.on("end", () => {
  if (passed === 0) process.stderr.write("no test ran\n");
  process.exitCode = isSuccess && passed > 0 ? 0 : 1;
});
