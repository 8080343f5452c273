import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { KeptConnection } from "./kept-connection.ts";

const never = new AbortController().signal;
const which = async (connection: number): Promise<number> => connection;

function counting(open: (count: number) => Promise<number> = async (count) => count) {
  const closed: number[] = [];
  let opened = 0;
  const kept = new KeptConnection<number>({
    open: () => {
      opened += 1;
      return open(opened);
    },
    close: async (connection) => closed.push(connection),
    openMilliseconds: 20,
  });
  return { kept, closed };
}

test("a connection is kept, and made again after work with it failed", async () => {
  const { kept, closed } = counting();
  assert.deepEqual([await kept.use(never, which), await kept.use(never, which)], [1, 1]);
  await assert.rejects(
    kept.use(never, () => Promise.reject(new Error("broken"))),
    /broken/,
  );
  assert.deepEqual([await kept.use(never, which), closed], [2, [1]]);
});

test("a connection over which no answer comes in time is ended, and only that one", async () => {
  const { kept, closed } = counting();
  const aborting = new AbortController();
  const unanswered = kept.use(aborting.signal, () => new Promise<never>(() => {}));
  unanswered.catch(() => {});
  await pause(1);
  aborting.abort();
  assert.equal(await kept.use(never, which), 2);
  // Work whose time was over before it began says nothing about the connection.
  await assert.rejects(
    kept.use(aborting.signal, async () => {}),
    { name: "AbortError" },
  );
  assert.equal(await kept.use(never, which), 2);
  assert.deepEqual(closed, [1]);
});

test("a connection that is not there in time is given up, and closed if it comes after all", async () => {
  const { kept, closed } = counting(async (count) => {
    if (count === 1) await pause(60);
    return count;
  });
  await assert.rejects(
    kept.use(never, async () => {}),
    /no connection within 0.02 seconds/,
  );
  assert.equal(await kept.use(never, which), 2);
  await pause(80);
  assert.deepEqual(closed, [1]);
});

test("a connection that cannot be opened is tried again", async () => {
  const { kept } = counting(async (count) => {
    if (count === 1) throw new Error("nobody listens");
    return count;
  });
  await assert.rejects(kept.use(never, which), /nobody listens/);
  assert.equal(await kept.use(never, which), 2);
});

test("the end of a destination ends its connection", async () => {
  const { kept, closed } = counting();
  await kept.use(never, which);
  await kept[Symbol.asyncDispose]();
  assert.deepEqual(closed, [1]);
});
