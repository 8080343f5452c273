// The load generator: drives one server from one core over raw sockets with requests signed beforehand.
// As a process it reads one plan (JSON, see load-plan.ts) per line from its input and writes one result
// per line to its output; a plan may also be its only argument.

import { createInterface } from "node:readline";
import { Connection, type ConnectionOwner } from "./load/connection.ts";
import { LatencyHistogram } from "./load/latency-histogram.ts";
import type { LoadPlan, LoadResult } from "./load/load-plan.ts";
import { SignedRequests } from "./load/signed-requests.ts";

/** After so many broken connections a run is not worth its while. */
const failureLimit = 1000;
const defaultStallMilliseconds = 60_000;

/** Runs a plan to its end. Rejects only when the first connections cannot be opened. */
export async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  if (plan.milliseconds === undefined && plan.requests === undefined) {
    throw new Error("a plan needs a bound: milliseconds or requests");
  }
  const run = new LoadRun(plan);
  try {
    return await run.finish();
  } finally {
    run.close();
  }
}

class LoadRun implements ConnectionOwner {
  readonly #plan: LoadPlan;
  readonly #requests: SignedRequests;
  readonly #connections: Connection[] = [];
  readonly #histogram = new LatencyHistogram();
  readonly #statuses = new Map<string, number>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #requestLimit: number;
  #deadline = Number.POSITIVE_INFINITY;
  #taken = 0;
  #answered = 0;
  #errors = 0;
  #failures = 0;
  #firstError: string | undefined;
  #bytesReceived = 0;
  #active = 0;
  #lastAnswerAt = 0;

  constructor(plan: LoadPlan) {
    this.#plan = plan;
    this.#requests = new SignedRequests(plan, new Date());
    this.#requestLimit = plan.requests ?? Number.POSITIVE_INFINITY;
    const { host, port } = plan;
    const options = { host, port, isHead: plan.method === "HEAD" };
    for (let position = 0; position < plan.connections; position += 1) {
      this.#connections.push(new Connection(options, this.#requests, this));
    }
  }

  async finish(): Promise<LoadResult> {
    await Promise.all(this.#connections.map((connection) => connection.open()));
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    this.#lastAnswerAt = startedAt;
    this.#deadline = startedAt + (this.#plan.milliseconds ?? Number.POSITIVE_INFINITY);
    this.#active = this.#connections.length;
    const watch = this.#watchForStalls();
    for (const connection of this.#connections) connection.send();
    await this.#ended.promise;
    clearInterval(watch);
    const cpu = process.cpuUsage(cpuBefore);
    return {
      requests: this.#answered,
      seconds: (this.#lastAnswerAt - startedAt) / 1000,
      errors: this.#errors,
      statuses: Object.fromEntries(this.#statuses),
      ...(this.#firstError === undefined ? {} : { firstError: this.#firstError }),
      bytesReceived: this.#bytesReceived,
      bytesSent: this.#answered * this.#requests.body.lengthBytes,
      latencyMilliseconds: this.#histogram.summary(),
      generatorCpuSeconds: (cpu.user + cpu.system) / 1e6,
    };
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
  }

  takeRequest(): number {
    if (this.#taken >= this.#requestLimit || performance.now() >= this.#deadline) return -1;
    if (this.#failures >= failureLimit) return -1;
    const position = this.#taken % this.#requests.count;
    this.#taken += 1;
    return position;
  }

  onAnswer(status: number, bodyBytes: number, microseconds: number, errorBody: string): void {
    this.#answered += 1;
    this.#bytesReceived += bodyBytes;
    this.#lastAnswerAt = performance.now();
    this.#histogram.record(microseconds);
    this.#countStatus(String(status));
    if (status < 300) return;
    this.#errors += 1;
    this.#firstError ??= `${status} ${errorBody}`;
  }

  onFailure(reason: string): void {
    this.#errors += 1;
    this.#failures += 1;
    this.#countStatus("connection");
    this.#firstError ??= reason;
  }

  onIdle(): void {
    this.#active -= 1;
    if (this.#active === 0) this.#ended.resolve();
  }

  #countStatus(status: string): void {
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
  }

  #watchForStalls(): NodeJS.Timeout {
    const limit = this.#plan.stallMilliseconds ?? defaultStallMilliseconds;
    return setInterval(() => {
      if (performance.now() - this.#lastAnswerAt < limit) return;
      this.onFailure(`no answer for ${limit} ms`);
      this.#ended.resolve();
    }, 500);
  }
}

async function main(): Promise<void> {
  const argument = process.argv[2];
  if (argument !== undefined) {
    process.stdout.write(`${JSON.stringify(await runLoad(JSON.parse(argument) as LoadPlan))}\n`);
    return;
  }
  for await (const line of createInterface({ input: process.stdin })) {
    if (line.trim() === "") continue;
    let answer: unknown;
    try {
      answer = await runLoad(JSON.parse(line) as LoadPlan);
    } catch (error) {
      answer = { failure: error instanceof Error ? error.message : String(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

if (import.meta.main) await main();
