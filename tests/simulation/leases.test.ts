// Leases: of several processes on a store one runs a worker, and another takes over when it ends, dies
// or falls silent.

import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Workers } from "../../src/background/workers.ts";
import type { BackgroundWorker } from "../../src/background/worker.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { MemoryKeyValueStore } from "../../src/storage/key-value/memory-key-value-store.ts";

const clock = new ManualClock(1_700_000_000_000);

const counting: BackgroundWorker["runOnce"] = async (_signal, { readState, writeState }) => {
  const count = Number((await readState())?.["count"] ?? 0) + 1;
  await writeState({ count });
  return { fields: { count } };
};

const holderOf = async (workers: Workers) => (await workers.list())[0]?.holder;

describe("workers of a store", () => {
  let store = new MemoryKeyValueStore();
  let alive = new Set<string>();
  let open: Workers[] = [];
  const ran: string[] = [];

  afterEach(async () => {
    for (const workers of open) await workers[Symbol.asyncDispose]();
    open = [];
    alive = new Set();
    ran.length = 0;
    store = new MemoryKeyValueStore();
  });

  async function start(holder: string, runOnce?: BackgroundWorker["runOnce"]): Promise<Workers> {
    alive.add(holder);
    const workers = new Workers({
      store,
      clock,
      holder,
      writers: {
        list: async () =>
          [...alive].map((writerId) => ({
            v: 1 as const,
            writerId: writerId as never, // any text will do here
            startedMilliseconds: 0,
          })),
      },
      events: { roundFinished() {}, roundFailed: (_, cause) => assert.fail(String(cause)) },
    });
    workers.add({
      name: "example",
      scope: "store",
      intervalMilliseconds: 60_000,
      runOnce:
        runOnce ??
        (async () => {
          ran.push(holder);
          return { fields: { done: 1 } };
        }),
    });
    open.push(workers);
    await workers.start();
    return workers;
  }

  it("run in one process alone", async () => {
    const first = await start("first");
    const second = await start("second");
    await first.run("example");
    assert.deepEqual(new Set(ran), new Set(["first"]));
    assert.equal(await holderOf(second), "first");
  });

  it("go to another process at once when their own ends", async () => {
    const first = await start("first");
    const second = await start("second");
    await first[Symbol.asyncDispose]();
    await second.run("example");
    assert.equal(await holderOf(second), "second");
    assert.equal(ran.at(-1), "second");
  });

  it("go to another process when their own is declared dead", async () => {
    await start("first");
    const second = await start("second");
    alive.delete("first");
    await second.run("example");
    assert.equal(await holderOf(second), "second");
  });

  it("go to another process when their own does not renew, and end there", async () => {
    let aborted: (() => void) | undefined;
    const isAborted = new Promise<void>((resolve) => (aborted = resolve));
    const first = await start("first", async (signal) => {
      await new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
      aborted?.();
      return { fields: {} };
    });
    clock.advance(61_000);
    const second = await start("second");
    await second.run("example");
    assert.equal(await holderOf(second), "second");
    await isAborted;
    assert.equal(await holderOf(first), "second");
  });

  it("run when another process asks for it", async () => {
    await start("first");
    const second = await start("second");
    await pause(10);
    clock.advance(1);
    const before = ran.length;
    const run = await second.run("example");
    assert.equal(ran.length, before + 1);
    assert.equal(ran.at(-1), "first");
    assert.deepEqual(run?.fields, { done: 1 });
  });

  it("go on where a pass of another process has said", async () => {
    const first = await start("first", counting);
    await first.run("example");
    const state = await first.run("example");
    await first[Symbol.asyncDispose]();
    const second = await start("second", counting);
    const next = await second.run("example");
    assert.ok((next?.fields?.["count"] ?? 0) > (state?.fields?.["count"] ?? 0));
  });

  it("that do not exist are refused", async () => {
    const first = await start("first");
    await assert.rejects(first.run("none"), { name: "UnknownWorkerError" });
  });
});
