// Every page of docs/guide, run as it stands there: each against a server of its own, with the AWS
// command line, curl and holdfast. `tests/compatibility/guide.sh` installs what is missing and runs this.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, delimiter, join, resolve } from "node:path";
import { after, describe, test } from "node:test";
import {
  rootAccessKey,
  rootSecretKey,
  ServerProcess,
  TemporaryDirectory,
} from "../app/server-process.ts";
import { AwsCommand } from "./aws-command.ts";
import { matchesShown, parseGuidePage, readOutcomes, scriptOf } from "./guide-page.ts";
import type { GuidePage } from "./guide-page.ts";

const guide = join("docs", "guide");
const index = "README.md";
const pages = readdirSync(guide)
  .filter((name) => name.endsWith(".md") && name !== index)
  .toSorted();
const wanted = (process.env["GUIDE_PAGES"] ?? "").split(" ").filter((name) => name !== "");
/** An example that waits for something waits at most so long. */
const limitMilliseconds = 120_000;
const mark = "=guide-step=";
const awsCommand = await AwsCommand.start();
after(() => awsCommand[Symbol.dispose]());

test("the index names every page, and no other", () => {
  const text = readFileSync(join(guide, index), "utf8");
  const named = [...text.matchAll(/\]\(([\w-]+\.md)\)/g)].map(([, name = ""]) => name);
  assert.deepEqual(named.toSorted(), pages);
});

describe("the guide", { concurrency: availableParallelism() * 2 }, () => {
  for (const name of pages) {
    const title = basename(name, ".md");
    if (wanted.length > 0 && !wanted.includes(title)) continue;
    test(title, async () => {
      const page = parseGuidePage(readFileSync(join(guide, name), "utf8"));
      assert.ok(page.steps.length > 0, "a page has an example");
      await runPage(page, join(guide, name));
    });
  }
});

async function runPage(page: GuidePage, path: string): Promise<void> {
  using directory = new TemporaryDirectory();
  const work = join(directory.path, "work");
  mkdirSync(work);
  for (const { name, text } of page.files) writeFileSync(join(work, name), text);
  await using server = startServer(page, work);
  const environment = environmentOf(directory.path, {
    ENDPOINT: await server.endpoint(),
    ADMIN_ENDPOINT: await server.adminEndpoint(),
  });
  const output = await runScript(scriptOf(page.steps, mark), work, environment);
  const outcomes = readOutcomes(page.steps, mark, output);
  for (const [at, step] of page.steps.entries()) {
    const outcome = outcomes[at];
    assert.ok(outcome !== undefined, "every step has an outcome");
    const where = `${path}:${step.line}\n${step.commands.trim()}\n`;
    if ("unfinished" in outcome) {
      assert.fail(`${where}did not end; it printed:\n${outcome.unfinished}\n${server.errors}`);
    }
    if (step.shown === undefined || step.shown.every((line) => line.trim() === "…")) {
      const said = `${where}failed at: ${outcome.failed}\nand printed:\n${outcome.output}`;
      assert.equal(outcome.failed, undefined, said);
    } else {
      const said = `${where}is to print:\n${step.shown.join("\n")}\nand prints:\n${outcome.output}`;
      assert.ok(matchesShown(step.shown, outcome.output), said);
    }
  }
}

function startServer({ serverParameters }: GuidePage, work: string): ServerProcess {
  const isPersistent = serverParameters.includes("--data");
  return new ServerProcess(
    [
      "serve",
      ...(isPersistent ? [] : ["--memory"]),
      "--port=0",
      "--admin-port=0",
      "--log-level=warning",
      ...serverParameters,
    ],
    { HOLDFAST_ROOT_ACCESS_KEY: rootAccessKey, HOLDFAST_ROOT_SECRET_KEY: rootSecretKey },
    work,
  );
}

/** Nothing of the machine's own profiles, proxies and caches. */
function environmentOf(
  directory: string,
  endpoints: { readonly ENDPOINT: string; readonly ADMIN_ENDPOINT: string },
): Record<string, string> {
  const programs = join(directory, "bin");
  mkdirSync(programs);
  const main = resolve("src", "main.ts");
  const holdfast = `#!/bin/sh\nexec "${process.execPath}" "${main}" "$@"\n`;
  writeFileSync(join(programs, "holdfast"), holdfast, { mode: 0o755 });
  awsCommand.install(programs);
  return {
    ...endpoints,
    PORT: new URL(endpoints.ENDPOINT).port,
    PATH: [programs, process.env["PATH"] ?? ""].join(delimiter),
    HOME: directory,
    LC_ALL: "C.UTF-8",
    AWS_ACCESS_KEY_ID: rootAccessKey,
    AWS_SECRET_ACCESS_KEY: rootSecretKey,
    AWS_ENDPOINT_URL: endpoints.ENDPOINT,
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_REGION: "us-east-1",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_PAGER: "",
    PYTHONDONTWRITEBYTECODE: "1",
  };
}

/** All that it printed, to the end or to the limit. */
function runScript(
  script: string,
  directory: string,
  environment: Record<string, string>,
): Promise<string> {
  const child = spawn("bash", ["-c", script], {
    cwd: directory,
    env: environment,
    stdio: ["ignore", "pipe", "inherit"],
    // A group of its own, so that what a page leaves running ends with it.
    detached: true,
  });
  const parts: Buffer[] = [];
  child.stdout.on("data", (part: Buffer) => parts.push(part));
  const endGroup = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // Nothing of it is left.
    }
  };
  return new Promise((settle, reject) => {
    const timer = setTimeout(endGroup, limitMilliseconds);
    child.once("error", reject);
    child.once("exit", endGroup);
    child.once("close", () => {
      clearTimeout(timer);
      settle(Buffer.concat(parts).toString("utf8"));
    });
  });
}
