// The blob store contract on memory.

import assert from "node:assert/strict";
import { it } from "node:test";
import { MemoryBlobStore } from "../../src/storage/blob/memory-blob-store.ts";
import { describeBlobStore, sampleBytes, streamOf } from "./blob-suite.ts";

describeBlobStore("memory", async (use) => {
  await using store = new MemoryBlobStore();
  await use(store);
});

it("MemoryBlobStore takes the writer id that it is given, if it can be one", async () => {
  await using store = new MemoryBlobStore({ writerId: "gateway7" });
  const { id } = await store.write(streamOf(sampleBytes(3)));
  assert.ok(id.startsWith("gateway7-"));
  assert.throws(() => new MemoryBlobStore({ writerId: "../x" }), TypeError);
});
