// Walks over ranges of the store in pages: constant memory, no snapshot held between two pages.

import { giveWay } from "./give-way.ts";
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
    const { entries, next } = await readPage(store, { start, end: range.end }, limit);
    if (entries.length > 0) yield entries;
    if (next === undefined) return undefined;
    start = next;
  }
}

/** Either what ends the walk, or where it goes on; neither: it is over. */
export interface WalkStep<Place, Result> {
  readonly result?: Result | undefined;
  readonly next?: Place | undefined;
}

export interface WalkOptions {
  readonly signal: AbortSignal;
  /** Waits for what a step has begun, where that takes long. */
  readonly settle?: (() => Promise<void>) | undefined;
}

/**
 * A long walk, step by step, with requests let in between two of them. Nothing of a step is held any more
 * while they are, nor while `settle` waits: that is when V8 collects young objects, and it makes room for
 * twice as many whenever enough of them were still in use. A walk over ten million objects that kept each
 * page over the pause behind it came from 23 to 140 MiB of heap so.
 */
export async function walkSteps<Place, Result>(
  first: Place,
  { signal, settle }: WalkOptions,
  step: (place: Place) => Promise<WalkStep<Place, Result>>,
): Promise<Result | undefined> {
  let place = first;
  for (;;) {
    signal.throwIfAborted();
    const began = performance.now();
    const { result, next } = await step(place);
    await settle?.();
    if (result !== undefined || next === undefined) return result;
    place = next;
    await giveWay(performance.now() - began);
  }
}

/** As `pagesOf`, for long walks: calls `look` with each page until it answers something. */
export function walkPages<Result>(
  store: Pick<KeyValueStore, "read">,
  range: KeyRange,
  options: WalkOptions & { readonly limit: number },
  look: (page: readonly Entry[]) => Result | undefined | Promise<Result | undefined>,
): Promise<Result | undefined> {
  const { limit } = options;
  return walkSteps(range.start, options, async (start) => {
    const { entries, next } = await readPage(store, { start, end: range.end }, limit);
    return entries.length === 0 ? {} : { result: await look(entries), next };
  });
}

/** `next`: where the page behind it begins; `undefined`: there is none. */
async function readPage(
  store: Pick<KeyValueStore, "read">,
  range: KeyRange,
  limit: number,
): Promise<{ readonly entries: readonly Entry[]; readonly next: Uint8Array | undefined }> {
  const read = await store.read({ ranges: [{ ...range, limit }] });
  const entries = read.ranges[0] ?? [];
  const last = entries.at(-1);
  const isLast = last === undefined || entries.length < limit;
  return { entries, next: isLast ? undefined : keyAfter(last.key) };
}
