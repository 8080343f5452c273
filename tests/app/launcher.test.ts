// What stands between `npm start` and the server.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { TemporaryDirectory } from "./server-process.ts";

test("npm start takes every command, as npm hands them on", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as {
    readonly scripts: { readonly start: string };
  };
  const help = (parameters: string) => {
    const options = { encoding: "utf8", shell: true } as const;
    const { status, stdout } = spawnSync(`${scripts.start} ${parameters}`, options);
    assert.equal(status, 0);
    return stdout;
  };
  assert.match(help("admin --help"), /holdfast admin/);
  assert.match(help("check --help"), /--data/);
  assert.match(help("--help"), /--data/);
});

test("SIGTERM to npm, which reaches its shell alone, drains the server", async () => {
  using directory = new TemporaryDirectory();
  // As npm does; the second command keeps any shell from replacing itself by the first.
  const command = `"$NODE" bin/holdfast.mjs serve --data "$DATA" --port 0 --admin-port off; exit 3`;
  const shell = spawn("sh", ["-c", command], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      npm_lifecycle_event: "start",
      NODE: process.execPath,
      DATA: directory.path,
    },
  });
  let output = "";
  const started = Promise.withResolvers<void>();
  const hear = (chunk: Buffer): void => {
    output += chunk.toString();
    if (output.includes("server started")) started.resolve();
  };
  shell.stdout.on("data", hear);
  shell.stderr.on("data", hear);
  // The pipes close with the last process that holds them, which is the server.
  const ended = new Promise<NodeJS.Signals | null>((resolve) => {
    shell.once("close", (_code, signal) => resolve(signal));
  });
  void ended.then(() => started.reject(new Error(`ended too early: ${output}`)));
  await started.promise;
  shell.kill("SIGTERM");
  assert.equal(await ended, "SIGTERM", "the shell did not wait for the server");
  assert.match(output, /server draining reason=SIGTERM/);
  assert.match(output, /server stopped everyRequestFinished=true/);
});
