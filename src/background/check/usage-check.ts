// Compares the usage counters of each bucket with what its versions add up to.

import { bucketIdOf, keys, ranges } from "../../objects/records/keyspace.ts";
import type { BucketId } from "../../objects/identifiers.ts";
import { decodeCounter } from "../../storage/key-value/counter.ts";
import type { Entry } from "../../storage/key-value/key-value-store.ts";
import { pagesOf } from "../store-pages.ts";
import type { CheckContext } from "./check-context.ts";
import type { CountedUsage } from "./record-check.ts";
import { readClasses, usagesOfClasses } from "../../objects/class-usage.ts";
import { addUsage, noUsage, readBucketNames } from "./record-check.ts";

const recounts = 3;

/** What the usage counters of all buckets say together: how much work a check has. */
export async function readUsage(context: CheckContext): Promise<CountedUsage> {
  const total = noUsage();
  for (const id of context.bucketNames.keys()) {
    const { objects, bytes } = await readCounters(context, id);
    total.objects += objects;
    total.bytes += bytes;
  }
  return total;
}

export async function checkUsage(
  context: CheckContext,
  counted: ReadonlyMap<BucketId, CountedUsage>,
): Promise<void> {
  const { store, signal, progress, report, bucketNames } = context;
  progress.begin("usage", "buckets", bucketNames.size);
  for (const [id, name] of bucketNames) {
    const stored = await readCounters(context, id);
    progress.advance(1, 0);
    if (isSame(stored, counted.get(id) ?? noUsage())) continue;
    await recount(context, id, name);
  }
  const strays = new Set<BucketId>();
  for await (const page of pagesOf(store, ranges.usage(), { limit: 1000, signal })) {
    for (const { key } of page) {
      const id = bucketIdOf(key);
      if (!bucketNames.has(id)) strays.add(id);
    }
  }
  if (strays.size === 0) return;
  await readBucketNames(context);
  for (const id of strays) {
    const { isStored } = await readCounters(context, id);
    if (bucketNames.has(id) || !isStored) continue;
    report.add({
      problem: "usage counters of a bucket that does not exist",
      places: [{ row: id }],
    });
  }
}

/** Counts one bucket by itself. Only what is off by the same amount every time is a finding. */
async function recount(context: CheckContext, id: BucketId, name: string): Promise<void> {
  const { store, signal, report } = context;
  let first: { readonly text: string; readonly revisions: string } | undefined;
  for (let attempt = 0; attempt < recounts; attempt += 1) {
    const before = await readCounters(context, id);
    const counted = noUsage();
    for (const range of [ranges.current(id), ranges.versions(id)]) {
      for await (const page of pagesOf(store, range, { limit: 500, signal })) {
        for (const row of page) addUsage(counted, row);
      }
    }
    const after = await readCounters(context, id);
    if (isSame(after, counted)) return;
    const text = `counters say ${describe(after)}; versions are ${describe(counted)}`;
    first ??= { text, revisions: before.revisions };
    if (text !== first.text || after.revisions !== first.revisions) {
      report.addUnsure(`usage of bucket ${name} kept changing`);
      return;
    }
  }
  const detail = first?.text ?? "";
  report.add({ problem: "usage counters are wrong", places: [{ bucket: name }], detail });
}

async function readCounters(
  context: CheckContext,
  id: BucketId,
): Promise<CountedUsage & { readonly revisions: string; readonly isStored: boolean }> {
  const gets = [keys.usageObjects(id), keys.usageBytes(id)];
  const ofClasses = { ...ranges.usageOfClasses(id), limit: usagesOfClasses };
  const read = await context.store.read({ gets, ranges: [ofClasses] });
  const [objects, bytes] = read.gets;
  const classes = read.ranges[0] ?? [];
  const revisions = [objects, bytes, ...classes].map((entry) => entry?.revision ?? 0);
  return {
    objects: counterOf(objects),
    bytes: counterOf(bytes),
    classes: classesOf(classes),
    revisions: revisions.join(" "),
    isStored: objects !== undefined || bytes !== undefined || classes.length > 0,
  };
}

function counterOf(entry: Entry | undefined): number {
  try {
    return decodeCounter(entry?.value);
  } catch {
    return Number.NaN;
  }
}

function classesOf(entries: readonly Entry[]): CountedUsage["classes"] {
  try {
    return new Map(readClasses(entries));
  } catch {
    return new Map([["unreadable", { objects: Number.NaN, bytes: Number.NaN }]]);
  }
}

function isSame(left: CountedUsage, right: CountedUsage): boolean {
  return describe(left) === describe(right);
}

function describe({ objects, bytes, classes }: CountedUsage): string {
  const ofClasses = [...classes]
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, usage]) => `, in ${name} ${usage.objects} objects, ${usage.bytes} bytes`);
  return `${objects} objects, ${bytes} bytes${ofClasses.join("")}`;
}
