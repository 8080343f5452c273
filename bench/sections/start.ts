// Start to first answer, idle memory, and peak memory while 32 clients transfer large objects.

import { setTimeout as sleep } from "node:timers/promises";
import { type BenchContext, makeDataDirectory } from "../measure/bench-context.ts";
import { ControlClient } from "../measure/control-client.ts";
import { readMemory, resetPeakMemory } from "../measure/process-usage.ts";
import type { Cell, SectionReport } from "../measure/report.ts";
import { median, mebibytesPerSecond } from "../measure/rounds.ts";
import { credentials, type ServerProcess, startHoldfast } from "../measure/server-process.ts";

const mebibyte = 1024 * 1024;
const clients = 32;
const startTargetMilliseconds = 500;
const peakTargetMebibytes = 300;
const idleMilliseconds = 2000;

export async function measureStart(context: BenchContext): Promise<SectionReport> {
  const rows: Cell[][] = [];
  const fresh: number[] = [];
  const existing: number[] = [];
  let idle = 0;
  for (let turn = 0; turn < context.options.rounds; turn += 1) {
    context.say(`start: turn ${turn + 1}`);
    await using data = await makeDataDirectory(context);
    await using first = await startHoldfast({ dataDirectory: data.path });
    fresh.push(first.startMilliseconds);
    if (turn === 0) {
      await sleep(idleMilliseconds);
      idle = (await readMemory(first.processId)).residentMebibytes;
    }
    await first.stop();
    await using second = await startHoldfast({ dataDirectory: data.path });
    existing.push(second.startMilliseconds);
  }
  rows.push(["start, empty directory", "ms", median(fresh), startTarget(median(fresh))]);
  rows.push(["start, existing store", "ms", median(existing), startTarget(median(existing))]);
  rows.push(["idle resident memory", "MiB", idle, ""]);
  rows.push(...(await measurePeaks(context)));
  return {
    title: "Start and memory",
    columns: ["figure", "unit", "value", "target"],
    rows,
    notes: [
      "Start: from spawning the process to a signed ListBuckets answered 200; run from source.",
      "Memory: resident set of the server's processes, one worker.",
    ],
  };
}

async function measurePeaks(context: BenchContext): Promise<Cell[][]> {
  const bodyBytes = (context.options.quick ? 32 : 256) * mebibyte;
  await using data = await makeDataDirectory(context);
  await using holdfast = await startHoldfast({ dataDirectory: data.path });
  using client = new ControlClient(holdfast.port, credentials);
  await client.send({ method: "PUT", path: "/peak" });
  const rows: Cell[][] = [];
  for (const method of ["PUT", "GET"] as const) {
    context.say(`start: ${clients} clients ${method} ${bodyBytes / mebibyte} MiB`);
    await resetPeakMemory(holdfast.processId);
    const round = await context.generator.runWithoutErrors(holdfast, {
      method,
      path: "/peak/{index}",
      distinctRequests: clients,
      requests: clients,
      connections: clients,
      stallMilliseconds: 300_000,
      ...(method === "PUT" ? { bodyBytes, checksum: "crc32" } : {}),
    });
    const name = `${clients} clients ${method} ${bodyBytes / mebibyte} MiB`;
    rows.push(await peakRow(holdfast, `peak memory, ${name}`));
    rows.push([`rate, ${name}`, "MiB/s", mebibytesPerSecond(round), ""]);
  }
  return rows;
}

async function peakRow(server: ServerProcess, name: string): Promise<Cell[]> {
  const { peakMebibytes } = await readMemory(server.processId);
  return [name, "MiB", peakMebibytes, below(peakMebibytes, peakTargetMebibytes, "MiB")];
}

function startTarget(milliseconds: number): string {
  return below(milliseconds, startTargetMilliseconds, "ms");
}

function below(value: number, target: number, unit: string): string {
  return `${value < target ? "meets" : "MISSES"} < ${target} ${unit}`;
}
