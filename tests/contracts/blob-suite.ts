// The promises of the blob store contract, as tests that run on every implementation.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as fc from "fast-check";
import type { ByteStream } from "../../src/base/bytes.ts";
import { type BlobId, type BlobStore, writerOfBlob } from "../../src/storage/blob/blob-store.ts";
import { BlobMissingError, StorageUnavailableError } from "../../src/storage/storage-errors.ts";

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
const blockBytes = 128 * kibibyte;

/** Opens an empty store, disposes of it and of what lies under it when the callback has ended. */
export type WithStore = (use: (store: BlobStore) => Promise<void>) => Promise<void>;

export function describeBlobStore(name: string, withStore: WithStore): void {
  describe(`blob store: ${name}`, () => {
    describeRoundTrips(withStore);
    describeFailedWrites(withStore);
    describeDeleting(withStore);
    describeListing(withStore);
  });
}

function describeRoundTrips(withStore: WithStore): void {
  const aroundBlocks = [blockBytes, 2 * blockBytes, mebibyte].flatMap((size) =>
    [-5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5].map((difference) => size + difference),
  );
  for (const chunkBytes of [64 * kibibyte, 7 * mebibyte]) {
    it(`returns blobs of every size whole, written in chunks of ${chunkBytes}`, async () => {
      await withStore(async (store) => {
        for (const size of [0, 1, 2, 4095, 4096, 4097, ...aroundBlocks, 5 * mebibyte + 17]) {
          const bytes = sampleBytes(size);
          const { id, lengthBytes } = await store.write(streamOf(bytes, chunkBytes));
          assert.equal(lengthBytes, size);
          assert.equal(writerOfBlob(id), store.writerId);
          assert.match(id, /^[a-z0-9-]+$/);
          assert.deepEqual(digestOf(await readBlob(store, id)), digestOf(bytes), `size ${size}`);
        }
      });
    });
  }

  it("keeps the bytes of a source that yields any mixture of chunk sizes", async () => {
    await withStore(async (store) => {
      const sizes = fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 0, max: 600 }) },
        { weight: 2, arbitrary: fc.integer({ min: 4000, max: 70_000 }) },
        { weight: 1, arbitrary: fc.integer({ min: 130_000, max: 1_200_000 }) },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(sizes, { maxLength: 30 }), async (chunkSizes) => {
          const chunks = chunkSizes.map((size, index) => sampleBytes(size, index));
          const { id } = await store.write(streamOfChunks(chunks));
          const expected = Buffer.concat(chunks);
          assert.deepEqual(digestOf(await readBlob(store, id)), digestOf(expected));
          await store.delete(id);
        }),
        { numRuns: 60 },
      );
    });
  });

  it("is done with a chunk of the source before it asks for the next one", async () => {
    await withStore(async (store) => {
      const bytes = sampleBytes(3 * mebibyte + 77);
      for (const chunkBytes of [1000, 100_000, 2 * mebibyte]) {
        const { id } = await store.write(overwritingStreamOf(bytes, chunkBytes));
        assert.deepEqual(digestOf(await readBlob(store, id)), digestOf(bytes));
      }
    });
  });

  it("returns exactly the bytes of any range", async () => {
    await withStore(async (store) => {
      const bytes = sampleBytes(2 * mebibyte + 3 * blockBytes + 1234);
      const { id } = await store.write(streamOf(bytes));
      await using reader = await store.open(id);
      const bound = fc.oneof(
        fc.integer({ min: 0, max: bytes.byteLength }),
        fc.integer({ min: 0, max: 19 }).map((block) => block * blockBytes),
        fc.integer({ min: 0, max: 18 }).map((block) => block * blockBytes + 1),
      );
      await fc.assert(
        fc.asyncProperty(bound, bound, async (one, other) => {
          const [start, end] = one < other ? [one, other] : [other, one];
          const expected = bytes.subarray(start, end);
          const read = await collectChunks(reader.read(start, end));
          assert.deepEqual(digestOf(Buffer.concat(read)), digestOf(expected));
          for (const chunk of read) {
            assert.ok(chunk.byteLength > 0 && chunk.byteLength <= mebibyte);
          }
        }),
        { numRuns: 150 },
      );
    });
  });

  it("never reuses the memory of a chunk that it has yielded", async () => {
    await withStore(async (store) => {
      const bytes = sampleBytes(6 * mebibyte);
      const { id } = await store.write(streamOf(bytes));
      // Kept until all is read: a reused chunk would hold later bytes by then.
      assert.deepEqual(digestOf(await readBlob(store, id)), digestOf(bytes));
    });
  });

  for (const method of ["readTransient", "readUnverified"] as const) {
    it(`gives a consumer that is quick with its chunks the same bytes: ${method}`, async () => {
      await withStore(async (store) => {
        const bytes = sampleBytes(5 * mebibyte + 321);
        const { id } = await store.write(streamOf(bytes));
        const read = async (start: number, end: number): Promise<void> => {
          await using reader = await store.open(id);
          const copies: Buffer[] = [];
          for await (const chunk of reader[method](start, end)) {
            await nextTurn();
            copies.push(Buffer.from(chunk));
            // Not read from the store again by anybody else.
            if (method === "readUnverified") chunk.fill(0);
          }
          assert.deepEqual(digestOf(Buffer.concat(copies)), digestOf(bytes.subarray(start, end)));
        };
        const ends = [0, 1, blockBytes, mebibyte + 1, 3 * mebibyte + 7, bytes.byteLength];
        await Promise.all(ends.map((end) => read(0, end)));
        await Promise.all(ends.map((start) => read(start, bytes.byteLength)));
      });
    });
  }

  it("reads transiently for consumers who leave early, without disturbing others", async () => {
    await withStore(async (store) => {
      const bytes = sampleBytes(6 * mebibyte);
      const { id } = await store.write(streamOf(bytes));
      await using reader = await store.open(id);
      const visit = async (chunkCount: number): Promise<void> => {
        let position = 0;
        for await (const chunk of reader.readTransient(0, bytes.byteLength)) {
          await nextTurn();
          assert.ok(bytes.subarray(position, position + chunk.byteLength).equals(chunk));
          position += chunk.byteLength;
          if (position >= chunkCount * mebibyte) break;
        }
      };
      for (let round = 0; round < 4; round += 1) {
        await Promise.all([1, 6, 2, 6, 3].map((chunkCount) => visit(chunkCount)));
      }
    });
  });

  it("does not let a consumer that writes into its chunks change the blob", async () => {
    await withStore(async (store) => {
      const bytes = sampleBytes(blockBytes + 10);
      const { id } = await store.write(streamOf(bytes));
      await using reader = await store.open(id);
      for await (const chunk of reader.read(0, reader.lengthBytes)) chunk.fill(0);
      assert.deepEqual(digestOf(await readBlob(store, id)), digestOf(bytes));
    });
  });

  it("serves many writes and reads at once", async () => {
    await withStore(async (store) => {
      const sizes = Array.from({ length: 48 }, (_, index) => index * 20_011);
      await Promise.all(
        sizes.map(async (size, index) => {
          const bytes = sampleBytes(size, index);
          const { id } = await store.write(streamOf(bytes));
          assert.deepEqual(digestOf(await readBlob(store, id)), digestOf(bytes));
        }),
      );
    });
  });

  it("gives every blob an id of its own that cannot be guessed from another", async () => {
    await withStore(async (store) => {
      const ids = new Set<BlobId>();
      const endings = new Set<string>();
      for (let count = 0; count < 100; count += 1) {
        const { id } = await store.write(streamOf(sampleBytes(1)));
        ids.add(id);
        endings.add(id.split("-")[2] ?? "");
      }
      assert.equal(ids.size, 100);
      assert.equal(endings.size, 100);
    });
  });
}

