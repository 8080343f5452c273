// Walks over a bucket's versions, delete markers and uploads in the order of the store, and hands on
// what lifecycle rules find due. Constant memory; what cannot be due by its age is passed over without
// being parsed.

import {
  currentAction,
  findAbortion,
  markerAction,
  noncurrentAction,
  planWalk,
  type NoncurrentPlace,
  type WalkPlan,
} from "../../objects/lifecycle-rules.ts";
import { factsOf } from "../../objects/lifecycle.ts";
import {
  areOfOneObject,
  keys,
  objectKeyOf,
  ranges,
  uploadPlaceOf,
  versionPlaceOf,
} from "../../objects/records/keyspace.ts";
import {
  walkPhases,
  type WalkCursor,
  type WalkPhase,
} from "../../objects/records/lifecycle-state-record.ts";
import {
  decodeDeleteMarkerRecord,
  decodeObjectRecord,
  decodeVersionRecord,
} from "../../objects/records/object-record.ts";
import { mayHaveTags, peekLastModified } from "../../objects/records/peek.ts";
import type { Entry } from "../../storage/key-value/key-value-store.ts";
import type { KeyRange } from "../../storage/key-value/tuple.ts";
import { walkPages } from "../store-pages.ts";
import { endsForGood, LifecycleActions, type WalkContext } from "./lifecycle-actions.ts";

/** A page is read in one go while requests wait: some 2 ms. */
const pageRows = 512;

const rangeOf = {
  noncurrent: ranges.versionsFrom,
  current: ranges.currentFrom,
  marker: ranges.markersFrom,
  upload: ranges.uploadsFrom,
} as const satisfies Record<WalkPhase, typeof ranges.currentFrom>;

/** How much one walk may do before it stops and says where. */
export interface WalkBudget {
  readonly looked: number;
  readonly actions: number;
}

export class BucketWalk {
  readonly #context: WalkContext;
  readonly #actions: LifecycleActions;
  /** Versions of one key: the last row that was looked at, and how many came before it. */
  #previous: { readonly entry: Entry; readonly newerVersions: number } | undefined;

  constructor(context: WalkContext) {
    this.#context = context;
    this.#actions = new LifecycleActions(context);
  }

  /** From the cursor on; answers where to go on, or `undefined` at the end. Throws the signal's reason. */
  async run(from: WalkCursor | undefined, budget: WalkBudget): Promise<WalkCursor | undefined> {
    const { tally } = this.#context;
    const most = { looked: tally.looked + budget.looked, actions: tally.actions + budget.actions };
    const isSpent = (): boolean => tally.looked >= most.looked || tally.actions >= most.actions;
    const begin = from === undefined ? 0 : walkPhases.indexOf(from.phase);
    try {
      for (const phase of walkPhases.slice(begin)) {
        const cursor = phase === from?.phase ? from : undefined;
        const next = await this.#walkPhase(phase, cursor, isSpent);
        if (next !== undefined) return next;
      }
      return undefined;
    } finally {
      // A cursor means that everything before it is done.
      await this.#actions.finish();
    }
  }

