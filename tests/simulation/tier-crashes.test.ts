// A process that moves versions between tiers, restores them and lets their copies expire is killed at each
// of its commits, just before or just after it; another one goes on. In the end every byte is there, in
// its place, once, and nothing else.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { rm, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { checkStore } from "../../src/background/check.ts";
import { Sweeper } from "../../src/background/sweeper.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { createMasterKeys } from "../../src/keys/master-key.ts";
import { MasterKeyRing } from "../../src/keys/master-key-ring.ts";
import { S3Error } from "../../src/model/errors.ts";
import { serverCause } from "../../src/objects/change-log.ts";
import { readDueRows } from "../../src/objects/due-rows.ts";
import { ObjectStore } from "../../src/objects/object-store.ts";
import type { DueQueue } from "../../src/objects/records/keyspace.ts";
import type { ObjectRecord } from "../../src/objects/records/object-record.ts";
import { Writers } from "../../src/objects/writers.ts";
import { makeWriterId } from "../../src/storage/blob/blob-id.ts";
import type { BlobStore } from "../../src/storage/blob/blob-store.ts";
import { openFileBlobStore } from "../../src/storage/blob/file-blob-store.ts";
import type { KeyValueStore } from "../../src/storage/key-value/key-value-store.ts";
import { MemoryKeyValueStore } from "../../src/storage/key-value/memory-key-value-store.ts";
import { StorageUnavailableError } from "../../src/storage/storage-errors.ts";
import { openTieredBlobs } from "../../src/storage-options.ts";
import { ObjectClient } from "./object-client.ts";

const day = 86_400_000;
const bytes = Buffer.from(
  Uint8Array.from({ length: 300_000 }, (_, at) => (at * 7 + (at >> 8)) & 255),
);
const signal = new AbortController().signal;

type Moment = "before" | "after";

/** Fails at one commit, which happened or not, and is dead from then on. */
class MortalStore implements KeyValueStore {
  readonly #store: KeyValueStore;
  readonly #moment: Moment;
  #commitsLeft: number;
  isDead = false;

  constructor(store: KeyValueStore, commitsLeft: number, moment: Moment) {
    this.#store = store;
    this.#commitsLeft = commitsLeft;
    this.#moment = moment;
  }

  async read(request: Parameters<KeyValueStore["read"]>[0]): ReturnType<KeyValueStore["read"]> {
    if (this.isDead) throw new StorageUnavailableError("dead");
    return this.#store.read(request);
  }

