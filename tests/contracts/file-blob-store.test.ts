// The blob store contract on files, in both durabilities, and what only files have: syncs that an
// answer must wait for, directories that come and go.

import assert from "node:assert/strict";
import fs from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { BlobId } from "../../src/storage/blob/blob-store.ts";
import { openFileBlobStore } from "../../src/storage/blob/file-blob-store.ts";
import { type FileSystem, nodeFileSystem } from "../../src/storage/blob/file-system.ts";
import {
  pathOf,
  recordingFileSystem,
  shortFileSystem,
  withBlob,
  withDirectory,
} from "./blob-files.ts";
import {
  describeBlobStore,
  describeConstantMemory,
  readBlob,
  sampleBytes,
  streamOf,
  type WithStore,
} from "./blob-suite.ts";

const mebibyte = 1024 * 1024;

for (const durability of ["strict", "relaxed"] as const) {
  const withStore: WithStore = async (use) => {
    await withDirectory(async (directory) => {
      await using store = await openFileBlobStore({ directory, durability });
      await use(store);
    });
  };
  describeBlobStore(`files, ${durability}`, withStore);
  describeConstantMemory(`files, ${durability}`, withStore);
}

describeBlobStore("files on a disk of short reads and writes", async (use) => {
  await withDirectory(async (directory) => {
    await using store = await openFileBlobStore({
      directory,
      durability: "strict",
      files: shortFileSystem(),
    });
    await use(store);
  });
});

describe("FileBlobStore: durability", () => {
  it("answers a strict write after its bytes, its entry and its directories are synced", async () => {
    await withDirectory(async (directory) => {
      const disk = recordingFileSystem();
      await using store = await openFileBlobStore({
        directory: join(directory, "new", "blobs"),
        durability: "strict",
        files: disk.files,
      });
      for (const name of ["", "new"]) {
        assert.ok(disk.calls.includes(`syncDirectory ${join(directory, name)}`), name);
      }
      assert.ok(disk.calls.includes(`syncDirectory ${join(directory, "new", "blobs")}`));
      disk.calls.length = 0;
      const { id } = await store.write(streamOf(sampleBytes(2 * mebibyte + 5)));
      disk.calls.push("answered");
      const file = await pathOf(join(directory, "new", "blobs"), id);
      const parent = join(file, "..");
      const lastWrite = disk.calls.lastIndexOf(`writev ${file}`);
      const answered = disk.calls.indexOf("answered");
      assert.ok(lastWrite >= 0);
      assertBetween(disk.calls.indexOf(`syncData ${file}`, lastWrite), lastWrite, answered);
      const created = disk.calls.indexOf(`open ${file}`);
      assertBetween(disk.calls.indexOf(`syncDirectory ${parent}`, created), created, answered);
      for (const made of [parent, join(parent, "..")]) {
        const making = disk.calls.indexOf(`makeDirectory ${made}`);
        const sync = disk.calls.indexOf(`syncDirectory ${join(made, "..")}`, making);
        assertBetween(sync, making, answered);
      }
    });
  });

  it("waits for syncs however slow they are", async () => {
    for (const slow of ["syncData", "syncDirectory"] as const) {
      await withDirectory(async (directory) => {
        let finished = 0;
        const files: FileSystem = {
          ...nodeFileSystem,
          [slow]: async (descriptor: number): Promise<void> => {
            await delay(60);
            await nodeFileSystem[slow](descriptor);
            finished += 1;
          },
        };
        await using store = await openFileBlobStore({ directory, durability: "strict", files });
        await store.write(streamOf(sampleBytes(1)));
        finished = 0;
        await store.write(streamOf(sampleBytes(1)));
        assert.equal(finished, 1);
      });
    }
  });

  it("shares directory syncs between concurrent writers, and covers each of them", async () => {
    await withDirectory(async (directory) => {
      const disk = recordingFileSystem(20);
      const files = disk.files;
      await using store = await openFileBlobStore({ directory, durability: "strict", files });
      await store.write(streamOf(sampleBytes(1)));
      disk.calls.length = 0;
      await Promise.all(
        Array.from({ length: 40 }, async () => {
          const { id } = await store.write(streamOf(sampleBytes(100)));
          const file = await pathOf(directory, id);
          const begun = disk.calls.indexOf(`open ${file}`);
          assert.ok(disk.calls.indexOf(`syncDirectory ${join(file, "..")}`, begun) > begun);
        }),
      );
      const syncs = disk.calls.filter((call) => call.startsWith("syncDirectory")).length;
      assert.ok(syncs >= 1 && syncs <= 20, `${syncs} syncs for 40 writers`);
    });
  });

  it("syncs nothing when relaxed", async () => {
    await withDirectory(async (directory) => {
      const disk = recordingFileSystem();
      const files = disk.files;
      await using store = await openFileBlobStore({ directory, durability: "relaxed", files });
      await store.write(streamOf(sampleBytes(mebibyte)));
      assert.deepEqual(
        disk.calls.filter((call) => call.startsWith("sync")),
        [],
      );
    });
  });
});

