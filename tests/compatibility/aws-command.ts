// The AWS command line for scripts that call it often: where the compatibility run has installed it, one
// process loads it and answers all calls (aws_process.py); elsewhere it is what the machine has.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { TemporaryDirectory } from "../app/server-process.ts";

const python = resolve(".cache", "compatibility-clients", "bin", "python");
const program = resolve("tests", "compatibility", "aws_process.py");

export class AwsCommand implements Disposable {
  readonly #directory = new TemporaryDirectory();
  readonly #socket = join(this.#directory.path, "aws");
  #process: ChildProcess | undefined;

  static async start(): Promise<AwsCommand> {
    const command = new AwsCommand();
    if (existsSync(python)) await command.#load();
    return command;
  }

  /** Puts a program `aws` into a directory of programs, unless the machine's own is to be used. */
  install(directory: string): void {
    if (this.#process === undefined) return;
    const script = `#!/bin/sh\nexec "${python}" -I -S "${program}" call "${this.#socket}" "$@"\n`;
    writeFileSync(join(directory, "aws"), script, { mode: 0o755 });
  }

  [Symbol.dispose](): void {
    this.#process?.kill("SIGKILL");
    this.#directory[Symbol.dispose]();
  }

  async #load(): Promise<void> {
    // Nothing of the machine's own profiles.
    const env = { HOME: this.#directory.path, LC_ALL: "C.UTF-8", PYTHONDONTWRITEBYTECODE: "1" };
    const loading = spawn(python, [program, "serve", this.#socket], {
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#process = loading;
    const ended = once(loading, "exit").then(() => {
      throw new Error("the AWS command line did not load");
    });
    await Promise.race([once(loading.stdout, "data"), ended]);
    // From here on it ends when it is told to.
    ended.catch(() => {});
  }
}
