// Sealed contents over whole object stores: stores from before, rotation of master keys, and a bucket
// whose default changes between an upload's beginning and its commit.

import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../src/base/clock.ts";
import { createMasterKeys, withNewMasterKey } from "../../src/keys/master-key.ts";
import { MasterKeyRing } from "../../src/keys/master-key-ring.ts";
import { BucketChangedError } from "../../src/objects/bucket-changed-error.ts";
import { ObjectStore } from "../../src/objects/object-store.ts";
import { newDataKey } from "../../src/objects/sealing/chunk-cipher.ts";
import { ObjectKeyWrap } from "../../src/objects/sealing/key-wrap.ts";
import type { ObjectSeal } from "../../src/objects/sealing/object-seal.ts";
import { MemoryBlobStore } from "../../src/storage/blob/memory-blob-store.ts";
import { MemoryKeyValueStore } from "../../src/storage/key-value/memory-key-value-store.ts";
import { causeFor } from "./cause.ts";
import { ObjectClient } from "./object-client.ts";

const sizes = [0, 1, 1000, 65_535, 65_536, 65_537, 300_000];

function bytesOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
}

class Disk {
  readonly store = new MemoryKeyValueStore();
  readonly blobs = new MemoryBlobStore();

  async open(keys: MasterKeyRing | undefined): Promise<ObjectClient> {
    const { store, blobs } = this;
    return new ObjectClient(await ObjectStore.open({ store, blobs, clock: systemClock, keys }));
  }
}

test("a store from before sealing stays readable beside what is sealed", async () => {
  const disk = new Disk();
  const before = await disk.open(undefined);
  await before.createBucket("bucket");
  for (const size of sizes) await before.put("bucket", `plain/${size}`, bytesOf(size));
  const after = await disk.open(new MasterKeyRing(createMasterKeys(0)));
  for (const size of sizes) {
    await after.put("bucket", `sealed/${size}`, bytesOf(size));
    assert.deepEqual(
      Buffer.from(await after.read("bucket", `plain/${size}`)),
      Buffer.from(bytesOf(size)),
    );
    assert.deepEqual(
      Buffer.from(await after.read("bucket", `sealed/${size}`)),
      Buffer.from(bytesOf(size)),
    );
  }
  await assert.rejects(before.read("bucket", "sealed/1000"), { name: "KeySealError" });
});

test("a rotated ring reads what earlier keys sealed, and a ring without them nothing", async () => {
  const disk = new Disk();
  let keys = createMasterKeys(0);
  const first = await disk.open(new MasterKeyRing(keys));
  await first.createBucket("bucket");
  for (let round = 0; round < 4; round += 1) {
    const client = await disk.open(new MasterKeyRing(keys));
    for (const size of sizes) await client.put("bucket", `${round}/${size}`, bytesOf(size));
    for (let earlier = 0; earlier <= round; earlier += 1) {
      for (const size of sizes) {
        const read = await client.read("bucket", `${earlier}/${size}`);
        assert.deepEqual(Buffer.from(read), Buffer.from(bytesOf(size)));
      }
    }
    keys = withNewMasterKey(keys, round + 1);
  }
  const stranger = await disk.open(new MasterKeyRing(createMasterKeys(0)));
  await assert.rejects(stranger.read("bucket", "0/1000"), { name: "KeySealError" });
});

test("a bucket whose default changes during an upload gets what it asks for at the commit", async () => {
  const disk = new Disk();
  const client = await disk.open(new MasterKeyRing(createMasterKeys(0)));
  const { objects } = client;
  await client.createBucket("bucket");
  const kms = { keyArn: "arn", wrappedKey: "wrapped" };
  const single: ObjectSeal = {
    encryption: { kind: "aws:kms", ...kms },
    wrap: new ObjectKeyWrap(newDataKey()),
  };
  const double: ObjectSeal = {
    encryption: { kind: "aws:kms:dsse", ...kms },
    wrap: new ObjectKeyWrap(newDataKey()),
    outerWrap: objects.contents.defaultSeal?.wrap,
  };
  const seals = [objects.contents.defaultSeal, single, double];
  for (const from of seals) {
    for (const to of seals) {
      for (const size of sizes) {
        const place = { bucketName: "bucket", key: "key" };
        const begun = await objects.writes.begin(place, {});
        const source = (async function* () {
          yield bytesOf(size);
        })();
        const received = await objects.contents.receive(source, size, from);
        const cause = causeFor("ObjectCreated:Put");
        const version = { cause, etag: "0".repeat(32), checksum: undefined, attributes: {} };
        const refusing = {
          ...version,
          settle: (bucket: ConstructorParameters<typeof BucketChangedError>[0]): never => {
            throw new BucketChangedError(bucket);
          },
        };
        const upload = { received, version: refusing };
        const { record } = await objects.writes.put(place, begun, upload, async (_, bytes) => ({
          received: await objects.contents.reseal(bytes, to),
          version: { ...version, encryption: to?.encryption },
        }));
        const opened = await objects.contents.open(record.content, 0, size, to);
        const parts: Buffer[] = [];
        for await (const part of opened instanceof Uint8Array ? [opened] : opened) {
          parts.push(Buffer.from(part));
        }
        assert.deepEqual(Buffer.concat(parts), Buffer.from(bytesOf(size)));
      }
    }
  }
  assert.ok((await disk.blobs.list(undefined, 1000)).length <= seals.length ** 2 * 2);
});
