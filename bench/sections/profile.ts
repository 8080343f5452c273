// Where the server's time goes: GET and PUT of 4 KiB at 64 connections under V8's sampling profiler,
// printed as the functions with the most time of their own.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type BenchContext, isWanted, makeDataDirectory } from "../measure/bench-context.ts";
import { ControlClient } from "../measure/control-client.ts";
import type { Cell, SectionReport } from "../measure/report.ts";
import { type CpuProfile, type FunctionTime, summarizeProfile } from "../measure/cpu-profile.ts";
import { requestsPerSecond } from "../measure/rounds.ts";
import { credentials, startHoldfast } from "../measure/server-process.ts";

const shownFunctions = 30;
const shownFolders = 14;
const shownOfOtherThreads = 5;
const keys = 5000;
const bodyBytes = 4096;

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
      rows.push(...describeThread(`${method}, thread ${thread}`, thread === "0", profile));
    }
  }
  return {
    title: "Profile: where the server's time goes",
    columns: ["load", "by", "own", "with callees", "own ms", "function", "place"],
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

function describeThread(load: string, isMainThread: boolean, profile: CpuProfile): Cell[][] {
  const summary = summarizeProfile(profile);
  const rows: Cell[][] = [];
  for (const { folder, share } of summary.folders.slice(0, isMainThread ? shownFolders : 0)) {
    const milliseconds = Math.round(share * summary.busyMilliseconds);
    rows.push([load, "folder", percent(share), "", milliseconds, folder, ""]);
  }
  const own = summary.functions.slice(0, isMainThread ? shownFunctions : shownOfOtherThreads);
  for (const each of own) rows.push(describeFunction(load, "own", each));
  if (!isMainThread) return rows;
  const total = summary.functions
    .filter(({ place }) => place.startsWith("src/"))
    .toSorted((left, right) => right.totalShare - left.totalShare)
    .slice(0, shownFunctions);
  for (const each of total) rows.push(describeFunction(load, "with callees", each));
  return rows;
}

function describeFunction(load: string, kind: string, each: FunctionTime): Cell[] {
  const { ownShare, totalShare, name, place } = each;
  const milliseconds = Math.round(each.ownMilliseconds);
  return [load, kind, percent(ownShare), percent(totalShare), milliseconds, name, place];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
