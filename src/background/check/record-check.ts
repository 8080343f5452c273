// Looks at every row beside the rows that it depends on. What seems wrong is judged once more in one
// fresh snapshot, so that writers at work beside the check cause no false finding.

import { bucketIdOf, bucketNameOf, ranges } from "../../objects/records/keyspace.ts";
import { decodeBucketRecord } from "../../objects/records/bucket-record.ts";
import {
  decodeObjectRecord,
  decodeVersionRecord,
  isDeleteMarker,
  storedBytesOf,
} from "../../objects/records/object-record.ts";
import { decodeGarbageRecord } from "../../objects/records/store-record.ts";
import { standardClass, storageClassOf, type ClassUsage } from "../../objects/class-usage.ts";
import type { BucketId } from "../../objects/identifiers.ts";
import type { Entry } from "../../storage/key-value/key-value-store.ts";
import { pagesOf } from "../store-pages.ts";
import { checkAnnotationCount, mayHaveAnnotations } from "./annotation-check.ts";
import type { CheckContext } from "./check-context.ts";
import { describePlace } from "./finding.ts";
import type { Row, RowRule } from "./record-rules.ts";
import {
  bucketedRules,
  bucketRule,
  currentRule,
  garbageRule,
  layoutRule,
  partRule,
  storeRule,
  uploadRule,
  versionRule,
  writerRule,
} from "./record-rules.ts";

/** What the versions of one bucket add up to. */
export interface CountedUsage {
  objects: number;
  bytes: number;
  /** Of every storage class but STANDARD. */
  readonly classes: Map<string, ClassUsage>;
}

export function noUsage(): CountedUsage {
  return { objects: 0, bytes: 0, classes: new Map() };
}

/** Each attempt fails only when somebody changed the row in the very moment between two reads. */
const confirmations = 5;
const suspectRows = 10_000;

/** Checks every record by its rule; answers the usage of each bucket as the versions have it. */
export async function checkRecords(
  context: CheckContext,
  expectedObjects: number,
): Promise<ReadonlyMap<BucketId, CountedUsage>> {
  const { progress } = context;
  const usage = new Map<BucketId, CountedUsage>();
  await readBucketNames(context);
  progress.begin("records", "rows", expectedObjects);
  for (const rule of [storeRule, writerRule, garbageRule, bucketRule]) {
    await checkRows(context, rule, () => undefined);
  }
  const strays: Stray[] = [];
  for (const rule of bucketedRules) {
    await checkRows(context, rule, (row) => {
      const bucketId = bucketIdOf(row.key);
      const isStray = !context.bucketNames.has(bucketId);
      if (isStray && strays.length < suspectRows) strays.push({ rule, row, bucketId });
      if (rule !== currentRule && rule !== versionRule) return undefined;
      countUsage(usage, bucketId, row);
      if (!mayHaveAnnotations(row)) return undefined;
      return checkAnnotationCount(context, row.key, rule.place(row, context.bucketNames));
    });
  }
  await checkRows(context, partRule, () => undefined);
  await checkRows(context, layoutRule, () => undefined);
  await checkStrays(context, strays);
  return usage;
}

export async function readBucketNames(context: CheckContext): Promise<void> {
  const { store, signal, bucketNames } = context;
  const pages = pagesOf(store, ranges.buckets("", undefined), { limit: 500, signal });
  for await (const page of pages) {
    for (const { key, value } of page) {
      try {
        bucketNames.set(decodeBucketRecord(value).id, bucketNameOf(key));
      } catch {
        // Reported by the rule of bucket records.
      }
    }
  }
}

function countUsage(usage: Map<BucketId, CountedUsage>, bucketId: BucketId, row: Row): void {
  const counted = usage.get(bucketId) ?? noUsage();
  addUsage(counted, row);
  usage.set(bucketId, counted);
}

