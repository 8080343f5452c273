// Transitions over a whole object store: bytes move to the store of the class and stay what they were,
// whatever happens at the same time, and the sweeper leaves nothing of what was before.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Sweeper } from "../../src/background/sweeper.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { checkStore } from "../../src/background/check.ts";
import { createMasterKeys } from "../../src/keys/master-key.ts";
import { MasterKeyRing } from "../../src/keys/master-key-ring.ts";
import { serverCause } from "../../src/objects/change-log.ts";
import { ObjectStore } from "../../src/objects/object-store.ts";
import type { ObjectRecord } from "../../src/objects/records/object-record.ts";
import { newDataKey } from "../../src/objects/sealing/chunk-cipher.ts";
import { ObjectKeyWrap } from "../../src/objects/sealing/key-wrap.ts";
import { StorageTiers, type StorageTier } from "../../src/objects/storage-tiers.ts";
import type { VersionPlace } from "../../src/objects/transitions.ts";
import { MemoryBlobStore } from "../../src/storage/blob/memory-blob-store.ts";
import { MultiBlobStore } from "../../src/storage/blob/multi-blob-store.ts";
import { MemoryKeyValueStore } from "../../src/storage/key-value/memory-key-value-store.ts";
import { ObjectClient } from "./object-client.ts";

const cause = serverCause("LifecycleTransition", new ManualClock(0));

class TieredStore {
  readonly clock = new ManualClock(1_700_000_000_000);
  readonly store = new MemoryKeyValueStore();
  readonly main = new MemoryBlobStore({ writerId: "w" });
  readonly cold = new MemoryBlobStore({ writerId: "w" });
  readonly blobs = new MultiBlobStore({
    main: this.main,
    others: new Map([["cold", this.cold]]),
  });

  async open(): Promise<ObjectClient> {
    const { store, blobs, clock } = this;
    const tier: StorageTier = {
      storeName: "cold",
      compression: "zstd",
      writer: { write: (source) => blobs.writeInto("cold", source) },
    };
    const tiers = new StorageTiers(blobs, new Map([["GLACIER_IR", tier]]));
    const keys = new MasterKeyRing(createMasterKeys(0));
    const client = new ObjectClient(await ObjectStore.open({ store, blobs, clock, keys, tiers }));
    await client.createBucket("bucket");
    return client;
  }

  async counts(): Promise<{ readonly main: number; readonly cold: number }> {
    const [main, cold] = await Promise.all(
      [this.main, this.cold].map((each) => each.list(undefined, 99)),
    );
    return { main: main?.length ?? 0, cold: cold?.length ?? 0 };
  }

  async sweep({ objects }: ObjectClient): Promise<void> {
    this.clock.advance(60_000);
    const sweeper = new Sweeper({ objectStore: objects, sleep: async () => {} });
    await sweeper.runOnce(new AbortController().signal);
  }

  async findings(): Promise<readonly unknown[]> {
    const { store, blobs, clock } = this;
    const output = { write: () => true };
    return (await checkStore({ store, blobs, clock, output, isTerminal: false })).findings;
  }
}

function bytesOf(length: number, seed = 0): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 9) + seed) & 0xff));
}

function placeOf(key: string, { versionId, sequence }: ObjectRecord): VersionPlace {
  return { bucketName: "bucket", key, versionId, sequence };
}

