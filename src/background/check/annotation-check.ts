// Compares what a version says of its annotations with their rows. Both are read in one snapshot, so that
// writers at work beside the check cause no false finding.

import { annotationsPerObject } from "../../model/limits.ts";
import { decodeAnnotationRecord } from "../../objects/records/annotation-record.ts";
import { bucketIdOf, objectKeyOf, ranges } from "../../objects/records/keyspace.ts";
import { decodeVersionRecord, isDeleteMarker } from "../../objects/records/object-record.ts";
import type { CheckContext } from "./check-context.ts";
import type { Place } from "./finding.ts";
import type { Row } from "./record-rules.ts";

const annotationsName = Buffer.from('"annotations":');

/** `false`: the version surely never had any. */
export function mayHaveAnnotations({ value }: Row): boolean {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).includes(annotationsName);
}

/** `versionKey`: of the row of a current or an older version. */
export async function checkAnnotationCount(
  { store, report }: CheckContext,
  versionKey: Uint8Array,
  place: Place,
): Promise<void> {
  const sequence = await sequenceOf(store, versionKey);
  if (sequence === undefined) return;
  const all = ranges.annotations(bucketIdOf(versionKey), objectKeyOf(versionKey), sequence);
  const read = await store.read({
    gets: [versionKey],
    ranges: [{ ...all, limit: annotationsPerObject + 1 }],
  });
  const row = read.gets[0];
  if (row === undefined) return;
  try {
    const record = decodeVersionRecord(row.value);
    // Another version by now: its own row is, or was, looked at.
    if (isDeleteMarker(record) || record.sequence !== sequence) return;
    const found = (read.ranges[0] ?? []).map(({ value }) => decodeAnnotationRecord(value));
    const bytes = found.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const said = record.annotations ?? { count: 0, bytes: 0 };
    if (said.count === found.length && said.bytes === bytes) return;
    const detail = `the version says ${said.count} of ${said.bytes} bytes; there are ${found.length} of ${bytes} bytes`;
    report.add({ problem: "annotations are counted wrongly", places: [place], detail });
  } catch {
    // A record that cannot be read has a finding of its own.
  }
}

async function sequenceOf(
  store: CheckContext["store"],
  versionKey: Uint8Array,
): Promise<number | undefined> {
  const row = (await store.read({ gets: [versionKey] })).gets[0];
  if (row === undefined) return undefined;
  try {
    return decodeVersionRecord(row.value).sequence;
  } catch {
    return undefined;
  }
}
