// Long walks: they see every entry once, and hold no page while they wait.

import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { MemoryKeyValueStore } from "../storage/key-value/memory-key-value-store.ts";
import type { ReadResult } from "../storage/key-value/key-value-store.ts";
import { encodeTuple, prefixRange } from "../storage/key-value/tuple.ts";
import { walkPages } from "./store-pages.ts";

const { signal } = new AbortController();
const range = prefixRange([1]);

async function storeOf(entries: number): Promise<MemoryKeyValueStore> {
  const store = new MemoryKeyValueStore();
  const sets = Array.from({ length: entries }, (_, index) => ({
    key: encodeTuple([1, index]),
    value: Buffer.from(String(index)),
  }));
  await store.write({ checks: [], sets, deletes: [], additions: [] });
  return store;
}

describe("walkPages", () => {
  for (const entries of [0, 1, 9, 10, 11, 20, 25]) {
    test(`sees each of ${entries} entries once, in their order`, async () => {
      const seen: number[] = [];
      const store = await storeOf(entries);
      const result = await walkPages(store, range, { limit: 10, signal }, (page) => {
        seen.push(...page.map(({ value }) => Number(Buffer.from(value).toString())));
        return undefined;
      });
      assert.equal(result, undefined);
      assert.deepEqual(seen, [...Array(entries).keys()]);
    });
  }

  test("ends with the first answer, when what was begun is settled", async () => {
    const done: string[] = [];
    const settle = async (): Promise<void> => {
      await setImmediate();
      done.push("settled");
    };
    const store = await storeOf(25);
    const result = await walkPages(store, range, { limit: 10, signal, settle }, (page) => {
      done.push(String(page.length));
      return done.length > 2 ? "enough" : undefined;
    });
    assert.equal(result, "enough");
    assert.deepEqual(done, ["10", "settled", "10", "settled"]);
  });

  test("throws the reason of its signal before it reads", async () => {
    const aborted = AbortSignal.abort(new Error("no more"));
    const walking = walkPages(await storeOf(1), range, { limit: 10, signal: aborted }, () => 1);
    await assert.rejects(walking, /no more/);
  });

  test("holds nothing of a page while it settles and while requests are let in", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const pages: WeakRef<object>[] = [];
    const inner = await storeOf(50);
    const isHeld = async (): Promise<boolean> => {
      // References that were looked at are held until the end of the turn.
      await setImmediate();
      collect();
      return pages.some((page) => page.deref() !== undefined);
    };
    const held: boolean[] = [];
    const store = {
      async read(request: Parameters<typeof inner.read>[0]): Promise<ReadResult> {
        // Behind the pause after the page before.
        held.push(await isHeld());
        const read = await inner.read(request);
        pages.push(new WeakRef(read), ...read.ranges.map((entries) => new WeakRef(entries)));
        return read;
      },
    };
    const settle = async (): Promise<void> => void held.push(await isHeld());
    await walkPages<never>(store, range, { limit: 10, signal, settle }, () => undefined);
    assert.ok(held.length > 10);
    assert.ok(held.every((each) => !each));
  });
});
