// What every key-value store promises of queues.
import assert from "node:assert/strict";
import { it } from "node:test";
import { AssertionError } from "../../src/base/assert.ts";
import type { KeyValueStore } from "../../src/storage/key-value/key-value-store.ts";
import { decodeCounter } from "../../src/storage/key-value/counter.ts";
import { decodeQueueEntry } from "../../src/storage/key-value/queue-entry.ts";
import { encodeTuple } from "../../src/storage/key-value/tuple.ts";
import type { OpenEmptyStore } from "./key-value-suite.ts";
import { bytes, getText, setText, text, writeRequest } from "./key-value-access.ts";

const queue = encodeTuple(["queue"]);
const counter = encodeTuple(["length"]);

async function entriesOf(store: KeyValueStore) {
  const range = { start: queue, end: encodeTuple(["queuf"]), limit: 10_000 };
  return (await store.read({ ranges: [range] })).ranges[0] ?? [];
}

async function valuesOf(store: KeyValueStore): Promise<string[]> {
  const entries = await entriesOf(store);
  return entries.flatMap(({ value }) => decodeQueueEntry(value).map(text));
}

function append(store: KeyValueStore, ...values: string[]) {
  const appends = values.map((value) => ({ queue, value: bytes(value), counter }));
  return store.write(writeRequest({ appends }));
}

async function lengthOf(store: KeyValueStore): Promise<number> {
  const { gets } = await store.read({ gets: [counter] });
  return decodeCounter(gets[0]?.value);
}

export function testQueues(open: OpenEmptyStore): void {
  it("has the values of a queue in the order of the commits", async () => {
    await using store = await open();
    await append(store, "a", "b");
    await Promise.all(["c", "d", "e"].map((value) => append(store, value)));
    await append(store, "f");
    const values = await valuesOf(store);
    assert.deepEqual([...values.slice(0, 2), values.at(-1)], ["a", "b", "f"]);
    assert.deepEqual(values.slice(2, 5).toSorted(), ["c", "d", "e"]);
    assert.equal(await lengthOf(store), 6);
  });

  it("keeps every value of many writes at once, short and long, in the order of their revisions", async () => {
    await using store = await open();
    const revisions = await Promise.all(
      Array.from({ length: 400 }, async (_, index) => {
        const result = await append(store, `${index}:`.padEnd((index * 37) % 3000, "x"));
        assert(result.committed);
        return { index, revision: result.revision };
      }),
    );
    const expected = revisions
      .toSorted((left, right) => left.revision - right.revision)
      .map(({ index }) => String(index));
    assert.deepEqual(
      (await valuesOf(store)).map((value) => value.split(":")[0]),
      expected,
    );
  });

  it("keeps many long values of one write together", async () => {
    await using store = await open();
    const values = Array.from({ length: 40 }, (_, index) => `${index}`.padEnd(5000, "y"));
    await append(store, ...values);
    await append(store, "last");
    assert.deepEqual(await valuesOf(store), [...values, "last"]);
    const entries = await entriesOf(store);
    assert.equal(entries.length, 2);
  });

  it("appends nothing of a write whose checks do not hold", async () => {
    await using store = await open();
    const revision = await setText(store, "key", "value");
    const stale = { key: bytes("key"), revision: revision - 1 };
    const appends = [{ queue, value: bytes("never"), counter }];
    const [refused, taken] = await Promise.all([
      store.write(writeRequest({ checks: [stale], appends })),
      append(store, "taken"),
    ]);
    assert.deepEqual(refused, { committed: false });
    assert(taken.committed);
    assert.deepEqual(await valuesOf(store), ["taken"]);
    assert.equal(await lengthOf(store), 1);
  });

  it("appends, sets and adds in one write, and lets an entry be checked and removed", async () => {
    await using store = await open();
    const sets = [{ key: bytes("beside"), value: bytes("set") }];
    const additions = [{ key: counter, delta: -3 }];
    await store.write(
      writeRequest({ sets, additions, appends: [{ queue, value: bytes("a"), counter }] }),
    );
    assert.equal(await getText(store, "beside"), "set");
    assert.equal(await lengthOf(store), -2);
    const [entry] = await entriesOf(store);
    assert(entry !== undefined);
    const removal = writeRequest({
      checks: [{ key: entry.key, revision: entry.revision }],
      deletes: [entry.key],
    });
    assert.equal((await store.write(removal)).committed, true);
    assert.equal((await store.write(removal)).committed, false);
    await append(store, "b");
    assert.deepEqual(await valuesOf(store), ["b"]);
  });

  it("appends nothing where the counter is none", async () => {
    await using store = await open();
    await store.write(writeRequest({ sets: [{ key: counter, value: bytes("no counter") }] }));
    const sets = [{ key: bytes("beside"), value: bytes("") }];
    const appends = [{ queue, value: bytes("a"), counter }];
    await assert.rejects(store.write(writeRequest({ sets, appends })), AssertionError);
    assert.deepEqual(await entriesOf(store), []);
    assert.equal(await getText(store, "beside"), undefined);
  });

  it("refuses an empty value", async () => {
    await using store = await open();
    await assert.rejects(append(store, ""), AssertionError);
    assert.deepEqual(await entriesOf(store), []);
  });
}
