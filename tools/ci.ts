// Runs every check of the project, two at a time, each into a log of its own; shows the logs of those
// that failed, and at the end the closing lines of the test suite.

import { spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, readFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

interface Part {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** Seconds after which a part that hangs is ended and has failed. */
  readonly limitSeconds: number;
}

const node = process.execPath;
const logDirectory = join(".cache", "ci");
const tests = "tests";

/** The longest first: two lanes take them in this order. */
const parts: readonly Part[] = [
  { name: tests, command: ["npm", "test"], limitSeconds: 900 },
  { name: "compatibility", command: ["bash", "tests/compatibility/run.sh"], limitSeconds: 1200 },
  { name: "guide", command: ["bash", "tests/compatibility/guide.sh"], limitSeconds: 600 },
  { name: "brokers", command: ["bash", "tests/compatibility/brokers.sh"], limitSeconds: 600 },
  { name: "reports", command: ["bash", "tests/compatibility/reports.sh"], limitSeconds: 600 },
  { name: "foreign", command: ["bash", "tests/compatibility/foreign.sh"], limitSeconds: 600 },
  { name: "package", command: [node, "tools/check-package.ts"], limitSeconds: 300 },
  { name: "types", command: ["tsc", "--noEmit"], limitSeconds: 300 },
  { name: "lint", command: ["oxlint", "--deny-warnings"], limitSeconds: 300 },
  { name: "format", command: ["oxfmt", "--check", "."], limitSeconds: 120 },
  { name: "model", command: [node, "tools/generate-model.ts", "--check"], limitSeconds: 300 },
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !parts.some((part) => part.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `unknown: ${unknown.join(", ")}; the parts are ${parts.map((part) => part.name).join(", ")}\n`,
  );
  process.exit(2);
}

mkdirSync(logDirectory, { recursive: true });
const waiting = parts.filter((part) => wanted.length === 0 || wanted.includes(part.name));
const ran = [...waiting];
const failed: Part[] = [];
await Promise.all([runLane(), runLane()]);

for (const part of failed) {
  process.stdout.write(`\n──── ${part.name} failed; its log:\n${readLog(part)}\n`);
}
if (ran.some((part) => part.name === tests)) process.stdout.write(`\n${closingLines()}\n`);
process.stdout.write(
  failed.length === 0
    ? `\nall ${ran.length} parts passed\n`
    : `\nfailed: ${failed.map((part) => part.name).join(", ")}\n`,
);
process.exit(failed.length === 0 ? 0 : 1);

async function runLane(): Promise<void> {
  for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
    const started = performance.now();
    const outcome = await runPart(part);
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    if (outcome !== "passed") failed.push(part);
    process.stdout.write(`${part.name.padEnd(14)} ${outcome} after ${seconds} s\n`);
  }
}

function runPart(part: Part): Promise<string> {
  const [command, ...parameters] = part.command;
  const log = createWriteStream(logPath(part));
  const path = [resolve("node_modules", ".bin"), process.env["PATH"] ?? ""].join(delimiter);
  const child = spawn(command, parameters, {
    // A group of its own, so that a part that hangs is ended with everything that it started.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PATH: path, CI: "1", NO_COLOR: "1" },
  });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  return new Promise((settle) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    }, part.limitSeconds * 1000);
    child.once("error", (error) => {
      clearTimeout(timer);
      log.end(String(error), () => settle("failed to start"));
    });
    child.once("close", (code) => {
      clearTimeout(timer);
      const outcome = isLate ? `ended by its limit of ${part.limitSeconds} s` : "failed";
      log.end(() => settle(code === 0 && !isLate ? "passed" : outcome));
    });
  });
}

/** The summary of node's test runner. */
function closingLines(): string {
  const path = join(logDirectory, `${tests}.log`);
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
  return lines
    .filter((line) =>
      /^ℹ (?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /.test(line),
    )
    .join("\n");
}

function readLog(part: Part): string {
  const lines = readFileSync(logPath(part), "utf8").split("\n");
  const shown = 400;
  if (lines.length <= shown) return lines.join("\n");
  // Test reporters tell the failures at the end.
  return [
    `… (${lines.length - shown} lines more in ${logPath(part)})`,
    ...lines.slice(-shown),
  ].join("\n");
}

function logPath(part: Part): string {
  return join(logDirectory, `${part.name}.log`);
}
