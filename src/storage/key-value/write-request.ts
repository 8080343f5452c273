// What every driver demands of a write request before it touches anything.
import { assert } from "../../base/assert.ts";
import { keyIdentity } from "./key-identity.ts";
import type { RangeRead, WriteRequest } from "./key-value-store.ts";

/** Throws AssertionError for a request that only a bug can make. */
export function checkWriteRequest(request: WriteRequest): void {
  const { additions } = request;
  for (const { value } of request.appends ?? []) {
    assert(value.length > 0, "an empty value is appended");
  }
  if (additions.length === 0) return;
  const added = new Set<string>();
  for (const { key, delta } of additions) {
    assert(Number.isSafeInteger(delta), "addition is not a safe integer");
    added.add(keyIdentity(key));
  }
  assert(added.size === additions.length, "a key is added to twice in one write");
  for (const { key } of request.sets) {
    assert(!added.has(keyIdentity(key)), "a key is both set and added to in one write");
  }
  for (const key of request.deletes) {
    assert(!added.has(keyIdentity(key)), "a key is both deleted and added to in one write");
  }
}

/** Throws AssertionError for a range without a usable limit. */
export function checkRangeRead(range: RangeRead): void {
  assert(Number.isSafeInteger(range.limit) && range.limit > 0, "range limit is not positive");
  if (range.groups === undefined) return;
  assert(range.reverse !== true, "a grouped range is read forward");
  assert(range.groups.separator.length > 0, "the separator of groups is empty");
}
