// Walks over ranges of the store in pages: constant memory, no snapshot held between two pages.

import type { Entry, KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { KeyRange } from "../storage/key-value/tuple.ts";
import { keyAfter } from "../storage/key-value/tuple.ts";

/** Non-empty pages in key order. Each page is one snapshot; the walk as a whole is not. */
export async function* pagesOf(
  store: Pick<KeyValueStore, "read">,
  range: KeyRange,
  options: { readonly limit: number; readonly signal: AbortSignal },
): AsyncGenerator<readonly Entry[], undefined> {
  const { limit, signal } = options;
  let { start } = range;
  for (;;) {
    signal.throwIfAborted();
    const read = await store.read({ ranges: [{ start, end: range.end, limit }] });
    const entries = read.ranges[0] ?? [];
    const last = entries.at(-1);
    if (last === undefined) return undefined;
    yield entries;
    if (entries.length < limit) return undefined;
    start = keyAfter(last.key);
  }
}
