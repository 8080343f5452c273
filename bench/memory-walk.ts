// One process that does one kind of background work on a bucket and says what memory that took:
//   node [--expose-gc] bench/memory-walk.ts DIRECTORY WORK OBJECTS
// The bucket is one that bench/lifecycle-walk.ts has filled. The work is done again until so many objects
// were looked at, so that small buckets can be given as much of it as large ones. With `--expose-gc`, what is
// in use is measured too, in the midst of the work; the collections that this takes are not V8's own, so
// that peaks are measured without.

import { setInterval } from "node:timers";
import { systemClock } from "../src/base/clock.ts";
import { AnalyticsWorker } from "../src/background/analytics-worker.ts";
import {
  analyticsKind,
  formatAnalyticsConfiguration,
} from "../src/objects/analytics-configuration.ts";
import type { ObjectStore } from "../src/objects/object-store.ts";
import { openStores } from "../src/open-stores.ts";
import { report, reportCases } from "./inventory-walk.ts";
import { benchPass, walkByRule, walkCases, walkedBucket } from "./lifecycle-walk.ts";
import { liveMebibytes, OwnMemoryPeak, type OwnMemory } from "./measure/own-memory.ts";

const liveMilliseconds = 250;

/** Each looks at every object once and answers how many that were. */
export const memoryWorks = {
  lifecycle: (objects) => walkByRule(objects, walkCases["too young"]),
  "lifecycle, older versions": (objects) =>
    walkByRule(objects, walkCases["noncurrent, old enough, too small"]),
  "storage class analysis": analyse,
  "inventory, CSV": async (objects) => (await report(objects, reportCases.CSV)).rows,
  "inventory, ORC": async (objects) => (await report(objects, reportCases.ORC)).rows,
  "inventory, Parquet": async (objects) => (await report(objects, reportCases.Parquet)).rows,
} as const satisfies Readonly<Record<string, (objects: ObjectStore) => Promise<number>>>;

export interface MemoryFigures {
  readonly looked: number;
  readonly cpuSeconds: number;
  /** 0 without `--expose-gc`. */
  readonly liveMebibytes: number;
  readonly peak: OwnMemory;
}

async function analyse(objects: ObjectStore): Promise<number> {
  const text = formatAnalyticsConfiguration({ Id: "bench", StorageClassAnalysis: {} });
  await objects.documents.set(walkedBucket, `${analyticsKind}/bench`, text);
  const worker = new AnalyticsWorker({
    objectStore: objects,
    deliverer: { deliver: async () => ({ etag: "" }) },
  });
  const { fields } = await worker.runOnce(new AbortController().signal, benchPass);
  return fields["looked"] ?? 0;
}

async function measure(
  objects: ObjectStore,
  work: (objects: ObjectStore) => Promise<number>,
  wanted: number,
): Promise<MemoryFigures> {
  using peak = new OwnMemoryPeak();
  const cpu = process.cpuUsage();
  let live = 0;
  const sampleLive = (): void => {
    live = Math.max(live, liveMebibytes());
  };
  const timer = setInterval(sampleLive, liveMilliseconds);
  let looked = 0;
  while (looked < wanted) looked += await work(objects);
  sampleLive();
  clearInterval(timer);
  const used = process.cpuUsage(cpu);
  return {
    looked,
    cpuSeconds: (used.user + used.system) / 1e6,
    liveMebibytes: live,
    peak: peak.value,
  };
}

async function main(): Promise<void> {
  const [directory = "", name = "", wanted = "0"] = process.argv.slice(2);
  const works: Readonly<Record<string, (objects: ObjectStore) => Promise<number>>> = memoryWorks;
  const work = works[name];
  if (work === undefined) throw new Error(`no such work: ${name}`);
  await using stores = await openStores({
    store: { directory },
    durability: "relaxed",
    clock: systemClock,
    deadWriters: "all",
  });
  const figures = await measure(stores.objects, work, Number(wanted));
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}

if (import.meta.main) await main();