function describeFailedWrites(withStore: WithStore): void {
  const failures: [string, Uint8Array[]][] = [
    ["at once", []],
    ["after a few bytes", [sampleBytes(100)]],
    ["after several blocks", [sampleBytes(3 * blockBytes), sampleBytes(1)]],
    ["after several writes", [sampleBytes(mebibyte), sampleBytes(mebibyte), sampleBytes(mebibyte)]],
  ];
  for (const [moment, chunks] of failures) {
    it(`leaves nothing when the source throws ${moment}, and throws what the source threw`, async () => {
      await withStore(async (store) => {
        const failure = new Error("the client went away");
        const write = store.write(
          (async function* () {
            yield* chunks;
            await nextTurn();
            throw failure;
          })(),
        );
        await assert.rejects(write, (error) => error === failure);
        assert.deepEqual(await store.list(undefined, 10), []);
      });
    });
  }

  it("refuses work after it was disposed of", async () => {
    await withStore(async (store) => {
      const { id } = await store.write(streamOf(sampleBytes(10)));
      await store[Symbol.asyncDispose]();
      await assert.rejects(store.write(streamOf(sampleBytes(1))), StorageUnavailableError);
      await assert.rejects(store.open(id), StorageUnavailableError);
      await assert.rejects(store.list(undefined, 1), StorageUnavailableError);
      await assert.rejects(store.delete(id), StorageUnavailableError);
    });
  });
}

