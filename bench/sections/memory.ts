// That a bucket with very many objects takes no more memory than one with few: by the background workers
// that walk over it, by a client that lists it page by page, and by a server that has just started on it.

import { execFile } from "node:child_process";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { walkedBucket } from "../lifecycle-walk.ts";
import { memoryWorks, type MemoryFigures } from "../memory-walk.ts";
import { isWanted, makeDataDirectory, type BenchContext } from "../measure/bench-context.ts";
import { ControlClient, findElement } from "../measure/control-client.ts";
import { readMemory } from "../measure/process-usage.ts";
import type { Cell, SectionReport } from "../measure/report.ts";
import { credentials, startHoldfast } from "../measure/server-process.ts";

const run = promisify(execFile);
const fill = fileURLToPath(new URL("../lifecycle-walk.ts", import.meta.url));
const script = fileURLToPath(new URL("../memory-walk.ts", import.meta.url));
const smallCount = 1000;
const pageKeys = 1000;
const idleMilliseconds = 5000;
const pagesPerSample = 20;

/** A bucket, and how many objects are looked at: more than it has is more than once. */
interface Walked {
  readonly directory: string;
  readonly count: number;
  readonly looked: number;
}

export async function measureMemory(context: BenchContext): Promise<SectionReport> {
  await using temporary =
    context.options.walkData === undefined ? await makeDataDirectory(context) : undefined;
  const parent = context.options.walkData ?? temporary?.path ?? "";
  const { keys } = context.options;
  const small = await findBucket(context, parent, smallCount);
  const large = await findBucket(context, parent, keys);
  const buckets: readonly Walked[] = [
    { directory: small, count: smallCount, looked: smallCount },
    { directory: small, count: smallCount, looked: keys },
    { directory: large, count: keys, looked: keys },
  ];
  const rows: Cell[][] = [];
  for (const name of Object.keys(memoryWorks)) {
    if (!isWanted(context, name)) continue;
    for (const bucket of buckets) rows.push(await measureWork(context, name, bucket));
  }
  if (isWanted(context, "server")) {
    for (const bucket of buckets) rows.push(...(await measureServer(context, bucket)));
  }
  return {
    title: "Memory by the number of objects in a bucket",
    columns: ["work", "objects", "looked at", "live MiB", "peak MiB, own", "peak MiB, of files"],
    rows,
    notes: [
      "Each object has an older version. A process of its own for each row; where more is looked at than there is, it does the work again.",
      "Live: heap and buffers in use after a collection, the most in the midst of the work, in a run of its own. Own: pages of the resident set that belong to no file, so SQLite's cache (16 MiB) and what V8 and the allocator keep for later are in it.",
      "A process that has done as much on a thousand objects has the same room for young objects, and the same code: what is left between the two is the bucket's.",
    ],
  };
}

async function findBucket(context: BenchContext, parent: string, count: number): Promise<string> {
  const directory = join(parent, String(count));
  await mkdir(directory, { recursive: true });
  if ((await readdir(directory)).length === 0) {
    context.say(`memory: writing ${count} objects, each with an older version`);
    await run(process.execPath, [fill, directory, "fill", String(count)]);
  }
  return directory;
}

async function measureWork(context: BenchContext, name: string, walked: Walked): Promise<Cell[]> {
  const { directory, count, looked } = walked;
  context.say(`memory: ${name}, ${count} objects, ${looked} looked at`);
  const measure = async (nodeArguments: readonly string[]): Promise<MemoryFigures> => {
    const { stdout } = await run(process.execPath, [
      ...nodeArguments,
      script,
      directory,
      name,
      String(looked),
    ]);
    return JSON.parse(stdout) as MemoryFigures;
  };
  const { peak } = await measure([]);
  const { liveMebibytes } = await measure(["--expose-gc"]);
  return [name, count, looked, liveMebibytes, peak.anonymousMebibytes, peak.fileMebibytes];
}

/** Without traffic first, and then while one client lists. */
async function measureServer(context: BenchContext, walked: Walked): Promise<Cell[][]> {
  const { directory, count, looked } = walked;
  context.say(`memory: server, ${count} objects, ${looked} listed`);
  await using server = await startHoldfast({ dataDirectory: directory });
  await sleep(idleMilliseconds);
  const idle = await readMemory(server.processId);
  using client = new ControlClient(server.port, credentials);
  let own = idle.anonymousMebibytes;
  let files = idle.fileMebibytes;
  let token: string | undefined;
  for (let page = 0; page * pageKeys < looked; page += 1) {
    const after = token === undefined ? "" : `continuation-token=${encodeURIComponent(token)}&`;
    const query = `${after}list-type=2`;
    const { body } = await client.send({ method: "GET", path: `/${walkedBucket}`, query });
    token = findElement(body, "NextContinuationToken");
    if (page % pagesPerSample !== 0) continue;
    const now = await readMemory(server.processId);
    own = Math.max(own, now.anonymousMebibytes);
    files = Math.max(files, now.fileMebibytes);
  }
  return [
    ["server, idle", count, 0, "", idle.anonymousMebibytes, idle.fileMebibytes],
    ["server, listing", count, looked, "", own, files],
  ];
}
