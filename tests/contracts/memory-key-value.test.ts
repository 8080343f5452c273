// The memory store against the contract, and at a size where a single sorted array would crawl.
import assert from "node:assert/strict";
import { it } from "node:test";
import { MemoryKeyValueStore } from "../../src/storage/key-value/memory-key-value-store.ts";
import { firstKey, pastEveryKey, writeRequest } from "./key-value-access.ts";
import { testKeyValueStore } from "./key-value-suite.ts";

testKeyValueStore("memory", async () => new MemoryKeyValueStore());

it("the memory store keeps 60 000 keys in order through insertions and deletions", async () => {
  await using store = new MemoryKeyValueStore();
  // A multiplier that is coprime to the count visits every number once, in scattered order.
  const count = 60_000;
  const key = (index: number): Uint8Array => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE((index * 7_919) % count);
    return bytes;
  };
  for (let index = 0; index < count; index++) {
    await store.write(writeRequest({ sets: [{ key: key(index), value: firstKey }] }));
  }
  for (let index = 0; index < count; index++) {
    if (index % 10 !== 0) await store.write(writeRequest({ deletes: [key(index)] }));
  }
  const range = { start: firstKey, end: pastEveryKey, limit: count };
  const { ranges } = await store.read({ ranges: [range, { ...range, reverse: true }] });
  const [forward = [], backward = []] = ranges.map((found) => found.map(({ key }) => number(key)));
  const expected = Array.from({ length: count / 10 }, (_, index) => number(key(index * 10)));
  assert.deepEqual(
    forward,
    expected.toSorted((left, right) => left - right),
  );
  assert.deepEqual(backward, forward.toReversed());
});

function number(key: Uint8Array): number {
  return Buffer.from(key).readUInt32BE();
}
