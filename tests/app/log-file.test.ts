// The server's log in a file: whole lines of all processes, put aside by length, and followed when an
// operator's logrotate moves it.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  rootAccessKey,
  rootSecretKey,
  runCommand,
  ServerProcess,
  TemporaryDirectory,
} from "./server-process.ts";

const keys = { HOLDFAST_ROOT_ACCESS_KEY: rootAccessKey, HOLDFAST_ROOT_SECRET_KEY: rootSecretKey };

interface Line {
  readonly time: string;
  readonly level: string;
  readonly event: string;
  readonly key?: string;
}

function startLogging(
  directory: TemporaryDirectory,
  path: string,
  parameters: readonly string[] = [],
): ServerProcess {
  const data = join(directory.path, "data");
  return new ServerProcess(
    ["--data", data, "--durability", "relaxed", "--port", "0", "--admin-port", "off"].concat(
      ["--log-file", path, "--log-format", "json", "--log-requests"],
      parameters,
    ),
    keys,
  );
}

function readLines(path: string): readonly Line[] {
  const text = readFileSync(path, "utf8");
  assert.ok(text === "" || text.endsWith("\n"), "the last line is whole");
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}

function keysIn(path: string): readonly string[] {
  return readLines(path).flatMap(({ key }) => (key === undefined ? [] : [key]));
}

/** Each on a connection of its own, so that every worker has some. */
async function ask(endpoint: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await (await fetch(`${endpoint}/bucket/${name}`, { headers: { connection: "close" } })).text();
  }
}

async function eventually(check: () => boolean, what: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; !check();) {
    assert.ok(Date.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const names = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

for (const workers of ["1", "2"]) {
  describe(`${workers} processes`, () => {
    test("write whole lines into one file, and follow it when it is moved, on SIGHUP at the latest", async () => {
      using directory = new TemporaryDirectory();
      const path = join(directory.path, "logs", "holdfast.log");
      await using server = startLogging(directory, path, ["--workers", workers]);
      const endpoint = await server.endpoint();
      await ask(endpoint, names("before", 20));
      await eventually(() => keysIn(path).length === 20, "all requests are in the file");
      assert.ok(readLines(path).some(({ event }) => event === "server started"));
      assert.equal(server.errors, "");
      const moved = join(directory.path, "logs", "holdfast.log.1");
      renameSync(path, moved);
      server.child.kill("SIGHUP");
      await eventually(() => readdirSync(join(directory.path, "logs")).length === 2, "a new file");
      await ask(endpoint, names("after", 20));
      await eventually(() => keysIn(path).length === 20, "the new file has what came after");
      assert.deepEqual(keysIn(moved).toSorted(), names("before", 20).toSorted());
      assert.deepEqual(keysIn(path).toSorted(), names("after", 20).toSorted());
      server.child.kill("SIGTERM");
      assert.equal((await server.ended()).code, 0);
      assert.ok(readLines(path).some(({ event }) => event === "server stopped"));
    });
  });
}

test("a file that has grown too long is put aside, and the oldest goes", async () => {
  using directory = new TemporaryDirectory();
  const logs = join(directory.path, "logs");
  const parameters = ["--workers", "2", "--log-file-size", "2KiB", "--log-files", "2"];
  await using server = startLogging(directory, join(logs, "holdfast.log"), parameters);
  await ask(await server.endpoint(), names("many", 60));
  await eventually(() => readdirSync(logs).length === 3, readdirSync(logs).join(", "));
  for (const name of readdirSync(logs)) {
    readLines(join(logs, name));
    assert.ok(statSync(join(logs, name)).size < 4096);
  }
});

test("with its length off the file is left to others", async () => {
  using directory = new TemporaryDirectory();
  const path = join(directory.path, "logs", "holdfast.log");
  await using server = startLogging(directory, path, ["--workers", "1", "--log-file-size", "off"]);
  await ask(await server.endpoint(), names("many", 10));
  await eventually(() => keysIn(path).length === 10, "all requests are in the file");
  assert.equal(readdirSync(join(directory.path, "logs")).length, 1);
});

test("what a file does not take goes to the standard error stream, and the server lives", async () => {
  using directory = new TemporaryDirectory();
  const path = join(directory.path, "logs", "holdfast.log");
  const audit = join(directory.path, "logs", "audit.log");
  await using server = startLogging(directory, path, ["--workers", "1", "--audit-log", audit]);
  const endpoint = await server.endpoint();
  rmSync(join(directory.path, "logs"), { recursive: true });
  await ask(endpoint, names("lost", 3));
  await eventually(() => server.errors.includes("lost-2"), "the lines are not lost");
  assert.equal(server.errors.split("cannot write the log file").length, 2, "said once");
  assert.equal(server.errors.split("cannot write the audit log file").length, 2, "said once");
  const audited = server.errors.split("\n").filter((line) => line.includes('"principal"'));
  assert.equal(audited.length, 3);
});

test("a file that cannot be made is said in one line", async () => {
  using directory = new TemporaryDirectory();
  const { code, errors } = await runCommand(
    ["--memory", "--port", "0", "--log-file", directory.path],
    keys,
  );
  assert.equal(code, 2);
  assert.match(errors, /^holdfast: --log-file: cannot write \S+ \(EISDIR\)[^\n]*\n$/);
});
