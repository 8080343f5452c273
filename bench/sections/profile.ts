// Where the server's time goes: GET and PUT of 4 KiB at 64 connections under V8's sampling profiler,
// printed as the functions with the most time of their own.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type BenchContext, isWanted, makeDataDirectory } from "../measure/bench-context.ts";
import { ControlClient } from "../measure/control-client.ts";
import type { Cell, SectionReport } from "../measure/report.ts";
import { requestsPerSecond } from "../measure/rounds.ts";
import { credentials, startHoldfast } from "../measure/server-process.ts";

const shownFunctions = 40;
const keys = 5000;
const bodyBytes = 4096;

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { functionName: string; url: string; lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export async function measureProfile(context: BenchContext): Promise<SectionReport> {
  const rows: Cell[][] = [];
  const notes: string[] = [];
  for (const method of ["GET", "PUT"] as const) {
    if (!isWanted(context, method)) continue;
    context.say(`profile: ${method} 4 KiB`);
    await using profiles = await makeDataDirectory(context);
    const rate = await runProfiled(context, method, profiles.path);
    notes.push(`${method} 4 KiB under the profiler: ${Math.round(rate)} requests per second.`);
    for (const file of (await readdir(profiles.path)).toSorted()) {
      const profile = JSON.parse(await readFile(join(profiles.path, file), "utf8")) as CpuProfile;
      // Node names the files CPU.<date>.<time>.<process>.<thread>.<number>.cpuprofile.
      const thread = file.split(".").at(-3) ?? "";
      rows.push(...topFunctions(profile, `${method}, thread ${thread}`));
    }
  }
  return {
    title: "Profile: own time of functions",
    columns: ["load", "share", "ms", "function", "place"],
    rows,
    notes,
  };
}

async function runProfiled(
  context: BenchContext,
  method: "GET" | "PUT",
  profileDirectory: string,
): Promise<number> {
  await using data = await makeDataDirectory(context);
  const nodeArguments = ["--cpu-prof", `--cpu-prof-dir=${profileDirectory}`];
  await using holdfast = await startHoldfast({ dataDirectory: data.path, nodeArguments });
  using client = new ControlClient(holdfast.port, credentials);
  await client.send({ method: "PUT", path: "/profile" });
  const shared = { path: "/profile/{index}", distinctRequests: keys, connections: 64 };
  const upload = { ...shared, method: "PUT", bodyBytes, checksum: "crc32" } as const;
  if (method === "GET") {
    await context.generator.runWithoutErrors(holdfast, { ...upload, requests: keys });
  }
  const request = method === "PUT" ? upload : { ...shared, method };
  const milliseconds = context.options.quick ? 4000 : 10_000;
  const round = await context.generator.runWithoutErrors(holdfast, { ...request, milliseconds });
  await holdfast.stop();
  return requestsPerSecond(round);
}

function topFunctions(profile: CpuProfile, load: string): Cell[][] {
  const names = new Map<number, string>();
  for (const { id, callFrame } of profile.nodes) {
    const place =
      callFrame.url === "" ? "" : `${shorten(callFrame.url)}:${callFrame.lineNumber + 1}`;
    names.set(id, `${callFrame.functionName || "(anonymous)"}\n${place}`);
  }
  const microseconds = new Map<string, number>();
  for (const [position, id] of profile.samples.entries()) {
    const name = names.get(id) ?? "";
    const sum = microseconds.get(name) ?? 0;
    microseconds.set(name, sum + (profile.timeDeltas[position] ?? 0));
  }
  microseconds.delete("(idle)\n");
  microseconds.delete("(program)\n");
  const total = [...microseconds.values()].reduce((sum, value) => sum + value, 0);
  return [...microseconds]
    .toSorted((left, right) => right[1] - left[1])
    .slice(0, shownFunctions)
    .map(([name, value]) => {
      const [functionName = "", place = ""] = name.split("\n");
      const share = `${((value / total) * 100).toFixed(1)} %`;
      return [load, share, Math.round(value / 1000), functionName, place];
    });
}

function shorten(url: string): string {
  const start = Math.max(url.lastIndexOf("/src/"), url.lastIndexOf("/node_modules/"));
  return start >= 0 ? url.slice(start + 1) : url.replace("file://", "");
}
