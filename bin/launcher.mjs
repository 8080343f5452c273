// Finds or brings the Node.js that Holdfast runs on, and starts a script with it. Plain JavaScript that
// any Node.js from 18 on understands, without dependencies: it runs before anything is installed.

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import module from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** What the sources need: `node:sqlite`, `using`, and running TypeScript directly. */
const minimum = { major: 24, minor: 12 };
const shellCheckMilliseconds = 200;
const minimumText = `${minimum.major}.${minimum.minor}`;

/** Starts a script of this checkout or package; ends the process with the script's exit code. */
export async function launch(root, script, parameters) {
  if (isCheckout(root)) {
    stopWithShellOfNpm();
    if (!isInstalled(root)) await install(root);
    // Stripping types takes longer than everything else at start-up; this and every process that the
    // script starts do it once for each file.
    process.env["NODE_COMPILE_CACHE"] ??= join(root, "node_modules", ".cache", "compiled");
  }
  if (isNewEnough(process.versions.node)) {
    process.argv = [process.execPath, script, ...parameters];
    module.enableCompileCache?.();
    await import(pathToFileURL(script).href);
    return;
  }
  const node = findBroughtNode(root);
  if (node === undefined) fail(describeMissingNode(root));
  await runToItsEnd(node, [script, ...parameters]);
}

/**
 * npm runs `npm start` in a shell and passes SIGTERM on to that shell, which ends by it without a word
 * to this process: its end is the signal.
 */
function stopWithShellOfNpm() {
  if (process.env["npm_lifecycle_event"] === undefined || process.platform === "win32") return;
  const shell = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, shellCheckMilliseconds);
  timer.unref();
}

/** A checkout has sources and a lock file; the published package has neither. */
function isCheckout(root) {
  return existsSync(join(root, "package-lock.json")) && existsSync(join(root, "src", "main.ts"));
}

/**
 * Whether what npm installed is what the lock file asks for. npm writes down what it installed; only
 * packages for other platforms may be missing there.
 */
function isInstalled(root) {
  const wanted = readJson(join(root, "package-lock.json"));
  const installed = readJson(join(root, "node_modules", ".package-lock.json"));
  if (wanted === undefined || installed === undefined) return false;
  for (const [path, entry] of Object.entries(wanted.packages)) {
    if (path === "") continue;
    const found = installed.packages[path];
    if (found === undefined) {
      if (entry.optional !== true) return false;
    } else if (found.version !== entry.version || found.integrity !== entry.integrity) {
      return false;
    }
  }
  return isNewEnough(process.versions.node) || findBroughtNode(root) !== undefined;
}

async function install(root) {
  process.stderr.write("holdfast: installing what is missing (npm ci) …\n");
  const options = ["ci", "--include=dev", "--loglevel=error"];
  const npm = process.env["npm_execpath"];
  // The standard output belongs to the script; npm's goes where the line above went.
  const stdio = ["ignore", 2, 2];
  const child =
    npm !== undefined && /\.[cm]?js$/.test(npm)
      ? spawn(process.execPath, [npm, ...options], { cwd: root, stdio })
      : spawn("npm", options, { cwd: root, stdio, shell: process.platform === "win32" });
  const { code, error } = await ended(child);
  if (error !== undefined) fail(`npm cannot be started (${error.code}); it comes with Node.js`);
  if (code !== 0) fail("npm ci failed; what it said stands above");
}

/** The `node` package of npm, pinned in package.json, puts a whole Node.js into node_modules. */
function findBroughtNode(root) {
  const directory = join(root, "node_modules", "node");
  const version = readJson(join(directory, "package.json"))?.version;
  if (version === undefined || !isNewEnough(version)) return undefined;
  const names = process.platform === "win32" ? ["node.exe"] : ["node"];
  return names.map((name) => join(directory, "bin", name)).find((path) => existsSync(path));
}

function describeMissingNode(root) {
  const own = `this is Node.js ${process.versions.node}, and Holdfast needs ${minimumText} or newer`;
  if (isCheckout(root)) {
    return (
      `${own}; npm did not bring it, perhaps because install scripts are turned off. ` +
      "Run `npm rebuild node --ignore-scripts=false`, or install a newer Node.js."
    );
  }
  return (
    `${own}. Install it, or let npm bring it: ` +
    `npx --package=node@${minimum.major} --package=holdfast -- holdfast`
  );
}

async function runToItsEnd(node, parameters) {
  // This process must not end before its child. A signal from a terminal reaches both; the child takes
  // two copies within a second for one.
  let child;
  const forward = (signal) => child.kill(signal);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, forward);
  // The pipe tells the child when this process is killed without a word.
  child = spawn(node, parameters, { stdio: ["inherit", "inherit", "inherit", "ipc"] });
  const { code, signal, error } = await ended(child);
  if (error !== undefined) {
    fail(`${node} cannot be started (${error.code}). Install Node.js ${minimumText} or newer.`);
  }
  if (signal === null) process.exit(code);
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.off(name, forward);
  process.kill(process.pid, signal);
}

function ended(child) {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: null, signal: null, error }));
    child.once("exit", (code, signal) => resolve({ code, signal, error: undefined }));
  });
}

function isNewEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > minimum.major || (major === minimum.major && minor >= minimum.minor);
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

function fail(message) {
  process.stderr.write(`holdfast: ${message}\n`);
  process.exit(1);
}
