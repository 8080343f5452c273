// Walks of storage class analysis over several pages, killed at every effect they have on the store: they go
// on where they were, and every object is counted once.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AnalyticsWorker } from "../../src/background/analytics-worker.ts";
import type { ObjectDeliverer } from "../../src/background/object-delivery.ts";
import type { WorkerPass } from "../../src/background/worker.ts";
import {
  analyticsKind,
  formatAnalyticsConfiguration,
} from "../../src/objects/analytics-configuration.ts";
import type { ObjectStore } from "../../src/objects/object-store.ts";
import { MemoryMachine, type MemoryProcess } from "./memory-process.ts";
import { noPass } from "./no-pass.ts";
import { ObjectClient } from "./object-client.ts";

const bucketName = "bucket";
const dayMilliseconds = 86_400_000;
const neverAborted = new AbortController().signal;
const bytesPerObject = 10;
/** Three pages of a walk, of which the last is not full. */
const counts = { "a/": 150, "b/": 100, "c/": 80 } as const;
const allObjects = counts["a/"] + counts["b/"] + counts["c/"];
const pageRows = 128;

/** The objects of the last day that each exported file tells of. */
class Destination implements ObjectDeliverer {
  readonly objects = new Map<string, string>();

  async deliver({
    key,
    body,
  }: Parameters<ObjectDeliverer["deliver"]>[0]): Promise<{ etag: string }> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(Buffer.from(chunk));
    const rows = String(Buffer.concat(chunks)).trimEnd().split("\n");
    const last = rows.at(-1)?.split(",") ?? [];
    const megabytes = Number(((Number(last[5]) * bytesPerObject) / 1024 / 1024).toFixed(6));
    assert.equal(Number(last[7]), megabytes, "objects and bytes are counted together");
    this.objects.set(key, `${last[0]} ${last[5]}`);
    return { etag: "" };
  }
}

async function configure(objects: ObjectStore, id: string, prefix: string): Promise<void> {
  const text = formatAnalyticsConfiguration({
    Id: id,
    ...(prefix === "" ? {} : { Filter: { Prefix: prefix } }),
    StorageClassAnalysis: {
      DataExport: {
        OutputSchemaVersion: "V_1",
        Destination: { S3BucketDestination: { Format: "CSV", Bucket: "arn:aws:s3:::reports" } },
      },
    },
  });
  await objects.documents.set(bucketName, `${analyticsKind}/${id}`, text);
}

async function begin(
  prefixes: Readonly<Record<string, string>>,
): Promise<{ readonly machine: MemoryMachine; readonly process: MemoryProcess }> {
  const machine = new MemoryMachine();
  const process = await machine.start();
  const client = new ObjectClient(process.objects);
  await client.createBucket(bucketName);
  for (const [id, prefix] of Object.entries(prefixes)) await configure(process.objects, id, prefix);
  const bytes = new Uint8Array(bytesPerObject);
  for (const [prefix, count] of Object.entries(counts)) {
    for (let index = 0; index < count; index += 1) {
      await client.put(bucketName, `${prefix}${String(index).padStart(4, "0")}`, bytes);
    }
  }
  // Notes that there are analyses.
  await run(process, new Destination());
  return { machine, process };
}

/** A pass, as a process that begins anew has it. Answers how many objects it has looked at. */
async function run(
  process: MemoryProcess,
  deliverer: Destination,
  {
    isAsked = false,
    effects = Infinity,
  }: { readonly isAsked?: boolean; readonly effects?: number } = {},
): Promise<{ readonly looked: number; readonly isKilled: boolean }> {
  let looked = 0;
  const pass: WorkerPass = {
    ...noPass,
    isAsked,
    progress: (fields) => (looked = Math.max(looked, fields["looked"] ?? 0)),
  };
  const objectStore = process.objects;
  const worker = new AnalyticsWorker({ objectStore, deliverer, noteObjects: 1 });
  const isSpared = await process.survives(effects, () => worker.runOnce(neverAborted, pass));
  return { looked, isKilled: !isSpared };
}

function fileOf(id: string): string {
  return `${bucketName}/${id}.csv`;
}

describe("a walk of storage class analysis", () => {
  it("goes on where it was killed, and counts every object once", async () => {
    const expected = new Map([
      [fileOf("all"), `01-01-2030 ${allObjects}`],
      [fileOf("some"), `01-01-2030 ${counts["b/"]}`],
    ]);
    let isKilled = true;
    for (let effects = 0; isKilled; effects += 1) {
      const { machine, process } = await begin({ all: "", some: "b/" });
      const destination = new Destination();
      machine.clock.advance(dayMilliseconds + 60_000);
      const first = await run(process, destination, { effects });
      isKilled = first.isKilled;
      const next = await machine.start();
      // Of the new day, before and behind wherever the walk was.
      const client = new ObjectClient(next.objects);
      for (const key of ["a/", "b/0050+", "d"])
        await client.put(bucketName, key, new Uint8Array(1));
      const second = await run(next, destination);
      assert.deepEqual(destination.objects, expected, `killed at effect ${effects}`);
      // One page may be looked at again, and the new objects are.
      assert.ok(first.looked + second.looked <= allObjects + pageRows + 3, `effect ${effects}`);
      assert.equal((await run(next, destination)).looked, 0);
    }
  });

  it("goes on over prefixes that are apart", async () => {
    let isKilled = true;
    for (let effects = 0; isKilled; effects += 1) {
      const { machine, process } = await begin({ first: "a/", third: "c/" });
      const destination = new Destination();
      machine.clock.advance(dayMilliseconds + 60_000);
      const first = await run(process, destination, { effects });
      isKilled = first.isKilled;
      const second = await run(await machine.start(), destination);
      assert.deepEqual(
        destination.objects,
        new Map([
          [fileOf("first"), `01-01-2030 ${counts["a/"]}`],
          [fileOf("third"), `01-01-2030 ${counts["c/"]}`],
        ]),
      );
      assert.ok(first.looked + second.looked <= counts["a/"] + counts["c/"] + pageRows);
    }
  });

  it("begins anew when a configuration has changed, and on another day", async () => {
    const { machine, process } = await begin({ all: "", some: "b/" });
    const destination = new Destination();
    machine.clock.advance(dayMilliseconds + 60_000);
    // Behind the second page.
    assert.ok((await run(process, destination, { effects: 2 })).isKilled);
    const changed = await machine.start();
    await configure(changed.objects, "some", "a/");
    assert.ok((await run(changed, destination, { effects: 2 })).isKilled);
    const next = await machine.start();
    machine.clock.advance(dayMilliseconds);
    const { looked } = await run(next, destination);
    assert.equal(looked, allObjects);
    assert.deepEqual(
      destination.objects,
      new Map([
        [fileOf("all"), `01-02-2030 ${allObjects}`],
        [fileOf("some"), `01-02-2030 ${counts["a/"]}`],
      ]),
    );
  });

  it("that somebody asked for is finished by the next pass, and exported", async () => {
    const { machine, process } = await begin({ all: "" });
    const destination = new Destination();
    machine.clock.advance(3_600_000);
    // Behind the second page.
    const first = await run(process, destination, { isAsked: true, effects: 3 });
    assert.ok(first.isKilled);
    const next = await machine.start();
    const second = await run(next, destination);
    assert.ok(second.looked > 0 && second.looked < allObjects);
    assert.equal(destination.objects.get(fileOf("all")), `01-01-2030 ${allObjects}`);
    assert.equal((await run(next, destination)).looked, 0);
  });
});
