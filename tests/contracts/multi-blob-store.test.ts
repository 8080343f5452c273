// The blob store contract on several stores behind one door, and what only these have: blobs that lie
// where their writer said, and stores that the configuration does not name any more.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { storeNameOfBlob, writerOfBlob, type BlobId } from "../../src/storage/blob/blob-store.ts";
import { openFileBlobStore } from "../../src/storage/blob/file-blob-store.ts";
import { MemoryBlobStore } from "../../src/storage/blob/memory-blob-store.ts";
import { MultiBlobStore } from "../../src/storage/blob/multi-blob-store.ts";
import { StorageUnavailableError } from "../../src/storage/storage-errors.ts";
import { withDirectory } from "./blob-files.ts";
import { describeBlobStore, readBlob, sampleBytes, streamOf } from "./blob-suite.ts";

describeBlobStore("several behind one, writing into the main one", async (use) => {
  const main = new MemoryBlobStore();
  const { writerId } = main;
  const others = new Map([["cold", new MemoryBlobStore({ writerId })]]);
  await using store = new MultiBlobStore({ main, others });
  await use(store);
});

describeBlobStore("several behind one, writing into a named one", async (use) => {
  await withDirectory(async (directory) => {
    const open = (name: string) =>
      openFileBlobStore({ directory: join(directory, name), durability: "relaxed", writerId: "w" });
    const main = await open("main");
    const others = new Map([["cold", await open("cold")]]);
    await using multi = new MultiBlobStore({ main, others });
    await use({
      writerId: multi.writerId,
      write: (source) => multi.writeInto("cold", source),
      open: (id) => multi.open(id),
      delete: (id) => multi.delete(id),
      list: (after, limit) => multi.list(after, limit),
      [Symbol.asyncDispose]: () => multi[Symbol.asyncDispose](),
    });
  });
});

describe("MultiBlobStore", () => {
  it("finds each blob where it was written, by its id alone, and lists all in one order", async () => {
    const main = new MemoryBlobStore({ writerId: "w1" });
    const cold = new MemoryBlobStore({ writerId: "w1" });
    await using store = new MultiBlobStore({ main, others: new Map([["cold", cold]]) });
    const ids: BlobId[] = [];
    for (let count = 0; count < 20; count += 1) {
      const source = streamOf(sampleBytes(count + 1, count));
      const written = count % 3 === 0 ? store.writeInto("cold", source) : store.write(source);
      ids.push((await written).id);
    }
    assert.equal((await main.list(undefined, 100)).length, 13);
    assert.equal((await cold.list(undefined, 100)).length, 7);
    for (const [count, id] of ids.entries()) {
      assert.equal(storeNameOfBlob(id), count % 3 === 0 ? "cold" : undefined);
      assert.equal(writerOfBlob(id), "w1");
      assert.deepEqual(await readBlob(store, id), sampleBytes(count + 1, count));
    }
    const sorted = ids.toSorted();
    assert.deepEqual(await store.list(undefined, 100), sorted);
    for (const limit of [1, 3, 19]) {
      const listed: BlobId[] = [];
      for (let page = await store.list(undefined, limit); page.length > 0;) {
        listed.push(...page);
        page = await store.list(page.at(-1), limit);
      }
      assert.deepEqual(listed, sorted);
    }
    assert.deepEqual(await store.list("w1-" as BlobId, 100), sorted);
  });

  it("neither reads nor deletes in a store that is not there, and calls no blob of it missing", async () => {
    const main = new MemoryBlobStore({ writerId: "w1" });
    const cold = new MemoryBlobStore({ writerId: "w1" });
    await using before = new MultiBlobStore({ main, others: new Map([["cold", cold]]) });
    const { id } = await before.writeInto("cold", streamOf(sampleBytes(10)));
    await using after = new MultiBlobStore({ main, others: new Map() });
    await assert.rejects(after.open(id), StorageUnavailableError);
    await assert.rejects(after.delete(id), StorageUnavailableError);
    await assert.rejects(
      after.writeInto("cold", streamOf(sampleBytes(1))),
      StorageUnavailableError,
    );
    assert.deepEqual(await readBlob(before, id), sampleBytes(10));
  });

  it("wants names that can be part of an id, and one writer", () => {
    const main = new MemoryBlobStore({ writerId: "w1" });
    for (const name of ["", "a-b", "UPPER", "x".repeat(33), "../x"]) {
      const others = new Map([[name, new MemoryBlobStore({ writerId: "w1" })]]);
      assert.throws(() => new MultiBlobStore({ main, others }), TypeError, name);
    }
    const foreign = new Map([["cold", new MemoryBlobStore({ writerId: "w2" })]]);
    assert.throws(() => new MultiBlobStore({ main, others: foreign }), TypeError);
  });
});
