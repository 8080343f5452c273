// Annotations: named texts beside the bytes of a version. Each is a row of its own, whose bytes lie where
// those of an object of STANDARD would, whatever the version's class, and are sealed as the version is.
//
// Every change of one rewrites the version's record, which counts them: a transaction that has read the
// record has checked all of them, and a version without any costs nothing to remove or to copy. They go in
// the commit that removes their version.

import { isDeepStrictEqual } from "node:util";
import { S3Error } from "../model/errors.ts";
import { annotationsPerObject } from "../model/limits.ts";
import { encodeRecord } from "../storage/record-codec.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import { BlobMissingError } from "../storage/storage-errors.ts";
import type { Contents, SealChange } from "./contents.ts";
import type { BucketId, Sequence } from "./identifiers.ts";
import type { Quotas } from "./quotas.ts";
import type { ReceivedContent } from "./received-content.ts";
import { decodeAnnotationRecord, type AnnotationRecord } from "./records/annotation-record.ts";
import type { BucketRecord } from "./records/bucket-record.ts";
import { annotationPlaceOf, keys, ranges } from "./records/keyspace.ts";
import type { AnnotationUsage, ObjectRecord, StoredChecksum } from "./records/object-record.ts";
import type { SourceVersion } from "./versions.ts";

/** The version that annotations are of. */
export interface AnnotatedVersion {
  readonly bucket: BucketId;
  readonly key: string;
  readonly record: Pick<ObjectRecord, "sequence" | "annotations">;
}

export interface NamedAnnotation {
  readonly name: string;
  readonly record: AnnotationRecord;
}

export interface NewAnnotation {
  readonly name: string;
  readonly received: ReceivedContent;
  readonly facts: Omit<AnnotationRecord, "v" | "sizeBytes" | "extents">;
}

export interface AnnotationPage {
  readonly prefix?: string | undefined;
  /** The last name of the page before. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** What was made of an annotation before the commit that copies it. */
export interface PreparedAnnotation {
  /** As it was then: the commit must find the same. */
  readonly source: AnnotationRecord;
  readonly etag: string;
  readonly checksum: StoredChecksum;
  /** Its bytes, sealed for the copy; `undefined`: the copy shares those of the source. */
  readonly received: ReceivedContent | undefined;
}

/** The annotations that a copy takes along. */
export interface CopiedAnnotations {
  readonly source: SourceVersion;
  /** By name; `undefined`: the copies differ in nothing from what they are copies of. */
  readonly prepared: ReadonlyMap<string, PreparedAnnotation> | undefined;
}

/** Annotations that a transaction has named the bytes of, for a version that is yet to be written. */
export interface SharedAnnotations {
  readonly usage: AnnotationUsage;
  readonly annotations: readonly NamedAnnotation[];
}

const noUsage: AnnotationUsage = { count: 0, bytes: 0, changes: 0 };

export function hasAnnotations({ annotations }: Pick<ObjectRecord, "annotations">): boolean {
  return annotations !== undefined && annotations.count > 0;
}

export class Annotations {
  readonly #store: KeyValueStore;
  readonly #contents: Contents;
  readonly #quotas: Quotas;

  constructor(options: {
    readonly store: KeyValueStore;
    readonly contents: Contents;
    readonly quotas: Quotas;
  }) {
    this.#store = options.store;
    this.#contents = options.contents;
    this.#quotas = options.quotas;
  }

  async find(version: AnnotatedVersion, name: string): Promise<AnnotationRecord | undefined> {
    if (!hasAnnotations(version.record)) return undefined;
    const { gets } = await this.#store.read({ gets: [keyOf(version, name)] });
    return gets[0] === undefined ? undefined : decodeAnnotationRecord(gets[0].value);
  }

  /** In the order of the names' bytes. */
  async list(version: AnnotatedVersion, page: AnnotationPage): Promise<readonly NamedAnnotation[]> {
    if (!hasAnnotations(version.record)) return [];
    const { prefix = "", after, limit } = page;
    const { bucket, key, record } = version;
    const range = ranges.annotations(bucket, key, record.sequence, { prefix, after });
    const read = await this.#store.read({ ranges: [{ ...range, limit }] });
    return (read.ranges[0] ?? []).map(decodeRow);
  }

  /** All of a version: never more than 1,000. */
  listAll(version: AnnotatedVersion): Promise<readonly NamedAnnotation[]> {
    return this.list(version, { limit: annotationsPerObject });
  }

  /**
   * Names received bytes as an annotation, in place of one of the same name. Answers the version's record
   * for the transaction to store. Throws S3Error AnnotationLimitExceeded, QuotaExceeded.
   */
  async put(
    transaction: Transaction,
    bucket: BucketRecord,
    { key, record }: { readonly key: string; readonly record: ObjectRecord },
    { name, received, facts }: NewAnnotation,
  ): Promise<ObjectRecord> {
    const place = keys.annotation(bucket.id, key, record.sequence, name);
    const value = await transaction.get(place);
    const before = value === undefined ? undefined : decodeAnnotationRecord(value);
    const { count, bytes, changes } = record.annotations ?? noUsage;
    if (before === undefined && count >= annotationsPerObject) {
      throw new S3Error("AnnotationLimitExceeded");
    }
    const { sizeBytes } = received;
    const growth = sizeBytes - (before?.sizeBytes ?? 0);
    await this.#quotas.check(bucket, { objects: 0, bytes: growth });
    const extents = await this.#contents.attach(transaction, received);
    if (before !== undefined) this.#contents.releaseExtents(transaction, before.extents);
    const stored: AnnotationRecord = { v: 1, ...facts, sizeBytes, extents };
    transaction.set(place, encodeRecord(stored));
    if (growth !== 0) transaction.add(keys.usageBytes(bucket.id), growth);
    const usage: AnnotationUsage = {
      count: count + (before === undefined ? 1 : 0),
      bytes: bytes + growth,
      changes: changes + 1,
    };
    return { ...record, annotations: usage };
  }

