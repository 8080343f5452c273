// Simulates power cuts: starts commands under a preloaded library that keeps, beside a data directory,
// what of it is on stable storage; kills them; and puts the data directory back as a cut would leave it.
//
//   await using machine = await openPowerCutMachine({ directory });
//   const child = await machine.start(process.execPath, ["src/main.ts", "serve", "--data", directory]);
//   …
//   await machine.cut();
//
// Linux with a C compiler only: it says so otherwise, it never passes over in silence.

import { type ChildProcess, execFile, spawn, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { layOutShadow, restoreFromShadow, type Tearing } from "./shadow.ts";

export interface PowerCutOptions {
  /** The data directory. It must exist; what is in it when nothing runs counts as safe. */
  readonly directory: string;
  /**
   * `with-directory` (the default): a name is safe after a sync of its directory, as POSIX says.
   * `with-file`: also after a sync of the file that bears it, as on ext4.
   */
  readonly entries?: "with-directory" | "with-file";
  /** How long every sync takes at least. */
  readonly syncMilliseconds?: number;
}

export interface PowerCutMachine extends AsyncDisposable {
  /** Starts a command, in a process group of its own, whose writes are watched. */
  start(command: string, values: readonly string[], options?: SpawnOptions): Promise<ChildProcess>;
  /**
   * Kills everything that was started, and makes the data directory what a cut at this moment leaves.
   * With `tearing`, some of what was not synced is there all the same, as on a real disk. Commands can
   * be started again afterwards.
   */
  cut(tearing?: Tearing): Promise<void>;
}

const killLimitMilliseconds = 5000;
const sources = ["shim.c", "shadow.c"].map((name) => fileURLToPath(new URL(name, import.meta.url)));

export async function openPowerCutMachine(options: PowerCutOptions): Promise<PowerCutMachine> {
  const workDirectory = await mkdtemp(join(tmpdir(), "holdfast-power-cut-"));
  try {
    const library = join(workDirectory, "shim.so");
    await compileShim(library);
    const shadow = join(workDirectory, "shadow");
    return new Machine(options, { workDirectory, library, shadow });
  } catch (error) {
    await rm(workDirectory, { recursive: true, force: true });
    throw error;
  }
}

interface MachineFiles {
  readonly workDirectory: string;
  readonly library: string;
  readonly shadow: string;
}

class Machine implements PowerCutMachine {
  readonly #options: PowerCutOptions;
  readonly #files: MachineFiles;
  readonly #children = new Set<ChildProcess>();

  constructor(options: PowerCutOptions, files: MachineFiles) {
    this.#options = options;
    this.#files = files;
  }

  async start(
    command: string,
    values: readonly string[],
    options: SpawnOptions = {},
  ): Promise<ChildProcess> {
    if (this.#children.size === 0) await this.#layOut();
    const environment = options.env ?? process.env;
    const preloaded = [this.#files.library, environment["LD_PRELOAD"]].filter(Boolean).join(" ");
    const child = spawn(command, values, {
      ...options,
      detached: true,
      env: {
        ...environment,
        LD_PRELOAD: preloaded,
        // Calls through io_uring would pass the library by.
        UV_USE_IO_URING: "0",
        HOLDFAST_POWER_CUT_DIRECTORY: this.#options.directory,
        HOLDFAST_POWER_CUT_SHADOW: this.#files.shadow,
        HOLDFAST_POWER_CUT_ENTRIES: this.#options.entries ?? "with-directory",
        HOLDFAST_POWER_CUT_SYNC_MILLISECONDS: String(this.#options.syncMilliseconds ?? 0),
      },
    });
    this.#children.add(child);
    return child;
  }

  async cut(tearing?: Tearing): Promise<void> {
    if (this.#children.size === 0) return;
    await this.#killAll();
    await restoreFromShadow(this.#options.directory, this.#files.shadow, tearing);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#killAll();
    await rm(this.#files.workDirectory, { recursive: true, force: true });
  }

  async #layOut(): Promise<void> {
    await rm(this.#files.shadow, { recursive: true, force: true });
    await layOutShadow(this.#options.directory, this.#files.shadow);
  }

  async #killAll(): Promise<void> {
    const children = [...this.#children];
    this.#children.clear();
    await Promise.all(children.map((child) => killGroup(child)));
  }
}

/** Kills a command with all its descendants at once, and waits until none of them runs any more. */
export async function killGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  const hasExited = child.exitCode !== null || child.signalCode !== null;
  const exit = hasExited ? Promise.resolve() : once(child, "exit");
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
  await exit;
  const limit = Date.now() + killLimitMilliseconds;
  while (await isGroupAlive(child.pid)) {
    if (Date.now() > limit) throw new Error(`process group ${child.pid} outlives SIGKILL`);
    await delay(2);
  }
}

/** Whether a process of this group still runs. The dead that nobody has waited for do not count. */
async function isGroupAlive(group: number): Promise<boolean> {
  try {
    process.kill(-group, 0);
  } catch {
    return false;
  }
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const status = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    // `pid (command) state parent group …`; a command may hold spaces and parentheses.
    const [state, , groupOfProcess] = status.slice(status.lastIndexOf(")") + 2).split(" ");
    if (Number(groupOfProcess) === group && state !== "Z" && state !== "X") return true;
  }
  return false;
}

async function compileShim(output: string): Promise<void> {
  if (process.platform !== "linux") throw new Error("power cuts are simulated on Linux only");
  const flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"];
  try {
    await promisify(execFile)("cc", [...flags, "-o", output, ...sources, "-ldl"]);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") {
      throw new Error(
        "power cuts are simulated with a small C library, and there is no C compiler: " +
          "install one (on Debian: apt-get install gcc libc6-dev)",
        { cause: error },
      );
    }
    throw error;
  }
}