  async write(request: Parameters<KeyValueStore["write"]>[0]): ReturnType<KeyValueStore["write"]> {
    if (this.isDead) throw new StorageUnavailableError("dead");
    if (this.#commitsLeft > 0) {
      this.#commitsLeft -= 1;
      return this.#store.write(request);
    }
    this.isDead = true;
    if (this.#moment === "after") await this.#store.write(request);
    throw new StorageUnavailableError("killed");
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

class World implements AsyncDisposable {
  readonly clock = new ManualClock(Date.parse("2026-03-10T10:30:00Z"));
  readonly store = new MemoryKeyValueStore();
  readonly #keys = new MasterKeyRing(createMasterKeys(0));
  readonly #directory: string;
  #blobs: BlobStore | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** A process that takes over from whoever was there. */
  async start(store: KeyValueStore): Promise<ObjectClient> {
    await this.#blobs?.[Symbol.asyncDispose]();
    await Writers.forgetAll(this.store);
    const main = await openFileBlobStore({
      directory: join(this.#directory, "main"),
      durability: "relaxed",
      writerId: makeWriterId(randomBytes),
    });
    const storage = {
      stores: {
        cold: { directory: join(this.#directory, "cold") },
        warm: { directory: join(this.#directory, "warm") },
      },
      classes: {
        GLACIER: { store: "cold", compression: "zstd" },
        DEEP_ARCHIVE: { store: "cold" },
        STANDARD_IA: { store: "warm" },
      },
    } as const;
    const { blobs, tiers } = await openTieredBlobs({
      storage,
      main,
      mainDirectory: undefined,
      durability: "relaxed",
      storeId: "store",
    });
    this.#blobs = blobs;
    const { clock } = this;
    const keys = this.#keys;
    return new ObjectClient(await ObjectStore.open({ store, blobs, clock, keys, tiers }));
  }

  async places(): Promise<readonly string[]> {
    const ids = (await this.#blobs?.list(undefined, 100)) ?? [];
    return ids.map((id) => id.split("-")[3] ?? "main").toSorted();
  }

  async findings(): Promise<readonly unknown[]> {
    const blobs = this.#blobs;
    assert.ok(blobs !== undefined);
    const { store, clock } = this;
    const output = { write: () => true };
    return (await checkStore({ store, blobs, clock, output, isTerminal: false })).findings;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#blobs?.[Symbol.asyncDispose]();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function recordOf({ objects }: ObjectClient, key: string): Promise<ObjectRecord> {
  return (await objects.versions.find("bucket", key, undefined)).record;
}

async function move(client: ObjectClient, storageClass: string): Promise<void> {
  const { versionId, sequence } = await recordOf(client, "archived");
  const place = { bucketName: "bucket", key: "archived", versionId, sequence };
  const cause = serverCause("LifecycleTransition", client.objects.clock);
  const result = await client.objects.transitions.move(place, storageClass, cause);
  assert.ok(result === "moved" || result === "unchanged", result);
}

async function restore({ objects }: ObjectClient): Promise<void> {
  const place = { bucketName: "bucket", key: "archived" };
  const asked = { days: 1, tier: "Standard" } as const;
  const cause = serverCause("ObjectRestore:Post", objects.clock);
  try {
    await objects.restores.request(place, undefined, asked, cause);
  } catch (error) {
    // The one before was heard, and its process died before it said so.
    const isHeard = error instanceof S3Error && error.code === "RestoreAlreadyInProgress";
    if (!isHeard) throw error;
  }
}

async function look(client: ObjectClient, queue: DueQueue): Promise<void> {
  const { objects } = client;
  const untilMilliseconds = objects.clock.now();
  const options = { untilMilliseconds, after: undefined, limit: 100 };
  for (const row of await readDueRows(objects.keyValueStore, queue, options)) {
    if (queue === "restore") await objects.restores.look(row, signal);
    else await objects.tiering.look(row, signal);
  }
}

/** Each may be run again from its beginning; `advance` comes once, before it. */
const steps: readonly {
  readonly advance?: number;
  readonly run: (client: ObjectClient) => Promise<void>;
}[] = [
  { run: (client) => move(client, "GLACIER") },
  { run: (client) => restore(client) },
  { advance: 6000, run: (client) => look(client, "restore") },
  {
    run: async (client) => {
      const record = await recordOf(client, "archived");
      assert.ok(record.restore?.content !== undefined);
      const opened = await client.objects.contents.open(
        record.restore.content,
        0,
        bytes.byteLength,
      );
      assert.ok((await collect(opened)).equals(bytes));
    },
  },
  { advance: 2 * day, run: (client) => look(client, "restore") },
  { run: (client) => move(client, "DEEP_ARCHIVE") },
  { advance: 30 * day, run: (client) => look(client, "tiering") },
];

async function collect(opened: AsyncIterable<Uint8Array> | Uint8Array): Promise<Buffer> {
  if (opened instanceof Uint8Array) return Buffer.from(opened);
  const copies: Buffer[] = [];
  for await (const chunk of opened) copies.push(Buffer.from(chunk));
  return Buffer.concat(copies);
}

/** Whether the process died at this commit; `false`: it never came so far. */
async function live(world: World, commits: number, moment: Moment): Promise<boolean> {
  let client = await world.start(world.store);
  await client.createBucket("bucket");
  await client.put("bucket", "archived", bytes);
  const tiered = { storageClass: "INTELLIGENT_TIERING" };
  await putWith(client, "tiered", tiered);
  const mortal = new MortalStore(world.store, commits, moment);
  client = await world.start(mortal).catch(() => world.start(world.store));
  for (const { advance, run } of steps) {
    world.clock.advance(advance ?? 0);
    try {
      await run(client);
    } catch (error) {
      if (!mortal.isDead) throw error;
      client = await world.start(world.store);
      await run(client);
    }
  }
  return mortal.isDead;
}

async function putWith(
  { objects }: ObjectClient,
  key: string,
  attributes: { readonly storageClass: string },
): Promise<void> {
  const place = { bucketName: "bucket", key };
  const source = (async function* () {
    yield bytes;
  })();
  const received = await objects.contents.receive(source, bytes.byteLength);
  const cause = serverCause("ObjectCreated:Put", objects.clock);
  const version = { cause, etag: "0".repeat(32), checksum: undefined, attributes };
  await objects.writes.put(place, await objects.writes.begin(place, {}), { received, version });
}

async function judge(world: World): Promise<void> {
  const client = await world.start(world.store);
  world.clock.advance(60_000);
  const sweeper = new Sweeper({ objectStore: client.objects, sleep: async () => {} });
  await sweeper.runOnce(signal);
  const archived = await recordOf(client, "archived");
  assert.equal(archived.attributes.storageClass, "DEEP_ARCHIVE");
  assert.equal(archived.restore, undefined);
  const tiered = await recordOf(client, "tiered");
  assert.equal(tiered.tiering?.tier, "INFREQUENT_ACCESS");
  for (const { content } of [archived, tiered]) {
    const opened = await client.objects.contents.open(content, 0, bytes.byteLength);
    assert.ok((await collect(opened)).equals(bytes));
  }
  assert.deepEqual(await world.places(), ["cold", "warm"]);
  assert.deepEqual(await world.findings(), []);
  const rows = async (queue: DueQueue) => {
    const untilMilliseconds = Number.MAX_SAFE_INTEGER;
    const options = { untilMilliseconds, after: undefined, limit: 100 };
    return (await readDueRows(world.store, queue, options)).length;
  };
  assert.equal(await rows("restore"), 0);
  assert.equal(await rows("tiering"), 1);
}

describe("a process that moves, restores and expires", () => {
  for (const moment of ["before", "after"] as const) {
    it(`may be killed ${moment} any of its commits`, async () => {
      let commits = 0;
      for (; ; commits += 1) {
        const directory = await mkdtemp(join(tmpdir(), "holdfast-tier-crashes-"));
        await using world = new World(directory);
        const died = await live(world, commits, moment);
        await judge(world);
        if (!died) break;
      }
      assert.ok(commits > 6, `only ${commits} commits`);
    });
  }
});
