// Listing of current objects: a range scan that seeks past common prefixes, so that a page costs what
// it returns, at any depth and for any delimiter.

import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { BucketId } from "./identifiers.ts";
import { objectKeyOf, ranges } from "./records/keyspace.ts";
import type { ObjectRecord } from "./records/object-record.ts";
import { decodeObjectRecord } from "./records/object-record.ts";

export interface ListOptions {
  readonly bucketId: BucketId;
  readonly prefix: string;
  /** Empty or absent: no grouping. */
  readonly delimiter: string | undefined;
  /** Only items greater than this key or common prefix, in UTF-8 byte order. */
  readonly after: string | undefined;
  /** At most this many items, keys and common prefixes together; 0 gives an empty page. */
  readonly limit: number;
}

export type ListItem =
  | { readonly key: string; readonly record: ObjectRecord }
  | { readonly commonPrefix: string };

export interface ListPage {
  readonly items: readonly ListItem[];
  /** Set when more items follow: the last key or common prefix of this page. */
  readonly next: string | undefined;
}

const largestChunk = 1001;

/** Lists one page. Every read of it is consistent; a page is not one snapshot, as in S3. */
export async function listCurrent(store: KeyValueStore, options: ListOptions): Promise<ListPage> {
  const { bucketId, prefix, delimiter, limit } = options;
  if (limit === 0) return { items: [], next: undefined };
  const grouping = new Grouping(options);
  const groups =
    delimiter === undefined || delimiter === ""
      ? {}
      : { groups: ranges.currentGroups(bucketId, prefix, delimiter) };
  const items: ListItem[] = [];
  let range = grouping.skipsTo(options.after, (from) => ranges.currentFrom(bucketId, prefix, from));
  for (;;) {
    // One more than the page holds tells whether more follow.
    const chunk = Math.min(limit - items.length + 1, largestChunk);
    const read = await store.read({ ranges: [{ ...range, ...groups, limit: chunk }] });
    const entries = read.ranges[0] ?? [];
    let last: string | undefined;
    for (const entry of entries) {
      last = objectKeyOf(entry.key);
      const group = grouping.of(last);
      if (group !== undefined && grouping.isBefore(group)) continue;
      if (items.length === limit) return { items, next: nameOf(items[limit - 1]) };
      if (group !== undefined) items.push({ commonPrefix: group });
      else items.push({ key: last, record: decodeObjectRecord(entry.value) });
    }
    if (last === undefined || entries.length < chunk) return { items, next: undefined };
    const group = grouping.of(last);
    const position = group === undefined ? { afterKey: last } : { afterPrefix: group };
    range = ranges.currentFrom(bucketId, prefix, position);
  }
}

/** Where a scan goes on. */
export type ScanPosition =
  | { readonly afterKey: string }
  /** Behind every key that begins with this. */
  | { readonly afterPrefix: string }
  | undefined;

/** The rules of common prefixes, shared by the three kinds of listings that group. */
export class Grouping {
  readonly #prefix: string;
  readonly #delimiter: string;
  readonly #after: string | undefined;

  constructor(options: {
    readonly prefix: string;
    readonly delimiter: string | undefined;
    readonly after: string | undefined;
  }) {
    this.#prefix = options.prefix;
    this.#delimiter = options.delimiter ?? "";
    this.#after = options.after;
  }

  get isOn(): boolean {
    return this.#delimiter !== "";
  }

  /** The common prefix that stands for this key; `undefined` when the key stands for itself. */
  of(key: string): string | undefined {
    if (this.#delimiter === "") return undefined;
    const position = key.indexOf(this.#delimiter, this.#prefix.length);
    return position < 0 ? undefined : key.slice(0, position + this.#delimiter.length);
  }

  /**
   * Whether a common prefix was already returned: items are ordered by their names, and a prefix that
   * the marker begins with is not greater than the marker, although keys below it may be.
   */
  isBefore(group: string): boolean {
    return this.#after !== undefined && this.#after.startsWith(group);
  }

  /** The first scan: behind the marker, or behind all of the common prefix that the marker is in. */
  skipsTo<Range>(after: string | undefined, range: (from: ScanPosition) => Range): Range {
    if (after === undefined) return range(undefined);
    const group = after.startsWith(this.#prefix) ? this.of(after) : undefined;
    return range(group === undefined ? { afterKey: after } : { afterPrefix: group });
  }
}

function nameOf(item: ListItem | undefined): string | undefined {
  if (item === undefined) return undefined;
  return "key" in item ? item.key : item.commonPrefix;
}
