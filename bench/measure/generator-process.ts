// The load generator as a process beside the servers: one plan in, one result out, one at a time.

import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { LoadPlan, LoadResult } from "../load/load-plan.ts";
import { readCpuSeconds } from "./process-usage.ts";
import { credentials, type ServerProcess } from "./server-process.ts";

/** Without credentials, those of the root. */
export type LoadRequest = Omit<LoadPlan, "host" | "port" | "credentials"> &
  Partial<Pick<LoadPlan, "credentials">>;

/** One round: what the generator saw, and what the server spent meanwhile. */
export interface Round extends LoadResult {
  readonly serverCpuSeconds: number;
}

export class GeneratorProcess implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor() {
    const script = join(import.meta.dirname, "..", "load-generator.ts");
    this.#child = spawn(process.execPath, [script], { stdio: ["pipe", "pipe", "inherit"] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async run(server: ServerProcess, request: LoadRequest): Promise<Round> {
    const plan: LoadPlan = { credentials, ...request, host: "127.0.0.1", port: server.port };
    const before = await readCpuSeconds(server.processId);
    this.#child.stdin.write(`${JSON.stringify(plan)}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("the load generator has ended");
    const serverCpuSeconds = (await readCpuSeconds(server.processId)) - before;
    const result = JSON.parse(value) as LoadResult & { failure?: string };
    if (result.failure !== undefined) throw new Error(`load generator: ${result.failure}`);
    return { ...result, serverCpuSeconds };
  }

  /** For preparations, where an error would make everything after it worthless. */
  async runWithoutErrors(server: ServerProcess, request: LoadRequest): Promise<Round> {
    const round = await this.run(server, request);
    if (round.errors > 0) {
      const { method, path } = request;
      throw new Error(`${method} ${path}: ${round.errors} errors, first: ${round.firstError}`);
    }
    return round;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.stdin.end();
    this.#child.kill("SIGTERM");
    await exited;
  }
}
