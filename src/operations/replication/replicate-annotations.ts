// Brings annotations of a version to its replica on this server, one by one, for the worker `replication`:
// "each annotation is replicated independently" (User Guide, "What does Amazon S3 replicate?"). What is
// there already is left, so that it may be done twice.

import { createHash } from "node:crypto";
import { annotationsToBring, type ChangedAnnotations } from "../../objects/annotation-changes.ts";
import type { NamedAnnotation } from "../../objects/annotations.ts";
import type { AnnotationRecord } from "../../objects/records/annotation-record.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import { isDeleteMarker, type ObjectRecord } from "../../objects/records/object-record.ts";
import { openObjectSeal } from "../encryption/object-seals.ts";
import { readAnnotation } from "../object/annotation-copies.ts";
import { writeAnnotation } from "../object/write-annotation.ts";
import type { OperationContext } from "../operation.ts";

export interface AnnotationReplication {
  readonly source: {
    readonly bucket: BucketRecord;
    readonly key: string;
    readonly record: ObjectRecord;
  };
  readonly targetBucketName: string;
  /** Of the replica. */
  readonly versionId: string;
  readonly changed: ChangedAnnotations;
}

/** Throws S3Error; BlobMissingError: look again at the source. */
export async function replicateAnnotations(
  { source, targetBucketName, versionId, changed }: AnnotationReplication,
  context: OperationContext,
): Promise<void> {
  const { store } = context;
  const { bucket, key } = source;
  const record = await store.versions.findAny(bucket, key, source.record.versionId);
  if (record === undefined || isDeleteMarker(record)) return;
  const target = await store.versions.find(targetBucketName, key, versionId);
  const all = await store.annotations.listAll({ bucket: bucket.id, key, record });
  const { written, removed } = annotationsToBring(changed, all);
  const version = { bucket: target.bucket.id, key, record: target.record };
  const known = byName(await store.annotations.listAll(version));
  const place = { bucketName: targetBucketName, key };
  for (const { name, record: annotation } of written) {
    const there = known.get(name);
    if (there !== undefined && isSame(there, annotation)) continue;
    context.signal.throwIfAborted();
    const { encryption } = record;
    const seal = await openObjectSeal({ bucket, key, encryption }, {}, context);
    const text = await readAnnotation(annotation, seal, context);
    const { checksum, lastModifiedMilliseconds } = annotation;
    const md5Hex = createHash("md5").update(text).digest("hex");
    const cause = { ...context.cause("ObjectAnnotation:Put"), isReplication: true } as const;
    const writing = { place, versionId, name, cause, text, md5Hex, checksum };
    await writeAnnotation({ ...writing, lastModifiedMilliseconds, judge: () => {} }, context);
  }
  for (const name of removed) {
    if (!known.has(name)) continue;
    const why = { ...context.cause("ObjectAnnotation:Delete"), annotation: name };
    const cause = { ...why, isReplication: true } as const;
    await store.writes.changeVersion(place, versionId, cause, (replica, inBucket, transaction) =>
      store.annotations.remove(transaction, inBucket, { key, record: replica }, name),
    );
  }
}

function byName(annotations: readonly NamedAnnotation[]): Map<string, AnnotationRecord> {
  return new Map(annotations.map(({ name, record }) => [name, record]));
}

function isSame(a: AnnotationRecord, b: AnnotationRecord): boolean {
  return (
    a.sizeBytes === b.sizeBytes &&
    a.checksum.algorithm === b.checksum.algorithm &&
    a.checksum.value === b.checksum.value
  );
}
