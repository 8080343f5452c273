// What every key-value store promises, as tests. A driver runs all of it: nothing is optional.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AssertionError } from "../../src/base/assert.ts";
import { compareBytes } from "../../src/base/bytes.ts";
import { decodeCounter, encodeCounter } from "../../src/storage/key-value/counter.ts";
import type {
  Entry,
  KeyValueStore,
  WriteRequest,
} from "../../src/storage/key-value/key-value-store.ts";
import { KeyedQueue, transact } from "../../src/storage/key-value/transaction.ts";
import { StorageUnavailableError } from "../../src/storage/storage-errors.ts";
import {
  bytes,
  firstKey,
  getText,
  pastEveryKey,
  scanAll,
  setText,
  text,
  writeRequest,
} from "./key-value-access.ts";
import { testAgainstModel } from "./key-value-model-suite.ts";
import { testQueues } from "./key-value-queue-suite.ts";

/** Opens an empty store each time. */
export type OpenEmptyStore = () => Promise<KeyValueStore>;

/** An entry in a form that compares by value whatever class its arrays have. */
function plain(entry: Entry | undefined): object | undefined {
  return entry && { ...entry, key: text(entry.key), value: text(entry.value) };
}

export function testKeyValueStore(name: string, open: OpenEmptyStore): void {
  describe(`${name} key-value store`, () => {
    testReads(open);
    testWrites(open);
    testCounters(open);
    testQueues(open);
    testConcurrency(open);
    testLife(open);
    testAgainstModel(open);
  });
}

function testReads(open: OpenEmptyStore): void {
  it("returns entries in unsigned byte order", async () => {
    await using store = await open();
    const keys = ["b", "a", "a\0", "a\xff", "\xff", "\0", "a\0\0", "\x7f", "\x80", "ab"];
    for (const key of keys) await setText(store, key, `value of ${key}`);
    const found = await scanAll(store);
    const expected = keys.map(bytes).toSorted(compareBytes).map(text);
    assert.deepEqual(
      found.map((entry) => text(entry.key)),
      expected,
    );
    for (const { key, value } of found) assert.equal(text(value), `value of ${text(key)}`);
  });

  it("includes the start of a range, excludes its end, and obeys limit and direction", async () => {
    await using store = await open();
    for (const key of "abcdef") await setText(store, key, key);
    const scan = async (start: string, end: string, limit: number, reverse: boolean) => {
      const range = { start: bytes(start), end: bytes(end), limit, reverse };
      const { ranges } = await store.read({ ranges: [range] });
      return (ranges[0] ?? []).map(({ key }) => text(key)).join("");
    };
    assert.equal(await scan("b", "e", 10, false), "bcd");
    assert.equal(await scan("b", "e", 10, true), "dcb");
    assert.equal(await scan("b", "e", 2, false), "bc");
    assert.equal(await scan("b", "e", 2, true), "dc");
    assert.equal(await scan("aa", "cc", 10, false), "bc");
    assert.equal(await scan("aa", "cc", 10, true), "cb");
    assert.equal(await scan("c", "c", 10, false), "");
    assert.equal(await scan("e", "b", 10, false), "");
    assert.equal(await scan("e", "b", 10, true), "");
    assert.equal(await scan("g", "z", 10, true), "");
    assert.equal(await scan("", "z", 1, true), "f");
  });

  it("answers gets and ranges of one request in the order asked, absent keys as undefined", async () => {
    await using store = await open();
    for (const key of "abc") await setText(store, key, key.toUpperCase());
    const { gets, ranges } = await store.read({
      gets: [bytes("c"), bytes("missing"), bytes("a"), bytes("c")],
      ranges: [
        { start: bytes("b"), end: bytes("z"), limit: 1 },
        { start: bytes("a"), end: bytes("b"), limit: 9 },
      ],
    });
    assert.deepEqual(
      gets.map((entry) => entry && text(entry.value)),
      ["C", undefined, "A", "C"],
    );
    assert.deepEqual(
      ranges.map((entries) => entries.map(({ key }) => text(key))),
      [["b"], ["a"]],
    );
    assert.deepEqual(await store.read({}), { gets: [], ranges: [] });
  });

  it("refuses a range without a usable limit", async () => {
    await using store = await open();
    const range = { start: firstKey, end: pastEveryKey, limit: 0 };
    await assert.rejects(store.read({ ranges: [range] }), AssertionError);
  });

  it("keeps values of any length, also when a small one takes a large one's place", async () => {
    await using store = await open();
    const key = bytes("key");
    for (const length of [0, 1, 900, 1100, 5000, 70_000, 10, 1_500_000, 3, 4096, 4096, 0]) {
      const value = Buffer.alloc(length, `${length} bytes `);
      await store.write(writeRequest({ sets: [{ key, value }] }));
      const { gets, ranges } = await store.read({
        gets: [key],
        ranges: [{ start: key, end: pastEveryKey, limit: 5 }],
      });
      assert.equal(compareBytes(gets[0]?.value ?? bytes("absent"), value), 0);
      assert.deepEqual(ranges[0]?.map(plain), [plain(gets[0])]);
    }
  });

  it("hands out arrays of the caller's own and keeps none of the caller's", async () => {
    await using store = await open();
    const key = Buffer.from("key");
    const value = Buffer.from("value");
    await store.write(writeRequest({ sets: [{ key, value }] }));
    key.fill(0);
    value.fill(0);
    const [entry] = await scanAll(store);
    assert(entry !== undefined);
    entry.key.fill(1);
    entry.value.fill(1);
    assert.equal(await getText(store, "key"), "value");
    assert.equal((await scanAll(store)).length, 1);
  });
}