function describeDeleting(withStore: WithStore): void {
  it("says that a blob is missing before anything is read", async () => {
    await withStore(async (store) => {
      const { id } = await store.write(streamOf(sampleBytes(10)));
      await store.delete(id);
      await assert.rejects(store.open(id), BlobMissingError);
    });
  });

  it("deletes the same blob twice without complaint", async () => {
    await withStore(async (store) => {
      const { id } = await store.write(streamOf(sampleBytes(10)));
      await store.delete(id);
      await store.delete(id);
      assert.deepEqual(await store.list(undefined, 10), []);
    });
  });

  it("takes an id that no store can have made for a missing blob", async () => {
    await withStore(async (store) => {
      for (const text of ["", "..", "a/../../b", "x-0000000000-", "../../etc/passwd", "A-B-C"]) {
        await assert.rejects(store.open(text as BlobId), BlobMissingError);
        await store.delete(text as BlobId);
      }
    });
  });

  it("lets an open reader read to the end after the blob was deleted", async () => {
    await withStore(async (store) => {
      const bytes = sampleBytes(4 * mebibyte);
      const { id } = await store.write(streamOf(bytes));
      await using reader = await store.open(id);
      const parts: Uint8Array[] = [];
      for await (const chunk of reader.read(0, reader.lengthBytes)) {
        if (parts.length === 0) await store.delete(id);
        parts.push(chunk);
      }
      assert.deepEqual(digestOf(Buffer.concat(parts)), digestOf(bytes));
      assert.equal(digestOf(Buffer.concat(await collectChunks(reader.read(5, 15)))).length, 64);
      await assert.rejects(store.open(id), BlobMissingError);
    });
  });

  it("lets a read that has begun end after its reader was disposed of", async () => {
    await withStore(async (store) => {
      const bytes = sampleBytes(3 * mebibyte);
      const { id } = await store.write(streamOf(bytes));
      const reader = await store.open(id);
      const parts: Uint8Array[] = [];
      for await (const chunk of reader.read(0, reader.lengthBytes)) {
        await reader[Symbol.asyncDispose]();
        parts.push(chunk);
      }
      assert.deepEqual(digestOf(Buffer.concat(parts)), digestOf(bytes));
      await assert.rejects(collectChunks(reader.read(0, 1)), StorageUnavailableError);
    });
  });

  it("can be read by several consumers at once, some of whom leave early", async () => {
    await withStore(async (store) => {
      const bytes = sampleBytes(4 * mebibyte);
      const { id } = await store.write(streamOf(bytes));
      await using reader = await store.open(id);
      const leave = async (): Promise<void> => {
        for await (const chunk of reader.read(100, reader.lengthBytes)) {
          assert.ok(chunk.byteLength > 0);
          break;
        }
      };
      const readAll = async (): Promise<void> => {
        const parts = await collectChunks(reader.read(0, reader.lengthBytes));
        assert.deepEqual(digestOf(Buffer.concat(parts)), digestOf(bytes));
      };
      await Promise.all([leave(), readAll(), leave(), readAll()]);
    });
  });
}

