// A range read in which one entry stands for its group, made of plain scans: what lies behind the
// first entry of a group is sought past, never read. Shared by the drivers that scan synchronously.
import type { RangeRead } from "./key-value-store.ts";

const largestChunk = 1000;

/** `scan` gives up to `limit` rows with `start <= key < end` in order, all from one snapshot. */
export function scanGrouped<Row>(
  range: RangeRead & { readonly groups: NonNullable<RangeRead["groups"]> },
  scan: (start: Uint8Array, end: Uint8Array, limit: number) => readonly Row[],
  keyOf: (row: Row) => Uint8Array,
): Row[] {
  const { end, limit, groups } = range;
  const rows: Row[] = [];
  let start = range.start;
  // One row at a time while every row begins a group; more and more of them while none does.
  let chunk = 1;
  for (;;) {
    const asked = Math.min(chunk, limit - rows.length);
    const found = scan(start, end, asked);
    let next: Uint8Array | undefined;
    let last: Uint8Array | undefined;
    for (const row of found) {
      rows.push(row);
      last = keyOf(row);
      next = keyPastGroup(last, groups, end);
      if (next !== undefined) break;
    }
    if (rows.length >= limit) return rows;
    if (next !== undefined) {
      start = next;
      chunk = 1;
    } else if (last === undefined || found.length < asked) {
      return rows;
    } else {
      start = successor(last);
      chunk = Math.min(chunk * 4, largestChunk);
    }
  }
}

/** The first key behind the group of `key`; `undefined` when the key stands for itself. */
function keyPastGroup(
  key: Uint8Array,
  { offset, separator }: NonNullable<RangeRead["groups"]>,
  end: Uint8Array,
): Uint8Array | undefined {
  // Buffer's search works on any byte array.
  const at = Buffer.prototype.indexOf.call(key, separator, offset);
  if (at < 0) return undefined;
  let length = at + separator.length;
  while (key[length - 1] === 0xff) length -= 1;
  // Nothing sorts behind a prefix of 0xff alone.
  if (length === 0) return end;
  const past = Buffer.from(key.subarray(0, length));
  past[length - 1] = (past[length - 1] as number) + 1;
  return past;
}

function successor(key: Uint8Array): Uint8Array {
  const next = Buffer.allocUnsafe(key.length + 1);
  next.set(key, 0);
  next[key.length] = 0;
  return next;
}
