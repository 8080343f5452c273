// Writers that race through several openings of one store. Of conditional writers exactly one wins.
// The SQLite store races for real: each opening has connections and a writer thread of its own, as
// processes have. The store in memory lets everybody else go first at random at every call, which
// meets far more interleavings.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { checkStore } from "../../src/background/check.ts";
import { systemClock } from "../../src/base/clock.ts";
import { S3Error } from "../../src/model/errors.ts";
import { ObjectStore } from "../../src/objects/object-store.ts";
import { openStores } from "../../src/open-stores.ts";
import { md5, multipartEtag, ObjectClient, type UploadName } from "./object-client.ts";
import { MemoryBlobStore } from "../../src/storage/blob/memory-blob-store.ts";
import type { KeyValueStore } from "../../src/storage/key-value/key-value-store.ts";
import { MemoryKeyValueStore } from "../../src/storage/key-value/memory-key-value-store.ts";
import { chooseSeed, SeededRandom } from "./seeded-random.ts";

const bucketName = "bucket";
const versionedName = "versioned";
const openings = 3;
const racersPerOpening = 4;
const rounds = 12;

let clients: ObjectClient[] = [];
let closing = new AsyncDisposableStack();

async function openSqlite(): Promise<readonly ObjectStore[]> {
  const directory = await mkdtemp(join(tmpdir(), "holdfast-race-"));
  closing.defer(() => rm(directory, { recursive: true, force: true }));
  const objects: ObjectStore[] = [];
  for (let at = 0; at < openings; at += 1) {
    const options = { store: { directory }, durability: "relaxed", clock: systemClock } as const;
    const stores = closing.use(
      await openStores({ ...options, deadWriters: at === 0 ? "all" : [] }),
    );
    objects.push(stores.objects);
  }
  return objects;
}

