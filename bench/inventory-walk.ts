// One process that writes a report of a bucket, as the worker of inventories does, and says how fast that was:
//   node bench/inventory-walk.ts DIRECTORY CASE
// The bucket is one that bench/lifecycle-walk.ts has filled. What is delivered is counted and let go.

import { systemClock } from "../src/base/clock.ts";
import { writeReport } from "../src/background/inventory/inventory-report.ts";
import type { InventoryConfiguration } from "../src/model/types.generated.ts";
import type { ObjectStore } from "../src/objects/object-store.ts";
import { openStores } from "../src/open-stores.ts";
import { walkedBucket } from "./lifecycle-walk.ts";
import { OwnMemoryPeak, type OwnMemory } from "./measure/own-memory.ts";

export interface ReportFigures {
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peak: OwnMemory;
}

const fileBytes = 16 * 1024 * 1024;
const usualFields = ["Size", "LastModifiedDate", "StorageClass", "ETag"] as const;

type Case = Pick<InventoryConfiguration, "IncludedObjectVersions" | "OptionalFields"> & {
  readonly format: "CSV" | "ORC" | "Parquet";
};

export const reportCases = {
  CSV: { format: "CSV", IncludedObjectVersions: "Current", OptionalFields: usualFields },
  "CSV, all versions": {
    format: "CSV",
    IncludedObjectVersions: "All",
    OptionalFields: usualFields,
  },
  ORC: { format: "ORC", IncludedObjectVersions: "Current", OptionalFields: usualFields },
  Parquet: { format: "Parquet", IncludedObjectVersions: "Current", OptionalFields: usualFields },
} as const satisfies Readonly<Record<string, Case>>;

export async function report(objectStore: ObjectStore, wanted: Case): Promise<ReportFigures> {
  const { format: Format, ...others } = wanted;
  const bucket = await objectStore.buckets.get(walkedBucket);
  let bytes = 0;
  using peak = new OwnMemoryPeak();
  const began = performance.now();
  const cpu = process.cpuUsage();
  const { rows, files } = await writeReport(
    bucket,
    {
      Id: "bench",
      IsEnabled: true,
      Schedule: { Frequency: "Daily" },
      // The bucket itself stands for the destination, which must be there.
      Destination: { S3BucketDestination: { Bucket: `arn:aws:s3:::${walkedBucket}`, Format } },
      ...others,
    },
    { reportId: "bench", documentId: "", startedMilliseconds: 0, files: [], rows: 0 },
    {
      objectStore,
      fileBytes,
      signal: new AbortController().signal,
      deliverer: {
        async deliver({ lengthBytes }) {
          bytes += lengthBytes;
          return { etag: "" };
        },
      },
      noted: async () => {},
    },
  );
  const used = process.cpuUsage(cpu);
  return {
    rows,
    files,
    bytes,
    seconds: (performance.now() - began) / 1000,
    cpuSeconds: (used.user + used.system) / 1e6,
    peak: peak.value,
  };
}

async function main(): Promise<void> {
  const [directory = "", name = ""] = process.argv.slice(2);
  const wanted = (reportCases as Readonly<Record<string, Case>>)[name];
  if (wanted === undefined) throw new Error(`no such case: ${name}`);
  await using stores = await openStores({
    store: { directory },
    durability: "relaxed",
    clock: systemClock,
    deadWriters: "all",
  });
  process.stdout.write(`${JSON.stringify(await report(stores.objects, wanted))}\n`);
}

if (import.meta.main) await main();
