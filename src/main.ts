// The command line: reads it, runs one command, and turns what goes wrong into one clear line and an
// exit code: 0 done, 1 failed, 2 wrong usage.

import { readFileSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { ConfigurationError, formatHelp, parseInvocation, type Invocation } from "./config.ts";
import { DirectoryInUseError } from "./start-up/directory-lock.ts";
import { readVersion } from "./start-up/version.ts";

cacheCompiledSources();
process.exitCode = await main(process.argv.slice(2));
// Nothing that still ticks may keep the process alive after its work is done.
process.exit();

async function main(parameters: readonly string[]): Promise<number> {
  if (parameters[0] === "admin") return await administer(parameters.slice(1));
  let invocation: Invocation;
  try {
    invocation = parseInvocation(parameters, process.env);
    return await run(invocation);
  } catch (error) {
    if (error instanceof ConfigurationError) {
      process.stderr.write(`holdfast: ${error.message} (see holdfast --help)\n`);
      return 2;
    }
    const expected = describeExpected(error);
    if (expected === undefined) throw error;
    process.stderr.write(`holdfast: ${expected}\n`);
    return 1;
  }
}

/** A client of a running server, which may be on another machine: no setting of this one concerns it. */
async function administer(parameters: readonly string[]): Promise<number> {
  const { runAdminCommand } = await import("./cli/admin-command.ts");
  const { readRootCredentials } = await import("./start-up/root-credentials.ts");
  return await runAdminCommand(parameters, {
    environment: process.env,
    output: process.stdout,
    errors: process.stderr,
    readFile: (path) => readFileSync(path, "utf8"),
    readRootCredentials,
  });
}

async function run({ command, configuration }: Invocation): Promise<number> {
  if (command === "serve") {
    const { serve } = await import("./start-up/serve.ts");
    return await serve(configuration, { version: await readVersion(), output: process.stdout });
  }
  if (command === "check") {
    const { runCheck } = await import("./check-command.ts");
    const { findProvisioning } = await import("./start-up/read-provisioning.ts");
    const declared = await findProvisioning(configuration, process.env);
    return await runCheck({
      dataDirectory: resolve(configuration.dataDirectory),
      storage: declared?.storage,
      output: process.stdout,
      isTerminal: process.stdout.isTTY,
    });
  }
  if (command === "plan") {
    const { runPlan } = await import("./plan-command.ts");
    return await runPlan(configuration, process.stdout);
  }
  if (command === "rotate-master-key") {
    const { runRotateMasterKey } = await import("./rotate-command.ts");
    return await runRotateMasterKey(configuration, process.stdout);
  }
  process.stdout.write(command === "help" ? formatHelp() : `${await readVersion()}\n`);
  return 0;
}

/** Stripping types takes longer than everything else at start-up: a checkout does it once for a file. */
function cacheCompiledSources(): void {
  if (!import.meta.url.endsWith(".ts")) return;
  const directory = fileURLToPath(new URL("../node_modules/.cache/compiled", import.meta.url));
  // Worker processes find it in their environment.
  process.env["NODE_COMPILE_CACHE"] ??= directory;
  enableCompileCache(process.env["NODE_COMPILE_CACHE"]);
}

/** What a user can mend without reading a stack. */
function describeExpected(error: unknown): string | undefined {
  if (error instanceof DirectoryInUseError) return error.message;
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  switch (error.code) {
    case "EADDRINUSE":
      return `the address is already in use: ${error.message}`;
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `the address does not belong to this machine: ${error.message}`;
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return `not permitted: ${error.message}`;
    case "PROVISIONING_FAILED":
      return `--config: ${error.message}`;
    case "MASTER_KEY_MISSING":
      return error.message;
    case "ENOSPC":
      return `no space left: ${error.message}`;
    default:
      return undefined;
  }
}
