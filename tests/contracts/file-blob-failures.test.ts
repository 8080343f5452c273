// Full disks and broken ones: what a caller is told, and that nothing is left behind or left open.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openFileBlobStore } from "../../src/storage/blob/file-blob-store.ts";
import type { FileSystem } from "../../src/storage/blob/file-system.ts";
import { StorageFullError, StorageUnavailableError } from "../../src/storage/storage-errors.ts";
import { directoryOf, failingFileSystem, withDirectory } from "./blob-files.ts";
import { readBlob, sampleBytes, streamOf } from "./blob-suite.ts";

const mebibyte = 1024 * 1024;

describe("FileBlobStore: failing disks", () => {
  const failures: [string, Partial<Record<keyof FileSystem, number>>][] = [
    ["creating the file", { open: 1 }],
    ["making the directory", { makeDirectory: 0 }],
    ["the first write", { writev: 0 }],
    ["a write in the middle", { writev: 2 }],
    ["the last write", { writev: 4 }],
    ["the sync of the file", { syncData: 0 }],
    ["the sync of the directory", { syncDirectory: 0 }],
    ["the sync of a parent directory", { syncDirectory: 1 }],
  ];
  for (const [moment, failing] of failures) {
    for (const code of ["ENOSPC", "EDQUOT", "EIO"]) {
      it(`says so and leaves nothing when ${moment} fails with ${code}`, async () => {
        await withDirectory(async (directory) => {
          const disk = failingFileSystem();
          const files = disk.files;
          await using store = await openFileBlobStore({ directory, durability: "strict", files });
          disk.failOnce(failing, code);
          await assert.rejects(store.write(streamOf(sampleBytes(4 * mebibyte))), (error: Error) => {
            const expected = code === "EIO" ? StorageUnavailableError : StorageFullError;
            assert.ok(error instanceof expected, String(error));
            assert.equal((error.cause as { code: string }).code, code);
            return true;
          });
          assert.ok(disk.hasFailed());
          assert.deepEqual(await store.list(undefined, 10), []);
          const { id } = await store.write(streamOf(sampleBytes(100)));
          assert.deepEqual(await readBlob(store, id), sampleBytes(100));
          assert.equal(disk.openDescriptors.size, 1, "only the directory is open");
          await store[Symbol.asyncDispose]();
          assert.equal(disk.openDescriptors.size, 0);
        });
      });
    }
  }

  it("does not believe a directory sync after one of the same directory failed", async () => {
    await withDirectory(async (directory) => {
      const disk = failingFileSystem();
      const files = disk.files;
      await using store = await openFileBlobStore({ directory, durability: "strict", files });
      const first = await store.write(streamOf(sampleBytes(1)));
      disk.failOnce({ syncDirectory: 0 }, "EIO");
      const writes = [1, 2, 3].map((size) => store.write(streamOf(sampleBytes(size))));
      const outcomes = await Promise.allSettled(writes);
      assert.ok(outcomes.some(({ status }) => status === "rejected"));
      const next = await store.write(streamOf(sampleBytes(1)));
      assert.notEqual(
        await directoryOf(directory, next.id),
        await directoryOf(directory, first.id),
      );
    });
  });

  it("reports a read error as such, not as a missing or damaged blob", async () => {
    await withDirectory(async (directory) => {
      const disk = failingFileSystem();
      const files = disk.files;
      await using store = await openFileBlobStore({ directory, durability: "strict", files });
      const { id } = await store.write(streamOf(sampleBytes(3 * mebibyte)));
      for (const failing of [{ readv: 0 }, { readv: 2 }, { size: 0 }, { open: 0 }]) {
        disk.failOnce(failing, "EIO");
        await assert.rejects(readBlob(store, id), StorageUnavailableError);
        assert.ok(disk.hasFailed());
      }
      assert.deepEqual((await readBlob(store, id)).byteLength, 3 * mebibyte);
      await store[Symbol.asyncDispose]();
      assert.equal(disk.openDescriptors.size, 0);
    });
  });
});
