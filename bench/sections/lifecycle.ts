// How fast the lifecycle worker walks over a bucket in which nothing is due. What memory walks take is the
// section `memory`'s.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { walkCases, type WalkFigures } from "../lifecycle-walk.ts";
import { isWanted, makeDataDirectory, type BenchContext } from "../measure/bench-context.ts";
import { verdict, type Cell, type SectionReport } from "../measure/report.ts";
import { median } from "../measure/rounds.ts";

const run = promisify(execFile);
const script = fileURLToPath(new URL("../lifecycle-walk.ts", import.meta.url));
const smallCount = 1000;
const targetPerCpuSecond = 100_000;

export async function measureLifecycle(context: BenchContext): Promise<SectionReport> {
  const rows: Cell[][] = [];
  for (const count of [smallCount, context.options.keys]) {
    await using data = await makeDataDirectory(context);
    context.say(`lifecycle: ${count} objects, each with an older version`);
    await runScript(data.path, "fill", count);
    for (const name of Object.keys(walkCases)) {
      if (isWanted(context, name)) rows.push(await measureCase(context, data.path, name, count));
    }
  }
  return {
    title: "Walks over a bucket by lifecycle rules",
    columns: [
      "nothing is due:",
      "objects",
      "objects/s",
      "objects/CPU s",
      "peak MiB, own",
      "target",
    ],
    rows,
    notes: [
      "A process of its own for each walk; its CPU is that of all threads.",
      "The peak is of the pages of the resident set that belong to no file.",
      `Target: ${targetPerCpuSecond} objects per CPU second.`,
    ],
  };
}

async function measureCase(
  context: BenchContext,
  directory: string,
  name: string,
  count: number,
): Promise<Cell[]> {
  const rounds: WalkFigures[] = [];
  for (let turn = 0; turn < context.options.rounds; turn += 1) {
    context.say(`lifecycle: ${name}, ${count}, turn ${turn + 1}`);
    rounds.push(JSON.parse(await runScript(directory, name, count)) as WalkFigures);
  }
  const middle = (figure: (round: WalkFigures) => number): number => median(rounds.map(figure));
  const perCpuSecond = middle(({ looked, cpuSeconds }) => looked / cpuSeconds);
  return [
    name,
    count,
    middle(({ looked, seconds }) => looked / seconds),
    perCpuSecond,
    middle(({ peak }) => peak.anonymousMebibytes),
    // A thousand objects take less time than the code's first turns.
    count === smallCount ? "" : verdict(perCpuSecond / targetPerCpuSecond, 1),
  ];
}

async function runScript(directory: string, what: string, count: number): Promise<string> {
  const { stdout } = await run(process.execPath, [script, directory, what, String(count)]);
  return stdout;
}
