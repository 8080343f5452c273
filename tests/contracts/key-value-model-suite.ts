// The key-value contract as a property: any sequence of writes leaves what a sorted map would hold.
import assert from "node:assert/strict";
import { it } from "node:test";
import * as fc from "fast-check";
import { compareBytes } from "../../src/base/bytes.ts";
import { decodeCounter, encodeCounter } from "../../src/storage/key-value/counter.ts";
import type { RangeRead, WriteRequest } from "../../src/storage/key-value/key-value-store.ts";
import { bytes, pastEveryKey, scanAll, text, writeRequest } from "./key-value-access.ts";
import type { OpenEmptyStore } from "./key-value-suite.ts";

/** The simplest thing that could be right: a sorted copy for every question. */
class Model {
  readonly #values = new Map<string, string>();

  apply(request: WriteRequest): void {
    for (const { key, value } of request.sets) this.#values.set(text(key), text(value));
    for (const key of request.deletes) this.#values.delete(text(key));
    for (const { key, delta } of request.additions) {
      const stored = this.#values.get(text(key));
      const sum = decodeCounter(stored === undefined ? undefined : bytes(stored)) + delta;
      this.#values.set(text(key), text(encodeCounter(sum)));
    }
  }

  get(key: Uint8Array): string | undefined {
    return this.#values.get(text(key));
  }

  scan({ start, end, limit, reverse, groups }: RangeRead): [string, string][] {
    const found = [...this.#values]
      .filter(([key]) => compareBytes(bytes(key), start) >= 0 && compareBytes(bytes(key), end) < 0)
      .toSorted(([left], [right]) => compareBytes(bytes(left), bytes(right)));
    const seen = new Set<string>();
    const standing = found.filter(([key]) => {
      if (groups === undefined) return true;
      const separator = text(groups.separator);
      const at = key.indexOf(separator, groups.offset);
      if (at < 0) return true;
      const group = key.slice(0, at + separator.length);
      return !seen.has(group) && seen.add(group);
    });
    return (reverse === true ? standing.toReversed() : standing).slice(0, limit);
  }
}

export function testAgainstModel(open: OpenEmptyStore): void {
  const byte = fc.constantFrom(0x00, 0x01, 0x61, 0xfe, 0xff);
  const key = fc.array(byte, { maxLength: 3 }).map((list) => Uint8Array.from(list));
  const value = fc
    .integer({ min: 0, max: 2000 })
    .map((length) => Buffer.alloc(length, `${length}`));
  // Counters live apart from other values: their keys begin with a byte that no other key has.
  const counterKey = fc.constantFrom(bytes("c1"), bytes("c2"));
  const request = fc.record({
    checks: fc.constant([]),
    sets: fc.array(fc.record({ key, value }), { maxLength: 4 }),
    deletes: fc.array(key, { maxLength: 2 }),
    additions: fc.uniqueArray(
      fc.record({ key: counterKey, delta: fc.integer({ min: -1000, max: 1000 }) }),
      { maxLength: 2, selector: (addition) => text(addition.key) },
    ),
  });
  const range = fc.record({
    start: key,
    end: fc.oneof(key, fc.constant(pastEveryKey)),
    limit: fc.integer({ min: 1, max: 12 }),
    reverse: fc.boolean(),
  });
  // Separators of every kind of end: 0xff cannot be raised by one.
  const separator = fc
    .array(byte, { minLength: 1, maxLength: 2 })
    .map((list) => Uint8Array.from(list));
  const groupedRange = fc.record({
    start: key,
    end: fc.oneof(key, fc.constant(pastEveryKey)),
    limit: fc.integer({ min: 1, max: 12 }),
    groups: fc.record({ offset: fc.integer({ min: 0, max: 2 }), separator }),
  });
  const anyRange: fc.Arbitrary<RangeRead> = fc.oneof(range, groupedRange);
  // Writes in groups: those of one group are requested at once.
  const groups = fc.array(fc.array(request, { minLength: 1, maxLength: 4 }), { maxLength: 8 });

  it("behaves as a sorted map would under any sequence of writes", async () => {
    await using store = await open();
    await fc.assert(
      fc.asyncProperty(
        groups,
        fc.array(anyRange, { minLength: 1, maxLength: 8 }),
        fc.array(key, { maxLength: 4 }),
        async (groups, ranges, gets) => {
          const leftovers = await scanAll(store);
          await store.write(writeRequest({ deletes: leftovers.map((entry) => entry.key) }));
          const model = new Model();
          for (const group of groups) {
            await Promise.all(group.map((request) => store.write(request)));
            for (const request of group) model.apply(request);
          }
          const result = await store.read({ gets, ranges });
          assert.deepEqual(
            result.gets.map((entry) => entry && text(entry.value)),
            gets.map((key) => model.get(key)),
          );
          for (const [index, range] of ranges.entries()) {
            const found = result.ranges[index]?.map(({ key, value }) => [text(key), text(value)]);
            assert.deepEqual(found, model.scan(range));
          }
        },
      ),
      { numRuns: 100 },
    );
  });
}
