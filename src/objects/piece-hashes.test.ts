// What is kept of the hashes of pieces: by where the bytes are, and never more than there is room for.

import assert from "node:assert/strict";
import { test } from "node:test";
import { PieceHashes } from "./piece-hashes.ts";
import type { Content } from "./records/object-record.ts";

const content = (name: string): Content => ({ layout: name, partCount: 1 }) as unknown as Content;
const hashes = (fill: number): Uint8Array => new Uint8Array(1000).fill(fill);

test("what was kept is found by its content alone", () => {
  const kept = new PieceHashes();
  kept.keep(content("a"), hashes(1));
  assert.deepEqual(kept.find(content("a")), hashes(1));
  assert.equal(kept.find(content("b")), undefined);
  assert.equal(kept.find({ extents: [] }), undefined);
});

test("what was not used for the longest time makes room", () => {
  const kept = new PieceHashes(3000);
  kept.keep(content("a"), hashes(1));
  kept.keep(content("b"), hashes(2));
  kept.find(content("a"));
  kept.keep(content("c"), hashes(3));
  assert.equal(kept.find(content("b")), undefined);
  assert.deepEqual(kept.find(content("a")), hashes(1));
  assert.deepEqual(kept.find(content("c")), hashes(3));
});

test("what is kept twice counts once, and what has no room is not kept", () => {
  const kept = new PieceHashes(1500);
  for (let time = 0; time < 5; time += 1) kept.keep(content("a"), hashes(time));
  assert.deepEqual(kept.find(content("a")), hashes(4));
  kept.keep(content("b"), new Uint8Array(2000));
  assert.equal(kept.find(content("b")), undefined);
});
