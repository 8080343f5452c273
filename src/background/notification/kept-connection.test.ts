import assert from "node:assert/strict";
import { test } from "node:test";

import { KeptConnection } from "./kept-connection.ts";

function keptNumbers(): { readonly kept: KeptConnection<number>; readonly closed: number[] } {
  let opened = 0;
  const closed: number[] = [];
  const kept = new KeptConnection<number>({
    open: async () => (opened += 1),
    close: async (connection) => closed.push(connection),
  });
  return { kept, closed };
}

test("one connection serves all work until some of it fails", async () => {
  const { kept, closed } = keptNumbers();
  assert.equal(await kept.use(async (connection) => connection), 1);
  assert.equal(await kept.use(async (connection) => connection), 1);
  const failure = new Error("broken");
  await assert.rejects(
    kept.use(async () => {
      throw failure;
    }),
    failure,
  );
  assert.deepEqual(closed, [1]);
  assert.equal(await kept.use(async (connection) => connection), 2);
  await kept[Symbol.asyncDispose]();
  assert.deepEqual(closed, [1, 2]);
});

test("a connection that cannot be opened is tried again", async () => {
  let attempts = 0;
  const kept = new KeptConnection<string>({
    open: async () => {
      attempts += 1;
      if (attempts === 1) throw new Error("nobody listens");
      return "open";
    },
    close: async () => {},
  });
  await assert.rejects(
    kept.use(async (connection) => connection),
    /nobody listens/,
  );
  assert.equal(await kept.use(async (connection) => connection), "open");
});
