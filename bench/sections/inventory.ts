// How fast reports of inventories are written, and that the memory which that takes has a bound.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { reportCases, type ReportFigures } from "../inventory-walk.ts";
import { isWanted, makeDataDirectory, type BenchContext } from "../measure/bench-context.ts";
import { verdict, type Cell, type SectionReport } from "../measure/report.ts";
import { median } from "../measure/rounds.ts";

const run = promisify(execFile);
const fill = fileURLToPath(new URL("../lifecycle-walk.ts", import.meta.url));
const script = fileURLToPath(new URL("../inventory-walk.ts", import.meta.url));
const smallCount = 1000;
const targetPerCpuSecond = 100_000;

export async function measureInventory(context: BenchContext): Promise<SectionReport> {
  const rows: Cell[][] = [];
  for (const count of [smallCount, context.options.keys]) {
    await using data = await makeDataDirectory(context);
    context.say(`inventory: ${count} objects, each with an older version`);
    await run(process.execPath, [fill, data.path, "fill", String(count)]);
    for (const name of Object.keys(reportCases)) {
      if (isWanted(context, name)) rows.push(await measureCase(context, data.path, name));
    }
  }
  return {
    title: "Reports of inventories",
    columns: ["report", "rows", "files", "rows/s", "rows/CPU s", "peak MiB, own", "target"],
    rows,
    notes: [
      "A process of its own for each report: the peak is of the pages that belong to no file, its CPU of all threads.",
      "What is delivered is counted and let go: the destination's work is that of PutObject.",
      `Target: ${targetPerCpuSecond} rows per CPU second.`,
    ],
  };
}

async function measureCase(
  context: BenchContext,
  directory: string,
  name: string,
): Promise<Cell[]> {
  const rounds: ReportFigures[] = [];
  for (let turn = 0; turn < context.options.rounds; turn += 1) {
    context.say(`inventory: ${name}, turn ${turn + 1}`);
    const { stdout } = await run(process.execPath, [script, directory, name]);
    rounds.push(JSON.parse(stdout) as ReportFigures);
  }
  const middle = (figure: (round: ReportFigures) => number): number => median(rounds.map(figure));
  const perCpuSecond = middle(({ rows, cpuSeconds }) => rows / cpuSeconds);
  const rows = middle((round) => round.rows);
  return [
    name,
    rows,
    middle(({ files }) => files),
    middle((round) => round.rows / round.seconds),
    perCpuSecond,
    middle(({ peak }) => peak.anonymousMebibytes),
    // A thousand objects take less time than the code's first turns.
    rows <= 2 * smallCount ? "" : verdict(perCpuSecond / targetPerCpuSecond, 1),
  ];
}