/** A record that cannot be read counts as nothing: it has a finding of its own. */
export function addUsage(counted: CountedUsage, row: Row): void {
  try {
    const record = decodeVersionRecord(row.value);
    if (isDeleteMarker(record)) return;
    const { sizeBytes } = decodeObjectRecord(row.value);
    counted.objects += 1;
    counted.bytes += storedBytesOf(record);
    const storageClass = storageClassOf(record);
    if (storageClass === standardClass) return;
    const { objects, bytes } = counted.classes.get(storageClass) ?? { objects: 0, bytes: 0 };
    counted.classes.set(storageClass, { objects: objects + 1, bytes: bytes + sizeBytes });
  } catch {
    // See above.
  }
}

async function checkRows(
  context: CheckContext,
  rule: RowRule,
  visit: (row: Entry) => Promise<void> | undefined,
): Promise<void> {
  const { store, signal, progress, bucketNames } = context;
  for await (const page of pagesOf(store, rule.range(), { limit: rule.pageRows, signal })) {
    const wanted = page.map((row) => dependentsOf(rule, row, bucketNames));
    const gets = wanted.flat();
    const read = gets.length === 0 ? [] : (await store.read({ gets })).gets;
    let position = 0;
    for (const [at, row] of page.entries()) {
      const others = read.slice(position, position + (wanted[at]?.length ?? 0));
      position += others.length;
      if (problemsOf(rule, row, others).length > 0) await confirm(context, rule, row.key);
      const visited = visit(row);
      if (visited !== undefined) await visited;
    }
    progress.advance(page.length, 0);
  }
}

/** Judges a row and what it depends on in one snapshot, and reports what is still wrong. */
async function confirm(context: CheckContext, rule: RowRule, key: Uint8Array): Promise<void> {
  const { store, report, bucketNames } = context;
  let row: Entry | undefined;
  for (let attempt = 0; attempt < confirmations; attempt += 1) {
    row = (await store.read({ gets: [key] })).gets[0];
    if (row === undefined) return;
    const wanted = dependentsOf(rule, row, bucketNames);
    const [fresh, ...others] = (await store.read({ gets: [key, ...wanted] })).gets;
    if (fresh === undefined) return;
    if (fresh.revision !== row.revision) continue;
    for (const problem of problemsOf(rule, fresh, others)) {
      report.add({ problem: `${rule.kind}: ${problem}`, places: [rule.place(fresh, bucketNames)] });
    }
    return;
  }
  if (row === undefined) return;
  const place = describePlace(rule.place(row, bucketNames));
  report.addUnsure(`${rule.kind} kept changing: ${place}`);
}

function dependentsOf(
  rule: RowRule,
  row: Row,
  names: ReadonlyMap<BucketId, string>,
): readonly Uint8Array[] {
  try {
    return rule.dependents(row, names);
  } catch {
    // What cannot be read is said by `problemsOf`.
    return [];
  }
}

function problemsOf(
  rule: RowRule,
  row: Row,
  others: readonly (Row | undefined)[],
): readonly string[] {
  try {
    return rule.problems(row, others);
  } catch {
    return ["the record, or one that it depends on, cannot be read"];
  }
}

interface Stray {
  readonly rule: RowRule;
  readonly row: Entry;
  readonly bucketId: BucketId;
}

/**
 * Rows of buckets that did not exist in the beginning. The order of the look-ups excludes both a
 * bucket that was made since and an upload whose bucket waits for the sweeper: buckets, then garbage,
 * then the row once more.
 */
async function checkStrays(context: CheckContext, strays: readonly Stray[]): Promise<void> {
  if (strays.length === 0) return;
  const { store, signal, report, bucketNames } = context;
  await readBucketNames(context);
  const deleted = new Set<BucketId>();
  for await (const page of pagesOf(store, ranges.garbage(), { limit: 16, signal })) {
    for (const { value } of page) {
      const record = decodeGarbageRecord(value);
      if (record.kind === "bucket") deleted.add(record.bucketId);
    }
  }
  for (const { rule, row, bucketId } of strays) {
    if (bucketNames.has(bucketId)) continue;
    if (rule === uploadRule && deleted.has(bucketId)) continue;
    const { gets } = await store.read({ gets: [row.key] });
    if (gets[0] === undefined) continue;
    const place = rule.place(row, bucketNames);
    report.add({ problem: `${rule.kind}: its bucket does not exist`, places: [place] });
  }
}
