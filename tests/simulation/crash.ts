// Crash tests of the real server: it is killed in the middle of a mixed load, again and again, and each
// time what was acknowledged must be there, whole and listed. Kills are SIGKILL of the whole process
// tree; of one worker process alone; or, with --power-cut, a simulated power cut that takes everything
// not yet synced.
//
//   node tools/run.mjs tests/simulation/crash.ts --rounds 300 [--workers 2] [--power-cut] [--seed N]

import assert from "node:assert/strict";
import type { ChildProcess, SpawnOptions } from "node:child_process";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { CheckResult } from "../../src/background/check.ts";
import { checkStore } from "../../src/background/check.ts";
import { Sweeper } from "../../src/background/sweeper.ts";
import { ManualClock, systemClock } from "../../src/base/clock.ts";
import { openStoresToRead } from "../../src/open-stores-to-read.ts";
import { openStores } from "../../src/open-stores.ts";
import type { LoadCounts } from "./crash-load.ts";
import { CrashLoad } from "./crash-load.ts";
import { killGroup, openPowerCutMachine } from "./power-cut/power-cut.ts";
import { chooseSeed, SeededRandom, withSeed } from "./seeded-random.ts";

export interface CrashOptions {
  readonly seed: number;
  readonly rounds: number;
  readonly workers: number;
  readonly crash: "kill" | "power-cut";
  readonly clients?: number;
  readonly report?: (line: string) => void;
}

export interface CrashCounts extends LoadCounts {
  crashes: number;
  workerDeaths: number;
  /** Blobs that crashes left unnamed and the sweeper removed. */
  sweptBlobs: number;
}

/** Something that servers run on and that can fail as a whole. */
interface Machine extends AsyncDisposable {
  start(command: string, values: readonly string[], options: SpawnOptions): Promise<ChildProcess>;
  crash(round: number): Promise<void>;
}

const credentials = { accessKeyId: "CRASHTESTACCESSKEY", secretAccessKey: "crash-test-secret-key" };
const offlineSweepEvery = 4;
const startLimitMilliseconds = 60_000;

export async function runCrashes(options: CrashOptions): Promise<CrashCounts> {
  const { seed, rounds, workers, report = () => {} } = options;
  const random = new SeededRandom(seed);
  const directory = await mkdtemp(join(tmpdir(), "holdfast-crash-"));
  const load = new CrashLoad(random, options.clients ?? 6);
  const counts = { crashes: 0, workerDeaths: 0, sweptBlobs: 0 };
  try {
    await using machine = await openMachine(options, directory, random);
    for (let round = 0; round < rounds; round += 1) {
      const server = await startServer(machine, directory, workers);
      await explaining(server, async () => {
        load.connect({ endpoint: server.endpoint, credentials });
        if (round === 0) await load.createBuckets();
        else await load.verify();
        await checkDirectory(directory);
        // Both must be watched from the beginning: a failure of the load ends the round at once.
        const crashing = crash({ machine, server, random, round, counts, load });
        await Promise.all([load.run(), crashing]);
      });
      counts.crashes += 1;
      const isLast = round === rounds - 1;
      if (isLast || round % offlineSweepEvery === offlineSweepEvery - 1) {
        counts.sweptBlobs += await sweepOffline(directory);
      }
      report(`round ${round + 1} of ${rounds}: ${JSON.stringify({ ...load.counts, ...counts })}`);
    }
    const server = await startServer(machine, directory, workers);
    await explaining(server, async () => {
      load.connect({ endpoint: server.endpoint, credentials });
      await load.verify();
      await checkWithCommand(directory);
    });
    await machine.crash(rounds);
    return { ...load.counts, ...counts };
  } finally {
    load.close();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Adds what the server printed to a failure. */
async function explaining(server: RunningServer, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    throw new Error(`the server printed: ${server.output()}`, { cause: error });
  }
}

async function crash(options: {
  readonly machine: Machine;
  readonly server: RunningServer;
  readonly random: SeededRandom;
  readonly round: number;
  readonly counts: { workerDeaths: number };
  readonly load: CrashLoad;
}): Promise<void> {
  const { machine, server, random, round, counts, load } = options;
  try {
    await pause(100 + random.below(900));
    // One worker alone: the others go on, and a successor takes its place.
    if (random.chance(0.4) && (await killOneWorker(server, random))) {
      counts.workerDeaths += 1;
      await pause(200 + random.below(600));
    }
    await machine.crash(round);
  } finally {
    load.stop();
  }
}

/** Without a server: whatever crashes left unnamed goes, and then nothing is wrong or left over. */
async function sweepOffline(directory: string): Promise<number> {
  const clock = new ManualClock(systemClock.now());
  let swept = 0;
  {
    const options = { store: { directory }, durability: "relaxed", deadWriters: "all" } as const;
    await using stores = await openStores({ ...options, clock });
    const sweeper = new Sweeper({ objectStore: stores.objects, sleep: async () => {} });
    for (let pass = 0; pass < 4; pass += 1) {
      clock.advance(60_000);
      const { fields } = await sweeper.runOnce(new AbortController().signal);
      swept += fields["orphans"] ?? 0;
    }
  }
  const result = await checkDirectory(directory);
  assert.equal(result.wasteBlobs, 0, "a blob that nothing names is left after the sweep");
  return swept;
}

async function checkDirectory(directory: string): Promise<CheckResult> {
  await using stores = await openStoresToRead(directory);
  const output = { write: () => {} };
  const { store, blobs } = stores;
  const result = await checkStore({ store, blobs, clock: systemClock, output, isTerminal: false });
  assert.deepEqual(result.findings, []);
  return result;
}

/** `holdfast check` beside the running server. */
async function checkWithCommand(directory: string): Promise<void> {
  const child = spawn(process.execPath, ["src/main.ts", "check", "--data", directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => child.once("close", resolve));
  assert.equal(code, 0, output);
  assert.match(output, /Nothing is wrong\.\n$/);
}

interface RunningServer {
  readonly child: ChildProcess;
  readonly endpoint: string;
  /** What it has printed so far: its log says why it failed. */
  readonly output: () => string;
}

async function startServer(
  machine: Machine,
  directory: string,
  workers: number,
): Promise<RunningServer> {
  const parameters = ["src/main.ts", "serve", "--data", directory, "--port", "0"];
  parameters.push("--admin-port", "0", "--workers", String(workers), "--log-level", "error");
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("HOLDFAST_"));
  const child = await machine.start(process.execPath, parameters, {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...Object.fromEntries(inherited),
      HOLDFAST_ROOT_ACCESS_KEY: credentials.accessKeyId,
      HOLDFAST_ROOT_SECRET_KEY: credentials.secretAccessKey,
    },
  });
  let output = "";
  child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const deadline = Date.now() + startLimitMilliseconds;
  for (;;) {
    const endpoint = /S3 endpoint\s+(\S+)/.exec(output)?.[1];
    if (endpoint !== undefined) return { child, endpoint, output: () => output };
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      throw new Error(`the server did not start: ${output}`);
    }
    await pause(10);
  }
}