describe("FileBlobStore: directories", () => {
  it("finds blobs again after it was closed, and those of other writers", async () => {
    await withDirectory(async (directory) => {
      const options = { directory, durability: "relaxed" } as const;
      const ids: BlobId[] = [];
      for (const writerId of ["b", "a", "bb", "0z"]) {
        await using store = await openFileBlobStore({ ...options, writerId });
        for (const size of [5, 6]) ids.push((await store.write(streamOf(sampleBytes(size)))).id);
      }
      await using store = await openFileBlobStore(options);
      assert.deepEqual(await store.list(undefined, 100), ids.toSorted());
      const paged: BlobId[] = [];
      for (let page = await store.list(undefined, 3); page.length > 0;) {
        paged.push(...page);
        page = await store.list(page.at(-1), 3);
      }
      assert.deepEqual(paged, ids.toSorted());
      for (const [index, id] of ids.entries()) {
        assert.deepEqual(await readBlob(store, id), sampleBytes(5 + (index % 2)));
      }
    });
  });

  it("spreads blobs over directories and lists across them", async () => {
    await withDirectory(async (directory) => {
      await using store = await openFileBlobStore({
        directory,
        durability: "relaxed",
        writerId: "w",
      });
      const ids: BlobId[] = [];
      for (let count = 0; count < 4100; count += 1) {
        ids.push((await store.write(streamOf(sampleBytes(1)))).id);
      }
      assert.deepEqual((await fs.readdir(join(directory, "w"))).toSorted(), ["0000000", "0000001"]);
      assert.deepEqual(await store.list(ids[4090], 1000), ids.slice(4091));
    });
  });

  it("ignores files that are not blobs", async () => {
    await withBlob(sampleBytes(1), async ({ store, id, path, directory }) => {
      await fs.writeFile(join(directory, "notes"), "x");
      await fs.writeFile(join(path, "..", "core"), "x");
      await fs.mkdir(join(directory, "lost+found"));
      assert.deepEqual(await store.list(undefined, 10), [id]);
    });
  });

  it("refuses a directory of another format", async () => {
    await withDirectory(async (directory) => {
      await fs.writeFile(join(directory, "format-9"), "");
      await assert.rejects(
        openFileBlobStore({ directory, durability: "strict" }),
        /another format/,
      );
    });
  });

  it("removes directories that became empty, and goes on when its own was removed", async () => {
    await withDirectory(async (directory) => {
      const options = { directory, durability: "strict" } as const;
      await using sweeper = await openFileBlobStore({ ...options, writerId: "sweeper" });
      await using store = await openFileBlobStore({ ...options, writerId: "worker" });
      const { id } = await store.write(streamOf(sampleBytes(10)));
      await sweeper.delete(id);
      assert.deepEqual(await sweeper.list(undefined, 10), []);
      assert.deepEqual((await fs.readdir(directory)).toSorted(), ["format-1"]);
      const again = await store.write(streamOf(sampleBytes(11)));
      assert.deepEqual(await readBlob(sweeper, again.id), sampleBytes(11));
      assert.deepEqual(await sweeper.list(undefined, 10), [again.id]);
    });
  });

  it("loses no blob while another process sweeps its directories all the time", async () => {
    await withDirectory(async (directory) => {
      const options = { directory, durability: "strict" } as const;
      await using sweeper = await openFileBlobStore(options);
      await using store = await openFileBlobStore(options);
      const writing = new AbortController();
      const sweep = (async () => {
        while (!writing.signal.aborted) await sweeper.list(undefined, 1000);
      })();
      const write = async (size: number): Promise<void> => {
        for (let round = 0; round < 40; round += 1) {
          const { id } = await store.write(streamOf(sampleBytes(size)));
          assert.deepEqual(await readBlob(store, id), sampleBytes(size));
          await store.delete(id);
        }
      };
      await Promise.all([write(1), write(1000)]);
      writing.abort();
      await sweep;
    });
  });
});

function assertBetween(index: number, after: number, before: number): void {
  assert.ok(index > after && index < before, `${after} < ${index} < ${before}`);
}
