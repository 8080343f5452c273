import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { encodeRecord } from "../../storage/record-codec.ts";
import type { BucketId } from "../identifiers.ts";
import { areOfOneObject, keys } from "./keyspace.ts";
import { mayHaveTags, peekLastModified } from "./peek.ts";

/** Text that looks like the names that are looked for. */
const tricky = fc.oneof(
  fc.string(),
  fc.constantFrom('"lastModifiedMilliseconds":7', '"tags":[["a","b"]]', "\\", '\\"tags\\":'),
);

test("the time is read off a record whatever its texts hold", () => {
  fc.assert(
    fc.property(fc.nat(4e12), tricky, tricky, (lastModifiedMilliseconds, versionId, text) => {
      const attributes = { contentType: text, userMetadata: { note: text } };
      const record = { v: 1, sequence: 5, versionId, lastModifiedMilliseconds, attributes };
      assert.equal(peekLastModified(encodeRecord(record)), lastModifiedMilliseconds);
      assert.equal(mayHaveTags(encodeRecord(record)), false);
      const tagged = { ...record, attributes: { ...attributes, tags: [["a", "b"]] } };
      assert.equal(mayHaveTags(encodeRecord(tagged)), true);
    }),
  );
});

test("a record without the member is left to be parsed", () => {
  assert.equal(peekLastModified(encodeRecord({ v: 1 })), undefined);
});

test("keys of versions are of one object exactly when bucket and key are the same", () => {
  const bucket = "bucket" as BucketId;
  const key = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("a", "a\0", "a\0b", "ab"));
  const sequence = fc.integer({ min: 1e15, max: 4e15 });
  fc.assert(
    fc.property(key, key, sequence, sequence, (a, b, first, second) => {
      const left = keys.version(bucket, a, first);
      assert.equal(areOfOneObject(left, keys.version(bucket, b, second)), a === b);
      assert.ok(areOfOneObject(left, keys.version(bucket, a, second)));
    }),
  );
});
