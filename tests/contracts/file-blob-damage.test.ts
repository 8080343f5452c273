// What becomes of stored bytes that change behind the store's back: reported, never served.

import assert from "node:assert/strict";
import fs from "node:fs/promises";
import { describe, it } from "node:test";
import { blockDataBytes, blockStrideBytes } from "../../src/storage/blob/block-format.ts";
import { BlobCorruptError } from "../../src/storage/storage-errors.ts";
import { pathOf, withBlob } from "./blob-files.ts";
import { collectChunks, readBlob, sampleBytes, streamOf } from "./blob-suite.ts";

describe("FileBlobStore: damaged files", () => {
  it("reports every single flipped byte of a small file", async () => {
    await withBlob(sampleBytes(60), async ({ store, id, path }) => {
      const { size } = await fs.stat(path);
      assert.equal(size, 64);
      for (let position = 0; position < size; position += 1) {
        await flipByte(path, position);
        await assert.rejects(readBlob(store, id), BlobCorruptError, `byte ${position}`);
        await flipByte(path, position);
      }
      assert.deepEqual(await readBlob(store, id), sampleBytes(60));
    });
  });

  it("reports flipped bytes of an empty blob", async () => {
    await withBlob(sampleBytes(0), async ({ store, id, path }) => {
      for (const position of [0, 1, 2, 3]) {
        await flipByte(path, position);
        await assert.rejects(readBlob(store, id), BlobCorruptError);
        await flipByte(path, position);
      }
      assert.equal((await readBlob(store, id)).byteLength, 0);
    });
  });

  it("reports a flipped byte anywhere in a long file and serves none of its block", async () => {
    const bytes = sampleBytes(11 * blockDataBytes + 500);
    await withBlob(bytes, async ({ store, id, path }) => {
      const { size } = await fs.stat(path);
      const positions = [0, size - 1, size - 5, blockStrideBytes - 1, blockStrideBytes];
      for (let position = 7; position < size; position += 26_041) positions.push(position);
      for (const position of positions) {
        await flipByte(path, position);
        const served: Uint8Array[] = [];
        await assert.rejects(async () => {
          await using reader = await store.open(id);
          for await (const chunk of reader.read(0, bytes.byteLength)) served.push(chunk);
        }, BlobCorruptError);
        const block = Math.floor(position / blockStrideBytes);
        const prefix = Buffer.concat(served);
        assert.ok(prefix.byteLength <= block * blockDataBytes);
        assert.ok(prefix.equals(bytes.subarray(0, prefix.byteLength)));
        await flipByte(path, position);
      }
    });
  });

  it("still serves the ranges that do not touch the damaged block", async () => {
    const bytes = sampleBytes(3 * blockDataBytes);
    await withBlob(bytes, async ({ store, id, path }) => {
      await flipByte(path, blockStrideBytes + 10);
      await using reader = await store.open(id);
      const before = await collectChunks(reader.read(0, blockDataBytes));
      assert.ok(Buffer.concat(before).equals(bytes.subarray(0, blockDataBytes)));
      await assert.rejects(
        collectChunks(reader.read(blockDataBytes, blockDataBytes + 1)),
        BlobCorruptError,
      );
    });
  });

  it("reports a file that was cut off, wherever", async () => {
    const bytes = sampleBytes(3 * blockDataBytes + 9);
    const { length } = bytes;
    const cuts = [0, 1, 3, 4, 5, blockStrideBytes - 1, blockStrideBytes, blockStrideBytes + 1];
    cuts.push(blockStrideBytes + 4, 2 * blockStrideBytes, 3 * blockStrideBytes);
    cuts.push(3 * blockStrideBytes + 12);
    for (const cut of cuts) {
      await withBlob(bytes, async ({ store, id, path }) => {
        await fs.truncate(path, cut);
        await assert.rejects(readBlob(store, id), BlobCorruptError, `whole file cut at ${cut}`);
        await assert.rejects(
          async () => {
            await using reader = await store.open(id);
            await collectChunks(reader.read(length - 1, length));
          },
          BlobCorruptError,
          `record's range, cut at ${cut}`,
        );
      });
    }
  });

  it("reports a file that grew", async () => {
    await withBlob(sampleBytes(blockDataBytes), async ({ store, id, path }) => {
      await fs.appendFile(path, sampleBytes(blockStrideBytes));
      await assert.rejects(readBlob(store, id), BlobCorruptError);
    });
  });

  it("reports two blocks that changed places", async () => {
    const bytes = sampleBytes(4 * blockDataBytes);
    await withBlob(bytes, async ({ store, id, path }) => {
      const file = await fs.readFile(path);
      const blocks = [0, 1, 2, 3].map((index) =>
        file.subarray(index * blockStrideBytes, (index + 1) * blockStrideBytes),
      );
      const [first, second, third, fourth] = blocks as [Buffer, Buffer, Buffer, Buffer];
      await fs.writeFile(path, Buffer.concat([first, third, second, fourth]));
      await assert.rejects(readBlob(store, id), BlobCorruptError);
    });
  });

  it("reports a file that holds another blob", async () => {
    await withBlob(sampleBytes(1000), async ({ store, id, path, directory }) => {
      const other = await store.write(streamOf(sampleBytes(1000, 7)));
      await fs.copyFile(await pathOf(directory, other.id), path);
      await assert.rejects(readBlob(store, id), BlobCorruptError);
    });
  });
});

async function flipByte(path: string, position: number): Promise<void> {
  await using file = await fs.open(path, "r+");
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, position);
  byte.writeUInt8(byte.readUInt8() ^ 0x40);
  await file.write(byte, 0, 1, position);
}
