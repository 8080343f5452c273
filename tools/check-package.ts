// Packs the project as npm would publish it, installs the result in an empty directory, and uses it as
// a stranger would: the types, the library from plain JavaScript, and the command.

import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = process.cwd();
const directory = mkdtempSync(join(tmpdir(), "holdfast-package-"));

const librarySource = `
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { createServer } from "holdfast";

// The client is the checkout's: it is no dependency of the package.
const require = createRequire(${JSON.stringify(join(root, "package.json"))});
const { S3Client, CreateBucketCommand, PutObjectCommand, GetObjectCommand } = require("@aws-sdk/client-s3");

for (const store of ["memory", { directory: "./library-data" }]) {
  const server = await createServer({ store, logLevel: "silent" });
  const { endpoint, region, credentials } = server;
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: "first" }));
  await client.send(new PutObjectCommand({ Bucket: "first", Key: "k", Body: "hello" }));
  const { Body } = await client.send(new GetObjectCommand({ Bucket: "first", Key: "k" }));
  assert.equal(await Body.transformToString(), "hello");
  client.destroy();
  assert.equal(await server.close(), true);
}
`;

const typedSource = `
import { createServer, ManualClock, type HoldfastServer, type ServerOptions } from "holdfast";

const options: ServerOptions = { store: { directory: "x" }, clock: new ManualClock(0) };
export async function start(): Promise<string> {
  await using server: HoldfastServer = await createServer(options);
  const secret: string = server.credentials.secretAccessKey;
  return server.endpoint + secret + String(await server.close({ timeoutMilliseconds: 1 }));
}
// @ts-expect-error: there is no such store
void createServer({ store: "nowhere" });
`;

const compilerOptions = {
  target: "es2024",
  lib: ["es2024", "esnext.disposable"],
  module: "nodenext",
  strict: true,
  exactOptionalPropertyTypes: true,
  noEmit: true,
  // The package's own declarations are what is tested here.
  skipLibCheck: false,
  types: ["node"],
};

try {
  await check();
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function check(): Promise<void> {
  // Built apart, because npm hides what a script of its own says when it fails.
  run("npm", ["run", "build"], root);
  run(
    "npm",
    ["pack", "--ignore-scripts", "--loglevel=error", "--pack-destination", directory],
    root,
  );
  const tarball = readdirSync(directory).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) throw new Error("npm pack made nothing");
  const application = join(directory, "application");
  mkdirSync(application);
  writeFileSync(join(application, "package.json"), '{ "type": "module", "private": true }\n');
  run(
    "npm",
    ["install", "--no-audit", "--no-fund", "--loglevel=error", join("..", tarball)],
    application,
  );

  writeFileSync(join(application, "library.js"), librarySource);
  run(process.execPath, ["library.js"], application);
  process.stdout.write("the library works from JavaScript\n");

  writeFileSync(join(application, "typed.ts"), typedSource);
  writeFileSync(
    join(application, "tsconfig.json"),
    JSON.stringify({ compilerOptions, files: ["typed.ts"] }),
  );
  mkdirSync(join(application, "node_modules", "@types"), { recursive: true });
  for (const name of [join("@types", "node"), "undici-types"]) {
    const place = join(application, "node_modules", name);
    // A dependency may have brought them.
    rmSync(place, { recursive: true, force: true });
    symlinkSync(resolve(root, "node_modules", name), place);
  }
  run(resolve(root, "node_modules", ".bin", "tsc"), ["-p", "."], application);
  process.stdout.write("its types resolve and check\n");

  await checkCommand(join(application, "node_modules", ".bin", "holdfast"), application);
  process.stdout.write("its command serves and stops\n");
}

/** Starts the installed command with two workers, sees it ready, stops it. */
async function checkCommand(command: string, application: string): Promise<void> {
  const parameters = [
    "--port",
    "0",
    "--admin-port",
    "0",
    "--data",
    "command-data",
    "--workers",
    "2",
  ];
  const child = spawn(process.execPath, [command, ...parameters], {
    cwd: application,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exit = new Promise<number | null>((settle) => child.once("exit", settle));
  const limit = setTimeout(() => child.kill("SIGKILL"), 60_000);
  let banner = "";
  for await (const chunk of child.stdout) {
    banner += String(chunk);
    const ready = /(http:\/\/\S+\/health\/ready)/.exec(banner)?.[1];
    if (ready === undefined || !banner.includes("SDK")) continue;
    const response = await fetch(ready);
    if (response.status !== 200) throw new Error(`not ready: ${await response.text()}`);
    child.kill("SIGTERM");
  }
  const code = await exit;
  clearTimeout(limit);
  if (code !== 0) throw new Error(`the command ended with ${code}; it said: ${banner}`);
}

function run(command: string, parameters: readonly string[], cwd: string): void {
  execFileSync(command, parameters, { cwd, stdio: ["ignore", "inherit", "inherit"] });
}
