// Starts the real command in a process of its own, for tests of start-up, signals and workers.

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { S3 } from "@aws-sdk/client-s3";

export const rootAccessKey = "TESTROOTACCESSKEY";
export const rootSecretKey = "test-root-secret-key-that-no-output-may-show";

/** Of the root account. */
export function rootClient(endpoint: string): S3 {
  return new S3({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: rootAccessKey, secretAccessKey: rootSecretKey },
    forcePathStyle: true,
    maxAttempts: 1,
  });
}

export interface CommandResult {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

export class ServerProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  output = "";
  errors = "";
  readonly #ended: Promise<CommandResult>;

  /** In the directory of the project, unless another is named. */
  constructor(
    parameters: readonly string[],
    environment: Record<string, string> = {},
    directory?: string,
  ) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("HOLDFAST_"));
    this.child = spawn(process.execPath, [resolve("src", "main.ts"), ...parameters], {
      stdio: ["ignore", "pipe", "pipe"],
      ...(directory === undefined ? {} : { cwd: directory }),
      env: { ...Object.fromEntries(inherited), ...environment },
    });
    this.child.stdout?.on("data", (chunk: Buffer) => (this.output += chunk.toString()));
    this.child.stderr?.on("data", (chunk: Buffer) => (this.errors += chunk.toString()));
    this.#ended = new Promise((resolve) => {
      this.child.once("close", (code) => {
        resolve({ code, output: this.output, errors: this.errors });
      });
    });
  }

  /** The S3 endpoint, once the banner says it. */
  async endpoint(): Promise<string> {
    return await this.#said(/S3 endpoint\s+(\S+)/);
  }

  async adminEndpoint(): Promise<string> {
    return await this.#said(/(http:\S+)\/health\/ready/);
  }

  async ended(): Promise<CommandResult> {
    return await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGKILL");
    await this.#ended;
  }

  async #said(pattern: RegExp): Promise<string> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const found = pattern.exec(this.output)?.[1];
      // The banner is one write; its last line shows that it is there whole.
      if (found !== undefined && this.output.includes("forcePathStyle")) return found;
      if (this.child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`no banner; output: ${this.output}; errors: ${this.errors}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** Runs the command to its end. */
export async function runCommand(
  parameters: readonly string[],
  environment: Record<string, string> = {},
): Promise<CommandResult> {
  await using server = new ServerProcess(parameters, environment);
  return await server.ended();
}

/** A directory that vanishes with the test. */
export class TemporaryDirectory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "holdfast-test-"));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}