  async #walkPhase(
    phase: WalkPhase,
    from: WalkCursor | undefined,
    isSpent: () => boolean,
  ): Promise<WalkCursor | undefined> {
    const { lifecycle, moment, bucket } = this.#context;
    if (phase !== "current" && phase !== "upload" && bucket.versioning === "Unversioned") {
      return undefined;
    }
    const plan = planWalk(lifecycle, phase, moment);
    if (plan === undefined) return undefined;
    for (const prefix of plan.prefixes) {
      // The rules are the same as when the cursor was made: so are the prefixes.
      if (from !== undefined && comparePrefixes(prefix, from.prefix) < 0) continue;
      const afterKey = prefix === from?.prefix ? from.afterKey : undefined;
      const last = await this.#walkPrefix({ phase, prefix, afterKey, plan }, isSpent);
      if (last !== undefined) return { phase, prefix, afterKey: last };
    }
    return undefined;
  }

  /** Answers the last key that is done with when the budget is spent. */
  async #walkPrefix(
    part: {
      readonly phase: WalkPhase;
      readonly prefix: string;
      readonly afterKey: string | undefined;
      readonly plan: WalkPlan;
    },
    isSpent: () => boolean,
  ): Promise<string | undefined> {
    const { keyValueStore } = this.#context.store;
    const { signal, tally } = this.#context;
    this.#previous = undefined;
    const range = this.#rangeOf(part.phase, part.prefix, part.afterKey);
    return walkPages(keyValueStore, range, { limit: pageRows, signal }, async (page) => {
      tally.looked += page.length;
      const last = await this.#look(part.phase, page, part.plan);
      return isSpent() ? last : undefined;
    });
  }

  #rangeOf(phase: WalkPhase, prefix: string, afterKey: string | undefined): KeyRange {
    const from = afterKey === undefined ? undefined : { afterKey };
    return rangeOf[phase](this.#context.bucket.id, prefix, from);
  }

  /** Answers a key up to which everything was looked at, if the page has one. */
  async #look(
    phase: WalkPhase,
    page: readonly Entry[],
    plan: WalkPlan,
  ): Promise<string | undefined> {
    if (phase === "noncurrent") {
      await this.#lookAtNoncurrent(page, plan);
      return finishedVersions(page);
    }
    if (phase === "upload") {
      await this.#lookAtUploads(page, plan);
      return finishedUploads(page);
    }
    if (phase === "current") await this.#lookAtCurrent(page, plan);
    else await this.#lookAtMarkers(page, plan);
    const last = page.at(-1);
    return last && objectKeyOf(last.key);
  }

  async #lookAtCurrent(page: readonly Entry[], plan: WalkPlan): Promise<void> {
    const { lifecycle, moment, bucket } = this.#context;
    for (const entry of page) {
      if (!mayBeDue(entry, plan)) continue;
      const record = decodeObjectRecord(entry.value);
      const key = objectKeyOf(entry.key);
      const options = { isDeleted: endsForGood(bucket, record) };
      const action = currentAction(lifecycle, factsOf(key, record), moment, options);
      if (action !== undefined) await this.#actions.onCurrent(key, record, action);
    }
  }

  /** A version's days begin when its successor came: the row before it, or the key's head. */
  async #lookAtNoncurrent(page: readonly Entry[], plan: WalkPlan): Promise<void> {
    const newest: Entry[] = [];
    for (const entry of page) {
      const previous = this.#previous;
      const isFirst = previous === undefined || !areOfOneObject(previous.entry.key, entry.key);
      const newerVersions = isFirst ? 0 : previous.newerVersions + 1;
      this.#previous = { entry, newerVersions };
      // No version is younger than its successor.
      if (newerVersions < plan.fewestNewerVersions || !mayBeDue(entry, plan)) continue;
      if (isFirst) newest.push(entry);
      else if (!isTooYoung(previous.entry, plan)) {
        const sinceMilliseconds = lastModifiedOf(previous.entry);
        await this.#judgeNoncurrent(entry, { sinceMilliseconds, newerVersions });
      }
    }
    for (const [entry, head] of await this.#headsOf(newest)) {
      if (isTooYoung(head, plan)) continue;
      const sinceMilliseconds = lastModifiedOf(head);
      await this.#judgeNoncurrent(entry, { sinceMilliseconds, newerVersions: 0 });
    }
  }

  async #judgeNoncurrent(entry: Entry, place: NoncurrentPlace): Promise<void> {
    const { lifecycle, moment } = this.#context;
    const { key } = versionPlaceOf(entry.key);
    const record = decodeVersionRecord(entry.value);
    const action = noncurrentAction(lifecycle, factsOf(key, record), place, moment);
    if (action !== undefined) await this.#actions.onNoncurrent(key, record, place, action);
  }

  /** What hides each of these versions: the current one, or a delete marker. */
  async #headsOf(entries: readonly Entry[]): Promise<readonly (readonly [Entry, Entry])[]> {
    if (entries.length === 0) return [];
    const { bucket, store } = this.#context;
    const names = entries.map((entry) => versionPlaceOf(entry.key).key);
    const { gets: current } = await store.keyValueStore.read({
      gets: names.map((name) => keys.current(bucket.id, name)),
    });
    const hidden = names.filter((_, index) => current[index] === undefined);
    const { gets: found } = await store.keyValueStore.read({
      gets: hidden.map((name) => keys.marker(bucket.id, name)),
    });
    const markers = new Map(hidden.map((name, index) => [name, found[index]]));
    return entries.flatMap((entry, index) => {
      const head = current[index] ?? markers.get(names[index] as string);
      // Without one the version has become current since the page was read.
      return head === undefined ? [] : [[entry, head] as const];
    });
  }

  async #lookAtMarkers(page: readonly Entry[], plan: WalkPlan): Promise<void> {
    const { lifecycle, moment, bucket, store } = this.#context;
    const due = page.flatMap((entry) => {
      if (isTooYoung(entry, plan)) return [];
      const record = decodeDeleteMarkerRecord(entry.value);
      const key = objectKeyOf(entry.key);
      const action = markerAction(lifecycle, factsOf(key, record), moment);
      return action === undefined ? [] : [{ key, record, action }];
    });
    if (due.length === 0) return;
    const read = await store.keyValueStore.read({
      ranges: due.map(({ key }) => ({ ...ranges.versionsOfKey(bucket.id, key), limit: 1 })),
    });
    for (const [index, { key, record, action }] of due.entries()) {
      const isAlone = read.ranges[index]?.length === 0;
      if (isAlone) await this.#actions.onMarker(key, record, action);
    }
  }

  async #lookAtUploads(page: readonly Entry[], plan: WalkPlan): Promise<void> {
    const { lifecycle, moment } = this.#context;
    for (const entry of page) {
      const { key, sequence, uploadId } = uploadPlaceOf(entry.key);
      const initiatedMilliseconds = Math.floor(sequence / 1_000_000) * 1000;
      if (initiatedMilliseconds > plan.latestMilliseconds) continue;
      const end = findAbortion(lifecycle, { key, initiatedMilliseconds }, moment.days);
      if (end === undefined || end.atMilliseconds > moment.nowMilliseconds) continue;
      await this.#actions.onUpload(key, uploadId, end.ruleId);
    }
  }
}