describe("transitions", () => {
  it("move bytes and leave id, ETag and time; the sweeper removes what was before", async () => {
    const tiered = new TieredStore();
    const client = await tiered.open();
    for (const size of [0, 1, 70_000, 900_000]) {
      const { record } = await client.put("bucket", `${size}`, bytesOf(size));
      const moved = await client.objects.transitions.move(
        placeOf(`${size}`, record),
        "GLACIER_IR",
        cause,
      );
      assert.equal(moved, "moved");
      const after = await client.objects.versions.find("bucket", `${size}`, undefined);
      assert.equal(after.record.attributes.storageClass, "GLACIER_IR");
      for (const name of ["etag", "sequence", "versionId", "lastModifiedMilliseconds"] as const) {
        assert.equal(after.record[name], record[name]);
      }
      assert.deepEqual(Buffer.from(await client.read("bucket", `${size}`)), bytesOf(size));
    }
    assert.deepEqual(await tiered.counts(), { main: 2, cold: 3 });
    await tiered.sweep(client);
    assert.deepEqual(await tiered.counts(), { main: 0, cold: 3 });
    for (const size of [1, 70_000, 900_000]) {
      assert.deepEqual(Buffer.from(await client.read("bucket", `${size}`)), bytesOf(size));
    }
    assert.deepEqual(await tiered.findings(), []);
  });

  it("answer what they did not do: again, backwards, of a version that was replaced or removed", async () => {
    const tiered = new TieredStore();
    const client = await tiered.open();
    const { transitions } = client.objects;
    const { record } = await client.put("bucket", "key", bytesOf(100_000));
    const place = placeOf("key", record);
    assert.equal(await transitions.move(place, "GLACIER_IR", cause), "moved");
    assert.equal(await transitions.move(place, "GLACIER_IR", cause), "unchanged");
    for (const back of ["STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING"]) {
      assert.equal(await transitions.move(place, back, cause), "refused", back);
    }
    assert.equal(await transitions.move(place, "DEEP_ARCHIVE", cause), "moved");
    await client.put("bucket", "key", bytesOf(100_000, 1));
    assert.equal(await transitions.move(place, "DEEP_ARCHIVE", cause), "gone");
    await client.delete("bucket", "key");
    assert.equal(await transitions.move(place, "DEEP_ARCHIVE", cause), "gone");
    await tiered.sweep(client);
    assert.deepEqual(await tiered.counts(), { main: 0, cold: 0 });
  });

  it("move what only a customer's key opens as it is, shared parts of a blob once", async () => {
    const tiered = new TieredStore();
    const client = await tiered.open();
    const { objects } = client;
    const seal = {
      encryption: { kind: "SSE-C", salt: "", verifier: "" } as const,
      wrap: new ObjectKeyWrap(newDataKey()),
    };
    for (const size of [1000, 300_000]) {
      const place = { bucketName: "bucket", key: `secret/${size}` };
      const source = (async function* () {
        yield bytesOf(size);
      })();
      const received = await objects.contents.receive(source, size, seal);
      const version = {
        cause,
        etag: "0".repeat(32),
        checksum: undefined,
        attributes: {},
        encryption: seal.encryption,
      };
      const begun = await objects.writes.begin(place, {});
      const { record } = await objects.writes.put(place, begun, { received, version });
      const moved = await objects.transitions.move(placeOf(place.key, record), "GLACIER_IR", cause);
      assert.equal(moved, "moved");
      const found = await objects.versions.find("bucket", place.key, undefined);
      const opened = await objects.contents.open(found.record.content, 0, size, seal);
      const chunks = opened instanceof Uint8Array ? [opened] : opened;
      const copies: Buffer[] = [];
      for await (const chunk of chunks) copies.push(Buffer.from(chunk));
      assert.deepEqual(Buffer.concat(copies), bytesOf(size));
    }
    await tiered.sweep(client);
    assert.deepEqual(await tiered.counts(), { main: 0, cold: 2 });
    assert.deepEqual(await tiered.findings(), []);
  });

  it("race with writers and with each other, and one whole object remains", async () => {
    const tiered = new TieredStore();
    const client = await tiered.open();
    for (let round = 0; round < 20; round += 1) {
      const { record } = await client.put("bucket", "key", bytesOf(100_000, round));
      const place = placeOf("key", record);
      const { transitions } = client.objects;
      await Promise.all([
        transitions.move(place, "GLACIER_IR", cause),
        client.put("bucket", "key", bytesOf(90_000, round)),
        transitions.move(place, "GLACIER_IR", cause),
      ]);
      assert.deepEqual(Buffer.from(await client.read("bucket", "key")), bytesOf(90_000, round));
    }
    await tiered.sweep(client);
    assert.deepEqual(await tiered.counts(), { main: 1, cold: 0 });
    assert.deepEqual(await tiered.findings(), []);
  });
});
