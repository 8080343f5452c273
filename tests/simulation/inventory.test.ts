// Reports of inventories that are broken off at each of their steps: what is announced in the end is whole,
// and nothing is announced before.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gunzipSync } from "node:zlib";
import { InventoryWorker } from "../../src/background/inventory-worker.ts";
import type { ObjectDelivery } from "../../src/background/object-delivery.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { formatInventoryConfiguration } from "../../src/objects/inventory-configuration.ts";
import { ObjectStore } from "../../src/objects/object-store.ts";
import { MemoryBlobStore } from "../../src/storage/blob/memory-blob-store.ts";
import { MemoryKeyValueStore } from "../../src/storage/key-value/memory-key-value-store.ts";
import { noPass } from "./no-pass.ts";
import { ObjectClient } from "./object-client.ts";

const source = "source";
const neverAborted = new AbortController().signal;
const keyCount = 300;
/** Every page of a walk is a file: three of current versions. */
const fileBytes = 1;

class Crash extends Error {
  override readonly name = "Crash";
}

/** A destination that keeps what it gets. The process dies before, or right behind, one of the writes. */
class Destination {
  readonly objects = new Map<string, Buffer>();
  /** Writes of every key, the repeated ones too. */
  writes = 0;
  #crash: { readonly atWrite: number; readonly isWritten: boolean } | undefined;

  crashAt(atWrite: number, isWritten: boolean): void {
    this.#crash = { atWrite, isWritten };
  }

  async deliver({ key, body }: ObjectDelivery): Promise<{ readonly etag: string }> {
    this.writes += 1;
    const crash = this.writes === this.#crash?.atWrite ? this.#crash : undefined;
    if (crash?.isWritten === false) throw new Crash();
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    const bytes = Buffer.concat(chunks);
    const before = this.objects.get(key);
    // A file that is written again is the same file.
    if (before !== undefined && key.includes("/data/")) assert.ok(before.equals(bytes));
    this.objects.set(key, bytes);
    if (crash !== undefined) throw new Crash();
    return { etag: "" };
  }

  get manifests(): readonly string[] {
    return [...this.objects.keys()].filter((key) => key.endsWith("manifest.json"));
  }

  get checksums(): readonly string[] {
    return [...this.objects.keys()].filter((key) => key.endsWith("manifest.checksum"));
  }
}

async function open(versions: "All" | "Current") {
  const clock = new ManualClock(Date.UTC(2030, 0, 1, 12));
  const objects = await ObjectStore.open({
    store: new MemoryKeyValueStore(),
    blobs: new MemoryBlobStore(),
    clock,
  });
  const client = new ObjectClient(objects);
  for (const name of [source, "destination"]) await client.createBucket(name);
  if (versions === "All") await client.setVersioning(source, "Enabled");
  const bytes = new Uint8Array(1);
  for (let index = 0; index < keyCount; index += 1) {
    const key = `key-${String(index).padStart(5, "0")}`;
    await client.put(source, key, bytes);
    if (versions === "All" && index % 3 === 0) await client.put(source, key, bytes);
  }
  const configuration = formatInventoryConfiguration({
    Id: "id",
    IsEnabled: true,
    IncludedObjectVersions: versions,
    Schedule: { Frequency: "Daily" },
    Destination: { S3BucketDestination: { Bucket: "arn:aws:s3:::destination", Format: "CSV" } },
  });
  await objects.documents.set(source, "inventory/id", configuration);
  const destination = new Destination();
  /** As a process that begins anew. */
  const run = () =>
    new InventoryWorker({ objectStore: objects, deliverer: destination, fileBytes }).runOnce(
      neverAborted,
      noPass,
    );
  await run();
  clock.advance(86_400_000);
  return { destination, run };
}

function rowsOf({ objects, manifests }: Destination): readonly string[] {
  const [name = ""] = manifests;
  const manifest = JSON.parse(String(objects.get(name))) as {
    readonly files: readonly { readonly key: string }[];
  };
  return manifest.files.flatMap(({ key }) =>
    gunzipSync(objects.get(key) ?? "")
      .toString()
      .trimEnd()
      .split("\n"),
  );
}

function keysOf(rows: readonly string[]): readonly (string | undefined)[] {
  return rows.map((row) => row.split(",")[1]);
}

for (const versions of ["Current", "All"] as const) {
  describe(`a report of ${versions.toLowerCase()} versions`, () => {
    it("is whole, wherever its process was killed", async () => {
      const whole = await open(versions);
      await whole.run();
      const { writes } = whole.destination;
      const expected = rowsOf(whole.destination);
      const count = versions === "Current" ? keyCount : keyCount + keyCount / 3;
      assert.equal(expected.length, count);
      assert.ok(writes > 5, "several files");
      assert.equal(new Set(keysOf(expected)).size, keyCount);
      for (let atWrite = 1; atWrite <= writes; atWrite += 1) {
        for (const isWritten of [false, true]) {
          const { destination, run } = await open(versions);
          destination.crashAt(atWrite, isWritten);
          await assert.rejects(run(), Crash);
          assert.equal(destination.checksums.length, atWrite === writes && isWritten ? 1 : 0);
          await run();
          assert.equal(destination.checksums.length, 1);
          assert.deepEqual(keysOf(rowsOf(destination)), keysOf(expected));
          // What was safe is not written again: one file at most.
          assert.ok(destination.writes <= writes + 4);
          assert.equal((await run()).fields["reports"], 0);
        }
      }
    });
  });
}