function testWrites(open: OpenEmptyStore): void {
  it("gives every key of a write the revision answered, and later writes larger ones", async () => {
    await using store = await open();
    const sets = ["a", "b"].map((key) => ({ key: bytes(key), value: bytes("1") }));
    const additions = [{ key: bytes("counter"), delta: 1 }];
    const first = await store.write(writeRequest({ sets, additions }));
    assert(first.committed);
    for (const { revision } of await scanAll(store)) assert.equal(revision, first.revision);
    const second = await setText(store, "a", "1");
    assert(second > first.revision);
    const { gets } = await store.read({ gets: [bytes("a"), bytes("b")] });
    assert.deepEqual(
      gets.map((entry) => entry?.revision),
      [second, first.revision],
    );
  });

  it("commits only while checked keys have their revision or are absent", async () => {
    await using store = await open();
    const attempt = async (key: string, revision: number | null, value: string) => {
      const checks = [{ key: bytes(key), revision }];
      const sets = [{ key: bytes(key), value: bytes(value) }];
      return store.write(writeRequest({ checks, sets }));
    };
    const created = await attempt("key", null, "1");
    assert(created.committed);
    assert.deepEqual(await attempt("key", null, "2"), { committed: false });
    assert.deepEqual(await attempt("key", created.revision + 1, "2"), { committed: false });
    assert.deepEqual(await attempt("other", created.revision, "2"), { committed: false });
    const replaced = await attempt("key", created.revision, "3");
    assert(replaced.committed);
    assert.deepEqual(await attempt("key", created.revision, "4"), { committed: false });
    assert.equal(await getText(store, "key"), "3");
    await store.write(writeRequest({ deletes: [bytes("key")] }));
    assert.deepEqual(await attempt("key", replaced.revision, "5"), { committed: false });
    const recreated = await attempt("key", null, "6");
    assert(recreated.committed && recreated.revision > replaced.revision);
  });

  it("writes nothing of a request when one of its checks fails", async () => {
    await using store = await open();
    await setText(store, "kept", "old");
    const before = await scanAll(store);
    const result = await store.write({
      checks: [
        { key: bytes("absent"), revision: null },
        { key: bytes("kept"), revision: null },
      ],
      sets: [{ key: bytes("new"), value: bytes("new") }],
      deletes: [bytes("kept")],
      additions: [{ key: bytes("counter"), delta: 1 }],
    });
    assert.deepEqual(result, { committed: false });
    assert.deepEqual(await scanAll(store), before);
  });

  it("judges each of many writes requested at once by what the earlier ones left", async () => {
    await using store = await open();
    const checks = [{ key: bytes("key"), revision: null }];
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        store.write(
          writeRequest({ checks, sets: [{ key: bytes("key"), value: bytes(`${index}`) }] }),
        ),
      ),
    );
    assert.deepEqual(results.map(({ committed }) => committed).indexOf(true), 0);
    assert.equal(results.filter(({ committed }) => committed).length, 1);
    assert.equal(await getText(store, "key"), "0");
  });

  it("answers a request of checks alone, and deletes absent keys without complaint", async () => {
    await using store = await open();
    const revision = await setText(store, "key", "value");
    const holds = [{ key: bytes("key"), revision }];
    assert.deepEqual(await store.write(writeRequest({ checks: holds })), {
      committed: true,
      revision,
    });
    const fails = [{ key: bytes("key"), revision: null }];
    assert.deepEqual(await store.write(writeRequest({ checks: fails })), { committed: false });
    const result = await store.write(writeRequest({ deletes: [bytes("never there")] }));
    assert(result.committed);
  });

  it("applies deletes after sets of the same request", async () => {
    await using store = await open();
    const sets = [{ key: bytes("key"), value: bytes("value") }];
    await store.write(writeRequest({ sets, deletes: [bytes("key")] }));
    assert.equal(await getText(store, "key"), undefined);
  });
}

