// Retries, buffering and consistency of transactions, on the memory store with scripted rivals.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StorageUnavailableError } from "../storage-errors.ts";
import { decodeCounter, encodeCounter } from "./counter.ts";
import type { KeyValueStore, WriteRequest } from "./key-value-store.ts";
import { MemoryKeyValueStore } from "./memory-key-value-store.ts";
import { KeyedQueue, transact, TransactionConflictError } from "./transaction.ts";

const [a, b, c] = ["a", "b", "c"].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer];

function request(parts: Partial<WriteRequest>): WriteRequest {
  return { checks: [], sets: [], deletes: [], additions: [], ...parts };
}

async function set(store: KeyValueStore, key: Uint8Array, value: string): Promise<void> {
  await store.write(request({ sets: [{ key, value: Buffer.from(value) }] }));
}

function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : Buffer.from(value).toString();
}

async function get(store: KeyValueStore, key: Uint8Array): Promise<string | undefined> {
  const { gets } = await store.read({ gets: [key] });
  return text(gets[0]?.value);
}

/** Waits for nothing, and remembers how long it should have. */
function recordedPauses() {
  const pauses: number[] = [];
  const sleep = async (milliseconds: number) => pauses.push(milliseconds);
  return { pauses, options: { random: () => 0.5, sleep } };
}

/** Counts the writes that reach the store. */
class CountingStore extends MemoryKeyValueStore {
  writes: WriteRequest[] = [];

  override write(request: WriteRequest) {
    this.writes.push(request);
    return super.write(request);
  }
}

