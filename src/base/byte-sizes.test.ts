import assert from "node:assert/strict";
import { test } from "node:test";

import { parseByteSize } from "./byte-sizes.ts";

test("sizes are numbers of bytes, with or without a unit", () => {
  const sizes = {
    "0": 0,
    "1000000": 1_000_000,
    "2KiB": 2048,
    "100MiB": 104_857_600,
    "1TiB": 2 ** 40,
  };
  for (const [text, bytes] of Object.entries(sizes)) assert.equal(parseByteSize(text), bytes, text);
});

test("what is none, or too large to be exact, is refused", () => {
  for (const text of [
    "",
    "KiB",
    "-1",
    "1.5GiB",
    "1 GiB",
    "1GB",
    "1gib",
    "9007199254740993",
    "9000TiB",
  ]) {
    assert.equal(parseByteSize(text), undefined, text);
  }
});
