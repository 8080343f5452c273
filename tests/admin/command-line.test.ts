// `holdfast admin` as a process: exit codes, errors in one line, credentials of a data directory, help.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createServer } from "../../src/app.ts";
import { runCommand, TemporaryDirectory, type CommandResult } from "../app/server-process.ts";

const directory = new TemporaryDirectory();
after(() => directory[Symbol.dispose]());
const server = await createServer({ store: { directory: directory.path } });
after(() => server.close());
const { accessKeyId, secretAccessKey } = server.credentials;
const environment = {
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  AWS_SESSION_TOKEN: "",
  AWS_ENDPOINT_URL: server.endpoint,
};

function admin(parameters: readonly string[], more: Record<string, string> = {}) {
  return runCommand(["admin", ...parameters], { ...environment, ...more });
}

function assertFails(result: CommandResult, code: number, errors: RegExp): void {
  assert.equal(result.code, code, result.errors);
  assert.match(result.errors, errors);
  assert.equal(result.errors.trimEnd().split("\n").length, 1, "one line");
  assert.equal(result.output, "");
}

test("prints the answer as JSON, with the credentials of a data directory", async () => {
  const nobody = { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" };
  const options = ["--data", directory.path, "--endpoint", server.endpoint, "--json"];
  const { code, output } = await admin(["get-account", ...options], nobody);
  assert.equal(code, 0);
  assert.equal(JSON.parse(output).Account.AccountId, server.accountId);
  assertFails(await admin(["get-account"], nobody), 2, /set AWS_ACCESS_KEY_ID/);
});

test("explains the actions and one of them", async () => {
  const overview = await admin(["--help"]);
  assert.equal(overview.code, 0);
  assert.match(overview.output, /create-account +Makes an account/);
  const one = await admin(["explain", "--help"]);
  assert.match(one.output, /--source-ip TEXT +Address that the request comes from/);
  const longName = await admin(["explain-decision", "--help"]);
  assert.equal(longName.output, one.output);
});

test("says what is wrong in one line: 2 for usage, 1 for what the server refuses", async () => {
  assertFails(await admin(["no-such"]), 2, /unknown action "no-such"/);
  assertFails(await admin(["get-account", "--nmae", "x"]), 2, /unknown option --nmae/);
  assertFails(await admin(["create-account"]), 2, /--name must be given/);
  assertFails(await admin(["get-account", "extra"]), 2, /"extra" is unexpected/);
  const bytes = ["set-bucket-quota", "--bucket", "b", "--bytes", "many"];
  assertFails(await admin(bytes), 2, /--bytes needs a number of bytes/);
  const missing = ["create-service-account", "--policy", "@/no/such/file"];
  assertFails(await admin(missing), 2, /cannot read \/no\/such\/file/);
  const unknown = ["get-account", "--account-id", "000000000000"];
  assertFails(await admin(unknown), 1, /NoSuchEntityException: The account with id 000000000000/);
  const wrong = { AWS_SECRET_ACCESS_KEY: "wrong" };
  assertFails(await admin(["get-account"], wrong), 1, /InvalidSignatureException/);
  const unreachable = ["get-account", "--endpoint", "http://127.0.0.1:1"];
  assertFails(await admin(unreachable), 1, /http:\/\/127\.0\.0\.1:1 cannot be reached/);
});