function addTo(store: KeyValueStore, key: string, delta: number) {
  return store.write(writeRequest({ additions: [{ key: bytes(key), delta }] }));
}

async function getCounter(store: KeyValueStore, key: string): Promise<number> {
  const { gets } = await store.read({ gets: [bytes(key)] });
  return decodeCounter(gets[0]?.value);
}

/** One addition, and a set beside it that shows whether anything of the request happened. */
function addBeside(key: string): WriteRequest {
  const sets = [{ key: bytes("beside"), value: bytes("") }];
  return writeRequest({ sets, additions: [{ key: bytes(key), delta: 1 }] });
}

function testCounters(open: OpenEmptyStore): void {
  it("adds to counters from zero, below zero and beyond 32 bits", async () => {
    await using store = await open();
    for (const [delta, expected] of [
      [5, 5],
      [-7, -2],
      [2 ** 40, 2 ** 40 - 2],
      [-(2 ** 41), -(2 ** 40) - 2],
    ] as const) {
      await addTo(store, "counter", delta);
      assert.equal(await getCounter(store, "counter"), expected);
    }
  });

  it("loses no addition of many at once, whatever else happens to the counter between", async () => {
    await using store = await open();
    const additions = Array.from({ length: 300 }, (_, index) => addTo(store, "counter", index));
    await Promise.all(additions);
    assert.equal(await getCounter(store, "counter"), (300 * 299) / 2);
    await Promise.all([
      addTo(store, "counter", 1),
      store.write(writeRequest({ sets: [{ key: bytes("counter"), value: encodeCounter(100) }] })),
      addTo(store, "counter", 2),
    ]);
    assert.equal(await getCounter(store, "counter"), 102);
    await Promise.all([
      addTo(store, "counter", 1),
      store.write(writeRequest({ deletes: [bytes("counter")] })),
      addTo(store, "counter", 3),
    ]);
    assert.equal(await getCounter(store, "counter"), 3);
  });

  it("checks a counter against additions requested at the same moment", async () => {
    await using store = await open();
    const first = await addTo(store, "counter", 1);
    assert(first.committed);
    const checks = [{ key: bytes("counter"), revision: first.revision }];
    const [addition, stale] = await Promise.all([
      addTo(store, "counter", 1),
      store.write(writeRequest({ checks, deletes: [bytes("counter")] })),
    ]);
    assert(addition.committed);
    assert.deepEqual(stale, { committed: false });
    const { gets } = await store.read({ gets: [bytes("counter")] });
    assert.equal(gets[0]?.revision, addition.revision);
  });

  it("rejects what cannot be added, alone, and writes nothing of it", async () => {
    await using store = await open();
    await setText(store, "text", "no counter");
    await store.write(writeRequest({ sets: [{ key: bytes("large"), value: Buffer.alloc(5000) }] }));
    await addTo(store, "brink", Number.MAX_SAFE_INTEGER);
    const outcomes = await Promise.allSettled([
      addTo(store, "counter", 1),
      store.write(addBeside("text")),
      store.write(addBeside("large")),
      store.write(addBeside("brink")),
      addTo(store, "counter", 1),
    ]);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status === "fulfilled" || outcome.reason.name),
      [true, "AssertionError", "AssertionError", "AssertionError", true],
    );
    assert.equal(await getCounter(store, "counter"), 2);
    assert.equal(await getCounter(store, "brink"), Number.MAX_SAFE_INTEGER);
    assert.equal(await getText(store, "text"), "no counter");
    assert.equal(await getText(store, "beside"), undefined);
  });

  it("refuses a request that adds to a key which it writes in another way too", async () => {
    await using store = await open();
    const key = bytes("key");
    const additions = [{ key, delta: 1 }];
    for (const other of [
      { sets: [{ key, value: encodeCounter(1) }] },
      { deletes: [key] },
      { additions: [...additions, ...additions] },
    ]) {
      await assert.rejects(store.write(writeRequest({ additions, ...other })), AssertionError);
    }
    assert.deepEqual(await scanAll(store), []);
  });
}

