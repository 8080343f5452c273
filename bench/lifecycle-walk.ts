// One process that walks over a bucket by its lifecycle rules and says how fast that was:
//   node bench/lifecycle-walk.ts DIRECTORY fill|CASE COUNT
// `fill` writes the records of so many objects straight into the key-value store, as PutObject would.

import { systemClock } from "../src/base/clock.ts";
import { LifecycleWorker } from "../src/background/lifecycle-worker.ts";
import type { WorkerPass } from "../src/background/worker.ts";
import { newVersionId } from "../src/objects/identifiers.ts";
import { formatLifecycle, lifecycleKind } from "../src/objects/lifecycle-document.ts";
import type { ObjectStore } from "../src/objects/object-store.ts";
import type { BucketRecord } from "../src/objects/records/bucket-record.ts";
import { keys } from "../src/objects/records/keyspace.ts";
import type { ObjectRecord } from "../src/objects/records/object-record.ts";
import type { LifecycleRule } from "../src/model/types.generated.ts";
import { openStores } from "../src/open-stores.ts";
import { encodeRecord } from "../src/storage/record-codec.ts";
import { keyOf, prefixesOf } from "./load-bucket.ts";
import { OwnMemoryPeak, type OwnMemory } from "./measure/own-memory.ts";

const dayMilliseconds = 86_400_000;
const batchRecords = 2000;
/** What the objects are: all of them a hundred days old. */
const ageDays = 100;

export const walkCases = {
  "too young": {
    ID: "r",
    Filter: {},
    Status: "Enabled",
    Expiration: { Days: 365 },
  },
  "old enough, another tag": {
    ID: "r",
    Filter: { Tag: { Key: "kind", Value: "log" } },
    Status: "Enabled",
    Expiration: { Days: 30 },
  },
  "old enough, small for the next class": {
    ID: "r",
    Filter: {},
    Status: "Enabled",
    Transitions: [{ Days: 30, StorageClass: "STANDARD_IA" }],
  },
  "noncurrent, too young": {
    ID: "r",
    Filter: {},
    Status: "Enabled",
    NoncurrentVersionExpiration: { NoncurrentDays: 365 },
  },
  "noncurrent, old enough, another tag": {
    ID: "r",
    Filter: { Tag: { Key: "kind", Value: "log" } },
    Status: "Enabled",
    NoncurrentVersionExpiration: { NoncurrentDays: 30 },
  },
  "noncurrent, old enough, too small": {
    ID: "r",
    Filter: { ObjectSizeGreaterThan: 1_000_000 },
    Status: "Enabled",
    NoncurrentVersionExpiration: { NoncurrentDays: 30 },
  },
  "noncurrent, old enough, kept by number": {
    ID: "r",
    Filter: {},
    Status: "Enabled",
    NoncurrentVersionExpiration: { NoncurrentDays: 30, NewerNoncurrentVersions: 5 },
  },
} as const satisfies Readonly<Record<string, LifecycleRule>>;

export interface WalkFigures {
  readonly looked: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** The most that the process has had, with what the allocator keeps. */
  readonly peak: OwnMemory;
}

export const walkedBucket = "walked";

async function makeBucket(objects: ObjectStore): Promise<BucketRecord> {
  const { record } = await objects.buckets.create({
    name: walkedBucket,
    region: "us-east-1",
    ownerId: objects.rootAccount.canonicalId,
    ownerName: "root",
    ownerAccountId: objects.rootAccount.accountId,
    versioning: "Enabled",
    objectLockEnabled: false,
    objectOwnership: "BucketOwnerEnforced",
    tags: [],
  });
  return record;
}

/** One current version and one older one of each key, in the order of keys: that is written fastest. */
export async function fillBucket(objects: ObjectStore, count: number): Promise<void> {
  const { id } = await makeBucket(objects);
  const createdMilliseconds = systemClock.now() - ageDays * dayMilliseconds;
  const prefixes = prefixesOf(count);
  const perPrefix = Math.ceil(count / prefixes);
  for (let start = 0; start < count; start += batchRecords) {
    const sets = [];
    for (let index = start; index < Math.min(count, start + batchRecords); index += 1) {
      const key = keyOf((index % perPrefix) * prefixes + Math.floor(index / perPrefix), count);
      const older = recordOf(createdMilliseconds, index);
      const newer = recordOf(createdMilliseconds + 1000, index);
      sets.push({ key: keys.current(id, key), value: encodeRecord(newer) });
      sets.push({ key: keys.version(id, key, older.sequence), value: encodeRecord(older) });
    }
    await objects.keyValueStore.write({ checks: [], sets, deletes: [], additions: [] });
  }
}

function recordOf(createdMilliseconds: number, index: number): ObjectRecord {
  const sequence = createdMilliseconds * 1000 + (index % 1000);
  return {
    v: 1,
    sequence,
    versionId: newVersionId(sequence),
    lastModifiedMilliseconds: Math.floor(createdMilliseconds / 1000) * 1000,
    etag: "900150983cd24fb0d6963f7d28e17f72",
    sizeBytes: 4096,
    content: {
      extents: [
        {
          inline: "0647478bc1000173656564736565640a" as never, // the shape of a content id
          offset: 0,
          lengthBytes: 4096,
          crc32: 891_568_578,
          nonce: "Ej1hZ0lXc2VlZHNl",
          seal: "AQAb3Z9kQmAb3Z9kQmAb3Z9kQmAb3Z9kQmAb3Z9kQmAb3Z9kQmAb3Z9kQmAb3Z9kQmAb3Z9kQmAb3Z9kQmAb3Z9kQmA0xyz=",
        },
      ],
    },
    checksum: { algorithm: "CRC64NVME", value: "BeXKuz/B+us=", type: "FULL_OBJECT" },
    attributes: { contentType: "text/plain" },
    encryption: { kind: "AES256" },
  };
}

/** What a worker has of its runner, where nobody asks. */
export const benchPass: WorkerPass = {
  isAsked: true,
  progress() {},
  readState: async () => undefined,
  writeState: async () => {},
};

export async function walkByRule(objects: ObjectStore, rule: LifecycleRule): Promise<number> {
  const text = formatLifecycle({ rules: [rule], minimumSize: "all_storage_classes_128K" });
  await objects.documents.set(walkedBucket, lifecycleKind, text);
  const worker = new LifecycleWorker({ objectStore: objects });
  const { fields } = await worker.runOnce(new AbortController().signal, benchPass);
  return fields["looked"] ?? 0;
}

async function walk(objects: ObjectStore, rule: LifecycleRule): Promise<WalkFigures> {
  using peak = new OwnMemoryPeak();
  const began = performance.now();
  const cpu = process.cpuUsage();
  const looked = await walkByRule(objects, rule);
  const used = process.cpuUsage(cpu);
  return {
    looked,
    seconds: (performance.now() - began) / 1000,
    cpuSeconds: (used.user + used.system) / 1e6,
    peak: peak.value,
  };
}

async function main(): Promise<void> {
  const [directory = "", what = "", count = "0"] = process.argv.slice(2);
  await using stores = await openStores({
    store: { directory },
    durability: "relaxed",
    clock: systemClock,
    deadWriters: "all",
  });
  if (what === "fill") await fillBucket(stores.objects, Number(count));
  else {
    const rule = (walkCases as Readonly<Record<string, LifecycleRule>>)[what];
    if (rule === undefined) throw new Error(`no such case: ${what}`);
    process.stdout.write(`${JSON.stringify(await walk(stores.objects, rule))}\n`);
  }
}

if (import.meta.main) await main();