describe("a transaction", () => {
  it("commits everything in one write, with a check for each key it got", async () => {
    await using store = new CountingStore();
    await set(store, a, "old");
    const result = await transact(store, async (transaction) => {
      assert.deepEqual((await transaction.getMany([a, b])).map(text), ["old", undefined]);
      transaction.set(a, Buffer.from("new"));
      transaction.delete(b);
      transaction.add(c, 4);
      transaction.add(c, 3);
      return "result";
    });
    assert.equal(result, "result");
    assert.equal(store.writes.length, 2);
    assert.deepEqual(store.writes[1]?.checks, [
      { key: a, revision: 1 },
      { key: b, revision: null },
    ]);
    assert.deepEqual(
      store.writes[1]?.additions.map(({ delta }) => delta),
      [7],
    );
    assert.equal(await get(store, a), "new");
  });

  it("reads its own sets, deletes and additions, and reads a key only once", async () => {
    await using store = new MemoryKeyValueStore();
    await set(store, a, "stored");
    await store.write(request({ additions: [{ key: c, delta: 10 }] }));
    await transact(store, async (transaction) => {
      transaction.set(b, Buffer.from("mine"));
      assert.equal(text(await transaction.get(b)), "mine");
      transaction.delete(b);
      assert.equal(await transaction.get(b), undefined);
      transaction.add(c, 5);
      assert.equal(decodeCounter(await transaction.get(c)), 15);
      assert.equal(text(await transaction.get(a)), "stored");
    });
    assert.equal(await get(store, b), undefined);
    const { gets } = await store.read({ gets: [c] });
    assert.equal(decodeCounter(gets[0]?.value), 15);
  });

  it("adds onto its own set and starts from zero after its own delete", async () => {
    await using store = new MemoryKeyValueStore();
    await store.write(request({ additions: [{ key: b, delta: 10 }] }));
    await transact(store, async (transaction) => {
      transaction.set(a, encodeCounter(40));
      transaction.add(a, 2);
      transaction.delete(b);
      transaction.add(b, 1);
    });
    const { gets } = await store.read({ gets: [a, b] });
    assert.deepEqual(
      gets.map((entry) => decodeCounter(entry?.value)),
      [42, 1],
    );
  });

  it("runs again after a conflict, and then sees what the rival wrote", async () => {
    await using store = new MemoryKeyValueStore();
    const { pauses, options } = recordedPauses();
    const seen: (string | undefined)[] = [];
    await transact(
      store,
      async (transaction) => {
        seen.push(text(await transaction.get(a)));
        if (seen.length < 3) await set(store, a, `rival ${seen.length}`);
        transaction.set(a, Buffer.from("mine"));
      },
      options,
    );
    assert.deepEqual(seen, [undefined, "rival 1", "rival 2"]);
    assert.equal(await get(store, a), "mine");
    assert.deepEqual(pauses, [0.5, 1]);
  });

  it("gives up after its last attempt, with nothing written", async () => {
    await using store = new MemoryKeyValueStore();
    const { pauses, options } = recordedPauses();
    let runs = 0;
    const hopeless = transact(
      store,
      async (transaction) => {
        await transaction.get(a);
        await set(store, a, `rival ${++runs}`);
        transaction.set(b, Buffer.from("never"));
      },
      { ...options, maximumAttempts: 12 },
    );
    await assert.rejects(hopeless, TransactionConflictError);
    assert.equal(runs, 12);
    assert.equal(pauses.length, 11);
    assert.equal(Math.max(...pauses), 25);
    assert.equal(await get(store, b), undefined);
  });

  it("honours checks on keys that it never got", async () => {
    await using store = new MemoryKeyValueStore();
    await set(store, a, "there");
    const attempt = transact(
      store,
      async (transaction) => {
        transaction.check(a, null);
        transaction.set(b, Buffer.from("never"));
      },
      { ...recordedPauses().options, maximumAttempts: 2 },
    );
    await assert.rejects(attempt, TransactionConflictError);
  });

  it("writes nothing when its body wrote nothing or threw", async () => {
    await using store = new CountingStore();
    assert.equal(await transact(store, async (transaction) => transaction.get(a)), undefined);
    const failing = transact(store, async (transaction) => {
      transaction.set(a, Buffer.from("never"));
      throw new TypeError("the body's own error");
    });
    await assert.rejects(failing, TypeError);
    assert.deepEqual(store.writes, []);
  });

  it("never returns or throws by values that did not stand together", async () => {
    await using store = new MemoryKeyValueStore();
    const move = (value: string) =>
      store.write(request({ sets: [a, b].map((key) => ({ key, value: Buffer.from(value) })) }));
    await move("0");
    for (const throws of [false, true]) {
      let runs = 0;
      const outcome = transact(
        store,
        async (transaction) => {
          const left = text(await transaction.get(a));
          if (runs++ < 2) await move(`${runs} ${throws}`);
          const right = text(await transaction.get(b));
          if (throws) throw new Error(`${left}, ${right}`);
          return `${left}, ${right}`;
        },
        recordedPauses().options,
      );
      const message = await outcome.catch((error: Error) => error.message);
      assert.equal(message, `2 ${throws}, 2 ${throws}`);
      assert.equal(runs, 3);
    }
  });
});

describe("a keyed queue", () => {
  it("runs tasks of one key in turn and those of others beside them", async () => {
    const queue = new KeyedQueue();
    const events: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = queue.run("x", async () => {
      events.push("x1 begins");
      await gate.promise;
      events.push("x1 ends");
      throw new RangeError("a failed task lets the next one run");
    });
    const second = queue.run("x", async () => events.push("x2"));
    await queue.run("y", async () => events.push("y1"));
    gate.resolve();
    await assert.rejects(first, RangeError);
    await second;
    assert.deepEqual(events, ["x1 begins", "y1", "x1 ends", "x2"]);
  });

  it("refuses more than it may hold, and takes more once there is room", async () => {
    const queue = new KeyedQueue(2);
    const gate = Promise.withResolvers<void>();
    const held = [queue.run("x", () => gate.promise), queue.run("x", () => gate.promise)];
    await assert.rejects(
      queue.run("x", async () => 0),
      StorageUnavailableError,
    );
    gate.resolve();
    await Promise.all(held);
    assert.equal(await queue.run("x", async () => 7), 7);
  });
});