function testConcurrency(open: OpenEmptyStore): void {
  it("reads one snapshot while pairs of keys are being written", async () => {
    await using store = await open();
    const [left, right] = [bytes("left"), bytes("right")];
    const progress = { writing: true };
    const write = async (writer: number) => {
      for (let round = 0; round < 60; round++) {
        const value = bytes(`${writer}/${round}`);
        await store.write(writeRequest({ sets: [left, right].map((key) => ({ key, value })) }));
      }
    };
    const writers = Promise.all([0, 1, 2, 3].map(write)).finally(() => (progress.writing = false));
    let seen = 0;
    while (progress.writing) {
      const range = { start: firstKey, end: pastEveryKey, limit: 5 };
      const { gets, ranges } = await store.read({ gets: [left, right], ranges: [range] });
      assert.deepEqual(gets[0]?.value, gets[1]?.value);
      assert.equal(gets[0]?.revision, gets[1]?.revision);
      assert.deepEqual(
        ranges[0]?.map(plain),
        gets.filter((entry) => entry !== undefined).map(plain),
      );
      seen++;
      await new Promise(setImmediate);
    }
    await writers;
    assert(seen > 0);
  });

  it("shows a write to every read that begins after its acknowledgement", async () => {
    await using store = await open();
    const writeAndRead = async (writer: number) => {
      for (let round = 0; round < 30; round++) {
        const revision = await setText(store, `key ${writer}`, `${round}`);
        const { gets } = await store.read({ gets: [bytes(`key ${writer}`)] });
        assert.equal(gets[0]?.revision, revision);
        assert.equal(text(gets[0].value), `${round}`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, (_, writer) => writeAndRead(writer)));
  });

  it("counts exactly through transactions that race for one key", async () => {
    await using store = await open();
    const queue = new KeyedQueue();
    const key = bytes("hot");
    // An attempt is lost to somebody else's commit only, and there are 199 of those.
    const options = { maximumAttempts: 200 };
    const increment = () =>
      transact(
        store,
        async (transaction) => {
          const value = decodeCounter(await transaction.get(key));
          transaction.set(key, encodeCounter(value + 1));
        },
        options,
      );
    // Half of them take turns in the queue, half rely on checks and retries alone.
    await Promise.all([
      ...Array.from({ length: 100 }, () => queue.run("hot", increment)),
      ...[0, 1].map(async () => {
        for (let round = 0; round < 50; round++) await increment();
      }),
    ]);
    const { gets } = await store.read({ gets: [key] });
    assert.equal(decodeCounter(gets[0]?.value), 200);
  });
}

function testLife(open: OpenEmptyStore): void {
  it("finishes the writes under way when it is disposed, and refuses everything afterwards", async () => {
    const store = await open();
    const writes = Array.from({ length: 50 }, (_, index) => setText(store, `key ${index}`, ""));
    await store[Symbol.asyncDispose]();
    assert.equal(new Set(await Promise.all(writes)).size, 50);
    await assert.rejects(store.read({ gets: [firstKey] }), StorageUnavailableError);
    await assert.rejects(setText(store, "key", ""), StorageUnavailableError);
    await store[Symbol.asyncDispose]();
  });
}
