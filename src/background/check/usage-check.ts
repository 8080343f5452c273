// Compares the usage counters of each bucket with what its versions add up to.

import { bucketIdOf, keys, ranges } from "../../objects/records/keyspace.ts";
import type { BucketId } from "../../objects/identifiers.ts";
import { decodeCounter } from "../../storage/key-value/counter.ts";
import type { Entry } from "../../storage/key-value/key-value-store.ts";
import { pagesOf } from "../store-pages.ts";
import type { CheckContext } from "./check-context.ts";
import type { CountedUsage } from "./record-check.ts";
import { addUsage, readBucketNames } from "./record-check.ts";

const recounts = 3;

/** What the usage counters of all buckets say together: how much work a check has. */
export async function readUsage(context: CheckContext): Promise<CountedUsage> {
  const total = { objects: 0, bytes: 0 };
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
    if (isSame(stored, counted.get(id) ?? { objects: 0, bytes: 0 })) continue;
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
    const counted = { objects: 0, bytes: 0 };
    for (const range of [ranges.current(id), ranges.versions(id)]) {
      for await (const page of pagesOf(store, range, { limit: 500, signal })) {
        for (const row of page) addUsage(counted, row);
      }
    }
    const after = await readCounters(context, id);
    if (isSame(after, counted)) return;
    const text =
      `counters say ${after.objects} objects, ${after.bytes} bytes; ` +
      `versions are ${counted.objects} objects, ${counted.bytes} bytes`;
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
  const [objects, bytes] = (await context.store.read({ gets })).gets;
  return {
    objects: counterOf(objects),
    bytes: counterOf(bytes),
    revisions: `${objects?.revision ?? 0} ${bytes?.revision ?? 0}`,
    isStored: objects !== undefined || bytes !== undefined,
  };
}

function counterOf(entry: Entry | undefined): number {
  try {
    return decodeCounter(entry?.value);
  } catch {
    return Number.NaN;
  }
}

function isSame(left: CountedUsage, right: CountedUsage): boolean {
  return left.objects === right.objects && left.bytes === right.bytes;
}
