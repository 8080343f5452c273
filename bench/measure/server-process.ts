// Starts the servers that are measured, each as a process of its own on a port of 127.0.0.1, waits
// until they answer and stops them by their id.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BareAnswer } from "../bare-server.ts";
import type { Credentials } from "../load/load-plan.ts";
import { ControlClient } from "./control-client.ts";

export const credentials: Credentials = {
  accessKey: "HOLDFASTBENCHMARKKEY",
  secretKey: "holdfast-benchmark-secret-key-not-for-use",
  region: "us-east-1",
};

const projectDirectory = join(import.meta.dirname, "..", "..");
const startLimitMilliseconds = 30_000;
const stopLimitMilliseconds = 60_000;
const pollMilliseconds = 2;
const keptOutputBytes = 20_000;

export interface HoldfastOptions {
  readonly dataDirectory: string;
  readonly durability?: "strict" | "relaxed";
  /** Arguments for Node.js itself, for example `--cpu-prof`. */
  readonly nodeArguments?: readonly string[];
  readonly serverArguments?: readonly string[];
}

export class ServerProcess implements AsyncDisposable {
  readonly port: number;
  /** From the start of the process to its first successful answer. */
  readonly startMilliseconds: number;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess, port: number, startMilliseconds: number) {
    this.#child = child;
    this.port = port;
    this.startMilliseconds = startMilliseconds;
  }

  get processId(): number {
    return this.#child.pid as number;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const late = setTimeout(() => this.#child.kill("SIGKILL"), stopLimitMilliseconds);
    await exited;
    clearTimeout(late);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

export async function startHoldfast(options: HoldfastOptions): Promise<ServerProcess> {
  const [port, adminPort] = await Promise.all([findFreePort(), findFreePort()]);
  const serverArguments = [
    "serve",
    "--host",
    "127.0.0.1",
    "--port",
    String(port),
    "--admin-port",
    String(adminPort),
    "--data",
    options.dataDirectory,
    "--durability",
    options.durability ?? "strict",
    "--workers",
    "1",
    "--region",
    credentials.region,
    ...(options.serverArguments ?? []),
  ];
  using client = new ControlClient(port, credentials);
  return await startProcess({
    port,
    arguments: [...(options.nodeArguments ?? []), "src/main.ts", ...serverArguments],
    environment: {
      HOLDFAST_ROOT_ACCESS_KEY: credentials.accessKey,
      HOLDFAST_ROOT_SECRET_KEY: credentials.secretKey,
    },
    isReady: async () => (await client.send({ method: "GET", path: "/" })).status === 200,
  });
}

export async function startBareServer(
  kind: "http" | "files" | "instant",
  extra?: string,
): Promise<ServerProcess> {
  const port = await findFreePort();
  const method = kind === "http" ? "PUT" : "GET";
  return await startProcess({
    port,
    arguments: [
      "bench/bare-server.ts",
      kind,
      String(port),
      ...(extra === undefined ? [] : [extra]),
    ],
    environment: {},
    isReady: async () => (await fetch(`http://127.0.0.1:${port}/.bare`, { method })).ok,
  });
}

export async function configureBareServer(
  server: ServerProcess,
  answers: Readonly<Record<string, BareAnswer>>,
): Promise<void> {
  const body = JSON.stringify(answers);
  const answer = await fetch(`http://127.0.0.1:${server.port}/.bare`, { method: "PUT", body });
  if (!answer.ok) throw new Error(`the bare server refused its answers: ${answer.status}`);
}

interface ProcessOptions {
  readonly port: number;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly isReady: () => Promise<boolean>;
}

async function startProcess(options: ProcessOptions): Promise<ServerProcess> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, options.arguments, {
    cwd: projectDirectory,
    env: { ...process.env, ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  // A benchmark that fails or is interrupted leaves no server behind.
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      output = (output + text).slice(-keptOutputBytes);
    });
  }
  for (;;) {
    const isReady = await options.isReady().catch(() => false);
    const milliseconds = performance.now() - startedAt;
    if (isReady) return new ServerProcess(child, options.port, milliseconds);
    const hasExited = child.exitCode !== null || child.signalCode !== null;
    if (hasExited || milliseconds > startLimitMilliseconds) {
      child.kill("SIGKILL");
      throw new Error(`the server did not start (${options.arguments.join(" ")}):\n${output}`);
    }
    await sleep(pollMilliseconds);
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
