import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ColumnValues } from "./column-batch.ts";

describe("ColumnValues", () => {
  test("keeps texts as bytes, and says which rows have one", () => {
    const values = new ColumnValues("string", 4);
    for (const text of ["a\u00fc", undefined, "", "\u{1d11e}"]) values.add(text);
    assert.equal(values.text.toString("utf8"), "a\u00fc\u{1d11e}");
    assert.deepEqual([...values.lengths], [3, 0, 4]);
    assert.deepEqual([...values.present], [1, 0, 1, 1]);
    assert.equal(values.count, 3);
  });

  test("grows with long texts", () => {
    const values = new ColumnValues("string", 300);
    for (let row = 0; row < 300; row += 1) values.add("\u20ac".repeat(row));
    const expected = Array.from({ length: 300 }, (_, row) => "\u20ac".repeat(row)).join("");
    assert.equal(values.text.toString("utf8"), expected);
  });

  test("keeps numbers and booleans exactly", () => {
    const numbers = new ColumnValues("bigint", 3);
    for (const number of [0, undefined, Number.MAX_SAFE_INTEGER]) numbers.add(number);
    assert.deepEqual([...numbers.numbers], [0, Number.MAX_SAFE_INTEGER]);
    const booleans = new ColumnValues("boolean", 2);
    for (const boolean of [true, false]) booleans.add(boolean);
    assert.deepEqual([...booleans.numbers], [1, 0]);
  });

  test("begins anew", () => {
    const values = new ColumnValues("string", 2);
    values.add("before");
    values.clear();
    values.add("x");
    assert.equal(values.text.toString("utf8"), "x");
    assert.deepEqual([...values.present], [1]);
  });
});