/** Before it is parsed. */
function mayBeDue(entry: Entry, plan: WalkPlan): boolean {
  return !isTooYoung(entry, plan) && (!plan.needsTags || mayHaveTags(entry.value));
}

function isTooYoung({ value }: Entry, { latestMilliseconds }: WalkPlan): boolean {
  const lastModified = peekLastModified(value);
  return lastModified !== undefined && lastModified > latestMilliseconds;
}

function lastModifiedOf({ value }: Entry): number {
  return peekLastModified(value) ?? decodeVersionRecord(value).lastModifiedMilliseconds;
}

/** The last key of a page before the one whose versions may go on behind it. */
function finishedVersions(page: readonly Entry[]): string | undefined {
  const last = page.at(-1);
  const before = last && page.findLast((entry) => !areOfOneObject(entry.key, last.key));
  return before && versionPlaceOf(before.key).key;
}

/** In the same way: more uploads of the last key may follow. */
function finishedUploads(page: readonly Entry[]): string | undefined {
  const last = page.at(-1);
  if (last === undefined) return undefined;
  const { key } = uploadPlaceOf(last.key);
  for (const entry of page.toReversed()) {
    const other = uploadPlaceOf(entry.key).key;
    if (other !== key) return other;
  }
  return undefined;
}

function comparePrefixes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