function describeListing(withStore: WithStore): void {
  it("lists ids in ascending order, page by page", async () => {
    await withStore(async (store) => {
      const written: BlobId[] = [];
      for (let count = 0; count < 57; count += 1) {
        written.push((await store.write(streamOf(sampleBytes(count)))).id);
      }
      assert.deepEqual(await store.list(undefined, 1000), written.toSorted());
      for (const limit of [1, 7, 56, 57, 58]) {
        const listed: BlobId[] = [];
        for (let page = await store.list(undefined, limit); page.length > 0;) {
          assert.ok(page.length <= limit);
          listed.push(...page);
          page = await store.list(page.at(-1), limit);
        }
        assert.deepEqual(listed, written.toSorted());
      }
    });
  });

  it("goes on after an id that was deleted meanwhile", async () => {
    await withStore(async (store) => {
      const ids: BlobId[] = [];
      for (let count = 0; count < 6; count += 1) {
        ids.push((await store.write(streamOf(sampleBytes(3)))).id);
      }
      await store.delete(ids[2] as BlobId);
      assert.deepEqual(await store.list(ids[2], 2), [ids[3], ids[4]]);
    });
  });

  it("lists a long blob that is still being written", async () => {
    await withStore(async (store) => {
      let listed: readonly BlobId[] = [];
      const { id } = await store.write(
        (async function* () {
          for (let count = 0; count < 4; count += 1) yield sampleBytes(mebibyte);
          listed = await store.list(undefined, 10);
          yield sampleBytes(1);
        })(),
      );
      assert.deepEqual(listed, [id]);
    });
  });
}

/** Not for a store that keeps its blobs in memory. */
export function describeConstantMemory(name: string, withStore: WithStore): void {
  it(`blob store: ${name}: needs the same memory for a blob of any size`, async () => {
    await withStore(async (store) => {
      const chunk = sampleBytes(64 * kibibyte);
      const collectGarbage = garbageCollector();
      const used = (): number => {
        // What one collection found is given back by the beginning of the next.
        collectGarbage();
        collectGarbage();
        const { heapUsed, arrayBuffers } = process.memoryUsage();
        return heapUsed + arrayBuffers;
      };
      const before = used();
      let largest = 0;
      const { id } = await store.write(
        (async function* () {
          for (let count = 0; count < 4096; count += 1) {
            if (count % 256 === 0) largest = Math.max(largest, used());
            yield chunk;
          }
        })(),
      );
      await using reader = await store.open(id);
      assert.equal(reader.lengthBytes, 256 * mebibyte);
      let readBytes = 0;
      for await (const part of reader.read(0, reader.lengthBytes)) {
        readBytes += part.byteLength;
        if (readBytes % (16 * mebibyte) === 0) largest = Math.max(largest, used());
      }
      assert.equal(readBytes, 256 * mebibyte);
      // Freed buffers are given back a little later than the collection that found them.
      assert.ok(largest - before < 32 * mebibyte, `grew by ${largest - before} bytes`);
    });
  });
}

function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

/** Bytes without a period that fits a block, so that no two blocks are alike. */
export function sampleBytes(length: number, seed = 0): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let state = (seed * 2654435761 + 12345) >>> 0;
  let offset = 0;
  for (; offset + 4 <= length; offset += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes.writeUInt32LE(state, offset);
  }
  for (; offset < length; offset += 1) bytes[offset] = (offset * 37 + seed) & 255;
  return bytes;
}

export async function* streamOf(bytes: Uint8Array, chunkBytes = 64 * kibibyte): ByteStream {
  for (let offset = 0; offset < bytes.byteLength; offset += chunkBytes) {
    yield bytes.subarray(offset, offset + chunkBytes);
  }
}

/** Each chunk lies where the one before it lay. */
async function* overwritingStreamOf(bytes: Uint8Array, chunkBytes: number): ByteStream {
  const memory = new Uint8Array(chunkBytes);
  for (let offset = 0; offset < bytes.byteLength; offset += chunkBytes) {
    const chunk = bytes.subarray(offset, offset + chunkBytes);
    memory.set(chunk);
    yield memory.subarray(0, chunk.byteLength);
  }
  memory.fill(0);
}

async function* streamOfChunks(chunks: readonly Uint8Array[]): ByteStream {
  yield* chunks;
}

export async function collectChunks(stream: ByteStream): Promise<Uint8Array[]> {
  return await Array.fromAsync(stream);
}

export async function readBlob(store: BlobStore, id: BlobId): Promise<Buffer> {
  await using reader = await store.open(id);
  return Buffer.concat(await collectChunks(reader.read(0, reader.lengthBytes)));
}

function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