/** `false`: there is none beside the main process. */
async function killOneWorker(server: RunningServer, random: SeededRandom): Promise<boolean> {
  const { pid } = server.child;
  if (process.platform !== "linux" || pid === undefined) return false;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  const ids = children.split(" ").filter((id) => id !== "");
  if (ids.length === 0) return false;
  try {
    process.kill(Number(random.pick(ids)), "SIGKILL");
    return true;
  } catch {
    return false;
  }
}

async function openMachine(
  options: CrashOptions,
  directory: string,
  random: SeededRandom,
): Promise<Machine> {
  if (options.crash === "kill") return new KillMachine();
  const machine = await openPowerCutMachine({ directory });
  return {
    start: (command, values, spawnOptions) => machine.start(command, values, spawnOptions),
    // Every other cut leaves some of what was not synced, as a real disk does.
    crash: (round) => machine.cut(round % 2 === 0 ? undefined : { seed: random.below(2 ** 31) }),
    [Symbol.asyncDispose]: () => machine[Symbol.asyncDispose](),
  };
}

class KillMachine implements Machine {
  readonly #children = new Set<ChildProcess>();

  async start(
    command: string,
    values: readonly string[],
    options: SpawnOptions,
  ): Promise<ChildProcess> {
    // A process group of its own, so that all of it dies at once.
    const child = spawn(command, values, { ...options, detached: true });
    this.#children.add(child);
    return child;
  }

  async crash(): Promise<void> {
    const children = [...this.#children];
    this.#children.clear();
    await Promise.all(children.map((child) => killGroup(child)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.crash();
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

// Not `import.meta.main`: tools/run.mjs imports this file where Node.js is new enough already.
if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "300" },
      workers: { type: "string", default: "1" },
      "power-cut": { type: "boolean", default: false },
      seed: { type: "string" },
    },
  });
  const seed = values.seed === undefined ? chooseSeed() : Number(values.seed);
  process.stdout.write(`seed ${seed}\n`);
  await withSeed(seed, async () => {
    const counts = await runCrashes({
      seed,
      rounds: Number(values.rounds),
      workers: Number(values.workers),
      crash: values["power-cut"] ? "power-cut" : "kill",
      report: (line) => process.stdout.write(`${line}\n`),
    });
    process.stdout.write(`nothing was lost: ${JSON.stringify(counts)}\n`);
  });
}