async function openMemory(): Promise<readonly ObjectStore[]> {
  const memory = new MemoryKeyValueStore();
  const random = new SeededRandom(chooseSeed());
  const waitTurns = async (): Promise<void> => {
    for (let turns = random.below(4); turns > 0; turns -= 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const store: KeyValueStore = {
    async read(request) {
      await waitTurns();
      const result = await memory.read(request);
      await waitTurns();
      return result;
    },
    async write(request) {
      await waitTurns();
      const result = await memory.write(request);
      await waitTurns();
      return result;
    },
    [Symbol.asyncDispose]: () => memory[Symbol.asyncDispose](),
  };
  const blobs = new MemoryBlobStore();
  const options = { store, blobs, clock: systemClock, inlineLimitBytes: 8 };
  return Promise.all(Array.from({ length: openings }, () => ObjectStore.open(options)));
}

/** Racers over all openings, each with a number of its own. */
async function race<Result>(
  run: (client: ObjectClient, number: number) => Promise<Result>,
  count = openings * racersPerOpening,
): Promise<readonly PromiseSettledResult<Result>[]> {
  const racers = Array.from({ length: count }, (_, number) => {
    const client = clients[number % openings];
    assert.ok(client);
    return run(client, number);
  });
  return Promise.allSettled(racers);
}

/** The number of the one that won. Throws unless all others lost as S3 lets them lose. */
function winnerOf(results: readonly PromiseSettledResult<unknown>[]): number {
  const winners: number[] = [];
  for (const [number, result] of results.entries()) {
    if (result.status === "fulfilled") {
      winners.push(number);
      continue;
    }
    const error: unknown = result.reason;
    assert.ok(error instanceof S3Error, String(error));
    const lost = ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"];
    assert.ok(lost.includes(error.code), error.code);
  }
  assert.equal(winners.length, 1, `${winners.length} racers won`);
  return winners[0] ?? -1;
}

function mustAllSucceed(results: readonly PromiseSettledResult<unknown>[]): void {
  for (const result of results) {
    if (result.status === "rejected") throw result.reason;
  }
}

function first(): ObjectClient {
  const [client] = clients;
  assert.ok(client);
  return client;
}

const bodyOf = (number: number): Uint8Array => Buffer.from(`racer ${number}`);

async function mustBeSound(): Promise<void> {
  const { keyValueStore: store, blobStore: blobs } = first().objects;
  const output = { write: () => {} };
  const result = await checkStore({ store, blobs, clock: systemClock, output, isTerminal: false });
  assert.deepEqual([result.findings, result.unsure], [[], []]);
}

for (const [name, open] of [
  ["on SQLite", openSqlite],
  ["in memory, in random turns", openMemory],
] as const) {
  describe(`racing writers ${name}`, () => {
    before(async () => {
      clients = (await open()).map((objects) => new ObjectClient(objects));
      for (const bucket of [bucketName, versionedName]) await first().createBucket(bucket);
      await first().setVersioning(versionedName, "Enabled");
      // Every opening knows the bucket, as it does after its first requests: writes then read all they
      // need at once.
      for (const { objects } of clients) await objects.buckets.get(bucketName);
    });
    after(async () => {
      await closing.disposeAsync();
      closing = new AsyncDisposableStack();
    });
    testRaces();
  });
}

function testRaces(): void {
  it("with If-None-Match: exactly one makes the object", async () => {
    for (let round = 0; round < rounds; round += 1) {
      const key = `none ${round}`;
      const results = await race((client, number) =>
        client.put(bucketName, key, bodyOf(number), { ifNoneMatch: "*" }),
      );
      assert.deepEqual(Buffer.from(await first().read(bucketName, key)), bodyOf(winnerOf(results)));
    }
  });

  it("with If-Match: exactly one replaces the object", async () => {
    const key = "match";
    let etag = md5(bodyOf(-1));
    await first().put(bucketName, key, bodyOf(-1));
    for (let round = 0; round < rounds; round += 1) {
      const body = (number: number): Uint8Array => Buffer.from(`${round} of ${number}`);
      const results = await race((client, number) =>
        client.put(bucketName, key, body(number), { ifMatch: etag }),
      );
      etag = md5(body(winnerOf(results)));
      assert.equal((await first().find(bucketName, key)).etag, etag);
    }
  });

  it("writers, deleters and completers with conditions: exactly one changes the object", async () => {
    for (let round = 0; round < rounds; round += 1) {
      const key = `mixed ${round}`;
      const { record } = await first().put(bucketName, key, bodyOf(-1));
      const ifMatch = record.etag;
      const uploads = new Map<number, string>();
      for (let number = 2; number < 12; number += 3) {
        const uploadId = await first().createUpload(bucketName, key);
        await first().putPart({ bucketName, key, uploadId }, 1, bodyOf(number));
        uploads.set(number, uploadId);
      }
      const results = await race<unknown>((client, number) => {
        const uploadId = uploads.get(number);
        if (uploadId !== undefined) {
          return client.complete({ bucketName, key, uploadId }, [1], { ifMatch });
        }
        return number % 3 === 0
          ? client.delete(bucketName, key, undefined, { ifMatch })
          : client.put(bucketName, key, bodyOf(number), { ifMatch });
      });
      const winner = winnerOf(results);
      const isDeleted = !uploads.has(winner) && winner % 3 === 0;
      const listed = (await first().list(bucketName)).filter((item) => item.key === key);
      assert.equal(listed.length, isDeleted ? 0 : 1);
      if (isDeleted) continue;
      assert.deepEqual(Buffer.from(await first().read(bucketName, key)), bodyOf(winner));
    }
  });

  it("completers of one upload: all are answered with the one object", async () => {
    for (let round = 0; round < rounds; round += 1) {
      const key = `completed ${round}`;
      const uploadId = await first().createUpload(versionedName, key);
      const place = { bucketName: versionedName, key, uploadId };
      for (const number of [1, 2]) await first().putPart(place, number, bodyOf(number));
      const results = await race((client) => client.complete(place, [1, 2]));
      const versions = new Set(
        results.map((result) => {
          assert.equal(result.status, "fulfilled");
          return result.status === "fulfilled" ? result.value.record.versionId : "";
        }),
      );
      assert.equal(versions.size, 1);
      const listed = await first().listVersions(versionedName);
      assert.equal(listed.filter((item) => item.key === key).length, 1);
    }
  });

  it("writers, deleters and completers over a multipart object: each takes its turn", async () => {
    for (let round = 0; round < rounds; round += 1) {
      const key = `overwritten ${round}`;
      const places: UploadName[] = [];
      for (let number = 0; number < 12; number += 1) {
        const uploadId = await first().createUpload(bucketName, key);
        const place = { bucketName, key, uploadId };
        await first().putPart(place, 1, bodyOf(number));
        places.push(place);
      }
      const [place] = places;
      assert.ok(place);
      await first().complete(place, [1]);
      const results = await race<unknown>((client, number) => {
        const other = places[number];
        if (other !== undefined && number > 8) return client.complete(other, [1]);
        return number > 4
          ? client.delete(bucketName, key)
          : client.put(bucketName, key, bodyOf(number));
      });
      mustAllSucceed(results);
    }
    await mustBeSound();
  });

  it("parts that are replaced while the upload completes: the object has one or the other", async () => {
    for (let round = 0; round < rounds; round += 1) {
      const key = `replaced ${round}`;
      const uploadId = await first().createUpload(bucketName, key);
      const place = { bucketName, key, uploadId };
      await first().putPart(place, 1, bodyOf(0));
      const results = await race<unknown>((client, number) =>
        number === 5 ? client.complete(place, [1]) : client.putPart(place, 1, bodyOf(number)),
      );
      assert.equal(results[5]?.status, "fulfilled");
      const record = await first().find(bucketName, key);
      const body = await first().readRecord(record);
      assert.match(Buffer.from(body).toString(), /^racer \d+$/);
      assert.equal(record.etag, multipartEtag([md5(body)]));
    }
    await mustBeSound();
  });

  it("deletions of the newest versions at once: what is left is the newest one", async () => {
    for (let round = 0; round < rounds; round += 1) {
      const key = `peeled ${round}`;
      const versions: string[] = [];
      for (let number = 0; number < 7; number += 1) {
        const { record } = await first().put(versionedName, key, bodyOf(number));
        versions.push(record.versionId);
      }
      const results = await race(
        (client, number) => client.delete(versionedName, key, versions[6 - number]),
        6,
      );
      mustAllSucceed(results);
      const left = (await first().listVersions(versionedName)).filter((each) => each.key === key);
      assert.deepEqual(
        left.map((each) => each.record.versionId),
        [versions[0]],
      );
      assert.deepEqual(Buffer.from(await first().read(versionedName, key)), bodyOf(0));
    }
    await mustBeSound();
  });

  it("bucket deletion against writers: a write that succeeded is never lost", async () => {
    for (let round = 0; round < rounds; round += 1) {
      const name = `contested-${round}`;
      await first().createBucket(name);
      const results = await race<unknown>((client, number) =>
        number % 2 === 0
          ? client.deleteBucket(name)
          : client.put(name, `key ${number}`, bodyOf(number)),
      );
      const isDeleted = results.some((each, at) => at % 2 === 0 && each.status === "fulfilled");
      const isWritten = results.some((each, at) => at % 2 === 1 && each.status === "fulfilled");
      assert.equal(isDeleted && isWritten, false, "a bucket was deleted with objects in it");
      const expected = results.filter((each, at) => at % 2 === 1 && each.status === "fulfilled");
      if (isDeleted) await assert.rejects(first().list(name), { code: "NoSuchBucket" });
      else assert.equal((await first().list(name)).length, expected.length);
    }
  });

  it("versions of one key under every kind of change: nothing is lost or left over", async () => {
    const key = "churned";
    const random = new SeededRandom(5);
    const seeds = Array.from({ length: 12 }, () => random.below(2 ** 31));
    const results = await race(async (client, number) => {
      const own = new SeededRandom(seeds[number] ?? 0);
      for (let turn = 0; turn < 25; turn += 1) {
        const versions = (await client.listVersions(versionedName)).filter(
          (item) => item.key === key,
        );
        const target = versions.length === 0 ? undefined : own.pick(versions.slice(0, 3));
        if (target !== undefined && versions.length > 2) {
          await client.delete(versionedName, key, target.record.versionId);
        } else if (own.chance(0.3)) await client.delete(versionedName, key);
        else await client.put(versionedName, key, bodyOf(number * 100 + turn));
      }
    });
    mustAllSucceed(results);
    await mustBeSound();
  });

  it("a lock made of an object: never two holders, and everybody gets it", async () => {
    const key = "lock";
    const state = { holders: 0, mostHolders: 0, acquisitions: 0 };
    const acquire = async (client: ObjectClient, owner: Uint8Array): Promise<boolean> => {
      try {
        await client.put(bucketName, key, owner, { ifNoneMatch: "*" });
        return true;
      } catch (error) {
        assert.ok(error instanceof S3Error, String(error));
        return false;
      }
    };
    const results = await race(async (client, number) => {
      for (let turn = 0; turn < 3; turn += 1) {
        const owner = Buffer.from(`owner ${number}, turn ${turn}`);
        while (!(await acquire(client, owner))) await pause(1 + (number % 5));
        state.holders += 1;
        state.mostHolders = Math.max(state.mostHolders, state.holders);
        state.acquisitions += 1;
        await pause(1);
        state.holders -= 1;
        await client.delete(bucketName, key, undefined, { ifMatch: md5(owner) });
      }
    });
    mustAllSucceed(results);
    assert.equal(state.mostHolders, 1);
    assert.equal(state.acquisitions, openings * racersPerOpening * 3);
  });

  it("a counter made of an object: compare-and-swap loses no increment", async () => {
    const key = "counter";
    await first().put(bucketName, key, Buffer.from("0"));
    const increments = 8;
    const results = await race(async (client) => {
      for (let done = 0; done < increments;) {
        const record = await client.find(bucketName, key);
        const value = Number(Buffer.from(await readOrEmpty(client, record)).toString());
        if (Number.isNaN(value)) continue;
        try {
          const next = Buffer.from(String(value + 1));
          await client.put(bucketName, key, next, { ifMatch: record.etag });
          done += 1;
        } catch (error) {
          assert.ok(error instanceof S3Error, String(error));
        }
      }
    });
    mustAllSucceed(results);
    const last = Buffer.from(await first().read(bucketName, key)).toString();
    assert.equal(Number(last), openings * racersPerOpening * increments);
    await mustBeSound();
  });
}

/** Inline bytes go with their version: who is late reads the record again. */
async function readOrEmpty(
  client: ObjectClient,
  record: Awaited<ReturnType<ObjectClient["find"]>>,
): Promise<Uint8Array> {
  try {
    return await client.readRecord(record);
  } catch (error) {
    assert.equal(error instanceof Error ? error.name : "", "BlobMissingError");
    return Buffer.from("gone");
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
