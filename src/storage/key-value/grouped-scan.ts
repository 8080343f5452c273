// A range read in which one entry stands for its group, made of plain scans: what lies behind the
// first entry of a group is sought past, never read. Shared by the drivers that scan synchronously.
import type { RangeRead } from "./key-value-store.ts";

const largestChunk = 1000;

/** So many groups in a row promise more of them: one `scanGroups` costs as much as seven seeks. */
const groupsInARow = 8;
const firstGroupsChunk = 64;

export interface GroupedScanOptions<Row> {
  /** Gives up to `limit` rows with `start <= key < end` in order, all from one snapshot. */
  readonly scan: (start: Uint8Array, end: Uint8Array, limit: number) => readonly Row[];
  /**
   * The same, seeking past groups by itself, where a driver does that faster than one call for each
   * group but plain rows slower. `scan` is used while most rows stand for themselves.
   */
  readonly scanGroups?: GroupedScanOptions<Row>["scan"] | undefined;
  readonly keyOf: (row: Row) => Uint8Array;
}

export function scanGrouped<Row>(
  range: RangeRead & { readonly groups: NonNullable<RangeRead["groups"]> },
  { scan, scanGroups, keyOf }: GroupedScanOptions<Row>,
): Row[] {
  const { end, limit, groups } = range;
  const rows: Row[] = [];
  let start = range.start;
  // One row at a time while every row begins a group; more and more of them while none does.
  let chunk = 1;
  let seenInARow = 0;
  for (;;) {
    const isAmongGroups = seenInARow >= groupsInARow && limit - rows.length >= groupsInARow;
    const scanThere: typeof scan = (isAmongGroups ? scanGroups : undefined) ?? scan;
    const seeks = scanThere === scanGroups;
    const asked = Math.min(seeks ? Math.max(chunk, firstGroupsChunk) : chunk, limit - rows.length);
    const found = scanThere(start, end, asked);
    let groupCount = 0;
    let next: Uint8Array | undefined;
    let last: Uint8Array | undefined;
    for (const row of found) {
      rows.push(row);
      last = keyOf(row);
      next = keyPastGroup(last, groups, end);
      if (next === undefined) continue;
      groupCount += 1;
      if (!seeks) break;
    }
    if (rows.length >= limit || last === undefined) return rows;
    if (found.length < asked && (seeks || next === undefined)) return rows;
    start = next ?? successor(last);
    const isGrowing = seeks ? groupCount * 2 >= found.length : next === undefined;
    chunk = isGrowing ? Math.min(asked * 4, largestChunk) : 1;
    if (seeks) seenInARow = isGrowing ? seenInARow : 0;
    else seenInARow = groupCount === found.length ? seenInARow + 1 : 0;
  }
}

/**
 * What takes the separator's place in the first key behind a group; `undefined` when it depends on the
 * bytes before the separator.
 */
export function pastSeparator(separator: Uint8Array): Uint8Array | undefined {
  return increment(separator, separator.length);
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
  // Nothing sorts behind a prefix of 0xff alone.
  return increment(key, at + separator.length) ?? end;
}

/** The first key behind all that begin with the first `length` bytes of `key`. */
function increment(key: Uint8Array, length: number): Buffer | undefined {
  let kept = length;
  while (key[kept - 1] === 0xff) kept -= 1;
  if (kept === 0) return undefined;
  const past = Buffer.from(key.subarray(0, kept));
  past[kept - 1] = (past[kept - 1] as number) + 1;
  return past;
}

function successor(key: Uint8Array): Uint8Array {
  const next = Buffer.allocUnsafe(key.length + 1);
  next.set(key, 0);
  next[key.length] = 0;
  return next;
}