  /** Answers the version's record for the transaction to store; the same: there is none of this name. */
  async remove(
    transaction: Transaction,
    bucket: BucketRecord,
    { key, record }: { readonly key: string; readonly record: ObjectRecord },
    name: string,
  ): Promise<ObjectRecord> {
    const { annotations } = record;
    if (annotations === undefined || annotations.count === 0) return record;
    const place = keys.annotation(bucket.id, key, record.sequence, name);
    const value = await transaction.get(place);
    if (value === undefined) return record;
    const { sizeBytes, extents } = decodeAnnotationRecord(value);
    this.#contents.releaseExtents(transaction, extents);
    transaction.delete(place);
    transaction.add(keys.usageBytes(bucket.id), -sizeBytes);
    const usage: AnnotationUsage = {
      count: annotations.count - 1,
      bytes: annotations.bytes - sizeBytes,
      changes: annotations.changes + 1,
    };
    return { ...record, annotations: usage };
  }

  /** Lets all annotations go with their version, whose record the transaction has read. */
  async removeAll(transaction: Transaction, version: AnnotatedVersion): Promise<void> {
    if (!hasAnnotations(version.record)) return;
    const all = await this.#load(transaction, version);
    for (const { name } of all) transaction.delete(keyOf(version, name));
    this.#contents.releaseExtents(
      transaction,
      all.flatMap(({ record }) => record.extents),
    );
  }

  /** Wraps the keys of all annotations anew, as those of their version are. Throws KeySealError. */
  async rewrap(
    transaction: Transaction,
    version: AnnotatedVersion,
    change: SealChange,
  ): Promise<void> {
    if (!hasAnnotations(version.record)) return;
    for (const { name, record } of await this.#load(transaction, version)) {
      const content = { extents: record.extents };
      const rewrapped = await this.#contents.rewrap(transaction, content, change);
      if (!("extents" in rewrapped)) continue;
      const stored: AnnotationRecord = { ...record, extents: rewrapped.extents };
      transaction.set(keyOf(version, name), encodeRecord(stored));
    }
  }

  /**
   * Names the bytes of a version's annotations for a copy of it. The transaction must have read the
   * version's record. Throws BlobMissingError when they are not those that were prepared.
   */
  async share(
    transaction: Transaction,
    version: AnnotatedVersion,
    { prepared }: CopiedAnnotations,
  ): Promise<SharedAnnotations> {
    if (!hasAnnotations(version.record)) return { usage: noUsage, annotations: [] };
    const all = await this.#load(transaction, version);
    if (prepared !== undefined && prepared.size !== all.length) throw changedMeanwhile();
    const annotations: NamedAnnotation[] = [];
    for (const { name, record } of all) {
      const made = prepared?.get(name);
      if (prepared !== undefined && !isDeepStrictEqual(made?.source, record)) {
        throw changedMeanwhile();
      }
      const extents =
        made?.received === undefined
          ? await this.#contents.share(transaction, record.extents)
          : await this.#contents.attach(transaction, made.received);
      const { etag, checksum } = made ?? record;
      annotations.push({ name, record: { ...record, etag, checksum, extents } });
    }
    return { usage: version.record.annotations ?? noUsage, annotations };
  }

  /** Writes what was shared under the version that the copy has become. */
  write(
    transaction: Transaction,
    place: { readonly bucket: BucketId; readonly key: string; readonly sequence: Sequence },
    { annotations }: SharedAnnotations,
  ): void {
    const { bucket, key, sequence } = place;
    for (const { name, record } of annotations) {
      transaction.set(keys.annotation(bucket, key, sequence, name), encodeRecord(record));
    }
  }

  /** A range checks nothing, but the version's record does: it changes with each of them. */
  async #load(
    transaction: Transaction,
    { bucket, key, record }: AnnotatedVersion,
  ): Promise<readonly NamedAnnotation[]> {
    const range = ranges.annotations(bucket, key, record.sequence);
    return (await transaction.range({ ...range, limit: annotationsPerObject })).map(decodeRow);
  }
}

function keyOf({ bucket, key, record }: AnnotatedVersion, name: string): Uint8Array {
  return keys.annotation(bucket, key, record.sequence, name);
}

function decodeRow(row: { readonly key: Uint8Array; readonly value: Uint8Array }): NamedAnnotation {
  return { name: annotationPlaceOf(row.key).name, record: decodeAnnotationRecord(row.value) };
}

function changedMeanwhile(): BlobMissingError {
  return new BlobMissingError("annotations were changed");
}
