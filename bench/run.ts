// The benchmark: starts the servers, measures the sections that are asked for (all but `profile` when
// none is) and prints tables whose ratios come from the same run. It asserts nothing about time.

import { writeFile } from "node:fs/promises";
import { cpus, tmpdir, totalmem } from "node:os";
import { parseArgs } from "node:util";
import type { BenchOptions, Section } from "./measure/bench-context.ts";
import { GeneratorProcess } from "./measure/generator-process.ts";
import { formatReport, type SectionReport } from "./measure/report.ts";
import { measureAuthorization } from "./sections/authorization.ts";
import { measureBigObjects } from "./sections/big-objects.ts";
import { measureChanges } from "./sections/changes.ts";
import { measureGenerator } from "./sections/generator.ts";
import { measureInventory } from "./sections/inventory.ts";
import { measureLarge } from "./sections/large.ts";
import { measureLifecycle } from "./sections/lifecycle.ts";
import { measureList } from "./sections/list.ts";
import { measureMemory } from "./sections/memory.ts";
import { measureProfile } from "./sections/profile.ts";
import { measureSmall } from "./sections/small.ts";
import { measureStart } from "./sections/start.ts";

const sections = new Map<string, Section>([
  ["generator", measureGenerator],
  ["small", measureSmall],
  ["large", measureLarge],
  ["list", measureList],
  ["lifecycle", measureLifecycle],
  ["inventory", measureInventory],
  ["memory", measureMemory],
  ["big-objects", measureBigObjects],
  ["authorization", measureAuthorization],
  ["changes", measureChanges],
  ["start", measureStart],
  ["profile", measureProfile],
]);

const help = `node tools/run.mjs bench/run.ts [section…] [options]

Sections: ${[...sections.keys()].join(", ")} (all but profile when none is named)

  --quick              few cells, short rounds, 20,000 keys
  --rounds N           rounds of each side (5; quick 3)
  --round-ms N         length of a round in milliseconds (1500; quick 700)
  --keys N             keys in the buckets of list, lifecycle, inventory and memory (1,000,000)
  --list-data DIR      keep the list section's data directory there and use it again
  --walk-data DIR      the same for the section memory
  --data-parent DIR    where data directories are made (the system's temporary directory)
  --only TEXT          only rows whose name holds TEXT, for example "GET 4 KiB @64"
  --json FILE          write the results there too
`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      "round-ms": { type: "string" },
      keys: { type: "string" },
      "list-data": { type: "string" },
      "walk-data": { type: "string" },
      "data-parent": { type: "string" },
      only: { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return;
  }
  const { quick } = values;
  const options: BenchOptions = {
    quick,
    rounds: Number(values.rounds ?? (quick ? 3 : 5)),
    roundMilliseconds: Number(values["round-ms"] ?? (quick ? 700 : 1500)),
    keys: Number(values.keys ?? (quick ? 20_000 : 1_000_000)),
    dataParent: values["data-parent"] ?? tmpdir(),
    listData: values["list-data"],
    walkData: values["walk-data"],
    only: values.only,
  };
  const names = positionals.length > 0 ? positionals : [...sections.keys()].filter(isDefault);
  for (const name of names) {
    if (!sections.has(name)) throw new Error(`no section ${name}\n${help}`);
  }
  await using generator = new GeneratorProcess();
  const reports: Record<string, SectionReport> = {};
  process.stdout.write(`${describeMachine()}\n\n`);
  for (const name of names) {
    const report = await (sections.get(name) as Section)({ options, generator, say });
    reports[name] = report;
    process.stdout.write(`${formatReport(report)}\n`);
    const result = { machine: describeMachine(), options, reports };
    if (values.json !== undefined) await writeFile(values.json, JSON.stringify(result, null, 2));
  }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function isDefault(name: string): boolean {
  return name !== "profile";
}

function describeMachine(): string {
  const processors = cpus();
  const memory = Math.round(totalmem() / 1024 ** 3);
  const model = processors[0]?.model ?? "unknown processor";
  return `Node.js ${process.version}, ${processors.length} × ${model}, ${memory} GiB`;
}

// Leaving through `exit` lets servers and data directories go, too.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
await main();
