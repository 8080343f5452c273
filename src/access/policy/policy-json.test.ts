// The strict reader against JSON.parse: it takes the same texts, except those with a member twice or
// nested too deeply, and reads the same from them.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { isJsonList, isJsonObject, readJson } from "./policy-json.ts";
import type { JsonValue } from "./policy-json.ts";

function toPlain(value: JsonValue): unknown {
  if (typeof value === "string") return value;
  if (isJsonList(value)) return value.map(toPlain);
  if (isJsonObject(value)) {
    return Object.fromEntries([...value].map(([name, each]) => [name, toPlain(each)]));
  }
  return JSON.parse(value.text);
}

test("whatever JSON.stringify writes is read", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.integer({ min: 0, max: 3 }), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent);
      const read = readJson(text);
      assert.ok(read !== undefined, text);
      assert.deepEqual(toPlain(read), JSON.parse(text));
    }),
    { numRuns: 2000 },
  );
});

test("what JSON.parse refuses is refused", () => {
  const parts = ["{", "}", "[", "]", ":", ",", '"a"', '"b"', "1", "-", "0", ".5", "e1", "true"];
  const texts = fc.array(
    fc.constantFrom(...parts, "null", " ", "\n", "\u00a0", '"\\u00"', '"\n"'),
    {
      maxLength: 8,
    },
  );
  fc.assert(
    fc.property(texts, (pieces) => {
      const text = pieces.join("");
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      if (!isJson) assert.equal(readJson(text), undefined, text);
    }),
    { numRuns: 5000 },
  );
});

test("members are there once, also under another spelling", () => {
  assert.equal(readJson('{"a":1,"a":1}'), undefined);
  assert.equal(readJson(String.raw`{"a":1,"\u0061":1}`), undefined);
  assert.equal(readJson('[{"b":{"a":1,"c":2,"a":3}}]'), undefined);
  assert.ok(readJson('[{"a":1},{"a":1},{"__proto__":{"a":1}}]') !== undefined);
});

test("numbers keep their digits", () => {
  assert.deepEqual(readJson("1.50e3"), { kind: "number", text: "1.50e3" });
  assert.deepEqual(readJson("12345678901234567890"), {
    kind: "number",
    text: "12345678901234567890",
  });
});

test("nesting is bounded", () => {
  assert.ok(readJson("[".repeat(10) + "]".repeat(10)) !== undefined);
  assert.equal(readJson("[".repeat(100_000) + "]".repeat(100_000)), undefined);
});
