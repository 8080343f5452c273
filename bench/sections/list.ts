// ListObjectsV2 in a bucket of a million keys: what a page costs must not depend on where it lies, nor
// on how many keys are rolled up into one common prefix.

import { mkdir, readdir } from "node:fs/promises";
import { keyOf, loadBucket, prefixesOf, prefixOf } from "../load-bucket.ts";
import {
  type BenchContext,
  DataDirectory,
  isWanted,
  makeDataDirectory,
} from "../measure/bench-context.ts";
import { ControlClient, findElement } from "../measure/control-client.ts";
import type { Round } from "../measure/generator-process.ts";
import type { Cell, SectionReport } from "../measure/report.ts";
import { medianOf, requestsPerCpuSecond, requestsPerSecond, sumErrors } from "../measure/rounds.ts";
import { credentials, type ServerProcess, startHoldfast } from "../measure/server-process.ts";

const bucket = "million";
const pageKeys = 1000;

interface Page {
  readonly name: string;
  /** Pages are compared with the first one of their group: those that carry as many entries. */
  readonly group: string;
  readonly query: string;
}

export async function measureList(context: BenchContext): Promise<SectionReport> {
  const { options } = context;
  await using temporary =
    options.listData === undefined ? await makeDataDirectory(context) : undefined;
  const dataDirectory = options.listData ?? (temporary as DataDirectory).path;
  await mkdir(dataDirectory, { recursive: true });
  const isLoaded = (await readdir(dataDirectory)).length > 0;
  const notes: string[] = [];
  if (!isLoaded) {
    const say = (text: string): void => context.say(`list: ${text}`);
    const seconds = await loadBucket({ dataDirectory, bucket, keys: options.keys, say });
    const rate = Math.round(options.keys / seconds);
    notes.push(`Loaded ${options.keys} keys in ${Math.round(seconds)} s (${rate}/s, relaxed).`);
  }
  await using holdfast = await startHoldfast({ dataDirectory });
  using client = new ControlClient(holdfast.port, credentials);
  const pages = (await listPages(client, options.keys)).filter((page) =>
    isWanted(context, page.name),
  );
  const entries = new Map<string, number>();
  for (const page of pages) entries.set(page.name, await countEntries(client, page));
  const rounds = await runRounds(context, holdfast, pages);
  const rows = pages.map((page) => {
    const first = pages.find((other) => other.group === page.group) as Page;
    const own = rounds.get(page.name) as Round[];
    return summarize(page, entries.get(page.name) ?? 0, own, rounds.get(first.name) as Round[]);
  });
  return {
    title: `ListObjectsV2 in a bucket of ${options.keys} keys`,
    columns: [
      "page",
      "entries",
      "p50 ms",
      "p99 ms",
      "µs per entry",
      "pages/s",
      "pages/CPU s",
      "p50 to first of its kind",
      "errors",
    ],
    rows,
    notes: [
      ...notes,
      "One connection. Rounds of all pages alternate. Target: within 2× of one another.",
    ],
  };
}

async function listPages(client: ControlClient, keys: number): Promise<Page[]> {
  const prefixes = prefixesOf(keys);
  const perPrefix = Math.floor(keys / prefixes);
  const keyAt = (fraction: number): string => {
    const prefix = Math.floor(prefixes * fraction);
    return prefixOf(Math.min(prefix, prefixes - 1), keys);
  };
  const lastKeys = prefixOf(prefixes - 1, keys);
  const middlePrefix = encodeURIComponent(keyAt(0.5));
  const token = async (query: string, after: string): Promise<string> => {
    const start = `start-after=${encodeURIComponent(after)}`;
    const page = `list-type=2&max-keys=1&${start}${query === "" ? "" : `&${query}`}`;
    const { body } = await client.send({ method: "GET", path: `/${bucket}`, query: page });
    const found = findElement(body, "NextContinuationToken");
    if (found === undefined) throw new Error(`no token after ${after}`);
    return `continuation-token=${encodeURIComponent(found)}`;
  };
  const all = "list-type=2";
  const rolled = "delimiter=%2F";
  const beforeLast = keyOf(prefixes - 2 + prefixes * (perPrefix - 2), keys);
  const nearEnd = prefixOf(Math.max(0, prefixes - 102), keys);
  return [
    { name: "keys, first page", group: "keys", query: all },
    { name: "keys, middle", group: "keys", query: `${all}&${await token("", keyAt(0.5))}` },
    { name: "keys, last page", group: "keys", query: `${all}&${await token("", beforeLast)}` },
    { name: "keys of a prefix", group: "keys", query: `${all}&prefix=${middlePrefix}` },
    {
      name: "keys of a prefix, delimiter /",
      group: "keys",
      query: `${all}&${rolled}&prefix=${middlePrefix}`,
    },
    {
      name: "keys of the last prefix, delimiter /",
      group: "keys",
      query: `${all}&${rolled}&prefix=${encodeURIComponent(lastKeys)}`,
    },
    { name: "root, delimiter / (1000 per prefix)", group: "prefixes", query: `${all}&${rolled}` },
    { name: "root, delimiter /, 100 first", group: "100", query: `${all}&${rolled}&max-keys=100` },
    {
      name: "root, delimiter /, 100 middle",
      group: "100",
      query: `${all}&${rolled}&max-keys=100&${await token(rolled, keyAt(0.5))}`,
    },
    {
      name: "root, delimiter /, 100 last",
      group: "100",
      query: `${all}&${rolled}&max-keys=100&${await token(rolled, nearEnd)}`,
    },
    { name: "root, delimiter /, 10 first", group: "10", query: `${all}&${rolled}&max-keys=10` },
    { name: "root, delimiter p (100,000 per prefix)", group: "10", query: `${all}&delimiter=p` },
  ];
}

async function countEntries(client: ControlClient, page: Page): Promise<number> {
  const { body } = await client.send({ method: "GET", path: `/${bucket}`, query: page.query });
  const entries = Number(findElement(body, "KeyCount"));
  if (!(entries > 0 && entries <= pageKeys)) throw new Error(`${page.name}: ${body.slice(0, 500)}`);
  return entries;
}

async function runRounds(
  context: BenchContext,
  holdfast: ServerProcess,
  pages: readonly Page[],
): Promise<Map<string, Round[]>> {
  const { options, generator } = context;
  const rounds = new Map<string, Round[]>(pages.map((page) => [page.name, []]));
  // The first turn warms the code and the pages of the store and is not counted.
  for (let turn = 0; turn <= options.rounds; turn += 1) {
    context.say(`list: turn ${turn} of ${options.rounds}`);
    for (const page of pages) {
      const round = await generator.run(holdfast, {
        method: "GET",
        path: `/${bucket}`,
        query: page.query,
        distinctRequests: 1,
        connections: 1,
        milliseconds: options.roundMilliseconds,
      });
      if (turn > 0) rounds.get(page.name)?.push(round);
    }
  }
  return rounds;
}

function summarize(page: Page, entries: number, rounds: Round[], first: Round[]): Cell[] {
  return [
    page.name,
    entries,
    middleLatency(rounds),
    medianOf(rounds, (round) => round.latencyMilliseconds.p99),
    (middleLatency(rounds) * 1000) / entries,
    medianOf(rounds, requestsPerSecond),
    medianOf(rounds, requestsPerCpuSecond),
    middleLatency(rounds) / middleLatency(first),
    sumErrors(rounds),
  ];
}

function middleLatency(rounds: Round[]): number {
  return medianOf(rounds, (round) => round.latencyMilliseconds.p50);
}
