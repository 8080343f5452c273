import assert from "node:assert/strict";
import { test } from "node:test";
import { longBodyBytes } from "../model/limits.ts";
import { transientChunks } from "./transient-chunks.ts";

async function* streamOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function lengthsAfterwards(chunks: readonly Uint8Array[], length: number): Promise<number[]> {
  for await (const chunk of transientChunks(streamOf(chunks), length)) {
    assert.ok(chunk.byteLength > 0, "a chunk is whole while it is used");
  }
  return chunks.map((chunk) => chunk.byteLength);
}

test("the chunks of a long body lose their memory once they were used", async () => {
  const chunks = [Buffer.allocUnsafeSlow(65_536), Buffer.allocUnsafeSlow(65_536)];
  assert.deepEqual(await lengthsAfterwards(chunks, longBodyBytes + 1), [0, 0]);
});

test("chunks that may share their memory keep it", async () => {
  const shared = Buffer.alloc(65_536);
  const chunks = [shared.subarray(1), shared.subarray(0, 40_000), Buffer.from("short")];
  assert.deepEqual(await lengthsAfterwards(chunks, longBodyBytes + 1), [65_535, 40_000, 5]);
});

test("the chunks of a short body, or of one of unknown length, may be kept", async () => {
  const chunks = [Buffer.allocUnsafeSlow(65_536)];
  assert.deepEqual(await lengthsAfterwards(chunks, longBodyBytes), [65_536]);
  for await (const _chunk of transientChunks(streamOf(chunks), undefined));
  assert.equal(chunks[0]?.byteLength, 65_536);
});
